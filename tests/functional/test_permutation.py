"""Keyed permutations are bijections of any length, undo themselves and depend on the key."""

import jax
import numpy as np
import pytest

from jaxcrypt.functional import permutation

LENGTHS = (0, 1, 2, 3, 5, 7, 31, 64, 65, 97, 251, 256, 257, 1021, 4093, 4096, 16381, 16384)
indices = jax.jit(permutation.indices, static_argnums=(2, 3))


def some_key(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 2**32, permutation.KEY_WORDS, np.uint32)


@pytest.mark.parametrize("size", [1, 2, 256, 16384])
def test_a_bijection_of_every_length(size):
    for seed, length in enumerate(n for n in LENGTHS if n <= size):
        forward = np.asarray(indices(some_key(seed), length, size, False))
        back = np.asarray(indices(some_key(seed), length, size, True))
        np.testing.assert_array_equal(np.sort(forward[:length]), np.arange(length))
        np.testing.assert_array_equal(forward[length:], np.arange(length, size))
        np.testing.assert_array_equal(forward[back], np.arange(size))


def test_small_ranges_end_for_many_keys():
    # Cycles that lie wholly outside the range must not be walked for ever.
    forward = jax.jit(jax.vmap(lambda key: permutation.indices(key, 5, 16)))
    keys = np.stack([some_key(seed) for seed in range(200)])
    made = np.asarray(forward(keys))[:, :5]
    np.testing.assert_array_equal(np.sort(made, axis=1), np.tile(np.arange(5), (200, 1)))
    # Every value comes to every place about equally often: 40 ± 6 of 200.
    counts = np.stack([(made == value).sum(0) for value in range(5)])
    assert counts.min() >= 15
    assert counts.max() <= 70


def test_one_key_bit_gives_an_unrelated_permutation():
    key, length = some_key(1), 16000
    base = np.asarray(indices(key, length, 16384, False))[:length]
    for word in range(permutation.KEY_WORDS):
        # An odd multiplier takes its lowest bit from no key; any other bit counts.
        changed = key ^ (2 * (np.arange(key.size) == word)).astype(np.uint32)
        other = np.asarray(indices(changed, length, 16384, False))[:length]
        assert (other == base).mean() < 0.6


def test_neighbours_part():
    forward = np.asarray(indices(some_key(2), 16000, 16384, False))[:16000].astype(np.int64)
    correlation = np.corrcoef(forward[:-1], forward[1:])[0, 1]
    assert abs(correlation) < 0.04
    assert abs(np.corrcoef(np.arange(16000), forward)[0, 1]) < 0.04


def test_sizes_must_be_powers_of_two():
    with pytest.raises(ValueError, match="power of two"):
        permutation.indices(some_key(0), 3, 12)
