"""Cipher statistics against independent formulas, published tables, and chance itself."""

import numpy as np
import pytest
from skimage.measure import shannon_entropy

from jaxcrypt.metrics import chance, cipher

SHAPE = (48, 56, 3)
SAMPLES = 48 * 56 * 3


@pytest.fixture(scope="module")
def random_pictures():
    rng = np.random.default_rng(7)
    return rng.integers(0, 256, (2000, *SHAPE), dtype=np.uint8)


def test_entropy_and_chi_square_equal_other_libraries(rng):
    from scipy.stats import chisquare

    uneven = rng.binomial(255, 0.4, (3, 40, 50, 3)).astype(np.uint8)
    even = rng.integers(0, 256, (3, 40, 50, 3), dtype=np.uint8)
    for batch in (uneven, even):
        counts = [np.bincount(picture.ravel(), minlength=256) for picture in batch]
        np.testing.assert_allclose(cipher.entropy(batch), [shannon_entropy(p) for p in batch], atol=2e-6)
        expected = [chisquare(c).statistic for c in counts]
        np.testing.assert_allclose(cipher.chi_square(batch), expected, rtol=1e-5)
        np.testing.assert_array_equal(cipher.histogram(batch), counts)


def test_entropy_deficit_keeps_its_digits_on_an_even_picture(rng):
    batch = rng.integers(0, 256, (1, 600, 800, 3), dtype=np.uint8)
    share = np.bincount(batch.ravel(), minlength=256) / batch.size
    expected = 8 + np.sum(share * np.log2(share))
    np.testing.assert_allclose(cipher.entropy_deficit(batch), [expected], rtol=1e-3)


def test_flat_pictures_have_no_entropy_and_no_correlation():
    flat = np.full((1, 32, 32, 3), 9, np.uint8)
    assert float(cipher.entropy(flat)[0]) == pytest.approx(0, abs=1e-5)
    assert np.isnan(cipher.correlation(flat, flat)[0])
    assert np.isnan(cipher.block_correlation(flat, flat)[0])


@pytest.mark.parametrize("direction", cipher.DIRECTIONS)
def test_adjacent_correlation_is_pearsons(rng, direction):
    picture = rng.integers(0, 256, (1, 20, 30, 3)).cumsum(axis=1).cumsum(axis=2) // 4096
    picture = (picture % 256).astype(np.uint8)
    down, right = cipher.DIRECTIONS[direction]
    here, there = picture[0, : 20 - down, : 30 - right], picture[0, down:, right:]
    expected = np.corrcoef(here.ravel().astype(float), there.ravel().astype(float))[0, 1]
    assert float(cipher.adjacent_correlation(picture, direction)[0]) == pytest.approx(expected, abs=1e-5)


