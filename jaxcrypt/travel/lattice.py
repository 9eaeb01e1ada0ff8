"""Digits as multiples of JPEG's quantisation steps, and what a received coefficient says about them.

For a *way* (the coarsest JPEG that is to be outlived) each coefficient has a step: the larger one of
libjpeg's and mozjpeg's at that quality. It holds one of 2^b multiples of its step, Gray-coded; a JPEG
with that step gives it back exactly, and one with a finer step q' moves it by q'/2 at most. b is where
2^b steps fill the range that pixels have room for, the same for all coefficients (water-filling), and
half of it for chroma, of which each coefficient costs four times as many pixels. Of an even number of
multiples one more lies on one side of 0: which one, a public key stream says.

Encoders that weigh bytes against errors (the trellis of mozjpeg) lessen some multiples by one, most of all
where ±1 is all there is; so do pixels that have no room for what was asked. What a coefficient says takes
that into account.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from jaxcrypt.travel import planes

# fmt: off
_LUMA = np.array([
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55,
    14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51, 87, 80, 62,
    18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92,
    49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
])
_CHROMA = np.array([
    17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99,
    24, 26, 56, 99, 99, 99, 99, 99, 47, 66, 99, 99, 99, 99, 99, 99,
    *[99] * 32,
])
_MOZJPEG = np.array([
    16, 16, 16, 18, 25, 37, 56, 85, 16, 17, 20, 27, 34, 40, 53, 75,
    16, 20, 24, 31, 43, 62, 91, 135, 18, 27, 31, 40, 53, 74, 106, 156,
    25, 34, 43, 53, 69, 94, 131, 189, 37, 40, 62, 74, 94, 124, 169, 238,
    56, 53, 91, 106, 131, 169, 226, 311, 85, 75, 135, 156, 189, 238, 311, 418,
])
# fmt: on
# Chroma coefficients that carry no digits but the header and the beacon, strongest first: docs/FORMAT.md.
RESERVED = (0, 1, 8, 9, 2, 16, 10, 17)
WAYS = (90, 75, 50)
DESIGN = 2  # what is made; 1 is still read
_RANGES = {  # of luma and chroma, in grey levels
    1: {90: (130, 45), 75: (165, 65), 50: (160, 80)},
    2: {90: (150, 60), 75: (165, 90), 50: (190, 110)},
}
_BEACON = 40
_MOST_BITS = 5
_OUTLIERS = 1e-4  # how often anything at all happens to a coefficient
_GRID = 64  # places a step at which likelihoods are tabulated
_LESSENED = {1: 0.05}  # how often one of so many bits comes back lessened by a step
_LESSENED_ELSE = 0.01
_MARGIN = 0.05  # standard deviation, in steps, of what the projection leaves off the lattice


def scaled(table: np.ndarray, quality: int) -> np.ndarray:
    """A table of steps at libjpeg's ``quality``, float32."""
    scale = 5000 // quality if quality < 50 else 200 - 2 * quality
    return np.clip((table * scale + 50) // 100, 1, 255).astype(np.float32)


@dataclass(frozen=True)
class Lattice:
    """What the coefficients of a macroblock hold: float32 ``steps`` and int ``bits``, [384] each."""

    steps: np.ndarray
    bits: np.ndarray

    @property
    def carriers(self) -> np.ndarray:
        """Places of the coefficients that hold digits."""
        return np.nonzero(self.bits)[0]

    @property
    def total(self) -> int:
        """Bits in a macroblock."""
        return int(self.bits.sum())


@cache
def lattice(way: int, design: int = DESIGN) -> Lattice:
    """The lattice for a quality of :data:`WAYS`."""
    luma, chroma = _RANGES[design][way]
    coarse = scaled(_MOZJPEG, way)
    steps = [np.maximum(scaled(table, way), coarse) for table in (_LUMA, _CHROMA)]
    bits = [
        np.clip(np.rint(np.log2(room / step)), 0, _MOST_BITS).astype(int)
        for room, step in zip((luma, chroma), steps, strict=True)
    ]
    bits[1][list(RESERVED)] = 0
    return Lattice(
        np.concatenate([np.tile(x, n) for x, n in zip(steps, (4, 2), strict=True)]),
        np.concatenate([np.tile(x, n) for x, n in zip(bits, (4, 2), strict=True)]),
    )


def reserved(steps: np.ndarray | None = None) -> np.ndarray:
    """Amplitudes of the reserved coefficients, float32 [8], as multiples of ``steps`` where they are given.

    They are JPEG's steps at 50; the first, the beacon's, is larger, since places are measured by it.
    """
    wanted = _CHROMA[list(RESERVED)].astype(np.float32)
    wanted[0] = _BEACON
    if steps is None:
        return wanted
    own = steps[256:][list(RESERVED)]
    return own * np.maximum(np.rint(wanted / own), 1)


@cache
def _symbols(bits: int) -> np.ndarray:
    """Multiples, from the lowest, of the symbols that Gray code words stand for."""
    level = np.arange(1 << bits)
    places = np.empty(1 << bits, np.int64)
    places[level ^ (level >> 1)] = level
    return places - (1 << bits) // 2


def modulate(digits: np.ndarray, signs: np.ndarray, grid: Lattice) -> np.ndarray:
    """Bits to coefficients.

    Args:
      digits: uint8 [n · total] of 0 and 1: coefficient by coefficient, of each all macroblocks.
      signs: int8 [n, 384], the sides of the lattices.

    Returns:
      float32 [n, 384], 0 where no digits are.
    """
    count, at = len(signs), 0
    values = np.zeros(signs.shape, np.float32)
    for place in grid.carriers:
        depth = int(grid.bits[place])
        part = digits[at : at + count * depth].reshape(depth, count)
        at += count * depth
        word = np.zeros(count, np.int64)
        for row in part:
            word = 2 * word + row
        values[:, place] = _symbols(depth)[word] * grid.steps[place] * signs[:, place]
    return values


@dataclass(frozen=True)
class Noise:
    """What the way did to coefficients: quantised by ``steps``, and noise of standard deviation ``spread``.

    Both are float32 [384]; a step of 0: not quantised.
    """

    steps: np.ndarray
    spread: np.ndarray


def demodulate(values: np.ndarray, signs: np.ndarray, grid: Lattice, noise: Noise) -> np.ndarray:
    """Log P(0) / P(1) of each bit, float16, in the order of :func:`modulate`."""
    count, at = len(values), 0
    likelihoods = np.empty(count * grid.total, np.float16)
    for place in grid.carriers:
        depth, step = int(grid.bits[place]), float(grid.steps[place])
        seen = values[:, place] * signs[:, place]
        finer = float(noise.steps[place])
        if finer:
            seen = finer * np.rint(seen / finer)
        table = _table(step, finer, float(noise.spread[place]))
        part = _of_bits(seen / np.float32(step), depth, table)
        likelihoods[at : at + count * depth] = part.reshape(-1)
        at += count * depth
    return likelihoods


@cache
def _table(step: float, finer: float, spread: float) -> np.ndarray:
    """Log P(seen | sent) by their distance, in 1/64 of the step up to two steps."""
    distance = np.arange(2 * _GRID + 1) / _GRID * step
    wide = np.hypot(spread, _MARGIN * step)
    if not finer:
        chance = np.exp(-0.5 * (distance / wide) ** 2)
    else:
        from scipy.special import ndtr

        chance = ndtr((finer / 2 - distance) / wide) - ndtr((-finer / 2 - distance) / wide)
    return np.log(chance + _OUTLIERS).astype(np.float32)


def _of_bits(seen: np.ndarray, depth: int, table: np.ndarray) -> np.ndarray:
    """float32 [depth, n]: of the three multiples around each, the best with a 0 against the best with a 1."""
    low, high = -(1 << depth) // 2, (1 << depth) // 2 - 1
    nearest = np.clip(np.rint(seen), low, high).astype(np.int32)
    floor = np.float32(np.log(_OUTLIERS))
    own = np.minimum(np.abs(seen - nearest) * _GRID, len(table) - 1).astype(np.int32)
    lessened = table[own] + np.float32(np.log(_LESSENED.get(depth, _LESSENED_ELSE)))
    best = np.full((2, depth, len(seen)), floor, np.float32)
    for offset in (-1, 0, 1):
        level = nearest + offset
        inside = (level >= low) & (level <= high)
        away = np.minimum(np.abs(seen - level) * _GRID, len(table) - 1).astype(np.int32)
        chance = table[away]
        np.maximum(chance, lessened, out=chance, where=np.abs(level) == np.abs(nearest) + 1)
        chance = np.where(inside, chance, floor)
        index = np.clip(level, low, high) - low
        code = index ^ (index >> 1)
        for bit in range(depth):
            one = (code >> (depth - 1 - bit)) & 1
            np.maximum(best[0, bit], np.where(one == 0, chance, floor), out=best[0, bit])
            np.maximum(best[1, bit], np.where(one == 1, chance, floor), out=best[1, bit])
    return best[0] - best[1]


def way_of(luma: np.ndarray, chroma: np.ndarray, halved: bool) -> Noise:
    """What a JPEG of these steps, 8×8 tables of 64, does to a macroblock.

    With chroma at full resolution a block of it covers an eighth of a macroblock's period: coefficient k is
    spread over those around k/2, and halving it again halves their noise.
    """
    if halved:
        return Noise(_joined(luma, chroma), np.ones(planes.COEFFICIENTS, np.float32))
    near = chroma.reshape(8, 8)[np.ix_(np.arange(8) // 2, np.arange(8) // 2)].reshape(-1)
    return Noise(_joined(luma, np.zeros(64)), 1 + _joined(np.zeros(64), near / np.sqrt(48)))


def unknown_way() -> Noise:
    """A way of which nothing is known but that it is good."""
    return Noise(_joined(np.zeros(64), np.zeros(64)), _joined(np.full(64, 2.0), np.full(64, 2.0)))


def _joined(luma: np.ndarray, chroma: np.ndarray) -> np.ndarray:
    return np.concatenate([np.tile(luma, 4), np.tile(chroma, 2)]).astype(np.float32)
