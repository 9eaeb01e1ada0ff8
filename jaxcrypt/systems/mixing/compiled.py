"""Keyed mixing by numba (extra ``fast``): what :mod:`jaxcrypt.functional.mixing` does on a CPU, sooner.

A block is looked up and transformed while it lies in the cache. In a block of b = 16 w samples, number
16 h + l lies at l w + h for the butterflies between the l and in its own place for those between the h: every
loop runs along whole vectors. Sums are those of the Hadamard transform in another order, so that results
differ by rounding. Imported only where numba is installed and there is enough to do.
"""

from __future__ import annotations

import numpy as np

from jaxcrypt.functional.companding import DITHER, KEPT
from jaxcrypt.functional.mixing import block_size
from jaxcrypt.systems.drivers.kernels import jit, u32
from jaxcrypt.systems.drivers.permuting import images, tables

_CHUNK = 1 << 11  # images that are computed together
_LOW = 16  # places within whose multiples nothing can be computed side by side
_SMALL = _LOW * _LOW  # blocks below this are transformed step by step
_f32, _f64 = np.float32, np.float64
_KEEP, _ADD, _BACK, _ROOT = _f32(KEPT**0.5), _f32(DITHER), _f32(KEPT**-0.5), _f32(0.5**0.5)


def mix(z: np.ndarray, length: int, signs: np.ndarray, rounds: np.ndarray) -> np.ndarray:
    """As :func:`jaxcrypt.functional.mixing.mix`.

    Args:
      z: float32 ``[S]``; length: n.
      signs: uint32, the stream whose bits are the signs of all rounds, then those of their last blocks.
      rounds: uint32 ``[R, 16]``, keys of the permutations.

    Returns:
      float32 ``[S]``.
    """
    block, y, scratch = block_size(z.size), z.copy(), np.empty_like(z)
    for turn, key in enumerate(rounds):
        _flip(y, signs, turn * z.size)
        _mixed(y, length, key, block, z.size.bit_length() // 2, scratch)
        y, scratch = scratch, y
        if length % block:
            _last_block(y[length - block : length], signs, len(rounds) * z.size + turn * block, False)
    return y


def unmix(y: np.ndarray, length: int, signs: np.ndarray, rounds: np.ndarray) -> np.ndarray:
    """The inverse of :func:`mix`, with the same arguments."""
    block, z, scratch = block_size(y.size), y.copy(), np.empty_like(y)
    for turn in reversed(range(len(rounds))):
        if length % block:
            _last_block(z[length - block : length], signs, len(rounds) * y.size + turn * block, True)
        _unmixed(z, length, rounds[turn], block, y.size.bit_length() // 2, scratch)
        z, scratch = scratch, z
        _flip(z, signs, turn * y.size)
    return z


@jit
def standardised(data, plain, fill):
    """A tile's samples, mean 0 and unit power, its mean and its spread: float32 ``[S]`` and two numbers.

    Args:
      data: uint8 ``[S]``, of which ``plain`` are samples.
      fill: uint32 ``[S / 32]``, whose bits are the signs that stand for the samples of a flat tile.
    """
    z, total, squares = np.zeros(data.size, np.float32), 0, 0
    for j in range(plain):
        total += np.int64(data[j])
        squares += np.int64(data[j]) ** 2
    mean = total / plain
    spread = np.sqrt(_f64(plain * squares - total * total)) / plain  # exactly 0 where all are equal
    if spread == 0:
        for j in range(plain):
            z[j] = _f32(1) - _f32(2) * _f32((fill[j % fill.size] >> u32(j // fill.size)) & u32(1))
    else:
        by = _f32(1 / spread)
        for j in range(plain):
            z[j] = (_f32(data[j]) - _f32(mean)) * by
    return z, mean, spread


@jit
def shown(mixed, words, normal, length):
    """Bytes of mixed samples and their dither, as :func:`jaxcrypt.functional.companding.compand` gives them.

    Args:
      mixed: float32 ``[S]``, of which ``length`` count; words: uint32 ``[S / 2]``, the dither's stream.
      normal: float32 ``[65536]``, the normal value of every 16 bits.

    Returns:
      uint8 ``[S]``, 0 from ``length`` on.
    """
    made, half, moved = np.zeros(mixed.size, np.uint8), words.size, mixed.copy()
    for part in range(2):
        some = moved[part * half : length]
        for j in range(min(half, some.size)):
            dither = normal[(words[j] >> u32(16 * part)) & u32(0xFFFF)]
            some[j] = _KEEP * some[j] + _ADD * dither
    for j in range(length):  # by itself, which makes it a loop over vectors
        moved[j] = _f32(128) + _f32(128) * _erf(_ROOT * moved[j])
    for j in range(length):
        made[j] = np.uint8(np.int32(min(max(moved[j], _f32(0)), _f32(255))))
    return made


@jit
def received(data, words, normal, centroids, length):
    """The inverse on average, float32 ``[S]``: as :func:`jaxcrypt.functional.companding.expand`."""
    made, half = np.zeros(data.size, np.float32), words.size
    for part in range(2):
        some, out = data[part * half : length], made[part * half : length]
        for j in range(min(half, some.size)):
            dither = normal[(words[j] >> u32(16 * part)) & u32(0xFFFF)]
            out[j] = (centroids[some[j]] - _ADD * dither) * _BACK
    return made


@jit
def recovered(z, plain, mean, spread):
    """Samples uint8 ``[S]`` of standardised ones; 0 from ``plain`` on."""
    made = np.zeros(z.size, np.uint8)
    for j in range(plain):
        made[j] = np.uint8(min(max(np.rint(mean + spread * z[j]), _f32(0)), _f32(255)))
    return made


@jit
def _erf(x):
    """The error function in float32, by the rational function that XLA takes."""
    x = x if x < _f32(3.8325069) else _f32(3.8325069)
    x = x if x > _f32(-3.8325069) else _f32(-3.8325069)
    y = x * x
    above = _f32(0.00022905065861350646)
    above = above * y + _f32(0.0034082910107109506)
    above = above * y + _f32(0.050955695062380861)
    above = above * y + _f32(0.18520832239976145)
    above = above * y + _f32(1.128379143519084)
    below = _f32(-1.1791602954361697e-7)
    below = below * y + _f32(0.000023547966471313185)
    below = below * y + _f32(0.0010179625278914885)
    below = below * y + _f32(0.014070470171167667)
    below = below * y + _f32(0.11098505178285362)
    below = below * y + _f32(0.49746925110067538)
    below = below * y + _f32(1)
    return x * above / below


@jit
def _flip(z, signs, start):
    """Change signs by the bits from ``start`` on: bit k of word w is number ``k · words + w``."""
    i, count, values = 0, z.size, z.view(np.uint32)
    while i < count:
        bit, word = u32((start + i) // signs.size), (start + i) % signs.size
        run = min(signs.size - word, count - i)
        some, bits = values[i : i + run], signs[word : word + run]
        for j in range(run):
            some[j] ^= ((bits[j] >> bit) & u32(1)) << u32(31)
        i += run


@jit
def _butterflies(x, stride):
    """Between places ``stride``, 2 ``stride``, 4 ``stride``, … apart, of an array of a power of two."""
    h = stride
    while 4 * h <= x.size:
        for i in range(0, x.size, 4 * h):
            p, q, r, s = (
                x[i : i + h],
                x[i + h : i + 2 * h],
                x[i + 2 * h : i + 3 * h],
                x[i + 3 * h : i + 4 * h],
            )
            for j in range(h):
                a, b, c, d = p[j] + q[j], p[j] - q[j], r[j] + s[j], r[j] - s[j]
                p[j], q[j], r[j], s[j] = a + c, b + d, a - c, b - d
        h *= 4
    if h < x.size:
        p, q = x[:h], x[h:]
        for j in range(h):
            p[j], q[j] = p[j] + q[j], p[j] - q[j]


@jit
def _scaled(x):
    by = _f32(x.size**-0.5)
    for j in range(x.size):
        x[j] *= by


@jit
def _turned(x, apart):
    rows, columns = x.reshape(-1, _LOW), apart.reshape(_LOW, -1)
    for low in range(_LOW):
        for high in range(rows.shape[0]):
            columns[low, high] = rows[high, low]


@jit
def _turned_back(apart, x):
    rows, columns = x.reshape(-1, _LOW), apart.reshape(_LOW, -1)
    for high in range(rows.shape[0]):
        for low in range(_LOW):
            rows[high, low] = columns[low, high]


@jit
def _transform(x, apart):
    """The orthonormal Hadamard transform of a block in place."""
    if x.size < _SMALL:
        _butterflies(x, 1)
    else:
        _butterflies(x, _LOW)
        _turned(x, apart)
        _butterflies(apart, x.size // _LOW)
        _turned_back(apart, x)
    _scaled(x)


@jit
def _looked_up(z, places, apart, x):
    """Into ``x`` the transform of ``z[places]``."""
    if x.size < _SMALL:
        for j in range(x.size):
            x[j] = z[places[j]]
        _butterflies(x, 1)
    else:
        width = x.size // _LOW
        turned, where = apart.reshape(_LOW, width), places.reshape(width, _LOW)
        for low in range(_LOW):
            for high in range(width):
                turned[low, high] = z[where[high, low]]
        _butterflies(apart, width)
        _turned_back(apart, x)
        _butterflies(x, _LOW)
    _scaled(x)


@jit
def _mixed(z, length, key, block, shift, out):
    """Permutation and whole blocks of a round."""
    places, apart = np.empty(block, np.uint32), np.empty(block, np.float32)
    halves, added = np.empty((2, _CHUNK), np.uint32), tables(key, length, shift)
    for start in range(0, length, block):
        some = min(block, length - start)
        for at in range(0, some, _CHUNK):
            images(start + at, places[at : min(at + _CHUNK, some)], halves, added, length, shift, False)
        if some == block:
            _looked_up(z, places, apart, out[start : start + block])
        else:
            for j in range(some):
                out[start + j] = z[places[j]]
    out[length:] = z[length:]


@jit
def _unmixed(y, length, key, block, shift, out):
    """The inverse, which uses up ``y``."""
    places, apart = np.empty(_CHUNK, np.uint32), np.empty(block, np.float32)
    halves, added = np.empty((2, _CHUNK), np.uint32), tables(key, length, shift)
    for start in range(0, length - block + 1, block):
        _transform(y[start : start + block], apart)
    for start in range(0, length, _CHUNK):
        some = out[start : min(start + _CHUNK, length)]
        images(start, places[: some.size], halves, added, length, shift, True)
        for j in range(some.size):
            some[j] = y[places[j]]
    out[length:] = y[length:]


@jit
def _last_block(x, signs, start, inverse):
    if inverse:
        _transform(x, np.empty_like(x))
    _flip(x, signs, start)
    if not inverse:
        _transform(x, np.empty_like(x))
