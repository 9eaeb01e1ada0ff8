"""Pictures of any size through a convolutional net, window by window and without seams.

A fully convolutional net sees only so far: an output depends on inputs within its *reach*. So a large
picture is cut into cores, each is computed from a window that reaches far enough around it, and out comes
what the net would have made of the whole picture, up to the rounding of floats. A window never leaves the
picture: where a core lies at a border, so does its window, and the net sees the border as in the whole.

Where the reach is not written down it is found out: a NaN in the middle of a picture spreads to all that
depends on it, and no further.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np

from jaxcrypt.record import Progress

UNIT = 16  # pixels: of the grid on which :func:`map_picture` cuts, a multiple of every net's own
_CORE = 48  # units on a side of what a window computes: with its surroundings about a megapixel
_SIZES = 16  # that windows may have up to their largest: each is a program to compile
_TRIALS = (17, 33, 65)  # units, odd: pictures in which a NaN may spread


Window = tuple[slice, slice]  # rows and columns, in units


@dataclass(frozen=True)
class Span:
    """One axis of one window: ``[first, first + size)`` is read, of it ``[start, stop)`` is kept."""

    first: int
    size: int
    start: int
    stop: int


def spans(length: int, size: int, reach: int) -> list[Span]:
    """Windows of one size, at most ``size``, whose cores cover ``length``: as few as can be, and as small.

    One of ``length``, where that is smaller.
    """
    if length <= size:
        return [Span(0, length, 0, length)]
    size = _balanced(length, size, reach)
    core = size - 2 * reach
    cut, start = [], 0
    while start < length:
        first = min(max(start - reach, 0), length - size)
        stop = length if first == length - size else first + reach + core
        cut.append(Span(first, size, start, stop))
        start = stop
    return cut


def widened(first: int, stop: int, length: int, sizes: Sequence[int]) -> tuple[int, int]:
    """``[first, stop)`` of an axis, made as long as the least of ``sizes`` (rising) that holds it.

    Every length is a program to compile. It is moved into ``[0, length)`` where it fits; longer ones stay.
    """
    size = next((size for size in sizes if stop - first <= size), stop - first)
    first = max(0, min(first, length - size))
    return first, first + size


def _balanced(length: int, size: int, reach: int) -> int:
    """The smallest window, in steps of a share of ``size``, of which as many cover ``length`` as of that.

    Windows that do not overlap stay as they are: nothing is computed twice.
    """
    if not reach:
        return size
    inner, step = length - 2 * reach, -(-size // _SIZES)  # what cores cover beyond the ends' own reach
    count = -(-inner // (size - 2 * reach))
    least = -(-inner // count) + 2 * reach
    return min(size, -(-least // step) * step)


def read(axes: tuple[Span, Span]) -> Window:
    """Rows and columns that a window reads."""
    return tuple(slice(span.first, span.first + span.size) for span in axes)


def kept(axes: tuple[Span, Span], scale: int) -> Window:
    """Where in what was read that is which is kept, ``scale`` positions for each unit."""
    return tuple(slice((s.start - s.first) * scale, (s.stop - s.first) * scale) for s in axes)


def sampled(sides: tuple[int, int], size: int, reach: int, of: int) -> list[tuple[Span, Span]]:
    """One in ``of`` windows, spread over the whole by knight's moves; every one, where there are fewer."""
    rows, columns = (spans(side, size, reach) for side in sides)
    every = [(a, b, (2 * i + j) % of) for i, a in enumerate(rows) for j, b in enumerate(columns)]
    few = len(every) < of
    return [(a, b) for a, b, place in every if few or place == of // 2]


def over_windows(
    make: Callable[[Window], np.ndarray],
    sides: tuple[int, int],
    scale: int,
    size: int,
    reach: int,
    progress: Progress = None,
) -> np.ndarray:
    """What ``make`` gives window by window, put together.

    Args:
      make: of rows and columns of units, ``m*h, m*w, C'`` of any dtype.
      sides: of the whole, in units; scale: m, positions to write for one unit.
      size, reach: of a window, in units.

    Returns:
      ``[m*H, m*W, C']``, of that dtype.
    """
    grid = [(a, b) for a in spans(sides[0], size, reach) for b in spans(sides[1], size, reach)]
    out = None
    for done, axes in enumerate(grid, 1):
        made = np.asarray(make(read(axes)))
        if out is None:
            out = np.empty((*(side * scale for side in sides), made.shape[2]), made.dtype)
        out[tuple(slice(s.start * scale, s.stop * scale) for s in axes)] = made[kept(axes, scale)]
        if progress is not None:
            progress(done / len(grid))
    return out


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

    def make(seen: Window) -> np.ndarray:
        where = tuple(slice(read * part.start, read * part.stop) for part in seen)
        return np.asarray(function(*(array[where][None] for array in arrays)))[0]

    height, width = (side // read for side in arrays[0].shape[:2])
    return over_windows(make, (height, width), write, size, reach, progress)


def pad_to(picture: np.ndarray, unit: int) -> np.ndarray:
    """``[H, W, C]`` with its last row and column repeated until both sides are multiples of ``unit``."""
    height, width, _ = picture.shape
    return np.pad(picture, ((0, -height % unit), (0, -width % unit), (0, 0)), mode="edge")


def map_picture(
    run: Callable[[Any, np.ndarray], Any],
    see: Callable[[Any, Any], Any],
    params: Any,
    picture: np.ndarray,
    progress: Callable[[float], None] | None = None,
) -> np.ndarray:
    """``run(params, picture)``, in windows where the picture is large and the net sees less than it all.

    Args:
      run: uint8 ``[1, H, W, C]`` to uint8 ``[1, H, W, C']``.
      see: the same net in floats.
      picture: uint8 ``[H, W, C]``, sides multiples of 16.

    Returns:
      uint8 ``[H, W, C']``.
    """
    around = reach(see, params, picture.shape[2]) if max(picture.shape[:2]) > _CORE * UNIT else None
    if around is None:
        return np.array(run(params, picture[None])[0])
    size = _CORE + 2 * around
    return map_windows(lambda window: run(params, window), (picture,), (UNIT, UNIT), size, around, progress)


def reach(see: Callable[[Any, Any], Any], params: Any, channels: int) -> int | None:
    """How many units around one the outputs there depend on; None where that has no end in sight."""
    for side in _TRIALS:
        middle = side // 2
        x = np.zeros((1, side * UNIT, side * UNIT, channels), np.float32)
        inside = slice(middle * UNIT, (middle + 1) * UNIT)
        x[:, inside, inside] = np.nan
        seen = np.asarray(jnp.isnan(see(params, x)).any((0, 3)))
        units = np.concatenate([np.flatnonzero(seen.any(axis)) for axis in (0, 1)]) // UNIT
        distance = int(np.abs(units - middle).max())
        if distance < middle:
            return distance
    return None
