"""The CycleGAN cipher: what comes back at each rate and after damage, and what others see without the key."""

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from ml_collections import ConfigDict

from jaxcrypt.errors import Refusal
from jaxcrypt.functional import outermost
from jaxcrypt.models.cyclegan import OCTAVE, Encoder
from jaxcrypt.pictures.damages import Damage
from jaxcrypt.record import Sealed
from jaxcrypt.systems.catalog import build
from jaxcrypt.systems.cyclegan import blocks, code
from jaxcrypt.systems.decoding import received
from tests.systems.cyclegan_small import KEY, OTHER, batched, decrypt, drawn, encrypt, psnr, small_config
from tests.systems.through import encrypt_pictures, opened_by_record, sealed_by_record


@pytest.mark.parametrize(("rate", "least"), [(1, 48), (2, 40), (4, 30)])
def test_round_trip(untrained, rate, least):
    photo = drawn()
    cipher, side = encrypt(untrained, photo, rate=rate)
    assert cipher.size + side["digits"].size + side["beyond"].size <= photo.size // rate
    assert psnr(decrypt(untrained, cipher, side, photo.shape, rate=rate), photo) > least


@pytest.mark.parametrize("shape", [(50, 70, 3), (33, 64, 1), (300, 20, 3), (17, 5, 1), (1, 1, 3), (2, 1, 1)])
@pytest.mark.parametrize("rate", [1, 4])
def test_any_shape(untrained, shape, rate):
    photo = drawn(shape[2], *shape[:2])
    cipher, side = encrypt(untrained, photo, rate=rate)
    decrypted = decrypt(untrained, cipher, side, shape, rate=rate)
    assert decrypted.shape == shape
    assert decrypted.dtype == np.uint8
    assert psnr(decrypted, photo) > 20


def test_jitted_record_and_driver_agree(untrained):
    system, variables = untrained
    photo = drawn()
    words, options = np.frombuffer(KEY, "<u4")[None], (("rate", 2),)
    sealed = sealed_by_record(system, variables, photo[None], words, options)
    cipher, side = encrypt(untrained, photo, rate=2)
    np.testing.assert_array_equal(sealed.side["digits"][0], side["digits"])
    assert np.mean(sealed.pixels[0] != cipher) < 1e-3  # sums in another order
    arrived = Sealed(cipher[None], batched([side]))
    decrypted = opened_by_record(system, variables, arrived, words, options)
    ours = decrypt(untrained, cipher, side, photo.shape, rate=2)
    assert np.abs(np.asarray(decrypted["image"][0], int)[:96, :96] - ours).max() <= 1


def test_wrong_key_tells_nothing(untrained):
    photo = drawn()
    for rate in (1, 4):
        cipher, side = encrypt(untrained, photo, rate=rate)
        decrypted = decrypt(untrained, cipher, side, photo.shape, OTHER, rate=rate)
        flat = psnr(np.broadcast_to(photo.mean(axis=(0, 1)), photo.shape), photo)
        assert psnr(decrypted, photo) < flat + 0.3


def test_flat_and_busy_pictures_have_ciphers_alike(untrained):
    for photo in (np.full((128, 128, 3), 93, np.uint8), drawn(3, 128, 128)):
        cipher, side = encrypt(untrained, photo)
        counts = np.bincount(cipher.reshape(-1), minlength=256)
        expected = cipher.size / 256
        chi = np.sum((counts - expected) ** 2) / expected
        assert abs(chi - 255) < 4.5 * math.sqrt(2 * 255)
        again = np.bincount(side["digits"].reshape(-1), minlength=256)  # masked: no value stands out
        assert again.max() < 12
    flat = np.full((40, 40, 3), 93, np.uint8)
    cipher, side = encrypt(untrained, flat)
    np.testing.assert_array_equal(decrypt(untrained, cipher, side, flat.shape), flat)


def test_key_image_is_a_condition(untrained):
    photo, image = drawn(), drawn(3, 40, 30)
    changed = image.copy()
    changed[7, 9, 1] ^= 1
    given = [{"key_image": one} for one in (image, changed)]
    cipher, side = encrypt(untrained, photo, inputs=given[0], key_image=1)
    right, wrong = (decrypt(untrained, cipher, side, photo.shape, inputs=one, key_image=1) for one in given)
    assert psnr(right, photo) > 48
    assert psnr(wrong, photo) < 15
    with pytest.raises(Refusal, match="--key-image"):
        decrypt(untrained, cipher, side, photo.shape, key_image=1)


def _jpeg(cipher, quality, subsampling=0):
    return Damage("jpeg" if subsampling else "jpeg444", quality)(cipher, None).pixels


def test_damaged_ciphers_decode(untrained):
    photo = drawn(3, 128, 128)
    cipher, side = encrypt(untrained, photo)
    rng = np.random.default_rng(0)
    noisy = np.clip(np.rint(cipher + 8 * rng.standard_normal(cipher.shape)), 0, 255).astype(np.uint8)
    holes = np.zeros(cipher.shape[:2], bool)
    holes[:48, 16:64] = True
    gone = np.where(holes[..., None], 0, cipher).astype(np.uint8)
    for arrived, lost, least in ((_jpeg(cipher, 75), None, 30), (noisy, None, 34), (gone, holes, 30)):
        assert psnr(decrypt(untrained, arrived, side, photo.shape, lost=lost), photo) > least


