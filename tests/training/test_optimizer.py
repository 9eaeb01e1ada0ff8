"""One optimizer: clipping, decay, accumulation, schedules, overrides by phase."""

import jax
import numpy as np
import optax
import optax.contrib
import pytest
from ml_collections import ConfigDict

from jaxcrypt.errors import Refusal
from jaxcrypt.training.defaults import complete, optimizer_defaults
from jaxcrypt.training.optimizer import optimizer, optimizers, schedule
from tests.training import toys

PARAMS = {"kernel": np.full((2, 2), 2.0, np.float32), "bias": np.full((2,), 2.0, np.float32)}


def settings(**fields):
    return ConfigDict({**optimizer_defaults(), **fields})


def update(config, grads, steps=100):
    return first(optimizer(config, steps), grads, PARAMS)


def first(rule, grads, params):
    """The first update of ``params`` by ``rule``, as one program."""
    return jax.jit(lambda grads, params: rule.update(grads, rule.init(params), params)[0])(grads, params)


def like(tree, value):
    return jax.tree.map(lambda leaf: np.full_like(leaf, value), tree)


def test_adam_is_optax_adam():
    grads = like(PARAMS, 1.0)
    expected = first(optax.adam(1e-2), grads, PARAMS)
    jax.tree.map(np.testing.assert_allclose, update(settings(lr=1e-2), grads), expected)


def test_gradients_are_clipped_by_their_global_norm():
    grads = like(PARAMS, 3.0)
    got = update(settings(name="sgd", b1=0.0, lr=1.0, clip_norm=0.5), grads)
    assert float(optax.tree.norm(got)) == pytest.approx(0.5, rel=1e-5)
    assert float(optax.tree.norm(update(settings(name="sgd", b1=0.0, lr=1.0), grads))) > 7


@pytest.mark.parametrize(("mask", "bias"), [("kernels", 0.0), ("all", -0.02)])
def test_weight_decay_leaves_biases_alone_unless_told(mask, bias):
    got = update(
        settings(name="adamw", lr=0.1, weight_decay=0.1, decay_mask=mask),
        like(PARAMS, 0.0),
    )
    np.testing.assert_allclose(got["kernel"], -0.02, rtol=1e-6)
    np.testing.assert_allclose(got["bias"], bias, rtol=1e-6)


def test_accumulated_gradients_are_averaged_into_one_update():
    rule = optimizer(settings(name="sgd", b1=0.0, lr=1.0, accumulate=2), 100)
    now, advance = jax.jit(rule.init)(PARAMS), jax.jit(rule.update)
    nothing, now = advance(like(PARAMS, 1.0), now, PARAMS)
    second, now = advance(like(PARAMS, 3.0), now, PARAMS)
    np.testing.assert_array_equal(nothing["kernel"], 0.0)
    np.testing.assert_allclose(second["kernel"], -2.0)


def test_schedules_warm_up_and_end_where_they_should():
    rate = schedule(settings(lr=1.0, schedule="cosine", warmup_steps=10, end_factor=0.1), 110)
    assert [float(rate(n)) for n in (0, 5, 10, 60, 110)] == pytest.approx([0, 0.5, 1, 0.55, 0.1])
    rate = schedule(settings(lr=1.0, schedule="linear"), 100)
    assert [float(rate(n)) for n in (0, 50, 100, 200)] == pytest.approx([1, 0.5, 0, 0])
    assert float(schedule(settings(lr=0.3), 5)(1000)) == pytest.approx(0.3)


LAYERS = {
    "conv": {"kernel": (3, 3, 6, 16), "bias": (16,)},
    "dense": {"kernel": (24, 10), "bias": (10,)},
    "codec": {"linear": (12, 8)},
}


def layers(seed):
    rng = np.random.default_rng(seed)
    return jax.tree.map(
        lambda shape: rng.standard_normal(shape, np.float32), LAYERS, is_leaf=lambda x: isinstance(x, tuple)
    )


@pytest.fixture(scope="module")
def muon_update():
    rule = optimizer(settings(name="muon", lr=0.02, b1=0.95), 100)
    return first(rule, layers(1), layers(0))


@pytest.mark.parametrize("name", ["conv", "dense"])
def test_muon_moves_a_kernel_by_an_orthogonal_matrix_downhill(muon_update, name):
    got = np.asarray(muon_update[name]["kernel"])
    matrix = got.reshape(-1, got.shape[-1]) / 0.02
    assert matrix.shape[0] > matrix.shape[1]
    singular = np.linalg.svd(matrix, compute_uv=False)
    assert singular.min() > 0.6  # five iterations leave them between about 0.7 and 1.2, not at 1
    assert singular.max() < 1.3
    assert np.sum(got * layers(1)[name]["kernel"]) < 0


def test_muon_leaves_what_is_no_kernel_to_adam(muon_update):
    rule = optax.nadam(0.02, 0.95, 0.999)
    others = {"conv": "bias", "dense": "bias", "codec": "linear"}
    grads = {name: layers(1)[name][leaf] for name, leaf in others.items()}
    expected = first(rule, grads, grads)
    for name, leaf in others.items():
        np.testing.assert_allclose(muon_update[name][leaf], expected[name], rtol=1e-5)


def test_muon_is_optax_muon_with_its_own_schedule_and_decay():
    params, grads = layers(0)["dense"], layers(1)["dense"]
    rule = optimizer(settings(name="muon", lr=0.02, weight_decay=0.1), 100)
    got = first(rule, grads, params)
    theirs = optax.contrib.muon(0.02, beta=0.9, weight_decay=0.1)  # of rank 2 it takes any parameter
    expected = first(theirs, grads, params)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5), got, expected)


def test_phases_override_what_they_name():
    config = toys.config()
    config.phases = ConfigDict({"disc": {"optimizer": {"lr": 0.5, "name": "sgd", "b1": 0.0}}})
    rules = optimizers(complete(config), toys.gan(config).stages[0])
    grads = like(PARAMS, 1.0)
    disc, gen = (first(rules[name], grads, PARAMS) for name in ("disc", "gen"))
    np.testing.assert_allclose(disc["bias"], -0.5)
    np.testing.assert_allclose(gen["bias"], -1e-3, rtol=1e-4)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"name": "moun"}, r"did you mean muon\?"),
        ({"name": "adma"}, r"did you mean adam\?"),
        ({"schedule": "cosinus"}, r"did you mean cosine\?"),
        ({"decay_mask": "al", "name": "adamw", "weight_decay": 1.0}, r"did you mean all\?"),
        ({"weight_decay": 0.1}, "adamw"),
        ({"warmup_steps": 200}, "warmup_steps=200"),
        ({"accumulate": 0}, "accumulate=0"),
    ],
)
def test_nonsense_is_refused(fields, reason):
    with pytest.raises(Refusal, match=reason):
        optimizer(settings(**fields), 100)


@pytest.mark.parametrize(
    ("section", "name"), [("train", "stpes"), ("optimizer", "lr_rate"), ("mesh", "fdsp")]
)
def test_a_config_with_an_unknown_name_is_refused(section, name):
    config = toys.config().to_dict()
    config[section][name] = 1
    with pytest.raises(Refusal, match=rf"config\.{section}\.{name}: unknown"):
        complete(config)


def test_a_stored_config_gets_what_was_added_since():
    config = toys.config().to_dict()
    del config["train"]["remat"], config["optimizer"]
    assert complete(config).train.remat is False
    assert complete(config).optimizer.name == "adam"
    assert complete(config).train.steps == 12
