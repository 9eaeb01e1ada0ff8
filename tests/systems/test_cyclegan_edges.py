"""The CycleGAN cipher's edges: sparse and flat pictures over several mixing tiles, headers nobody made."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxcrypt.errors import Refusal
from jaxcrypt.functional import mixing
from jaxcrypt.functional.companding import CENTROIDS
from jaxcrypt.models.cyclegan import OCTAVE, Encoder
from jaxcrypt.record import Call, Sealed
from jaxcrypt.systems.cyclegan import code, opening, tiles
from tests.systems.cyclegan_small import KEY, batched, decrypt, drawn, encrypt, psnr
from tests.systems.through import opened_by_record, sealed_by_record


@pytest.fixture
def small_tiles(monkeypatch):
    """Mixing tiles of 4,096 places: small pictures have many."""
    monkeypatch.setattr(mixing, "MAX_TILE", 4096)


def _white_block():
    picture = np.zeros((96, 96, 3), np.uint8)
    picture[16:32, 48:64] = 255
    return picture


def _powers(cipher, count):
    """Mean square of what the bytes stand for, by tile."""
    values = CENTROIDS[cipher.reshape(-1)].astype(float) ** 2
    return np.array([part.mean() for part in np.array_split(values, count)])


def test_every_tile_of_a_sparse_picture_has_the_same_power(untrained, small_tiles):
    photo = _white_block()
    cipher, side = encrypt(untrained, photo)
    assert side["spread"].shape == (7,)
    assert side["spread"].max() > 5 * side["spread"].min()  # as much would the tiles' bytes differ
    np.testing.assert_allclose(_powers(cipher, 7), 1, atol=0.05)
    counts = np.bincount(cipher.reshape(-1), minlength=256)
    assert np.sum((counts - cipher.size / 256) ** 2) / (cipher.size / 256) < 255 + 4.5 * 510**0.5
    assert psnr(decrypt(untrained, cipher, side, photo.shape), photo) > 40


def test_record_and_driver_agree_over_several_tiles(untrained, small_tiles):
    system, variables = untrained
    photos = np.stack([drawn(), _white_block()])
    words = np.stack([np.frombuffer(KEY, "<u4")] * 2)
    sealed = sealed_by_record(system, variables, photos, words)
    ciphers, sides = zip(*(encrypt(untrained, photo) for photo in photos), strict=True)
    arrived = Sealed(np.stack(ciphers), batched(sides))
    opened = np.asarray(opened_by_record(system, variables, arrived, words)["image"])
    for i, (cipher, side) in enumerate(zip(ciphers, sides, strict=True)):
        np.testing.assert_allclose(sealed.side["spread"][i], side["spread"], rtol=1e-3)
        assert np.mean(sealed.pixels[i] != cipher) < 0.01
        ours = decrypt(untrained, cipher, side, photos[i].shape)
        assert psnr(opened[i, :96, :96], ours) > 55


def test_the_power_of_a_cipher_does_not_tell_flat_pictures(untrained):
    """Left to chance it would vary by 6% here; that of pictures with anything on them does not."""
    flat = np.full((32, 32, 3), 70, np.uint8)
    power = [_powers(encrypt(untrained, flat, bytes([i]) * 32)[0], 1)[0] for i in range(12)]
    assert np.std(power) < 0.012


@pytest.mark.parametrize(
    "bad",
    [
        {"spread": np.float32([-1])},
        {"spread": np.float32([np.nan])},
        {"spread": np.float32([np.inf])},
        {"spread": np.float32([1, 1])},
        {"spread": np.float32(1)},
        {"digits": np.zeros((6, 6, 3), np.float32)},
        {"digits": np.zeros((6, 6), np.uint8)},
        {"mean": np.zeros(3, np.float32)},
        {"mean": np.zeros((1, 3), np.uint32)},
    ],
)
def test_side_information_that_no_encryption_gives_is_refused(untrained, bad):
    photo = drawn()
    cipher, side = encrypt(untrained, photo)
    with pytest.raises(Refusal, match="header does not fit"):
        decrypt(untrained, cipher, side | bad, photo.shape)


def test_pictures_too_small_for_the_robust_layout_are_refused(untrained):
    with pytest.raises(Refusal, match="too small"):
        encrypt(untrained, drawn(3, 8, 8), robust=1)


def test_scales_are_those_of_whole_number_arithmetic():
    """Whatever a device makes of the sums: slopes that round to zero must not leave a trace."""
    rng = np.random.default_rng(0)
    digits = rng.integers(0, 16, (1, 8, 8, 6)).astype(np.float32)
    base, slope = rng.uniform(-0.3, 0.3, 768), rng.uniform(-0.01, 0.01, (6, 768))
    base, slope = base.astype(np.float32), slope.astype(np.float32)
    encoder = Encoder(8, 1)
    params = encoder.init(jax.random.key(0), jnp.zeros((1, 2, 2, 768)))["params"]
    params = dict(params) | {"base": base, "slope": slope}
    scales = jax.jit(lambda d: encoder.apply({"params": params}, d, method="scales"))(digits)
    steps = np.rint(np.float32(2048) * base).astype(int), np.rint(np.float32(2048 / 15) * slope).astype(int)
    wanted = steps[0] + (2 * digits.astype(int) - 15) @ steps[1]
    np.testing.assert_array_equal(scales, np.maximum(wanted, -2 * OCTAVE))


def test_levelling_by_the_driver_is_that_of_the_record(small_tiles):
    plan = code.plan(6, 6, 3, 27000)
    rng = np.random.default_rng(1)
    symbols = rng.standard_normal((1, plan.symbols[-1])).astype(np.float32)
    symbols[:, 2 :: plan.count] = 0  # a tile without power
    key = jnp.asarray(np.frombuffer(KEY, "<u4")[None])
    levelled, spread = code.levelled(jnp.asarray(symbols), jnp.array([3.0]), key, plan)
    run = opening.run_of(KEY, plan)
    own = [tiles.levelled(3 * symbols[0, tile :: plan.count], tile, run, plan) for tile in range(plan.count)]
    ours = np.array([size for _, size in own])
    np.testing.assert_allclose(spread[0], ours, rtol=1e-5)
    for tile, (ordered, _) in enumerate(own):
        np.testing.assert_allclose(np.asarray(levelled)[0, tile :: plan.count], ordered, atol=1e-5)
    assert ours[2] == 0
    assert np.all(ours[[0, 1, 3]] > 2)


def test_a_net_that_runs_away_is_held_near_the_linear_estimate(rng):
    shape = (1, 2, 2, 768)
    coefficients = rng.normal(0, 20, shape).astype(np.float32)
    scales, level = np.full(shape, 4 * OCTAVE, np.float32), np.full(shape, 3.0, np.float32)
    mean = np.full((1, 3), 128, np.float32)
    got = code.Received(coefficients, np.ones(shape, bool), scales, level, mean)
    wiener = code.estimate(got)
    picture, most = np.asarray(wiener.picture), 3 * np.asarray(wiener.error)[..., None]
    assert most.max() < 100
    for away in (-1e5, 1e5):
        held = np.asarray(code.near(wiener.picture + away, got))
        np.testing.assert_allclose(held, np.clip(picture + np.sign(away) * most, 0, 255), atol=1e-2)
    near = np.asarray(code.near(wiener.picture + 0.5 * most, got))
    np.testing.assert_allclose(near, np.clip(picture + 0.5 * most, 0, 255), atol=1e-2)


def test_progress_of_a_damaged_picture_goes_on_within_turns(untrained, rng):
    system, variables = untrained
    photo, told = drawn(height=64, width=64), []
    (sealed,) = system.driver.encrypt(Call(variables), [photo], [KEY])
    noisy = np.clip(sealed.pixels + rng.normal(0, 20, sealed.pixels.shape), 0, 255).astype(np.uint8)
    call = Call(variables, progress=told.append)
    system.driver.decrypt(call, [Sealed(noisy, sealed.side)], [KEY], photo.shape)
    assert told == sorted(told)
    assert 0 < told[0] < 1
    assert told[-1] == 1
