"""What the diffusion cipher's net is trained on, and that training moves all of it."""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from ml_collections import ConfigDict

from configs.diffusion import get_config
from jaxcrypt.errors import Refusal
from jaxcrypt.evaluation.validation import picture_errors
from jaxcrypt.functional.levels import to_floats
from jaxcrypt.models.unet import ResUNet
from jaxcrypt.systems.catalog import build
from jaxcrypt.systems.diffusion import losses
from jaxcrypt.systems.diffusion.estimate import estimate, sample
from jaxcrypt.systems.diffusion.masks import random_masks
from jaxcrypt.training.defaults import complete
from jaxcrypt.training.optimizer import optimizers
from jaxcrypt.training.state import create
from jaxcrypt.training.step import StepOptions, make_step
from tests.support import parameters

pytestmark = pytest.mark.usefixtures("fast_rng")
SMALL = {"widths": (4, 8, 8), "blocks": (1, 1, 1), "attention": (2,), "heads": 2}
SMALL |= {"time": 16, "key_features": 8}
NET = ResUNet(**SMALL)
INPUTS = jnp.zeros((1, 16, 16, 8)), jnp.zeros((1, 16, 16, 8)), jnp.ones((1, 2)), jnp.zeros((1, 8, 8, 3))
# Compiled once for all tests: op by op, the net takes half a minute.
ESTIMATE, SAMPLE = (jax.jit(function, static_argnums=0) for function in (estimate, sample))
SCENE, MAKE = jax.jit(losses.training_scene, static_argnums=2), jax.jit(losses.make_scene)


def _config(**model) -> ConfigDict:
    config = get_config()
    config.train.steps, config.train.batch_size, config.model.size = 30, 4, 16
    config.optimizer.warmup_steps = 2
    for name, value in {**SMALL, **model}.items():
        config.model[name] = value
    return complete(config)


def _batch(count=4, side=16):
    y, x = np.mgrid[:side, :side]
    planes = [128 + 70 * np.sin(x / (3 + k) + k) * np.cos(y / (4 + k)) for k in range(3 * count)]
    image = np.stack(planes, -1).reshape(side, side, count, 3).transpose(2, 0, 1, 3).astype(np.uint8)
    keys = np.random.default_rng(0).integers(0, 256, (count, 64, 64, 3), np.uint8)
    return {"image": jnp.asarray(image), "key_image": jnp.asarray(keys)}


@cache
def _moved(seed=1):
    """Parameters away from the start, where the net finds no noise."""
    return parameters(NET, *INPUTS, seed=seed)


def test_masks_are_never_empty_and_of_all_sizes():
    masks = np.asarray(jax.jit(random_masks, static_argnums=(1, 2))(jax.random.key(0), 200, 32))
    share = masks.mean(axis=(1, 2))
    assert masks.dtype == bool
    assert share.min() > 0
    assert 0.2 < np.mean(share == 1) < 0.5
    assert np.mean((share > 0.02) & (share < 0.3)) > 0.1


def test_levels_cover_their_bounds_and_noise_stays_in_the_region():
    _, scene, sigma = SCENE(_batch(64, 8), jax.random.key(0), (0.5, 50.0))
    sigma = np.sort(np.asarray(sigma))
    assert 0.5 <= sigma[0] < 1
    assert 30 < sigma[-1] <= 50
    assert 2 < np.median(sigma) < 12
    outside = np.asarray(scene.mask) == 0
    assert outside.any()
    assert not np.asarray(scene.level)[outside].any()


