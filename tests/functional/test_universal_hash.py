"""The universal hash against its formula, and as a hash."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxcrypt.functional import keyed, universal_hash

SUBKEY = jnp.arange(8, dtype=jnp.uint32)
tile_hash = jax.jit(universal_hash.tile_hash)


def by_formula(columns: np.ndarray, keys: np.ndarray) -> np.ndarray:
    """Sums of every column with Python integers."""
    sums = np.zeros((universal_hash.SUMS, columns.shape[1]), np.uint32)
    for j in range(universal_hash.SUMS):
        for r in range(columns.shape[1]):
            total = 0
            for c, word in enumerate(columns[:, r].tolist()):
                total += (word & 0xFFFF) * int(keys[0, c + j]) + (word >> 16) * int(keys[1, c + j])
            sums[j, r] = total % 2**32
    return sums


@pytest.mark.parametrize("count", [2, 16])  # a CPU takes whole rows of 16 and more another way
def test_equals_its_formula(rng, count):
    words = rng.integers(0, 2**32, 1024 * count, np.uint32)
    first, second = keyed.draw(
        [
            (SUBKEY, keyed.Purpose.HASH_COLUMN, 0, 2 * (1024 + 8)),
            (SUBKEY, keyed.Purpose.HASH_TILE, 5, 2 * 8 * (count + 1)),
        ]
    )
    columns = by_formula(words.reshape(1024, count), np.asarray(first).reshape(2, -1))
    expected = by_formula(columns.reshape(-1, 1), np.asarray(second).reshape(2, -1))[:, 0]
    np.testing.assert_array_equal(tile_hash(SUBKEY, 5, words), expected)


def test_any_change_changes_it(rng):
    words = jnp.asarray(rng.integers(0, 2**32, 2048, np.uint32))
    base = np.asarray(tile_hash(SUBKEY, 0, words))
    for place, bit in ((0, 0), (2047, 31), (1000, 15), (1001, 16)):
        changed = words.at[place].set(words[place] ^ jnp.uint32(1 << bit))
        assert not np.array_equal(tile_hash(SUBKEY, 0, changed), base)
    assert not np.array_equal(tile_hash(SUBKEY, 1, words), base)
    assert not np.array_equal(tile_hash(SUBKEY.at[0].set(9), 0, words), base)
