"""A keyed universal hash of a picture's words, additive over its tiles.

First level: the words form a matrix of up to 1,024 rows; every column w_c = (lo_c, hi_c) (16-bit halves)
becomes eight sums

    A_j = sum_c  lo_c · p_(c+j) + hi_c · q_(c+j)   mod 2^32,         j = 0 … 7,

multilinear with keys shared by all columns and shifted from sum to sum (Toeplitz). Two different columns
agree in one sum with probability at most 2^-17 (a difference below 2^16 has at most 15 factors of two), in
all eight at most 2^-136. Second level: the same over the sums of a tile, with keys of the tile's own; the
tiles' results add up mod 2^32. See Carter and Wegman (1979); Krovetz, RFC 4418 (UMAC), for the two levels
and the shifted keys.
"""

from __future__ import annotations

from collections.abc import Mapping

import jax
import jax.numpy as jnp

from jaxcrypt.functional.keyed import Purpose, draw

SUMS = 8
ROWS = 1024
_TOGETHER = 16  # rows


def _multilinear(words: jax.Array, keys: jax.Array) -> jax.Array:
    """Eight sums of every column: uint32 ``[n, R]`` with keys uint32 ``[2, n + SUMS]`` to ``[SUMS, R]``."""
    n, columns = words.shape
    if jax.default_backend() == "cpu" and n % _TOGETHER == 0 and columns >= _TOGETHER:
        return _by_rows(words, keys)
    shifted = jnp.stack([keys[:, j : j + n] for j in range(SUMS)], axis=2)[..., None]
    low, high = (words & 0xFFFF)[:, None], (words >> 16)[:, None]
    return jnp.sum(low * shifted[0] + high * shifted[1], axis=0, dtype=jnp.uint32)


def _by_rows(words: jax.Array, keys: jax.Array) -> jax.Array:
    """The same on a CPU in a third of the time: sums stay in registers while rows go by."""
    n, columns = words.shape
    shifted = jnp.stack([keys[:, j : j + n] for j in range(SUMS)], axis=2)
    parts = words.reshape(-1, _TOGETHER, columns), *shifted.reshape(2, -1, _TOGETHER, SUMS, 1)

    def add(sums, part):
        rows, low, high = part
        for row in range(_TOGETHER):
            sums += (rows[row] & 0xFFFF) * low[row] + (rows[row] >> 16) * high[row]
        return sums, None

    none = jnp.broadcast_to(words[:1] & 0, (SUMS, columns))  # zeros that vary with devices as the words do
    return jax.lax.scan(add, none, parts)[0]


def streams(size: int) -> tuple[tuple[Purpose, int], ...]:
    """Which streams :func:`tile_hash` draws for ``size`` words, and words of each; the first are tile 0's."""
    rows = min(ROWS, size)
    return (Purpose.HASH_COLUMN, 2 * (rows + SUMS)), (Purpose.HASH_TILE, 2 * SUMS * (size // rows + 1))


def tile_hash(
    subkey: jax.Array, tile: jax.Array, words: jax.Array, given: Mapping[str, jax.Array] | None = None
) -> jax.Array:
    """The part of one tile.

    Args:
      subkey: uint32 ``[8]``; tile: scalar, its number; words: uint32 ``[S]``, zero beyond the tile's end (the
        picture's length has to be hashed beside it), S a power of two.
      given: as :func:`~jaxcrypt.functional.keyed.draw` takes it.

    Returns:
      uint32 ``[SUMS]``; the picture's hash is the sum over its tiles mod 2^32.
    """
    rows = min(ROWS, words.shape[0])
    columns = words.shape[0] // rows
    (column, some), (own, more) = streams(words.shape[0])
    column_keys, tile_keys = draw([(subkey, column, 0, some), (subkey, own, tile, more)], given)
    first = _multilinear(words.reshape(rows, columns), column_keys.reshape(2, -1))
    return _multilinear(first.reshape(-1, 1), tile_keys.reshape(2, -1))[:, 0]
