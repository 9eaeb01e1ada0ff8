"""The ablation without keyed mixing: it trains every net, any size comes back, and it is chosen by config."""

import io

import jax
import numpy as np
import pytest
from PIL import Image

from configs.cyclegan_concatenation import get_config
from jaxcrypt.errors import Refusal
from jaxcrypt.systems.catalog import build
from jaxcrypt.systems.concatenation.nets import key_planes
from jaxcrypt.training.optimizer import optimizers
from jaxcrypt.training.state import create, init_arrays
from jaxcrypt.training.step import StepOptions, make_step
from tests.support import picture, psnr
from tests.systems.through import decrypt_pictures, encrypt_pictures, opened_by_record, sealed_by_record

KEY, OTHER = bytes(range(32)), bytes(range(1, 33))


def small_config():
    config = get_config()
    config.model.size, config.train.batch_size, config.optimizer.warmup_steps = 32, 4, 0
    config.model.generator = {"width": 32, "blocks": 1}
    config.model.critic = {"width": 4, "layers": 2}
    config.model.eve = {"width": 8, "blocks": 1}
    return config


@pytest.fixture(scope="module")
def trained():
    """A small System, its variables before and after a few steps, all steps' metrics, and the batch."""
    config = small_config()
    system = build("concatenation", config)
    (stage,) = system.stages
    opts = optimizers(config, stage)

    def fresh():
        return create(*init_arrays(system.init, system.batch(config), 0), stage, opts, system.ema)

    start = state = jax.jit(fresh)()
    step = jax.jit(make_step(stage, opts, StepOptions()))
    batch = {"image": np.stack([picture((32, 32, 3), seed) for seed in range(4)])}
    metrics = []
    for _ in range(60):
        state, values = step(state, batch)
        metrics.append({name: float(value.total / value.count) for name, value in values.items()})
    params = jax.device_get(start.params)
    return system, params, jax.device_get({"params": state.params, "extra": state.extra}), metrics, batch


def test_gradients_reach_every_parameter_of_every_net(trained):
    system, params, variables, metrics, batch = trained
    assert all(np.isfinite(list(values.values())).all() for values in metrics)
    nets = [net for phase in system.stages[0].phases.values() for net in phase.nets]
    assert sorted(nets) == sorted(params)
    for phase in system.stages[0].phases.values():
        slope = jax.jit(jax.grad(phase.loss, has_aux=True))
        slopes, _ = jax.device_get(slope(variables["params"], {}, batch, jax.random.key(0)))
        for net in phase.nets:
            assert all(bool(leaf.any()) for leaf in jax.tree.leaves(slopes[net])), net


def test_training_brings_the_picture_back(trained):
    _, _, _, metrics, _ = trained
    assert metrics[-1]["generators/psnr"] > metrics[0]["generators/psnr"] + 3


def test_the_key_enters_both_generators(trained):
    """Ciphers differ between keys; so do pictures that one cipher gives under two of them."""
    system, _, variables, _, batch = trained
    photo = batch["image"][0]
    (one, side), (two, _) = encrypt_pictures(system, variables, [photo] * 2, [KEY, OTHER])
    assert (one != two).mean() > 0.5
    right, wrong = decrypt_pictures(system, variables, [one] * 2, [side] * 2, [KEY, OTHER], (), photo.shape)
    assert psnr(right["image"], photo) > psnr(wrong["image"], photo)


@pytest.mark.parametrize("shape", [(1, 1, 3), (16, 33, 1), (37, 50, 3)])
def test_any_size_comes_back_through_a_png(trained, shape):
    system, _, variables, _, _ = trained
    photo = picture(shape, 3)
    ((cipher, side),) = encrypt_pictures(system, variables, [photo], [KEY])
    assert cipher.shape == (*(side + -side % 4 for side in shape[:2]), 3)
    buffer = io.BytesIO()
    Image.fromarray(cipher).save(buffer, "PNG")
    read = np.asarray(Image.open(buffer))
    (decrypted,) = decrypt_pictures(system, variables, [read], [side], [KEY], (), shape)
    assert decrypted["image"].shape == shape
    assert decrypted["image"].dtype == np.uint8


def test_the_driver_does_what_the_system_does(trained):
    system, _, variables, _, _ = trained
    photo = picture((20, 36, 3), 5)
    subkey = np.frombuffer(KEY, "<u4")[None]
    sealed = sealed_by_record(system, variables, photo[None], subkey)
    ((cipher, side),) = encrypt_pictures(system, variables, [photo], [KEY])
    assert np.abs(cipher.astype(int) - sealed.pixels[0]).max() <= 1
    opened = opened_by_record(system, variables, sealed, subkey)
    (decrypted,) = decrypt_pictures(
        system, variables, [np.asarray(sealed.pixels[0])], [side], [KEY], (), photo.shape
    )
    assert np.abs(decrypted["image"].astype(int) - opened["image"][0]).max() <= 1


def test_windows_leave_no_seams(trained):
    system, _, variables, _, _ = trained
    photo = np.tile(picture((32, 32, 3), 6), (52, 1, 1))
    subkey = np.frombuffer(KEY, "<u4")[None]
    ((cipher, _),) = encrypt_pictures(system, variables, [photo], [KEY])
    whole = jax.jit(lambda v, x, k: system.encrypt(v, {"image": x}, k, ()).pixels)
    assert np.abs(cipher.astype(int) - whole(variables, photo[None], subkey)[0]).max() <= 1


def test_key_planes_are_uniform_and_change_altogether_with_one_key_bit():
    keys = np.zeros((2, 8), np.uint32)
    keys[1, 3] = 1
    one, two = np.asarray(jax.jit(key_planes, static_argnums=1)(keys, (64, 64)))
    assert abs(one.mean() - 127.5) < 3
    assert (one != two).mean() > 0.98


def test_what_it_cannot_do_is_refused(trained):
    system, _, variables, _, batch = trained
    with pytest.raises(Refusal, match="this System has none"):
        encrypt_pictures(system, variables, [batch["image"][0]], [KEY], (("rate", 2),))
    with pytest.raises(Refusal, match="does not fit"):
        decrypt_pictures(system, variables, [batch["image"][0]], [{}], [KEY], (), (36, 32, 3))
    with pytest.raises(Refusal, match="needs the config"):
        build("concatenation")


def test_configs_of_the_time_when_it_was_a_kind_of_cyclegan_still_build():
    config = small_config()
    config.system, config.model.conditioning = "cyclegan", "concatenation"
    assert build("cyclegan", config).name == "concatenation"
    config.model.conditioning = "addition"
    with pytest.raises(Refusal, match="addition"):
        build("cyclegan", config)
