"""The autoencoder as a System: it trains, its cipher is a quarter of the bytes, any size comes back."""

import io

import jax
import numpy as np
import pytest
from PIL import Image

from configs.autoencoder import get_config
from jaxcrypt.errors import Refusal
from jaxcrypt.systems import autoencoder
from jaxcrypt.systems.drivers import windows
from jaxcrypt.training.checkpoint import Checkpoints
from jaxcrypt.training.optimizer import optimizers
from jaxcrypt.training.state import create, init_arrays
from jaxcrypt.training.step import StepOptions, make_step
from tests.support import picture, psnr
from tests.systems.through import decrypt_pictures, encrypt_pictures, goes_to_another_number_of_devices

pytestmark = pytest.mark.usefixtures("fast_rng")
KEY, OTHER = bytes(range(32)), bytes(range(1, 33))
SMALL = {"features": 8, "encoder_blocks": 1, "decoder_blocks": 1}


def small_config():
    config = get_config()
    config.model.grey.update(SMALL)
    config.model.colour.update(SMALL)
    config.train.batch_size = 8
    config.optimizer.warmup_steps = 0
    return config


@pytest.fixture(scope="module")
def run(fast_rng):
    """A small System, its state before and after a few steps, and the metrics of the last."""
    config = small_config()
    system = autoencoder.build(config)
    stage = system.stages[0]
    opts = optimizers(config, stage)

    def fresh():
        return create(*init_arrays(system.init, system.batch(config), 0), stage, opts, system.ema)

    step = jax.jit(make_step(stage, opts, StepOptions()))
    batch = {"image": np.stack([picture((64, 64, 3), seed) for seed in range(8)])}
    start = state = jax.jit(fresh)()
    for _ in range(4):  # a branch that ends in zeros wakes up from its end: one layer a step
        state, metrics = step(state, batch)
    return system, *jax.device_get((start, state, metrics))


@pytest.fixture(scope="module")
def trained(run):
    """A small System and its variables after a few steps, with those before and the metrics of the last."""
    system, start, state, metrics = run
    return system, start.params, {"params": state.params, "extra": state.extra}, metrics


def test_checkpoint_goes_to_another_number_of_devices(run, tmp_path):
    goes_to_another_number_of_devices(run[2], lambda: Checkpoints(tmp_path))


def through_png(pixels):
    buffer = io.BytesIO()
    Image.fromarray(pixels.squeeze()).save(buffer, "PNG")
    back = np.asarray(Image.open(buffer))
    return back.reshape(pixels.shape)


def round_trip(trained, image, key=KEY, other=None):
    system, _, variables, _ = trained
    [(cipher, side)] = encrypt_pictures(system, variables, [image], [key])
    [decrypted] = decrypt_pictures(
        system, variables, [through_png(cipher)], [side], [other or key], (), image.shape
    )
    return cipher, decrypted


def test_steps_move_both_nets_and_report(trained):
    _, before, after, metrics = trained
    for net in ("grey", "colour"):
        moved = jax.tree.map(lambda a, b: bool((a != b).any()), before[net], after["params"][net])
        assert all(jax.tree.leaves(moved["encoder"])), moved
        assert np.isfinite(metrics[f"{net}/psnr"].total)
        assert metrics[f"{net}/loss"].total > 0


