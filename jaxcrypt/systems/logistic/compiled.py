"""What :mod:`.kernels` does, compiled by numba (extra ``fast``): the same functions, the same bits.

Imported only where numba is installed and there is enough to do, since it takes half a second to start. What
it compiled is kept beside this file, or in the user's cache folder.
"""

from __future__ import annotations

import numba
import numpy as np

from jaxcrypt.systems.logistic.layout import ROUNDS

_SUMS, _STEPS = 8, 64
_BLOCK = 1 << 10  # pairs of words
_jit = numba.njit(nogil=True, cache=True, error_model="numpy")
_u32, _u64 = np.uint32, np.uint64


@_jit
def _step(state):
    """One step of the logistic map in fixed point: ``~floor(Y² / 2^64)``."""
    flip = (state >> _u64(63)) - _u64(1)
    y = (state << _u64(1)) ^ flip
    low, high = y & _u64(0xFFFFFFFF), y >> _u64(32)
    return ~(high * high + ((high * low + ((low * low) >> _u64(33))) >> _u64(31)))


@_jit
def _middle(state):
    return _u32(state >> _u64(16))


@_jit
def _round(x, k1, k2):
    state = (_u64(_u32(k1 + x * _u32(0x9E3779B1))) << _u64(32)) | _u64(k2 ^ x)
    return _middle(_step(_step(_step(state))))


@_jit
def _hash16(x, k1, k2):
    h = _u32((x ^ k1) * _u32(0x9E3779B1))
    h = _u32((h ^ (h >> _u32(15))) * (k2 | _u32(1)))
    h = _u32((h ^ (h >> _u32(13))) * _u32(0x85EBCA6B))
    return _u32(h >> _u32(16))


@_jit
def _orbits(states, made):
    for t in range(_STEPS):
        for lane in range(states.size):
            states[lane] = _step(states[lane])
            made[t, lane] = _middle(states[lane])


@_jit
def _images(start, images, left, right, key, count, shift):
    """The keyed permutation of range(count): images of the numbers from ``start`` on."""
    mask, by = _u32((1 << shift) - 1), _u32(shift)
    a = _u32((count + (1 << shift) - 1) >> shift)
    for j in range(images.size):
        left[j], right[j] = _u32(start + j) >> by, _u32(start + j) & mask
    _rounds(left, right, key, a, mask)
    for j in range(images.size):
        images[j] = _u32(left[j] << by) | right[j]
        while images[j] >= count:  # cycle walking
            left[0], right[0] = images[j] >> by, images[j] & mask
            _rounds(left[:1], right[:1], key, a, mask)
            images[j] = _u32(left[0] << by) | right[0]


@_jit
def _rounds(left, right, key, a, mask):
    for i in range(0, key.size, 4):
        k0, k1, k2, k3 = key[i], key[i + 1], key[i + 2], key[i + 3]
        for j in range(left.size):
            right[j] ^= _hash16(left[j], k0, k1) & mask
            moved = _u32(left[j] + _u32(_u32(_hash16(right[j], k2, k3) * a) >> _u32(16)))
            left[j] = min(moved, _u32(moved - a))  # the difference wraps where it is below a


@_jit
def _feistel(left, right, keys, start, paired, inverse):
    """The rounds of a block of pairs from ``start`` on, of which ``paired`` are whole."""
    for turn in range(ROUNDS):
        i = ROUNDS - 1 - turn if inverse else turn
        more = _u32((i * 0x6A09E667) & 0xFFFFFFFF)
        if i % 2:
            for j in range(paired):
                right[j] ^= _round(left[j], _u32(keys[0, start + j] + more), keys[1, start + j])
        else:
            for j in range(left.size):
                left[j] ^= _round(right[j], _u32(keys[0, start + j] + more), keys[1, start + j])


@_jit
def _run(words, keys, key, count, shift, inverse, out):
    images, halves = np.empty(2 * _BLOCK, np.uint32), np.empty((2, 2 * _BLOCK), np.uint32)
    left, right = np.empty(_BLOCK, np.uint32), np.empty(_BLOCK, np.uint32)
    for start in range(0, count, 2 * _BLOCK):
        size = min(2 * _BLOCK, count - start)
        some, paired = (size + 1) // 2, size // 2
        _images(start, images[:size], halves[0, :size], halves[1, :size], key, count, shift)
        for j in range(some):
            left[j] = words[start + 2 * j] if inverse else words[images[2 * j]]
        right[some - 1] = 0
        for j in range(paired):
            right[j] = words[start + 2 * j + 1] if inverse else words[images[2 * j + 1]]
        _feistel(left[:some], right[:some], keys, start // 2, paired, inverse)
        for j in range(some):
            out[images[2 * j] if inverse else start + 2 * j] = left[j]
        for j in range(paired):
            out[images[2 * j + 1] if inverse else start + 2 * j + 1] = right[j]


@_jit
def _sums(words, keys, out):
    rows, width = words.shape
    for i in range(rows):
        for j in range(_SUMS):
            low, high = keys[0, i + j], keys[1, i + j]
            for k in range(width):
                word = words[i, k]
                out[j, k] += _u32((word & _u32(0xFFFF)) * low) + _u32((word >> _u32(16)) * high)


def orbits(seeds: np.ndarray) -> np.ndarray:
    """As :func:`.kernels.orbits`."""
    made = np.empty((_STEPS, seeds.shape[1]), np.uint32)
    _orbits((seeds[0].astype(np.uint64) << _u64(32)) | seeds[1], made)
    return made.reshape(2, -1)


def seal(words: np.ndarray, keys: np.ndarray, rounds: np.ndarray, count: int) -> np.ndarray:
    """As :func:`.kernels.seal`."""
    out = words.copy()
    _run(words, keys, rounds, count, len(words).bit_length() // 2, False, out)
    return out


def unseal(words: np.ndarray, keys: np.ndarray, rounds: np.ndarray, count: int) -> np.ndarray:
    """As :func:`.kernels.unseal`."""
    out = words.copy()
    _run(words, keys, rounds, count, len(words).bit_length() // 2, True, out)
    return out


def columns(keys: np.ndarray, rows: int) -> np.ndarray:
    """The keys as they are; see :func:`.kernels.columns`."""
    return keys


def sums(words: np.ndarray, keys: np.ndarray) -> np.ndarray:
    """As :func:`.kernels.sums`."""
    out = np.zeros((_SUMS, words.shape[1]), np.uint32)
    _sums(words, keys, out)
    return out
