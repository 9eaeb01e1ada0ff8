"""Digits that neighbouring blocks share, so that the header of a robust picture fits into its pixels.

Cells of k×k blocks have the mean of their blocks' digits, but of the first, which tells how much there is in
a block: there they have the largest and one more, so that blocks whose neighbours are flat are not given
symbols far beyond the others. (With the mean, what came back of JPEG photos was up to 10 dB worse; the one
more makes up for peaks that interpolation cuts.) A single cell has half-way between mean and largest. Between
the cells' middles digits are interpolated linearly, in whole numbers, so that sender and receiver agree on
every one. At k = 1 the digits are the blocks' own.
"""

from __future__ import annotations

import numpy as np

from jaxcrypt.models.cyclegan import LEVELS


def side_of(blocks: tuple[int, int], cells: tuple[int, ...]) -> int | None:
    """The smallest side of cells of which there are so many rows and columns, or None."""
    for side in range(1, max(blocks) + 1):
        if grid(blocks, side) == cells:
            return side
    return None


def grid(blocks: tuple[int, int], side: int) -> tuple[int, int]:
    """Rows and columns of cells."""
    return -(-blocks[0] // side), -(-blocks[1] // side)


def pooled(digits: np.ndarray, side: int) -> np.ndarray:
    """Digits float32 ``[h, w, 6]`` of blocks to those of cells, float32 whole numbers ``[H, W, 6]``."""
    if side == 1:
        return digits
    mean, most = digits, digits[..., :1]
    for axis in (0, 1):
        starts = np.arange(0, digits.shape[axis], side)
        counts = np.diff(np.append(starts, digits.shape[axis]))
        mean = np.add.reduceat(mean, starts, axis) / counts.astype(np.float32).reshape(-1, *[1] * (2 - axis))
        most = np.maximum.reduceat(most, starts, axis)
    single = mean.shape[:2] == (1, 1)
    first = (mean[..., :1] + most) / 2 if single else np.minimum(most + 1, LEVELS - 1)
    return np.rint(np.concatenate([first, mean[..., 1:]], axis=2))


def interpolated(cells: np.ndarray, side: int, blocks: tuple[int, int]) -> np.ndarray:
    """The inverse, as far as there is one: float32 whole numbers ``[h, w, 6]``, the same on every machine."""
    values = _along(cells.astype(np.int64), side, blocks[0])
    values = _along(values.swapaxes(0, 1), side, blocks[1]).swapaxes(0, 1)
    whole = 4 * side * side
    return ((values + whole // 2) // whole).astype(np.float32)


def _along(cells: np.ndarray, side: int, count: int) -> np.ndarray:
    """Interpolated along the first axis at the middles of ``count`` blocks, times 2 ``side``."""
    # Twice the distance, in blocks, of each block's middle from that of the first cell.
    place = np.clip(2 * np.arange(count) + 1 - side, 0, 2 * side * (len(cells) - 1))
    low, share = place // (2 * side), (place % (2 * side))[:, None, None]
    return (2 * side - share) * cells[low] + share * cells[np.minimum(low + 1, len(cells) - 1)]
