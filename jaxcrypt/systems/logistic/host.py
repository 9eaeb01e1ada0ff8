"""The cipher of :mod:`jaxcrypt.systems.logistic` with NumPy and OpenSSL's ChaCha20: for small pictures.

Every function has its twin in :mod:`.tiles` or :mod:`jaxcrypt.functional`, which explains the maths; the bits
are the same. Words are uint32 ``[S]``, a subkey eight of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms

from jaxcrypt.functional.purposes import Purpose
from jaxcrypt.record import Outcome, Progress, Sealed, Shape
from jaxcrypt.systems.drivers import host
from jaxcrypt.systems.drivers.layout import Layout
from jaxcrypt.systems.logistic.layout import ROUNDS, WORD, layout

_SUMS, _ROWS = 8, 1024  # of the universal hash
_STEPS, _ROUND_STEPS = 64, 3  # of orbits that give keys, and of one in a Feistel round
_KEY_WORDS = 16  # of a permutation
_1, _31, _32, _33, _63, _FULL = map(np.uint64, (1, 31, 32, 33, 63, 0xFFFFFFFF))


def encrypt(pictures: Sequence[np.ndarray], keys: Sequence[bytes], progress: Progress = None) -> list[Sealed]:
    """Encrypt pictures uint8 ``[H, W, C]``, each under its subkey of 32 bytes."""
    made = []
    for done, (picture, key) in enumerate(zip(pictures, keys, strict=True), 1):
        made.append(_encrypt(np.ascontiguousarray(picture), host.words(key)))
        if progress is not None:
            progress(done / len(pictures))
    return made


def decrypt(
    sealed: Sequence[Sealed], keys: Sequence[bytes], shape: Shape, progress: Progress = None
) -> list[Outcome]:
    """Undo :func:`encrypt`; ``shape`` is the plain pictures' ``(H, W, C)``.

    Raises:
      Refusal: a cipher picture, shape or side array that no encryption gives.
    """
    host.check_sealed(sealed, shape)
    opened = []
    for done, (one, key) in enumerate(zip(sealed, keys, strict=True), 1):
        host.check_shape(one.pixels, shape)
        digest = host.side_array(one.side, "digest", (4,), np.uint32)
        opened.append(_decrypt(np.ascontiguousarray(one.pixels), digest, host.words(key)))
        if progress is not None:
            progress(done / len(sealed))
    return opened


def _encrypt(picture: np.ndarray, subkey: np.ndarray) -> Sealed:
    cut = layout(picture.shape)
    tiles = _tiles(picture, cut)
    digest = _digest(tiles, subkey, picture.shape)
    stream_key = _prf(subkey, Purpose.STREAM_KEY, digest)[:8]
    for index, (words, (start, end)) in enumerate(zip(tiles, pairwise(cut.plain), strict=True)):
        count = (end - start) // WORD
        stream, keys, rounds = _material(stream_key, subkey, index, len(words))
        left, right, paired = _pairs(words[_indices(rounds, count, len(words))], count)
        left, right = _feistel(left, right, keys, paired, range(ROUNDS))
        words[:count] = np.stack([left, right], axis=1).reshape(-1)[:count]
        words ^= stream
    return Sealed(_picture(tiles, cut, picture.shape), {"digest": digest})


def _decrypt(cipher: np.ndarray, digest: np.ndarray, subkey: np.ndarray) -> Outcome:
    cut = layout(cipher.shape)
    tiles = _tiles(cipher, cut)
    stream_key = _prf(subkey, Purpose.STREAM_KEY, digest)[:8]
    for index, (words, (start, end)) in enumerate(zip(tiles, pairwise(cut.plain), strict=True)):
        count = (end - start) // WORD
        stream, keys, rounds = _material(stream_key, subkey, index, len(words))
        words ^= stream
        left, right, paired = _pairs(words, count)
        left, right = _feistel(left, right, keys, paired, reversed(range(ROUNDS)))
        plain = np.empty_like(words)
        plain[_indices(rounds, count, len(words))] = np.stack([left, right], axis=1).reshape(-1)
        words[:count] = plain[:count]
        words.view(np.uint8)[end - start :] = 0  # as the hash wants it
    picture = _picture(tiles, cut, cipher.shape)
    intact = np.array_equal(_digest(tiles, subkey, cipher.shape), digest)
    return Outcome([picture], report={"intact": np.asarray(intact)})


def _tiles(picture: np.ndarray, cut: Layout) -> np.ndarray:
    """uint8 ``[H, W, C]`` as words ``[k, S]``, zero beyond each tile's end."""
    flat, tiles = picture.reshape(-1), np.zeros((cut.count, cut.size), np.uint8)
    for tile, (start, end) in zip(tiles, pairwise(cut.plain), strict=True):
        tile[: end - start] = flat[start:end]
    return tiles.view("<u4").astype(np.uint32, copy=False)


