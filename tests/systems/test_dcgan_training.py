"""The DCGAN as a System: the game moves its players, the second stage the extractor alone."""

import json

import jax
import numpy as np
import pytest
from flax.traverse_util import flatten_dict
from ml_collections import ConfigDict

from configs import dcgan as source
from configs.dcgan_light import get_config
from jaxcrypt.errors import Refusal
from jaxcrypt.systems import catalog
from jaxcrypt.systems.dcgan import system as dcgan
from jaxcrypt.training.checkpoint import Checkpoints
from jaxcrypt.training.optimizer import optimizers
from jaxcrypt.training.state import create, init_arrays, variables
from jaxcrypt.training.step import StepOptions, make_step
from tests.systems.through import goes_to_another_number_of_devices

pytestmark = pytest.mark.usefixtures("fast_rng")


def small_config(**model):
    config = get_config()
    config.model.generator.update({"start": 8, "widths": (8, 8, 8, 8)})
    config.model.discriminator.update({"widths": (8, 8, 8, 8)})
    config.model.extractor.update({"widths": (8, 8, 8, 8)})
    config.model.update(model)
    config.train.batch_size = 8
    return config


def stepped(config, stage):
    """The System, and its state before and after one step of its ``stage``-th stage, with the metrics."""
    system = catalog.build("dcgan", config)
    stage = system.stages[stage]
    rules = optimizers(config, stage)

    def fresh():
        return create(*init_arrays(system.init, system.batch(config), 0), stage, rules, system.ema)

    step = jax.jit(make_step(stage, rules, StepOptions(precision=config.train.precision)))
    before = jax.jit(fresh)()
    after, metrics = step(before, {"image": pictures()})
    before, after = jax.device_get((before, after))
    return system, before, after, {name: float(mean.total) for name, mean in metrics.items()}


def pictures():
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (8, 64, 64, 3), dtype=np.uint8)


def moved(before, after):
    """The nets of which every parameter has moved, and those of which none has."""
    changes = {
        name: jax.tree.leaves(jax.tree.map(lambda a, b: bool((a != b).any()), tree, after.params[name]))
        for name, tree in before.params.items()
    }
    return {n for n, moves in changes.items() if all(moves)}, {n for n, f in changes.items() if not any(f)}


@pytest.fixture(scope="module")
def game(fast_rng):
    return stepped(small_config(), 0)


def test_the_game_moves_all_players(game):
    _, before, after, metrics = game
    assert moved(before, after)[0] == {"generator", "discriminator", "extractor"}
    assert all(np.isfinite(value) for value in metrics.values())
    assert metrics["discriminator/slope"] > 0
    assert 0.5 < metrics["generator/z_error"] < 2


def test_without_legible_the_extractor_waits_for_its_own_stage():
    config = small_config(legible=0.0, penalty=0.0)
    _, before, after, metrics = stepped(config, 0)
    assert moved(before, after) == ({"generator", "discriminator"}, {"extractor"})
    assert "generator/z_error" not in metrics


def test_the_second_stage_moves_the_extractor_alone():
    system, before, after, metrics = stepped(small_config(), 1)
    assert moved(before, after) == ({"extractor"}, {"generator", "discriminator"})
    assert metrics["extractor/z_error"] > 0
    assert [(stage.name, stage.init_from) for stage in system.stages] == [("game", None), ("reading", "game")]


def test_variants_train_and_their_statistics_move():
    config = small_config(legible=0.0)
    config.model.generator.batch_norm = True
    config.model.discriminator.update({"batch_norm": True, "spectral_norm": True, "dropout": 0.2})
    config.train.precision = "float32"
    _, before, after, metrics = stepped(config, 0)
    for net in ("generator", "discriminator"):
        old, new = (flatten_dict(state.extra[net], sep="/") for state in (before, after))
        assert old.keys() == new.keys()
        for name in old:
            if not name.endswith("sigma"):  # a singular value may stay what it was
                assert (old[name] != new[name]).any(), name
    assert np.isfinite(metrics["discriminator/loss"])


def test_sheets_come_from_the_same_latents_every_time(game):
    system, before, _, _ = game
    stored = variables(before)
    shown = jax.jit(system.outputs)
    first, second = (
        jax.device_get(shown(stored, {"image": pictures() // shade}, jax.random.key(3))) for shade in (1, 2)
    )
    np.testing.assert_array_equal(first["face_image"], second["face_image"])
    assert first["face_image"].shape == first["face_decrypted"].shape == (8, 64, 64, 3)
    assert not np.array_equal(first["real"], second["real"])
    for image in first.values():
        assert 0 <= image.min() <= image.max() <= 1


def test_checkpoint_goes_to_another_number_of_devices(game, tmp_path):
    goes_to_another_number_of_devices(game[2], lambda: Checkpoints(tmp_path, keep_best=0, best=""))


@pytest.mark.parametrize("config", [source.get_config(), get_config()])
def test_config_survives_json(config):
    back = ConfigDict(json.loads(config.to_json()))
    assert dcgan.training.nets(back.model) == dcgan.training.nets(config.model)


@pytest.mark.parametrize(
    ("model", "says"),
    [
        ({"penalty": -1.0}, r"config\.model\.penalty=-1\.0: must be 0 or more"),
        ({"distortions": ("fog",)}, r"config\.model\.distortions=fog"),
        ({"extractor": {"latent": 7}}, r"config\.model\.extractor\.latent=7: must be 100"),
    ],
)
def test_settings_that_make_no_sense_are_refused(model, says):
    with pytest.raises(Refusal, match=says):
        catalog.build("dcgan", small_config(**model))
