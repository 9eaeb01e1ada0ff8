"""What :mod:`.kernels` does, compiled by numba (extra ``fast``): the same functions, the same bits.

Imported only where numba is installed and there is enough to do, since it takes half a second to start, and
seconds the first time.
"""

from __future__ import annotations

import numpy as np

from jaxcrypt.systems.drivers.kernels import jit as _jit
from jaxcrypt.systems.drivers.permuting import images, tables
from jaxcrypt.systems.logistic.layout import ROUNDS

_SUMS, _STEPS = 8, 64
_BLOCK = 1 << 10  # pairs of words
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
def _orbits(states, made):
    for t in range(_STEPS):
        for lane in range(states.size):
            states[lane] = _step(states[lane])
            made[t, lane] = _middle(states[lane])


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
    places, halves = np.empty(2 * _BLOCK, np.uint32), np.empty((2, 2 * _BLOCK), np.uint32)
    left, right = np.empty(_BLOCK, np.uint32), np.empty(_BLOCK, np.uint32)
    added = tables(key, count, shift)
    for start in range(0, count, 2 * _BLOCK):
        size = min(2 * _BLOCK, count - start)
        some, paired = (size + 1) // 2, size // 2
        images(start, places[:size], halves, added, count, shift, False)
        for j in range(some):
            left[j] = words[start + 2 * j] if inverse else words[places[2 * j]]
        right[some - 1] = 0
        for j in range(paired):
            right[j] = words[start + 2 * j + 1] if inverse else words[places[2 * j + 1]]
        _feistel(left[:some], right[:some], keys, start // 2, paired, inverse)
        for j in range(some):
            out[places[2 * j] if inverse else start + 2 * j] = left[j]
        for j in range(paired):
            out[places[2 * j + 1] if inverse else start + 2 * j + 1] = right[j]


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
