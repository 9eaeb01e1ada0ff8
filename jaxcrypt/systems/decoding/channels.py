"""What bytes say of the symbols behind them, noisy, lost or JPEG's: channels for decoding by turns.

Each is a function ``receive`` of :func:`jaxcrypt.systems.decoding.turbo.decode`.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxcrypt.functional import jpeg, soft_expand
from jaxcrypt.functional.companding import KEPT, dithered, undithered
from jaxcrypt.record import Shape
from jaxcrypt.systems.drivers.layout import even_bounds

Receive = Callable[[np.ndarray, float], tuple[np.ndarray, float]]  # of turbo.decode
_CELLS = 1_000_000  # pixels whose cells are computed together


class Bytes:
    """Symbols from bytes with white noise (of variance 1/12: none but rounding), some of them lost."""

    def __init__(self, cipher: np.ndarray, dither: np.ndarray, lost: np.ndarray | None, noise: float):
        self.observed, self.dither, self.lost, self.noise = cipher.astype(np.float32), dither, lost, noise

    def __call__(self, prior: np.ndarray, variance: float) -> tuple[np.ndarray, float]:
        moved, spread = dithered(prior, self.dither), variance * KEPT
        value, error = soft_expand.posterior(self.observed, self.noise, moved, spread, self.noise > 0.1)
        if self.lost is not None:
            value, error = np.where(self.lost, moved, value), np.where(self.lost, spread, error)
        return _extrinsic(value, error, self.dither, prior, variance)


class JpegCells:
    """Symbols from a picture that was a JPEG: its cells, beyond them noise, and of lost blocks nothing.

    Args:
      cipher: uint8 ``[H, W, C]``; places: where in it, flat, the symbols' bytes are; lost: bool, of those.
    """

    def __init__(
        self,
        cipher: np.ndarray,
        places: slice | np.ndarray,
        dither: np.ndarray,
        quality: int,
        lost: np.ndarray | None = None,
    ):
        self.places, self.dither, self.lost, self.pixels = places, dither, lost, cipher
        _, width, planes = cipher.shape
        self.steps = jpeg.tables(quality)[:planes]
        whole = cipher[:, : width // 8 * 8]
        self.bands = [
            _Band(rows, jpeg.cells(jnp.asarray(whole[rows].astype(np.float32)), self.steps))
            for rows in _bands(cipher.shape)
        ]

    def __call__(self, prior: np.ndarray, variance: float) -> tuple[np.ndarray, float]:
        moved, spread = dithered(prior, self.dither), variance * KEPT
        observed, noise = self._refined(moved, spread)
        value, error = soft_expand.posterior(observed, noise, moved, spread, False)
        if self.lost is not None:
            value, error = np.where(self.lost, moved, value), np.where(self.lost, spread, error)
        return _extrinsic(value, error, self.dither, prior, variance)

    def _refined(self, moved: np.ndarray, spread: float) -> tuple[np.ndarray, float]:
        """Bytes in place of those received, told what was known of the symbols, and their noise."""
        mean, errors = soft_expand.predict(moved, spread)
        error, width = jnp.float32(errors.mean()), self.pixels.shape[1] // 8 * 8
        picture = np.full(self.pixels.size, 127.5, np.float32)
        picture[self.places] = mean
        del mean, errors  # of large pictures, whatever is held counts
        picture, noise = picture.reshape(self.pixels.shape), 0.0
        for rows, centres in self.bands:
            inside = jnp.asarray(picture[rows, :width])
            seen, own = jpeg.refine(inside, error, centres, jnp.asarray(self.steps), inside.shape)
            seen = np.asarray(seen)  # waits: ``inside`` may lie in the very memory that is written to next
            picture[rows, :width] = seen
            noise += float(own) * (rows.stop - rows.start)
        last = self.bands[-1].rows.stop
        picture[:, width:], picture[last:] = self.pixels[:, width:], self.pixels[last:]
        return picture.reshape(-1)[self.places], noise / last


class _Band(NamedTuple):
    """Rows of whole blocks of a picture, and the centres of its coefficients' cells there."""

    rows: slice
    centres: jax.Array