@pytest.mark.parametrize("shape", [(64, 64, 1), (64, 64, 3), (17, 23, 3), (100, 130, 1), (1, 1, 1)])
def test_cipher_is_a_quarter_of_the_bytes_and_the_picture_comes_back(trained, shape):
    image = picture(shape)
    cipher, decrypted = round_trip(trained, image)
    assert cipher.dtype == np.uint8
    assert cipher.shape == (-(-shape[0] // 16) * 8, -(-shape[1] // 16) * 8, shape[2])
    if shape[0] == 64:
        assert cipher.nbytes * 4 == image.nbytes
    assert decrypted["image"].shape == shape
    assert decrypted["image"].dtype == np.uint8
    assert decrypted["intact"]
    assert psnr(decrypted["image"], image) > 30


def test_cipher_looks_like_noise(trained):
    system, _, variables, _ = trained
    flat = np.full((256, 256, 1), 90, np.uint8)
    [(cipher, _)] = encrypt_pictures(system, variables, [flat], [KEY])
    counts = np.bincount(cipher.ravel(), minlength=256)
    assert ((counts - cipher.size / 256) ** 2 / (cipher.size / 256)).sum() < 350
    assert abs(np.corrcoef(cipher[:, 1:].ravel(), cipher[:, :-1].ravel())[0, 1]) < 0.03


def test_wrong_key_gives_nothing_of_the_picture(trained):
    image, alike = picture((64, 64, 1)), []
    for other in range(1, 9):  # a smooth picture is like many a noise by chance: only the mean tells
        _, decrypted = round_trip(trained, image, other=bytes([other]) * 32)
        assert not decrypted["intact"]
        assert psnr(decrypted["image"], image) < 16
        alike.append(np.corrcoef(decrypted["image"].ravel(), image.ravel())[0, 1])
    assert abs(np.mean(alike)) < 0.15


def test_windows_leave_no_seams(trained):
    """Cut into windows, the compressed bytes and the picture are those of the whole, up to float rounding."""
    system, _, variables, _ = trained
    image = picture((16 * 20, 16 * 17, 1))
    net = dict(system.driver.nets)["grey"]
    params = variables["params"]["grey"]

    def both(size):
        packed = windows.map_windows(
            lambda w: compress(net, params, w), (image,), (16, 8), size, net.reach[0] // 16
        )
        return packed, windows.map_windows(
            lambda w: expand(net, params, w), (packed_whole,), (8, 16), size, net.reach[1] // 16
        )

    compress, expand = (jax.jit(f, static_argnums=0) for f in (autoencoder.compress, autoencoder.expand))
    packed_whole = np.asarray(compress(net, params, image[None]))[0]
    whole = np.asarray(expand(net, params, packed_whole[None]))[0]
    packed, decoded = both(12)
    assert (packed != packed_whole).mean() < 1e-3
    assert np.abs(decoded.astype(int) - whole).max() <= 1


@pytest.mark.parametrize(
    ("length", "size", "reach"), [(5, 8, 1), (8, 8, 1), (9, 8, 1), (100, 16, 5), (33, 7, 3)]
)
def test_spans_cover_once_and_see_far_enough(length, size, reach):
    spans = windows.spans(length, size, reach)
    kept = [i for span in spans for i in range(span.start, span.stop)]
    assert kept == list(range(length))
    for span in spans:
        assert span.first >= 0
        assert span.first + span.size <= length
        assert span.first in (0, span.start - reach) or span.start - span.first >= reach
        assert span.first + span.size == length or span.first + span.size - span.stop >= reach
        assert span.size <= size
    assert len({span.size for span in spans}) == 1


def test_windows_are_as_few_as_the_largest_allows_and_no_larger_than_it_takes():
    for length in range(49, 400):
        spans = windows.spans(length, 48, 6)
        assert len(spans) == -(-(length - 12) // 36)
        assert sum(span.size for span in spans) <= length + 12 * (len(spans) - 1) + 3 * len(spans)


def test_streamed_and_whole_agree(trained):
    """The jittable pair of the record decodes what the driver made, and the other way round."""
    system, _, variables, _ = trained
    image = picture((64, 64, 3))
    subkey = np.frombuffer(KEY, "<u4")[None]
    sealed = jax.jit(lambda: system.encrypt(variables, {"image": image[None]}, subkey, ()).__dict__)()
    [decrypted] = decrypt_pictures(
        system, variables, [np.asarray(sealed["pixels"])[0]],
        [{"digest": np.asarray(sealed["side"]["digest"])[0]}], [KEY], (), image.shape,
    )  # fmt: skip
    assert decrypted["intact"]
    assert psnr(decrypted["image"], image) > 30


def test_outputs_are_pictures_in_unit_range(trained):
    system, _, variables, _ = trained
    batch = {"image": np.stack([picture((64, 64, 3), seed) for seed in range(2)])}
    made = jax.device_get(jax.jit(system.outputs)(variables, batch, jax.random.key(0)))
    assert made["image"].shape == made["decrypted"].shape == (2, 64, 64, 3)
    assert made["grey_cipher"].shape == (2, 32, 32, 1)
    for image in made.values():
        assert 0 <= image.min() <= image.max() <= 1


def test_alpha_and_options_are_refused(trained):
    system, _, variables, _ = trained
    assert system.traits.channels == (1, 3)
    with pytest.raises(Refusal, match="4 channels"):
        encrypt_pictures(system, variables, [np.zeros((8, 8, 4), np.uint8)], [KEY])
    with pytest.raises(Refusal, match="option rate: this System has none"):
        encrypt_pictures(system, variables, [np.zeros((8, 8, 1), np.uint8)], [KEY], (("rate", 2),))


def test_bits_that_miss_the_rate_are_refused():
    config = small_config()
    config.model.grey.bits = "8" * 256
    with pytest.raises(Refusal, match=r"config\.model\.grey\.bits: 2048 in all; must be 512"):
        autoencoder.build(config)


def test_config_survives_json():
    import json

    from ml_collections import ConfigDict

    config = ConfigDict(json.loads(small_config().to_json()))
    assert autoencoder.build(config).driver == autoencoder.build(small_config()).driver