def test_the_key_image_is_the_scene_another_or_none():
    batch = _batch(64, 16)
    clean, keys = to_floats(batch["image"]), to_floats(batch["key_image"])
    seen = np.asarray(jax.jit(losses.keys_seen)(keys, clean, jax.random.key(3)))
    none = ~seen.any(axis=(1, 2, 3))
    other = np.all(seen == np.asarray(keys), axis=(1, 2, 3))
    assert none.sum() in range(6, 30)
    assert other.sum() in range(20, 50)
    scenes = np.flatnonzero(~none & ~other)
    assert len(scenes) in range(6, 32)
    wanted = np.asarray(jax.image.resize(clean, keys.shape, "linear"))
    for i in scenes:
        best = max(
            abs(np.corrcoef(seen[i].ravel(), w.ravel())[0, 1]) for w in (wanted[i], wanted[i][:, ::-1])
        )
        assert best > 0.9


def test_outside_the_region_nothing_changes_and_inside_it_does():
    clean, scene, _ = SCENE(_batch(), jax.random.key(5), (5.0, 50.0))
    denoised = np.asarray(ESTIMATE(NET, _moved(), scene.received, jnp.ones(4), scene))
    outside = np.asarray(scene.mask) == 0
    assert 0.1 < outside.mean() < 0.9
    received = np.asarray(scene.received)
    np.testing.assert_array_equal(denoised[outside], received[outside])
    np.testing.assert_allclose(received[outside], np.asarray(clean)[outside], atol=1e-6)
    assert np.abs(denoised - received)[~outside].max() > 1e-3


def test_sampling_in_one_step_is_the_estimate_and_later_steps_see_what_was_received():
    _, scene, _ = SCENE(_batch(), jax.random.key(6), (20.0, 50.0))
    params = _moved()
    once, stages = SAMPLE(NET, params, scene, jnp.array([1.0]))
    np.testing.assert_allclose(once, ESTIMATE(NET, params, scene.received, jnp.ones(4), scene), atol=1e-6)
    assert len(stages) == 1
    clean, stages = SAMPLE(NET, params, scene, jnp.array([1.0, 0.6, 0.2]))
    np.testing.assert_allclose(stages[0], once, atol=1e-6)
    np.testing.assert_array_equal(stages[-1], clean)
    start = stages[0] + 0.6 * (scene.received - stages[0])
    second = ESTIMATE(NET, params, start, jnp.full(4, 0.6), scene)
    np.testing.assert_allclose(stages[1], second, atol=1e-5)


def test_noise_below_a_grey_level_is_seen_in_half_precision():
    """What the net sees differs plainly with the noise, though bfloat16 cannot tell the pictures apart."""
    clean = to_floats(_batch()["image"])
    noise = jax.random.normal(jax.random.key(0), clean.shape)
    empty = jnp.zeros((4, 8, 8, 3))
    scenes = [MAKE(clean, sign * noise, jnp.ones((4, 16, 16)), jnp.full(4, 0.3), empty) for sign in (1, -1)]
    params = jax.tree_util.tree_map_with_path(
        lambda path, x: x if path[-1].key == "scale" else x.astype(jnp.bfloat16), _moved()
    )
    one, other = (np.asarray(ESTIMATE(NET, params, s.received, jnp.ones(4), s) - s.received) for s in scenes)
    assert np.abs(one - other).max() > 0.2 * 0.3 / 127.5


def test_training_moves_every_parameter_and_lowers_the_loss():
    config = _config()
    config.optimizer.name = "adam"  # muon, which takes twice as long to compile, moves it in tests/configs
    system = build("diffusion", config)
    (stage,) = system.stages
    rules = optimizers(config, stage)
    params, extra = jax.jit(system.init)(jax.random.key(0), None)
    state = create(params, extra, stage, rules, system.ema, 0)
    step = jax.jit(make_step(stage, rules, StepOptions()))
    batch = _batch()
    for _ in range(30):
        state, _ = step(state, batch)
    loss = jax.jit(stage.phases["unet"].loss)
    before, after = (  # on the same levels, since the loss depends on them far more than on the net
        np.mean([loss(net, extra, batch, jax.random.key(seed))[0] for seed in range(8)])
        for net in (params, state.params)
    )
    assert after < before
    for (path, before), after in zip(
        jax.tree_util.tree_leaves_with_path(params), jax.tree.leaves(state.params), strict=True
    ):
        assert np.abs(np.asarray(after) - np.asarray(before)).max() > 0, jax.tree_util.keystr(path)


