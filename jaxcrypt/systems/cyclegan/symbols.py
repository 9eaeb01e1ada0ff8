"""Which coefficients of a picture are symbols, told for any window of its blocks without holding the others.

The symbols are the k coefficients with the largest scales, of equal ones the first. Scales are whole numbers,
so a histogram gives the smallest one that is taken, and how many of that; what is left to hold is a count for
each block. Symbols stand in the order of their coefficients, and every t-th goes into one mixing tile.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from jaxcrypt.models.cyclegan import LEAST, OCTAVE
from jaxcrypt.systems.cyclegan import code
from jaxcrypt.systems.drivers.windows import Window

_TOGETHER = 1600  # blocks whose scales are looked at together
_LOWEST = LEAST * OCTAVE
_HIGHEST = 1 << 15  # scales are int16


class Symbols:
    """The symbols of one picture.

    Args:
      digits: float32 ``[h, w, 6]``.
      scales: of digits ``[n, 6]``: int16 ``[n, 256·planes]``.
    """

    def __init__(self, digits: np.ndarray, scales: Callable[[np.ndarray], np.ndarray], plan: code.Plan):
        self.plan, self._digits, self._scales = plan, digits, scales
        histogram = np.zeros(_HIGHEST - _LOWEST, np.int64)
        for _, own in self._some():
            histogram += np.bincount(own.reshape(-1).astype(np.int64) - _LOWEST, minlength=len(histogram))
        above = np.cumsum(histogram[::-1])[::-1]  # how many are at least that large
        step = int(np.flatnonzero(above >= plan.symbols[-1])[-1])
        self._least, left = step + _LOWEST, plan.symbols[-1] - int(above[step] - histogram[step])
        larger, equal = (np.zeros(digits.shape[0] * digits.shape[1], np.int64) for _ in range(2))
        for where, own in self._some():
            larger[where] = (own > self._least).sum(axis=1)
            equal[where] = (own == self._least).sum(axis=1)
        before = np.cumsum(equal) - equal
        self._equal = np.clip(left - before, 0, equal).reshape(digits.shape[:2])  # of them, taken of a block
        self._first = np.concatenate([[0], np.cumsum(larger + self._equal.reshape(-1))])
        self._weight = np.exp2(-0.5 / OCTAVE * np.arange(_LOWEST, _HIGHEST)).astype(np.float32)

    def _some(self) -> Iterator[tuple[slice, np.ndarray]]:
        """Scales of all blocks, some at a time."""
        flat = self._digits.reshape(-1, self._digits.shape[2])
        for start in range(0, len(flat), _TOGETHER):
            yield slice(start, start + _TOGETHER), self._scales(flat[start : start + _TOGETHER])

    def window(self, seen: Window) -> Part:
        """The symbols of a window."""
        digits = self._digits[seen]
        rows, columns, depth = digits.shape
        scales = self._scales(digits.reshape(-1, depth)).reshape(rows, columns, -1)
        there = scales > self._least
        taken = self._equal[seen]
        for row, column in np.argwhere(taken):
            equal = np.flatnonzero(scales[row, column] == self._least)
            there[row, column, equal[: taken[row, column]]] = True
        width = self._digits.shape[1]
        starts = [self._first[row * width + seen[1].start] for row in range(seen[0].start, seen[0].stop)]
        stops = [self._first[row * width + seen[1].stop] for row in range(seen[0].start, seen[0].stop)]
        return Part(scales, there, list(zip(starts, stops, strict=True)), self._weight)


class Part:
    """The symbols of a window of blocks ``[r, c]``.

    Attributes:
      scales: int16 ``[r, c, 256·planes]``; there: bool of that shape, where there is a symbol.
    """

    def __init__(
        self, scales: np.ndarray, there: np.ndarray, runs: list[tuple[int, int]], weight: np.ndarray
    ):
        self.scales, self.there, self._runs = scales, there, runs
        self._weight = weight[scales[there].astype(np.int64) - _LOWEST]

    def take(self, coefficients: np.ndarray, symbols: np.ndarray) -> None:
        """Put the window's weighed symbols into ``symbols``, float32 ``[k]``."""
        self._place(coefficients[self.there] * self._weight, symbols)

    def put(self, symbols: np.ndarray) -> np.ndarray:
        """The inverse: coefficients, float32, zero where there is no symbol."""
        return self.spread_out(self._of(symbols) / self._weight)

    def by_tile(self, values: np.ndarray) -> np.ndarray:
        """Values of the mixing tiles, ``[t]``, at the symbols' coefficients, zero elsewhere."""
        return self.spread_out(values[np.concatenate([np.arange(a, b) for a, b in self._runs]) % len(values)])

    def spread_out(self, values: np.ndarray) -> np.ndarray:
        """Values of the window's symbols at their coefficients, zero elsewhere."""
        whole = np.zeros(self.scales.shape, np.float32)
        whole[self.there] = values
        return whole

    def _of(self, symbols: np.ndarray) -> np.ndarray:
        return np.concatenate([symbols[a:b] for a, b in self._runs])

    def _place(self, own: np.ndarray, symbols: np.ndarray) -> None:
        done = 0
        for a, b in self._runs:
            symbols[a:b] = own[done : done + b - a]
            done += b - a