def _bands(shape: Shape) -> list[slice]:
    """A picture's rows of whole blocks in parts, since cells take many times the memory of the pixels."""
    blocks, most = shape[0] // 8, max(1, _CELLS // (8 * max(shape[1], 1)))
    bounds = even_bounds(blocks, -(-blocks // most))
    return [slice(8 * a, 8 * b) for a, b in pairwise(bounds)]


class Beside:
    """``first`` of the symbols that ``which`` (bool ``[m]``) names, ``second`` of the others.

    What both make of the prior is put together, and the prior divided out of that: were their extrinsic parts
    put together, the poorer would drown the better.
    """

    def __init__(self, first: Receive, second: Receive, which: np.ndarray):
        self._parts = (which, first), (~which, second)

    def __call__(self, prior: np.ndarray, variance: float) -> tuple[np.ndarray, float]:
        value, error = np.empty_like(prior), 0.0
        for which, receive in self._parts:
            estimate, own = receive(prior[which], variance)
            left = 1 / (1 / own + 1 / variance)
            value[which] = left * (estimate / own + prior[which] / variance)
            error += left * float(which.mean())
        return soft_expand.extrinsic(value, error, prior, variance)


def cells(picture, mask, data, dither, lost, noise: float, quality: int) -> Receive:
    """JPEG's cells that lie in a region; beside them, where a cell holds open samples too, noise.

    Args:
      picture: uint8 ``[H, W, C]``; mask: bool ``[H, W]``, the region.
      data, dither, lost: of the region's samples, ``[n]``; lost may be None.
      noise: variance on the bytes; quality: libjpeg's.
    """
    blocks, index = _whole_blocks(picture, mask)
    index = index[mask].reshape(-1)
    whole = index >= 0
    if not whole.any():
        return Bytes(data, dither, lost, noise)

    def part(which):
        return dither[which], None if lost is None else lost[which]

    inside, gaps = part(whole)
    seen = JpegCells(blocks, index[whole], inside, quality, gaps)
    if whole.all():
        return seen
    edge, gaps = part(~whole)
    return Beside(seen, Bytes(data[~whole], edge, gaps, noise), whole)


def rows_of_cells(
    cipher: np.ndarray, span: tuple[int, int], dither, lost, noise: float, quality: int
) -> Receive | None:
    """As :func:`cells`, of a run of bytes: the cells that lie in it, and noise in what is left at its ends.

    None where it holds no whole blocks.

    Args:
      cipher: uint8 ``[H, W, C]``, a whole picture; span: the run's part of it, flat.
      dither: of the run's symbols, ``[n]``; lost: bool ``[H·W·C]`` or None.
      noise: variance on the bytes; quality: libjpeg's.
    """
    height, width, channels = cipher.shape
    (start, end), row = span, width * channels
    first, last = -(-start // (8 * row)) * 8, height if end == cipher.size else end // (8 * row) * 8
    if last - first < 8:
        return None
    gone = None
    if lost is not None:
        plane = lost_cells(lost.reshape(cipher.shape)[first:last, :, 0])
        gone = np.repeat(plane.reshape(-1), channels)
    inside = np.zeros(end - start, bool)
    inside[first * row - start : last * row - start] = True
    seen = JpegCells(cipher[first:last], slice(None), dither[inside], quality, gone)
    if inside.all():
        return seen
    flat, gaps = cipher.reshape(-1)[start:end], None if lost is None else lost[start:end][~inside]
    return Beside(seen, Bytes(flat[~inside], dither[~inside], gaps, noise), inside)


def _whole_blocks(picture: np.ndarray, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The 8×8 blocks that lie in the region, as one column, and where in it each sample of the picture is.

    Returns:
      uint8 ``[8 n, 8, C]``, and flat places ``[H, W, C]``, -1 for samples of other blocks.
    """
    rows, columns = (side // 8 * 8 for side in mask.shape)
    index = np.full(picture.shape, -1)

    def cut(array):
        return array[:rows, :columns].reshape(rows // 8, 8, columns // 8, 8, -1).swapaxes(1, 2)

    chosen = cut(mask).all(axis=(2, 3, 4))
    column = cut(picture)[chosen]
    numbers = np.full((rows // 8, columns // 8, 8, 8, picture.shape[2]), -1)
    numbers[chosen] = np.arange(column.size).reshape(column.shape)
    index[:rows, :columns] = numbers.swapaxes(1, 2).reshape(rows, columns, -1)
    return column.reshape(-1, 8, picture.shape[2]), index


def _extrinsic(value, error, dither, prior, variance):
    """The extrinsic estimate of symbols without dither, from the posterior of those with it."""
    return soft_expand.extrinsic(undithered(value, dither), float(error.mean() / KEPT), prior, variance)


def lost_cells(lost: np.ndarray) -> np.ndarray:
    """bool [H, W]: whole 8×8 blocks of which anything is lost; JPEG's steps say nothing of those."""
    height, width = lost.shape
    padded = np.pad(lost, ((0, -height % 8), (0, -width % 8)))
    touched = padded.reshape(padded.shape[0] // 8, 8, padded.shape[1] // 8, 8).any(axis=(1, 3))
    return np.kron(touched, np.ones((8, 8), bool))[:height, :width]