def test_block_correlation_sees_what_the_eye_sees(rng):
    plain = np.kron(rng.integers(0, 256, (1, 8, 8, 1)), np.ones((1, 8, 8, 1))).astype(np.uint8)
    masked = ((plain.astype(int) // 8 + rng.integers(0, 224, plain.shape)) % 256).astype(np.uint8)
    assert float(cipher.block_correlation(masked, plain)[0]) > 0.5
    longer = np.concatenate([plain, plain[:, :5]], axis=1)  # ciphers may be a little larger than pictures
    assert float(cipher.block_correlation(longer, plain)[0]) == pytest.approx(1, abs=1e-5)
    assert np.isnan(cipher.block_correlation(plain[:, :7], plain)[0])


def test_npcr_and_uaci_by_hand():
    first = np.zeros((1, 2, 2, 1), np.uint8)
    second = np.array([0, 255, 51, 0], np.uint8).reshape(1, 2, 2, 1)
    assert float(cipher.npcr(first, second)[0]) == pytest.approx(0.5)
    assert float(cipher.uaci(first, second)[0]) == pytest.approx((1 + 0.2) / 4)
    assert float(cipher.uaci(second, first)[0]) == pytest.approx((1 + 0.2) / 4)


# Wu, Noonan and Agaian (2011): NPCR critical values and UACI intervals in per cent at α = 0.05, 0.01, 0.001.
WU = {
    256: ((99.5693, 33.2824, 33.6447), (99.5527, 33.2255, 33.7016), (99.5341, 33.1594, 33.7677)),
    512: ((99.5893, 33.3730, 33.5541), (99.5810, 33.3445, 33.5826), (99.5717, 33.3115, 33.6156)),
    1024: ((99.5994, 33.4183, 33.5088), (99.5952, 33.4040, 33.5231), (99.5906, 33.3875, 33.5396)),
}


@pytest.mark.parametrize("side", WU)
def test_intervals_are_those_of_the_paper(side):
    for alpha, (npcr, low, high) in zip((0.05, 0.01, 0.001), WU[side], strict=True):
        assert 100 * chance.npcr_interval(side**2, alpha)[0] == pytest.approx(npcr, abs=1.01e-4)
        assert [100 * x for x in chance.uaci_interval(side**2, alpha)] == pytest.approx(
            [low, high], abs=1.01e-4
        )


def p_values(batch, plain, other):
    rows, columns = SHAPE[0] // 8, SHAPE[1] // 8
    values = {
        "chi": chance.chi_square_p(cipher.chi_square(batch), SAMPLES),
        "entropy": chance.entropy_p(cipher.entropy_deficit(batch), SAMPLES),
        "npcr": chance.npcr_p(cipher.npcr(batch, other), SAMPLES),
        "uaci": chance.uaci_p(cipher.uaci(batch, other), SAMPLES),
        "blocks": chance.correlation_p(cipher.block_correlation(batch, plain), rows * columns * 3),
    }
    for name in cipher.DIRECTIONS:
        pairs = cipher.adjacent_pairs(batch, name)[0][0].size
        values[name] = chance.correlation_p(cipher.adjacent_correlation(batch, name), pairs)
    return values


def test_random_pictures_fail_as_often_as_alpha_says(random_pictures):
    """1,000 pictures at α = 0.05: 50 outside expected, standard deviation 7."""
    plain = np.broadcast_to(
        np.random.default_rng(1).integers(0, 256, SHAPE, np.uint8), random_pictures[:1000].shape
    )
    for name, p in p_values(random_pictures[:1000], plain, random_pictures[1000:]).items():
        assert 22 <= np.sum(p < 0.05) <= 85, name
        assert chance.pool(p).by_chance, name


def test_intervals_and_p_values_say_the_same(random_pictures):
    batch = random_pictures[:500]
    cases = [
        (cipher.chi_square(batch), chance.chi_square_p, chance.chi_square_interval),
        (cipher.uaci(batch, batch[::-1]), chance.uaci_p, chance.uaci_interval),
        (cipher.npcr(batch, batch[::-1]), chance.npcr_p, chance.npcr_interval),
        (cipher.adjacent_correlation(batch, "diagonal"), chance.correlation_p, chance.correlation_interval),
    ]
    for value, p_value, interval in cases:
        value = np.asarray(value, float)
        low, high = interval(SAMPLES, 0.1)
        np.testing.assert_array_equal(p_value(value, SAMPLES) < 0.1, (value < low) | (value > high))
    deficit = np.asarray(cipher.entropy_deficit(batch), float)
    low, high = chance.entropy_interval(SAMPLES, 0.1)
    outside = (8 - deficit < low) | (8 - deficit > high)
    np.testing.assert_array_equal(chance.entropy_p(deficit, SAMPLES) < 0.1, outside)


def test_a_weak_cipher_fails(rng):
    """XOR of smooth pictures with one repeated row of key bytes."""
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    plain = np.stack([(x * a + y * b) // 2 for a, b in rng.integers(1, 5, (40, 2))])[..., None]
    plain = np.repeat(plain % 256, 3, axis=3).astype(np.uint8)
    row = rng.integers(0, 256, (1, 1, SHAPE[1], 3), dtype=np.uint8)
    changed = plain.copy()
    changed[:, 10, 10, 0] ^= 1
    failed = {
        name
        for name, p in p_values(plain ^ row, plain, changed ^ row).items()
        if not chance.pool(p).by_chance
    }
    assert failed >= {"chi", "entropy", "npcr", "uaci", "vertical"}


def test_pooling_counts_like_a_binomial():
    assert chance.pool([0.5] * 92).p == 1
    six, seven = (chance.pool([0.001] * k + [0.5] * (92 - k)) for k in (6, 7))
    assert six.by_chance
    assert not seven.by_chance
    assert chance.pool([np.nan, 0.5]).count == 1
    assert chance.pool([np.nan]).by_chance


def test_sign_test():
    assert chance.sign_test([1.0, -1.0, 0.0, np.nan]).count == 2
    assert chance.sign_test([1.0] * 6 + [-1.0] * 6).by_chance
    assert chance.sign_test([1.0] * 14).p == pytest.approx(2.0**-14)
    assert not chance.sign_test([1.0] * 14).by_chance
    assert chance.sign_test([-1.0] * 14).p == 1
