"""Cipher statistics: published tables, independent implementations, calibrated chance."""

import numpy as np
import pytest
from scipy import stats
from skimage import data, measure

from jaxcrypt.metrics import cipher

# Wu, Noonan, Agaian (2011), tables of critical values at alpha = 0.05 (per cent).
NPCR_005 = {256: 99.5693, 512: 99.5893, 1024: 99.5994}
UACI_005 = {256: (33.2824, 33.6447), 512: (33.3730, 33.5541), 1024: (33.4183, 33.5088)}


@pytest.fixture(scope="module")
def noise():
    return np.random.default_rng(11).integers(0, 256, (400, 48, 32, 3), dtype=np.uint8)


@pytest.mark.parametrize("side", [256, 512, 1024])
def test_intervals_of_the_paper(side):
    low, _ = cipher.npcr_chance((side, side, 1)).interval(0.05)
    assert round(100 * low, 4) == NPCR_005[side]
    interval = cipher.uaci_chance((side, side, 1)).interval(0.05)
    assert tuple(round(100 * bound, 4) for bound in interval) == UACI_005[side]


def test_entropy_equals_scikit_image():
    photo = data.camera()
    value = cipher.entropy(photo[None, ..., None])[0]
    np.testing.assert_allclose(value, measure.shannon_entropy(photo), rtol=1e-5)


def test_chi_square_equals_scipy(noise):
    expected = stats.chisquare(np.bincount(noise[0].reshape(-1), minlength=256)).statistic
    np.testing.assert_allclose(cipher.chi_square(noise[:1])[0], expected, rtol=1e-5)


def test_correlations_equal_numpy():
    photo = data.astronaut()[None]
    x = photo.astype(np.float64)
    shifted = {"horizontal": (x[:, :, :-1], x[:, :, 1:]), "vertical": (x[:, :-1], x[:, 1:])}
    shifted["diagonal"] = (x[:, :-1, :-1], x[:, 1:, 1:])
    for direction, (a, b) in shifted.items():
        expected = np.corrcoef(a.reshape(-1), b.reshape(-1))[0, 1]
        found = cipher.adjacent_correlation(photo, direction)[0]
        np.testing.assert_allclose(found, expected, atol=1e-4)
    blocks = measure.block_reduce(x[0], (8, 8, 1), np.mean)
    other = measure.block_reduce(x[0, ::-1], (8, 8, 1), np.mean)
    expected = np.corrcoef(blocks.reshape(-1), other.reshape(-1))[0, 1]
    found = cipher.block_mean_correlation(photo, photo[:, ::-1])[0]
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_npcr_and_uaci_by_hand():
    first = np.array([0, 10, 20, 30], np.uint8).reshape(1, 2, 2, 1)
    second = np.array([0, 20, 20, 0], np.uint8).reshape(1, 2, 2, 1)
    np.testing.assert_allclose(cipher.npcr(first, second), [0.5])
    np.testing.assert_allclose(cipher.uaci(first, second), [40 / 255 / 4], rtol=1e-6)


def p_values(noise) -> dict[str, list[float]]:
    shape, other = noise.shape[1:], np.roll(noise, 1, axis=0)
    found = {
        "chi-square": (cipher.chi_square(noise), cipher.chi_square_chance()),
        "entropy": (cipher.entropy(noise), cipher.entropy_chance(shape)),
        "npcr": (cipher.npcr(noise, other), cipher.npcr_chance(shape)),
        "uaci": (cipher.uaci(noise, other), cipher.uaci_chance(shape)),
        "blocks": (cipher.block_mean_correlation(other, noise), cipher.block_mean_chance(shape, shape)),
    }
    for direction in cipher.DIRECTIONS:
        values = cipher.adjacent_correlation(noise, direction)
        found[direction] = (values, cipher.adjacent_chance(shape, direction))
    return {name: [chance.p_value(float(v)) for v in values] for name, (values, chance) in found.items()}


def test_random_pictures_fall_outside_as_often_as_chance_says(noise):
    for name, values in p_values(noise).items():
        assert stats.binomtest(sum(v < 0.05 for v in values), len(values), 0.05).pvalue > 1e-4, name
        assert cipher.pooled_p(np.array(values)) > 1e-4, name


def test_weak_ciphers_are_caught(rng):
    photo = data.astronaut()[None, :256, :256]
    row = rng.integers(0, 256, (1, 1, 256, 3), dtype=np.uint8)
    weak = photo ^ row  # one row of keystream for every row
    shape = weak.shape[1:]
    vertical = cipher.adjacent_correlation(weak, "vertical")[0]
    assert cipher.adjacent_chance(shape, "vertical").p_value(float(vertical)) < 1e-6
    faint = np.clip(photo * 0.05 + rng.integers(0, 243, photo.shape), 0, 255).astype(np.uint8)
    leak = cipher.block_mean_correlation(photo, faint)[0]
    assert cipher.block_mean_chance(shape, shape).p_value(float(leak)) < 1e-6
    assert cipher.chi_square_chance().p_value(float(cipher.chi_square(faint)[0])) < 1e-6
    nearly = rng.integers(0, 256, photo.shape, dtype=np.uint8)
    half = nearly.copy()
    half[:, ::2] = rng.integers(0, 256, half[:, ::2].shape)
    assert cipher.npcr_chance(shape).p_value(float(cipher.npcr(nearly, half)[0])) < 1e-6


def test_pooling_counts_pictures_outside():
    assert cipher.pooled_p(np.full(92, 0.5)) == 1.0
    assert cipher.pooled_p(np.r_[np.full(10, 1e-3), np.full(82, 0.5)]) < 1e-4
    np.testing.assert_allclose(cipher.pooled_p(np.r_[1e-3, np.full(91, 0.5)]), 1 - 0.99**92, rtol=1e-6)
