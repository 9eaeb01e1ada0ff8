"""Keyed permutations of [0, n) without a sort: n may be traced, the arrays around it are static.

An index x < a·b is split as (l, r) = (x >> s, x mod b) with b = 2^s and a = ceil(n / b), so neither the split
nor the join divides. An alternating Feistel network (Black and Rogaway, *Ciphers with arbitrary finite
domains*, 2002) then adds to each half in turn a keyed hash of the other,

    r <- r ^ (F(l) mod b),        l <- (l + F(r)) mod a,       with F(r) mod a = (F16(r) · a) >> 16.

Fewer than b of the a·b images lie in [n, a·b). For those alone the walk goes on until it is back below n
(*cycle walking*): b entries, put where they belong at the end, in place of a loop over the whole array.
"""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import lax

ROUNDS = 8  # alternating half rounds; each takes two words of key
KEY_WORDS = 2 * ROUNDS
MAX_SIZE = 1 << 20
_CHUNK = 1 << 13


def _hash16(x, k1, k2):
    """Sixteen keyed bits of x: xor, multiply, fold, multiply."""
    h = (x ^ k1) * jnp.uint32(0x9E3779B1)
    h = (h ^ (h >> 15)) * (k2 | 1)
    h = (h ^ (h >> 13)) * jnp.uint32(0x85EBCA6B)
    return h >> 16


def _rounds(x, key, a, shift, inverse):
    b_mask = jnp.uint32((1 << shift) - 1)

    def change_right(left, right, k):
        return right ^ (_hash16(left, k[0], k[1]) & b_mask)

    def change_left(left, right, k):
        by = (_hash16(right, k[2], k[3]) * a) >> 16
        moved = left - by if inverse else left + by
        # Of the two, the one that is no number below a wraps to a large one.
        return jnp.minimum(moved, moved + a if inverse else moved - a)

    def both(halves, k):
        left, right = halves
        if inverse:
            left = change_left(left, right, k)
            return (left, change_right(left, right, k)), None
        right = change_right(left, right, k)
        return (change_left(left, right, k), right), None

    (left, right), _ = lax.scan(both, (x >> shift, x & b_mask), key.reshape(-1, 4), reverse=inverse)
    return (left << shift) | right


def _mapped(image: Callable[[jax.Array], jax.Array], size: int) -> jax.Array:
    """``image`` of every index below ``size``."""
    if size <= _CHUNK:
        return image(jnp.arange(size, dtype=jnp.uint32))
    # In chunks that fit the cache; the outer loop also makes the indices a finished array, computed once.
    return lax.map(image, jnp.arange(size, dtype=jnp.uint32).reshape(-1, _CHUNK)).reshape(-1)


def indices(key: jax.Array, length: jax.Array, size: int, inverse: bool = False) -> jax.Array:
    """The keyed permutation of [0, length) as an index array; the identity from ``length`` on.

    Args:
      key: uint32 ``[KEY_WORDS]``, secret and uniform.
      length: scalar, 0 <= length <= size; may be traced.
      size: static bound, a power of two, at most ``MAX_SIZE``.

    Returns:
      uint32 ``[size]``: the image of every index. ``inverse`` gives the inverse permutation.
    """
    if size & (size - 1) or not 1 <= size <= MAX_SIZE:
        raise ValueError(f"size {size}: wanted a power of two up to {MAX_SIZE}")
    shift = size.bit_length() // 2
    n = jnp.maximum(jnp.asarray(length, jnp.uint32), 1)  # an empty range would walk for ever
    a = (n + ((1 << shift) - 1)) >> shift

    def once(x, inverse):
        return _rounds(x, key, a, shift, inverse)

    # Entries past the end are never looked up. A cycle that lies wholly outside comes back to its start.
    outside = jnp.minimum(n + jnp.arange(1 << shift, dtype=jnp.uint32), (a << shift) - 1)

    def walking(step, x):
        return (x >= n) & ((x != outside) | (step == 0))

    def walk(state):
        step, x = state
        return step + 1, jnp.where(walking(step, x), once(x, inverse), x)

    _, back = lax.while_loop(lambda state: jnp.any(walking(*state)), walk, (0, outside))
    escaped = once(outside, not inverse)  # whose images lie outside; those that do so themselves are dropped

    def image(x):
        return jnp.where(x < jnp.asarray(length, jnp.uint32), once(x, inverse), x)

    images = _mapped(image, size)
    place = jnp.where(escaped < jnp.asarray(length, jnp.uint32), escaped, jnp.uint32(size))
    return images.at[place].set(back, mode="drop")