def test_robust_layout_outlives_subsampled_jpeg(untrained):
    photo = drawn(3, 128, 128)
    cipher, side = encrypt(untrained, photo, robust=2)
    assert cipher.size <= 2 * 128 * 128
    decrypted = decrypt(untrained, _jpeg(cipher, 75, subsampling=2), side, photo.shape, robust=2)
    assert psnr(decrypted, photo) > 30


def test_an_undamaged_cipher_is_decoded_in_one_pass(untrained, monkeypatch):
    """Pilots err by some percent more than rounding explains; that is no damage."""
    photo = drawn()
    cipher, side = encrypt(untrained, photo)
    usual = outermost.error()
    monkeypatch.setattr(outermost, "error", lambda: usual / 1.07)
    monkeypatch.setattr(received, "decode", lambda *_: pytest.fail("decoded by turns"))
    assert psnr(decrypt(untrained, cipher, side, photo.shape), photo) > 48


def test_windows_make_no_seams(untrained, monkeypatch):
    photo = drawn(3, 16 * 9, 16 * 44)
    whole = decrypt(untrained, *encrypt(untrained, photo, rate=2), photo.shape, rate=2)
    monkeypatch.setattr(blocks, "_WINDOW", 64)
    at_once = decrypt(untrained, *encrypt(untrained, photo, rate=2), photo.shape, rate=2)
    assert np.mean(whole != at_once) < 1e-3


@pytest.mark.parametrize(
    ("options", "says"),
    [({"rate": 3}, "--rate"), ({"robust": 9}, "--robust 9"), ({"rate": 2, "robust": 1}, "leave out --rate")],
)
def test_senseless_options_are_refused(untrained, options, says):
    with pytest.raises(Refusal, match=says):
        encrypt(untrained, drawn(), **options)


def test_senseless_headers_are_refused(untrained):
    photo = drawn()
    cipher, side = encrypt(untrained, photo)
    short = {name: {name: side[name][1:]} for name in ("digits", "beyond", "mean")}
    for bad in ({"spread": np.float32("nan")}, *short.values()):
        with pytest.raises(Refusal, match="header"):
            decrypt(untrained, cipher, side | bad, photo.shape)


def test_scales_are_whole_steps_and_choices_stable():
    encoder = Encoder(8, 1)
    blocks = 30 * jax.random.normal(jax.random.key(1), (1, 2, 3, 768))
    init = jax.jit(functools.partial(encoder.init, method=lambda net, c: net.scales(net(c))))
    params = init(jax.random.key(0), blocks)["params"]
    digits = jax.jit(encoder.apply)({"params": params}, blocks)
    assert set(np.unique(digits)) <= set(range(16))
    scales = np.asarray(encoder.apply({"params": params}, digits, method="scales"))
    np.testing.assert_array_equal(scales, np.round(scales))
    assert scales.min() >= -2 * OCTAVE
    chosen = np.asarray(code.choose(jnp.array([3.0, 5.0, 3.0, 1.0, 3.0]), 3))
    np.testing.assert_array_equal(chosen, [0, 1, 2])


def test_estimate_without_noise_is_the_picture_and_with_much_of_it_the_mean(untrained):
    _, variables = untrained
    photo = jnp.asarray(drawn()[None], jnp.float32)
    described = code.describe(Encoder(8, 1), variables["params"]["encoder"], photo)
    everything = jnp.ones(described.scales.shape, bool)
    for level, wanted in ((0.0, photo), (1e6, jnp.broadcast_to(described.mean[:, None, None], photo.shape))):
        got = code.Received(
            described.coefficients, everything, described.scales, jnp.array([level]), described.mean
        )
        estimate = code.estimate(got)
        assert float(jnp.abs(estimate.picture - wanted).max()) < 0.5
        assert np.isfinite(estimate.doubt).all()


def test_the_config_survives_json():
    config = ConfigDict(small_config().to_dict())
    config.model.widths = list(config.model.widths)
    assert build("cyclegan", config).stages[1].init_from == "describe"


def test_many_small_pictures_at_once_are_those_of_one_by_one(untrained):
    system, variables = untrained
    photos = [np.roll(drawn(3, 20, 33), 5 * i, axis=1) for i in range(3)]
    keys = [bytes([i]) * 32 for i in range(3)]
    together = encrypt_pictures(system, variables, photos, keys, (("rate", 2),))
    for (cipher, side), photo, key in zip(together, photos, keys, strict=True):
        alone, other = encrypt(untrained, photo, key, rate=2)
        assert np.mean(cipher != alone) < 5e-3
        np.testing.assert_array_equal(side["digits"], other["digits"])
        assert psnr(decrypt(untrained, cipher, side, photo.shape, key, rate=2), photo) > 30
