"""Keyed permutations by numba (extra ``fast``): those of :mod:`jaxcrypt.functional.permutation`.

Halves of an index have few values. So the keyed hashes of all of them are made once, and looked up.
"""

from __future__ import annotations

import numpy as np

from jaxcrypt.systems.drivers.kernels import jit, u32


@jit
def _hash16(x, k1, k2):
    h = u32((x ^ k1) * u32(0x9E3779B1))
    h = u32((h ^ (h >> u32(15))) * (k2 | u32(1)))
    h = u32((h ^ (h >> u32(13))) * u32(0x85EBCA6B))
    return u32(h >> u32(16))


@jit
def tables(key, count, shift):
    """What the half rounds of the keyed permutation of range(count) add: uint32 ``[2, 4, 2^shift]``.

    Args:
      key: uint32 ``[16]``; shift: half of the bits of the array's size.
    """
    made = np.zeros((2, key.size // 4, 1 << shift), np.uint32)
    mask, a = u32((1 << shift) - 1), u32((count + (1 << shift) - 1) >> shift)
    for i in range(key.size // 4):
        for half in range(1 << shift):
            made[0, i, half] = _hash16(u32(half), key[4 * i], key[4 * i + 1]) & mask
            made[1, i, half] = u32(_hash16(u32(half), key[4 * i + 2], key[4 * i + 3]) * a) >> u32(16)
    return made


@jit
def images(start, made, halves, added, count, shift, inverse):
    """Into ``made``, uint32 ``[n]``, the images of the numbers from ``start`` on; all are below ``count``.

    Args:
      halves: scratch, uint32 ``[2, n]`` or more; added: what :func:`tables` made.
      inverse: whether those under the inverse permutation.
    """
    left, right = halves[0, : made.size], halves[1, : made.size]
    mask, by = u32((1 << shift) - 1), u32(shift)
    a = u32((count + (1 << shift) - 1) >> shift)
    for j in range(made.size):
        left[j], right[j] = u32(start + j) >> by, u32(start + j) & mask
    _rounds(left, right, added, a, inverse)
    for j in range(made.size):
        made[j] = u32(left[j] << by) | right[j]
    for j in range(made.size):
        while made[j] >= count:  # cycle walking
            left[0], right[0] = made[j] >> by, made[j] & mask
            _rounds(left[:1], right[:1], added, a, inverse)
            made[j] = u32(left[0] << by) | right[0]


@jit
def _rounds(left, right, added, a, inverse):
    for turn in range(added.shape[1]):
        i = added.shape[1] - 1 - turn if inverse else turn
        to_right, to_left = added[0, i], added[1, i]
        for j in range(left.size):
            if inverse:
                moved = u32(left[j] - to_left[right[j]])
                left[j] = min(moved, u32(moved + a))  # of the two, the one that is no number below a wraps
                right[j] ^= to_right[left[j]]
            else:
                right[j] ^= to_right[left[j]]
                moved = u32(left[j] + to_left[right[j]])
                left[j] = min(moved, u32(moved - a))
