"""A tile's arithmetic with NumPy, in chunks that stay in the cache: what :mod:`.compiled` does with numba.

The maths is that of :mod:`jaxcrypt.functional.logistic_map`, :mod:`~jaxcrypt.functional.permutation` and
:mod:`~jaxcrypt.functional.universal_hash`, and so are the bits. Words are uint32 ``[S]``, S a power of two.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from jaxcrypt.systems.logistic.layout import ROUNDS

_SUMS = 8  # of the universal hash
_STEPS, _ROUND_STEPS = 64, 3  # of orbits that give keys, and of one in a Feistel round
_CHUNK = 1 << 14  # words
_PARTS = 4  # of a product: small ones run in the thread that asks for them
_1, _16, _31, _32, _33, _63, _FULL = map(np.uint64, (1, 16, 31, 32, 33, 63, 0xFFFFFFFF))


def orbits(seeds: np.ndarray) -> np.ndarray:
    """Feistel keys, uint32 ``[2, 32 · lanes]``, from seeds uint32 ``[2, lanes]``."""
    states = (seeds[0].astype(np.uint64) << _32) | seeds[1]
    made, scratch = np.empty((_STEPS, len(states)), np.uint32), _scratch(len(states))
    for orbit in made:
        _step(states, *scratch)
        orbit[:] = states >> _16
    return made.reshape(2, -1)


def seal(words: np.ndarray, keys: np.ndarray, rounds: np.ndarray, count: int) -> np.ndarray:
    """The first ``count`` words permuted and taken through the Feistel rounds, the others as they are.

    Args:
      keys: as :func:`orbits` gives them; rounds: uint32 ``[16]``, of the permutation.
    """
    out = words.copy()
    for start, stop, images in _permuted(rounds, count, len(words)):
        left, right = words[images[::2]], np.zeros(len(images[::2]), np.uint32)
        paired = (stop - start) // 2
        right[:paired] = words[images[1::2]]
        _feistel(left, right, paired, keys[:, start // 2 :], range(ROUNDS))
        out[start:stop:2], out[start + 1 : stop : 2] = left, right[:paired]
    return out


def unseal(words: np.ndarray, keys: np.ndarray, rounds: np.ndarray, count: int) -> np.ndarray:
    """Undo :func:`seal`."""
    out = words.copy()
    for start, stop, images in _permuted(rounds, count, len(words)):
        left, paired = words[start:stop:2].copy(), (stop - start) // 2
        right = np.zeros_like(left)
        right[:paired] = words[start + 1 : stop : 2]
        _feistel(left, right, paired, keys[:, start // 2 :], reversed(range(ROUNDS)))
        out[images[::2]], out[images[1::2]] = left, right[:paired]
    return out


def columns(keys: np.ndarray, rows: int) -> np.ndarray:
    """What :func:`sums` wants of keys uint32 ``[2, rows + 8]``: their halves, float64 ``[16, 2 · rows]``."""
    shifted = np.lib.stride_tricks.sliding_window_view(keys, rows, axis=1)[:, :_SUMS]
    both = np.concatenate([shifted[0], shifted[1]], axis=1)
    return np.concatenate([both & np.uint32(0xFFFF), both >> np.uint32(16)]).astype(np.float64)


def sums(words: np.ndarray, halves: np.ndarray) -> np.ndarray:
    """The eight multilinear sums of every column, uint32 ``[8, R]``, of words ``[n, R]``.

    Products of halves below 2^16 add up to less than 2^53, so the floats are exact.
    """
    rows, width = words.shape
    pairs = words.astype("<u4", copy=False).view("<u2").reshape(rows, width, 2)
    data = np.empty((2 * rows, width))
    data[:rows], data[rows:] = pairs[..., 0], pairs[..., 1]
    parts = _PARTS if rows % _PARTS == 0 else 1
    cut = halves.reshape(2 * _SUMS, parts, -1).swapaxes(0, 1)
    total = np.matmul(cut, data.reshape(parts, -1, width)).sum(axis=0).astype(np.uint64)
    return (total[:_SUMS] + (total[_SUMS:] << _16)).astype(np.uint32)


def _permuted(key: np.ndarray, count: int, size: int) -> Iterable[tuple[int, int, np.ndarray]]:
    """Bounds of chunks of ``range(count)``, and the keyed permutation's images of what lies in each."""
    shift = size.bit_length() // 2
    a, mask = np.uint32((count + (1 << shift) - 1) >> shift), np.uint32((1 << shift) - 1)
    for start in range(0, count, _CHUNK):
        stop = min(start + _CHUNK, count)
        images = _images(np.arange(start, stop, dtype=np.uint32), key, shift, a, mask)
        outside = np.flatnonzero(images >= count)
        while outside.size:  # cycle walking
            images[outside] = _images(images[outside], key, shift, a, mask)
            outside = outside[images[outside] >= count]
        yield start, stop, images