def test_without_key_images_the_key_path_learns_nothing_from_them():
    loss = jax.jit(losses.denoising(NET, (1.0, 50.0), with_key=False))
    batch, params = _batch(), {"unet": _moved()}
    other = {**batch, "key_image": 255 - batch["key_image"]}
    values = [float(loss(params, {}, b, jax.random.key(0))[0]) for b in (batch, other)]
    assert values[0] == values[1]
    keyed = jax.jit(losses.denoising(NET, (1.0, 50.0), with_key=True))
    values = [float(keyed(params, {}, b, jax.random.key(0))[0]) for b in (batch, other)]
    assert values[0] != values[1]


def test_what_the_key_image_tells_can_be_learned():
    """Flat pictures under noise that leaves little of them, and key images of their colours: the net learns
    to ask these, so that another picture's key image leads it astray."""
    rule = optax.adam(1e-2)

    def errors(params, colours, seen, rng):
        clean = jnp.broadcast_to(colours[:, None, None], (16, 8, 8, 3))
        noise, ones = jax.random.normal(rng, clean.shape), jnp.ones(clean.shape[:3])
        scene = losses.make_scene(clean, noise, ones, jnp.full(16, 100.0), seen)
        return jnp.mean(jnp.square(estimate(NET, params, scene.received, jnp.ones(16), scene) - clean))

    def drawn(rng):
        colours = jax.random.uniform(rng, (16, 3), minval=-1.0)
        return colours, jnp.broadcast_to(colours[:, None, None], (16, 8, 8, 3))

    @jax.jit
    def step(params, state, rng):
        colours, seen = drawn(rng)
        grads = jax.grad(errors)(params, colours, seen, rng)
        updates, state = rule.update(grads, state)
        return optax.apply_updates(params, updates), state

    params = _moved()
    state = jax.jit(rule.init)(params)
    for rng in jax.random.split(jax.random.key(3), 250):
        params, state = step(params, state, rng)
    colours, seen = drawn(jax.random.key(4))
    judge = jax.jit(errors)
    own, other = (float(judge(params, colours, x, jax.random.key(5))) for x in (seen, seen[::-1]))
    assert own < other / 4


def test_masks_of_the_data_are_asked_for():
    config = _config(masks="data")
    system = build("diffusion", config)
    assert system.batch(config)["mask"].shape == (4, 16, 16)
    batch = {**_batch(), "mask": jnp.zeros((4, 16, 16), bool).at[:, :5].set(True)}
    _, scene, _ = SCENE(batch, jax.random.key(0), (1.0, 9.0))
    np.testing.assert_array_equal(scene.mask, batch["mask"])
    with pytest.raises(Refusal, match="masks"):
        system.batch(_config(masks="none"))


def test_outputs_are_pictures_that_can_be_compared():
    system = build("diffusion", _config())
    given = {"params": {"unet": _moved()}, "extra": {}}
    shown = jax.device_get(jax.jit(system.outputs)(given, _batch(), jax.random.key(0)))
    assert {"image", "decrypted", "region_image", "region_decrypted", "keyed_decrypted"} <= set(shown)
    for picture in shown.values():
        assert 0 <= float(picture.min()) <= float(picture.max()) <= 1
    outside = np.ones((16, 16), bool)
    outside[4:12, 4:12] = False
    np.testing.assert_allclose(shown["hidden"][:, outside], shown["image"][:, outside], atol=1e-6)
    np.testing.assert_allclose(shown["hidden"][:, 4:12, 4:12], shown["region_cipher"], atol=1e-6)
    entropies = picture_errors(shown)["region_entropy"]
    assert 6.6 < entropies.min() <= entropies.max() < 7.3  # of 192 random bytes 6.94 ± 0.06
    assert shown["region_image"].shape == shown["region_decrypted"].shape == (4, 8, 8, 3)