def _picture(tiles: np.ndarray, cut: Layout, shape: Shape) -> np.ndarray:
    rows = tiles.astype("<u4", copy=False).view(np.uint8)
    parts = [row[: end - start] for row, (start, end) in zip(rows, pairwise(cut.plain), strict=True)]
    return np.concatenate(parts).reshape(shape)


def _material(stream_key: np.ndarray, subkey: np.ndarray, index: int, words: int):
    """Keystream ``[words]``, Feistel keys ``[2, words / 2]`` and permutation key of one tile."""
    lanes = words // _STEPS
    stream = _draw(stream_key, Purpose.STREAM, index, words)
    seeds = _draw(subkey, Purpose.ORBITS, index, 2 * lanes).astype(np.uint64)
    states, orbits = (seeds[:lanes] << _32) | seeds[lanes:], np.empty((_STEPS, lanes), np.uint32)
    for orbit in orbits:
        states = _step(states)
        orbit[:] = _middle(states)
    return stream, orbits.reshape(2, -1), _draw(subkey, Purpose.ROUNDS, index, _KEY_WORDS)


def _step(states: np.ndarray) -> np.ndarray:
    """One step of the logistic map in fixed point, uint64 in and out: ``~floor(Y² / 2^64)``."""
    low = states >> _63
    low -= _1  # all ones where x < 1/2
    high = states << _1
    high ^= low
    np.bitwise_and(high, _FULL, out=low)
    high >>= _32
    cross = low * low
    cross >>= _33
    low *= high
    cross += low
    cross >>= _31
    high *= high
    high += cross
    return np.invert(high, out=high)


def _middle(states: np.ndarray) -> np.ndarray:
    return (states >> np.uint64(16)).astype(np.uint32)


def _pairs(words: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray, int]:
    """Even words, odd words (zero where they belong to no pair), and how many pairs are whole."""
    grid, paired = words.reshape(-1, 2), count // 2
    right = grid[:, 1].copy()
    right[paired:] = 0
    return grid[:, 0].copy(), right, paired


def _feistel(left, right, keys, paired: int, order) -> tuple[np.ndarray, np.ndarray]:
    """The rounds in ``order``; the even ones change left words, the odd ones right words of whole pairs."""
    for i in order:
        target, source = (right[:paired], left[:paired]) if i % 2 else (left, right)
        moved, fixed = keys[0, : len(source)] + np.uint32(i * 0x6A09E667 & 0xFFFFFFFF), keys[1, : len(source)]
        target ^= _round_function(source, moved, fixed)
    return left, right


def _round_function(x: np.ndarray, k1: np.ndarray, k2: np.ndarray) -> np.ndarray:
    states = ((k1 + x * np.uint32(0x9E3779B1)).astype(np.uint64) << _32) | (k2 ^ x)
    for _ in range(_ROUND_STEPS):
        states = _step(states)
    return _middle(states)


def _hash16(x: np.ndarray, k1: np.uint32, k2: np.uint32) -> np.ndarray:
    h = (x ^ k1) * np.uint32(0x9E3779B1)
    h = (h ^ (h >> 15)) * (k2 | np.uint32(1))
    h = (h ^ (h >> 13)) * np.uint32(0x85EBCA6B)
    return h >> 16