def _images(x: np.ndarray, key: np.ndarray, shift: int, a: np.uint32, mask: np.uint32) -> np.ndarray:
    left, right = x >> np.uint32(shift), x & mask
    for k in key.reshape(-1, 4):
        right ^= _hash16(left, k[0], k[1]) & mask
        moved = _hash16(right, k[2], k[3])
        moved *= a
        moved >>= np.uint32(16)
        left += moved
        np.minimum(left, left - a, out=left)  # the difference wraps where left < a
    left <<= np.uint32(shift)
    left |= right
    return left


def _hash16(x: np.ndarray, k1: np.uint32, k2: np.uint32) -> np.ndarray:
    h = x ^ k1
    h *= np.uint32(0x9E3779B1)
    h ^= h >> np.uint32(15)
    h *= k2 | np.uint32(1)
    h ^= h >> np.uint32(13)
    h *= np.uint32(0x85EBCA6B)
    h >>= np.uint32(16)
    return h


def _feistel(
    left: np.ndarray, right: np.ndarray, paired: int, keys: np.ndarray, order: Iterable[int]
) -> None:
    """The rounds in ``order``, in place; even ones change left words, odd ones right words of whole pairs."""
    scratch = _scratch(len(left) + 1)
    for i in order:
        target, source = (right[:paired], left[:paired]) if i % 2 else (left, right)
        target ^= _round(source, keys[:, : len(source)], i, [part[: len(source)] for part in scratch])


def _round(x: np.ndarray, keys: np.ndarray, i: int, scratch: list[np.ndarray]) -> np.ndarray:
    high = x * np.uint32(0x9E3779B1)
    high += keys[0]
    high += np.uint32(i * 0x6A09E667 & 0xFFFFFFFF)
    states = high.astype(np.uint64)
    states <<= _32
    states |= keys[1] ^ x
    for _ in range(_ROUND_STEPS):
        _step(states, *scratch)
    states >>= _16
    return states.astype(np.uint32)


def _scratch(size: int) -> list[np.ndarray]:
    return [np.empty(size, np.uint64) for _ in range(3)]


def _step(states: np.ndarray, low: np.ndarray, high: np.ndarray, cross: np.ndarray) -> None:
    """One step of the logistic map in fixed point, uint64 in place: ``~floor(Y² / 2^64)``."""
    np.right_shift(states, _63, out=low)
    np.subtract(low, _1, out=low)  # all ones where x < 1/2
    np.left_shift(states, _1, out=high)
    np.bitwise_xor(high, low, out=high)
    np.bitwise_and(high, _FULL, out=low)
    np.right_shift(high, _32, out=high)
    np.multiply(low, low, out=cross)
    np.right_shift(cross, _33, out=cross)
    np.multiply(low, high, out=low)
    np.add(cross, low, out=cross)
    np.right_shift(cross, _31, out=cross)
    np.multiply(high, high, out=high)
    np.add(high, cross, out=high)
    np.invert(high, out=states)
