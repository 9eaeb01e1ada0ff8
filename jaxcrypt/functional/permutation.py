"""Keyed permutations of [0, n) without a sort: n may be traced, the arrays around it are static.

An index x < a·b is split as (l, r) = (x >> s, x mod b) with b = 2^s and a = ceil(n / b), so neither the split
nor the join divides. An alternating Feistel network (Black and Rogaway, *Ciphers with arbitrary finite
domains*, 2002) then adds to each half in turn a keyed hash of the other,

    r <- r ^ (F(l) mod b),        l <- (l + F(r)) mod a,       with F(r) mod a = (F16(r) · a) >> 16.

Fewer than b of the a·b images lie in [n, a·b). For those alone the walk goes on until it is back below n
(*cycle walking*): a table of b entries, looked up once, in place of a loop over the whole array.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import lax

ROUNDS = 8  # alternating half rounds; each takes two words of key
KEY_WORDS = 2 * ROUNDS
MAX_SIZE = 1 << 20


def _hash16(x, k1, k2):
    """Sixteen keyed bits of x: xor, multiply, fold, multiply."""
    h = (x ^ k1) * jnp.uint32(0x9E3779B1)
    h = (h ^ (h >> 15)) * (k2 | 1)
    h = (h ^ (h >> 13)) * jnp.uint32(0x85EBCA6B)
    return h >> 16


def _rounds(x, key, a, shift, inverse):
    b_mask = jnp.uint32((1 << shift) - 1)
    left, right = x >> shift, x & b_mask
    for step in reversed(range(ROUNDS)) if inverse else range(ROUNDS):
        k1, k2 = key[2 * step], key[2 * step + 1]
        if step % 2 == 0:
            right = right ^ (_hash16(left, k1, k2) & b_mask)
        elif inverse:
            moved = left + a - ((_hash16(right, k1, k2) * a) >> 16)
            left = jnp.where(moved >= a, moved - a, moved)
        else:
            moved = left + ((_hash16(right, k1, k2) * a) >> 16)
            left = jnp.where(moved >= a, moved - a, moved)
    return (left << shift) | right


def permute_indices(
    key: jax.Array, positions: jax.Array, length: jax.Array, size: int, inverse: bool = False
) -> jax.Array:
    """Images of ``positions`` under the keyed permutation of [0, length); the identity from ``length`` on.

    Args:
      key: uint32 ``[KEY_WORDS]``, secret and uniform.
      positions: uint32, any shape, values below ``size``.
      length: scalar, 0 <= length <= size; may be traced.
      size: static bound, a power of two, at most ``MAX_SIZE``.

    Returns:
      uint32 of the shape of ``positions``. ``inverse`` undoes it.
    """
    if size & (size - 1) or not 1 <= size <= MAX_SIZE:
        raise ValueError(f"size {size}: wanted a power of two up to {MAX_SIZE}")
    shift = size.bit_length() // 2
    n = jnp.maximum(jnp.asarray(length, jnp.uint32), 1)  # an empty range would walk for ever
    a = (n + ((1 << shift) - 1)) >> shift

    def once(x):
        return _rounds(x, key, a, shift, inverse)

    # Entries past the end are never looked up. A cycle that lies wholly outside comes back to its start.
    outside = jnp.minimum(n + jnp.arange(1 << shift, dtype=jnp.uint32), (a << shift) - 1)

    def walking(x):
        return (x >= n) & (x != outside)

    back = lax.while_loop(
        lambda x: jnp.any(walking(x)), lambda x: jnp.where(walking(x), once(x), x), once(outside)
    )
    image = once(positions)
    escaped = jnp.minimum(jnp.maximum(image, n) - n, (1 << shift) - 1)
    image = jnp.where(image >= n, back[escaped], image)
    return jnp.where(positions < jnp.asarray(length, jnp.uint32), image, positions)
