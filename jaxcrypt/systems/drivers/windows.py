"""Pictures of any size through a convolutional net, window by window and without seams.

A fully convolutional net sees only so far: an output depends on inputs within its *reach*. So a large
picture is cut into cores, each is computed from a window that reaches far enough around it, and out comes
what the net would have made of the whole picture, up to the rounding of floats. A window never leaves the
picture: where a core lies at a border, so does its window, and the net sees the border as in the whole.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from jaxcrypt.record import Progress


@dataclass(frozen=True)
class Span:
    """One axis of one window: ``[first, first + size)`` is read, of it ``[start, stop)`` is kept."""

    first: int
    size: int
    start: int
    stop: int


def spans(length: int, size: int, reach: int) -> list[Span]:
    """Windows of one ``size`` whose cores cover ``length``; one of ``length``, where that is smaller."""
    if length <= size:
        return [Span(0, length, 0, length)]
    core = size - 2 * reach
    cut, start = [], 0
    while start < length:
        first = min(max(start - reach, 0), length - size)
        stop = length if first == length - size else first + reach + core
        cut.append(Span(first, size, start, stop))
        start = stop
    return cut


def map_windows(
    function: Callable[..., np.ndarray],
    arrays: Sequence[np.ndarray],
    scale: tuple[int, int],
    size: int,
    reach: int,
    progress: Progress = None,
) -> np.ndarray:
    """``function`` of ``arrays``, computed window by window.

    Args:
      function: of every array's window ``[1, n*h, n*w, …]`` to ``[1, m*h, m*w, C']`` of any dtype, for all h
        and w.
      arrays: ``[n*h, n*w, …]`` each.
      scale: ``(n, m)``: positions to read and to write for one unit of the net's grid.
      size, reach: of a window, in such units.

    Returns:
      ``[m*h, m*w, C']``, of the function's dtype.
    """
    read, write = scale
    sides = [side // read for side in arrays[0].shape[:2]]
    grid = [(a, b) for a in spans(sides[0], size, reach) for b in spans(sides[1], size, reach)]
    out = None
    for done, axes in enumerate(grid, 1):
        seen = tuple(slice(s.first * read, (s.first + s.size) * read) for s in axes)
        made = np.asarray(function(*(array[seen][None] for array in arrays)))[0]
        if out is None:
            out = np.empty((*(side * write for side in sides), made.shape[2]), made.dtype)
        kept = tuple(slice((s.start - s.first) * write, (s.stop - s.first) * write) for s in axes)
        out[tuple(slice(s.start * write, s.stop * write) for s in axes)] = made[kept]
        if progress is not None:
            progress(done / len(grid))
    return out


def pad_to(picture: np.ndarray, unit: int) -> np.ndarray:
    """``[H, W, C]`` with its last row and column repeated until both sides are multiples of ``unit``."""
    height, width, _ = picture.shape
    return np.pad(picture, ((0, -height % unit), (0, -width % unit), (0, 0)), mode="edge")
