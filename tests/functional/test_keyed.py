"""Standard normal values from key stream, as many as are asked for."""

import jax
import numpy as np
import pytest
import scipy.stats

from jaxcrypt.functional import keyed

bits, gaussians = jax.jit(keyed.bits), jax.jit(keyed.gaussians)


@pytest.mark.parametrize("count", [1, 2047, 2048, 2049, 4800, 6144, 10_000])
def test_every_count_of_words_gives_normal_values(rng, count):
    words = rng.integers(0, 1 << 32, count, dtype=np.uint32)
    halves = np.concatenate([words & 0xFFFF, words >> 16])
    expected = scipy.stats.norm.ppf((halves + 0.5) / 65536)
    np.testing.assert_allclose(gaussians(words), expected, atol=2e-4)


def test_many_values_are_those_of_few(rng):
    words = rng.integers(0, 1 << 32, 70_000, dtype=np.uint32)
    many, few = np.asarray(gaussians(words)), np.asarray(gaussians(words[-1000:]))
    np.testing.assert_allclose(many[69_000:70_000], few[:1000], rtol=1e-6)
    np.testing.assert_allclose(many[-1000:], few[1000:], rtol=1e-6)


@pytest.mark.parametrize("count", [1, 7, 5000])
def test_bits_come_lowest_first_of_every_word(rng, count):
    words = rng.integers(0, 1 << 32, count, dtype=np.uint32)
    expected = np.unpackbits(words.astype("<u4").view(np.uint8).reshape(count, 4), axis=1, bitorder="little")
    np.testing.assert_array_equal(bits(words), expected.T.reshape(-1).astype(bool))