def _indices(key: np.ndarray, count: int, size: int) -> np.ndarray:
    """The keyed permutation of ``range(count)``, the identity from there on: intp ``[size]``."""
    shift = size.bit_length() // 2
    n = max(count, 1)
    a, mask = np.uint32((n + (1 << shift) - 1) >> shift), np.uint32((1 << shift) - 1)

    def once(x: np.ndarray) -> np.ndarray:
        left, right = x >> shift, x & mask
        for k in key.reshape(-1, 4):
            right = right ^ (_hash16(left, k[0], k[1]) & mask)
            left = left + ((_hash16(right, k[2], k[3]) * a) >> 16)
            left = np.where(left >= a, left - a, left)
        return (left << shift) | right

    images = np.arange(size, dtype=np.uint32)
    if count:
        images[:count] = once(images[:count])
        outside = np.flatnonzero(images[:count] >= n)
        while outside.size:  # cycle walking
            images[outside] = once(images[outside])
            outside = outside[images[outside] >= n]
    return images.astype(np.intp)


def _digest(tiles: np.ndarray, subkey: np.ndarray, shape: Shape) -> np.ndarray:
    total = np.zeros(_SUMS, np.uint32)
    for index, words in enumerate(tiles):
        total += _tile_hash(subkey, index, words)
    return _prf(subkey, Purpose.DIGEST, total, np.asarray([*shape, 0], np.uint32))[8:12]


def _tile_hash(subkey: np.ndarray, index: int, words: np.ndarray) -> np.ndarray:
    rows = min(_ROWS, len(words))
    columns = len(words) // rows
    column_keys = _draw(subkey, Purpose.HASH_COLUMN, 0, 2 * (rows + _SUMS)).reshape(2, -1)
    tile_keys = _draw(subkey, Purpose.HASH_TILE, index, 2 * _SUMS * (columns + 1)).reshape(2, -1)
    first = _multilinear(words.reshape(rows, columns), column_keys)
    return _multilinear(first.reshape(-1, 1), tile_keys)[:, 0]


def _multilinear(words: np.ndarray, keys: np.ndarray) -> np.ndarray:
    """Eight sums of every column: ``[n, R]`` with keys ``[2, n + 8]`` to ``[8, R]``."""
    low, high, n = words & np.uint32(0xFFFF), words >> 16, len(words)
    sums = [keys[0, j : j + n] @ low + keys[1, j : j + n] @ high for j in range(_SUMS)]
    return np.stack(sums)


def _draw(subkey: np.ndarray, purpose: Purpose, index: int, words: int) -> np.ndarray:
    """uint32 ``[words]`` of a stream, lane by lane as :func:`jaxcrypt.functional.keyed.draw` has it."""
    blocks = -(-words // 16)
    stream = _blocks(subkey, [0, int(purpose), index, 0], blocks)
    return stream.T.reshape(-1)[:words]


def _prf(subkey: np.ndarray, purpose: Purpose, *rows: np.ndarray) -> np.ndarray:
    """uint32 ``[16]``, see :func:`jaxcrypt.functional.keyed.prf`."""
    data = np.concatenate([[int(purpose), 0, 0, 0], *rows]).reshape(-1, 4)
    block = subkey
    for row in data:
        block = _blocks(block[:8], row, 1)[0]
    return block


def _blocks(key: np.ndarray, start: Sequence[int] | np.ndarray, count: int) -> np.ndarray:
    """ChaCha20 (RFC 8439): uint32 ``[count, 16]`` from the block that ``start``, counter and nonce, names."""
    algorithm = algorithms.ChaCha20(key.astype("<u4").tobytes(), np.asarray(start, "<u4").tobytes())
    stream = Cipher(algorithm, mode=None).encryptor().update(bytes(64 * count))
    return np.frombuffer(stream, "<u4").astype(np.uint32).reshape(count, 16)
