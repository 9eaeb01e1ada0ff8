"""What was found in a picture: places with a mask each, and the arithmetic of masks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np


@dataclass(frozen=True, eq=False)
class Thing:
    """One thing in a picture.

    Attributes:
      left, top: of its bounding box, in pixels from the picture's corner.
      mask: bool ``[h, w]`` within that box.
      label: what it is, for people; score: the finder's confidence, 0 to 1.
    """

    left: int
    top: int
    mask: np.ndarray = field(repr=False)
    label: str = ""
    score: float = 1.0

    @property
    def box(self) -> tuple[int, int, int, int]:
        """``(left, top, right, bottom)``, the last two beyond it."""
        height, width = self.mask.shape
        return self.left, self.top, self.left + width, self.top + height

    def covers(self, x: int, y: int) -> bool:
        """Whether the pixel ``x`` from the left and ``y`` from the top is in its bounding box."""
        left, top, right, bottom = self.box
        return left <= x < right and top <= y < bottom

    def boxed(self) -> Thing:
        """The same with all of its bounding box."""
        return replace(self, mask=np.ones_like(self.mask))


def rectangle(
    bounds: Sequence[float], shape: tuple[int, int], label: str = "", score: float = 1.0
) -> Thing | None:
    """A box as a thing, cut to the picture; None where nothing of it is inside.

    Args:
      bounds: left, top, right, bottom, in pixels; part of a pixel counts as all of it.
      shape: the picture's height and width.
    """
    left, top = (max(0, int(np.floor(at))) for at in bounds[:2])
    right, bottom = (min(side, int(np.ceil(at))) for at, side in zip(bounds[2:], shape[::-1], strict=True))
    if left >= right or top >= bottom:
        return None
    return Thing(left, top, np.ones((bottom - top, right - left), bool), label, score)


def ellipse(
    bounds: Sequence[float], shape: tuple[int, int], label: str = "", score: float = 1.0
) -> Thing | None:
    """As :func:`rectangle`: the ellipse that fits into a box."""
    thing = rectangle(bounds, shape, label, score)
    if thing is None:
        return None
    left, top, right, bottom = bounds
    x = (np.arange(thing.left, thing.box[2]) + 0.5 - (left + right) / 2) * 2 / (right - left)
    y = (np.arange(thing.top, thing.box[3]) + 0.5 - (top + bottom) / 2) * 2 / (bottom - top)
    mask = x**2 + y[:, None] ** 2 <= 1
    return replace(thing, mask=mask) if mask.any() else thing


def union(things: Sequence[Thing], shape: tuple[int, int]) -> np.ndarray:
    """bool ``[H, W]``: where any of them is."""
    mask = np.zeros(shape, bool)
    for thing in things:
        left, top, right, bottom = thing.box
        mask[top:bottom, left:right] |= thing.mask
    return mask


def dilate(mask: np.ndarray, reach: int) -> np.ndarray:
    """A mask, bool ``[H, W]``, grown by ``reach`` pixels to every side, as by a square."""
    for _ in range(2):
        mask = mask.T
        # Any of 2·reach + 1 neighbours: their number is the difference of two running sums.
        total = np.cumsum(np.pad(mask, ((reach + 1, reach), (0, 0))), axis=0, dtype=np.int32)
        mask = total[2 * reach + 1 :] > total[: len(mask)]
    return mask


def parts(mask: np.ndarray, label: str = "") -> list[Thing]:
    """The connected parts of a mask, bool ``[H, W]``, from the top down; corners alone connect nothing."""
    runs: list[tuple[int, int, int]] = []  # row, first column, column behind
    parent: list[int] = []

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    above: list[int] = []
    for row in map(int, np.flatnonzero(mask.any(axis=1))):
        here = []
        edges = np.flatnonzero(np.diff(np.pad(mask[row], 1).astype(np.int8)))
        for start, end in edges.reshape(-1, 2).tolist():
            here.append(len(runs))
            parent.append(len(runs))
            runs.append((row, start, end))
            for j in above:
                if runs[j][0] == row - 1 and runs[j][1] < end and start < runs[j][2]:
                    parent[root(here[-1])] = root(j)
        above = here
    groups: dict[int, list[tuple[int, int, int]]] = {}
    for i, run in enumerate(runs):
        groups.setdefault(root(i), []).append(run)
    return [_of_runs(group, label) for group in groups.values()]


def _of_runs(runs: list[tuple[int, int, int]], label: str) -> Thing:
    rows, starts, ends = zip(*runs, strict=True)
    left, top = min(starts), min(rows)
    mask = np.zeros((max(rows) - top + 1, max(ends) - left), bool)
    for row, start, end in runs:
        mask[row - top, start - left : end - left] = True
    return Thing(left, top, mask, label)
