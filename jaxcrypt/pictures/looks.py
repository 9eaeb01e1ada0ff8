"""What strangers see where a region of a JPEG is hidden: noise, a blur, a mosaic or a plain area.

A look replaces the coefficients of whole minimum coded units and touches no other. ``noise`` and ``fill`` do
not depend on what they hide; ``blur`` and ``mosaic`` are made of the mean colours of squares of it, and show
these.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from jaxcrypt.pictures.coefficients import Coefficients, blocks_of, units

LOOKS = ("noise", "blur", "mosaic", "fill")
TELLING = frozenset({"blur", "mosaic"})  # those that show something of what they hide
_CELLS = 6  # squares of a mosaic along the shorter side of the region
_WAVES = 4  # noise fills the lowest 4 × 4 frequencies
_NOISE = 160.0  # standard deviation of their coefficients, before quantisation
_CHROMA = 0.35  # of that in components of colour


def units_of(mask: np.ndarray, coefficients: Coefficients) -> np.ndarray:
    """The minimum coded units that hold any marked pixel: bool ``[unit rows, unit columns]``.

    Args:
      mask: bool ``[H, W]`` of the picture as it is stored.
    """
    rows, columns, tall, wide = units(coefficients.height, coefficients.width, coefficients.sampling)
    padded = np.zeros((rows * tall, columns * wide), bool)
    padded[: mask.shape[0], : mask.shape[1]] = mask
    return np.asarray(padded.reshape(rows, tall, columns, wide).any(axis=(1, 3)))


def hide(coefficients: Coefficients, inside: np.ndarray, look: str, seed: bytes) -> Coefficients:
    """The picture with marked units replaced.

    Args:
      inside: bool ``[unit rows, unit columns]``; look: one of :data:`LOOKS`; seed: what noise is drawn from.
    """
    make = _MAKERS[look]
    rng = np.random.default_rng(np.frombuffer(seed, np.uint32))
    planes = []
    marks = blocks_of(inside, coefficients.sampling, coefficients.planes)
    for index, (plane, marked) in enumerate(zip(coefficients.planes, marks, strict=True)):
        table = coefficients.tables[index]
        changed = plane.copy()
        cell = _cell(marked)
        changed[marked] = make(plane, table, marked, cell, _Noise(rng, index > 0))
        planes.append(changed)
    return coefficients.with_planes(planes)


def _cell(marked: np.ndarray) -> int:
    """The side of a mosaic's squares in blocks: a sixth of the region's shorter side."""
    rows, columns = (np.flatnonzero(marked.any(axis=axis)) for axis in (1, 0))
    shorter = min(rows[-1] - rows[0], columns[-1] - columns[0]) + 1
    return max(2, math.ceil(shorter / _CELLS))


class _Noise:
    """Where noise comes from, weaker in components of colour."""

    def __init__(self, rng: np.random.Generator, chroma: bool):
        self.rng, self.scale = rng, _NOISE * (_CHROMA if chroma else 1)

    def coefficients(self, count: int) -> np.ndarray:
        """float64 ``[count, 8, 8]``."""
        waves = np.zeros((count, 8, 8))
        waves[:, :_WAVES, :_WAVES] = self.rng.normal(0, self.scale, (count, _WAVES, _WAVES))
        return waves


def _fill(plane, table, marked, cell, noise) -> np.ndarray:
    """Mid-grey: all coefficients 0 (samples are coded around 128)."""
    return np.zeros((int(marked.sum()), 8, 8), np.int16)


def _noise(plane, table, marked, cell, noise) -> np.ndarray:
    return _quantised(noise.coefficients(int(marked.sum())), table)


def _mosaic(plane, table, marked, cell, noise) -> np.ndarray:
    flat = np.zeros((int(marked.sum()), 8, 8))
    flat[:, 0, 0] = _means(plane, table, marked, cell)[marked]
    return _quantised(flat, table)


def _blur(plane, table, marked, cell, noise) -> np.ndarray:
    """Samples between the mosaic's levels, by two passes of a moving mean as wide as its squares."""
    top, left = (int(np.flatnonzero(marked.any(axis=axis))[0]) for axis in (1, 0))
    bottom, right = (int(np.flatnonzero(marked.any(axis=axis))[-1]) + 1 for axis in (1, 0))
    levels = _means(plane, table, marked, cell)[top:bottom, left:right] / 8
    samples = np.repeat(np.repeat(levels, 8, axis=0), 8, axis=1)
    for _ in range(2):
        samples = _moving_mean(_moving_mean(samples, 8 * cell, 0), 8 * cell, 1)
    rows, columns = levels.shape
    blocks = samples.reshape(rows, 8, columns, 8).transpose(0, 2, 1, 3)
    basis = _basis()
    waves = basis @ blocks @ basis.T
    return _quantised(waves[marked[top:bottom, left:right]], table)


_MAKERS: dict[str, Callable[..., np.ndarray]] = {
    "noise": _noise,
    "blur": _blur,
    "mosaic": _mosaic,
    "fill": _fill,
}


def _means(plane: np.ndarray, table: np.ndarray, marked: np.ndarray, cell: int) -> np.ndarray:
    """Mean DC coefficients of marked blocks in squares of ``cell`` blocks, float64 ``[rows, columns]``.

    Squares lie on a grid of the whole picture; blocks that are not marked count nowhere.
    """
    rows, columns = marked.shape
    tall, wide = -(-rows // cell), -(-columns // cell)
    padded = [np.zeros((tall * cell, wide * cell)) for _ in range(2)]
    padded[0][:rows, :columns] = np.where(marked, plane[..., 0, 0] * float(table[0, 0]), 0)
    padded[1][:rows, :columns] = marked
    sums, counts = (one.reshape(tall, cell, wide, cell).sum(axis=(1, 3)) for one in padded)
    filled = _spread(sums / np.maximum(counts, 1), counts > 0)
    return np.repeat(np.repeat(filled, cell, axis=0), cell, axis=1)[:rows, :columns]


def _spread(levels: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Levels of squares that hold nothing marked: the mean of all others."""
    return np.where(known, levels, levels[known].mean())


def _moving_mean(samples: np.ndarray, width: int, axis: int) -> np.ndarray:
    """A mean over ``width`` neighbours along an axis, edges repeated."""
    before, after = width // 2, width - width // 2
    pad = [(0, 0), (0, 0)]
    pad[axis] = (before, after)
    sums = np.cumsum(np.pad(samples, pad, mode="edge"), axis=axis)
    length = samples.shape[axis]
    high = np.take(sums, np.arange(width, width + length), axis=axis)
    low = np.take(sums, np.arange(length), axis=axis)
    return (high - low) / width


def _basis() -> np.ndarray:
    """The orthonormal DCT-II of length 8: rows are frequencies (T.81, A.3.3)."""
    n = np.arange(8)
    basis = np.cos((2 * n[None] + 1) * n[:, None] * np.pi / 16) / 2
    basis[0] /= math.sqrt(2)
    return basis


def _quantised(waves: np.ndarray, table: np.ndarray) -> np.ndarray:
    """float64 ``[..., 8, 8]`` to int16 multiples of the steps, within what JPEG codes (T.81, F.1.2)."""
    steps = table.astype(np.float64)
    return np.clip(np.rint(waves / steps), np.ceil(-1016 / steps), np.floor(1016 / steps)).astype(np.int16)
