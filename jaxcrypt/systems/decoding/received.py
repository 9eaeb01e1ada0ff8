"""How a received cipher picture of keyed mixing is distorted, and what it still says about its symbols.

Lost blocks are marked, or flat. JPEG shows its steps in the pixels (:mod:`jaxcrypt.functional.jpeg`).
Anything else counts as white noise on the bytes, of a level that the pilots measure. Each is a function for
:func:`jaxcrypt.systems.decoding.turbo.decode`; a wrong guess shows in the pilots, and then noise is assumed.
"""

from __future__ import annotations

from collections.abc import Callable

import jax.numpy as jnp
import numpy as np

from jaxcrypt.functional import jpeg, soft_expand
from jaxcrypt.functional.companding import KEPT, dithered, undithered
from jaxcrypt.systems.decoding import turbo

Receive = Callable[[np.ndarray, float], tuple[np.ndarray, float]]  # of turbo.decode
PASSES = 5
FEW_PASSES = 2  # of an undamaged cipher: the second learns what lies beyond the outermost bytes
HOPELESS = 5000.0  # variance of noise on bytes of which nothing is left, as under a wrong key
_FLAT = 16
WORSE = 1.5  # the pilots' error over the claimed one beyond which the guess about the damage was wrong
_MARGIN = 0.15  # of the pilots' error over rounding's: an undamaged cipher has up to 0.08 more


def flat_blocks(cipher: np.ndarray) -> np.ndarray:
    """bool [H, W]: 16×16 blocks of one value, which noise never shows: lost, and painted over."""
    height, width, _ = cipher.shape
    lost = np.zeros((height, width), bool)
    for top in range(0, height, _FLAT):
        band = cipher[top : top + _FLAT]
        starts = np.arange(0, width, _FLAT)
        low = np.minimum.reduceat(band.min(axis=0), starts, axis=0)
        high = np.maximum.reduceat(band.max(axis=0), starts, axis=0)
        flat = np.all(high == low, axis=-1) & (band.shape[0] * np.minimum(_FLAT, width - starts) >= 32)
        lost[top : top + _FLAT] = np.repeat(flat, _FLAT)[:width]
    return lost


def lost_cells(lost: np.ndarray) -> np.ndarray:
    """bool [H, W]: whole 8×8 blocks of which anything is lost; JPEG's steps say nothing of those."""
    height, width = lost.shape
    padded = np.pad(lost, ((0, -height % 8), (0, -width % 8)))
    touched = padded.reshape(padded.shape[0] // 8, 8, padded.shape[1] // 8, 8).any(axis=(1, 3))
    return np.kron(touched, np.ones((8, 8), bool))[:height, :width]


def find_quality(cipher: np.ndarray, lost: np.ndarray | None = None) -> int | None:
    """libjpeg's quality that a cipher picture, uint8 [H, W, 1 or 3], went through, or None.

    Args:
      lost: bool [H, W]; blocks of which anything is lost are not looked at.
    """
    if lost is None or not lost.any():
        return jpeg.find_quality(cipher)
    height, width = (side // 8 * 8 for side in lost.shape)
    whole = ~lost_cells(lost)[:height:8, :width:8].reshape(-1)
    blocks = cipher[:height, :width].reshape(height // 8, 8, width // 8, 8, -1).swapaxes(1, 2)
    left = blocks.reshape(-1, 8, 8, cipher.shape[2])[whole]
    return jpeg.find_quality(left.reshape(-1, 8, cipher.shape[2])) if len(left) else None


def lost_pixels(cipher: np.ndarray, lost: np.ndarray | None) -> np.ndarray:
    """bool ``[H, W]``: pixels known to be lost, and flat blocks."""
    flat = flat_blocks(cipher)
    return flat if lost is None else flat | lost


def distortion(cipher: np.ndarray, gaps: np.ndarray) -> tuple[np.ndarray | None, int | None]:
    """The erased samples, bool ``[H·W·C]`` or None, and the quality of the JPEG that it went through.

    Args:
      cipher: uint8 ``[H, W, C]``; gaps: as :func:`lost_pixels` finds them.
    """
    channels = cipher.shape[2]
    quality = None if channels in (2, 4) else find_quality(cipher, gaps)
    return (np.repeat(gaps.reshape(-1), channels) if gaps.any() else None), quality


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
        self.places, self.dither, self.lost, self.shape = places, dither, lost, cipher.shape
        height, width, planes = cipher.shape
        self.inner = (height // 8 * 8, width // 8 * 8, planes)
        self.steps = jpeg.tables(quality)[:planes]
        self.pixels = cipher
        inside = cipher[: self.inner[0], : self.inner[1]].astype(np.float32)
        self.centres = jpeg.cells(jnp.asarray(inside), self.steps)

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
        error = jnp.float32(errors.mean())
        del errors  # of large pictures, whatever is held counts
        picture = np.full(self.pixels.size, 127.5, np.float32)
        picture[self.places] = mean
        del mean
        rows, columns, _ = self.inner
        inside = jnp.asarray(picture.reshape(self.shape)[:rows, :columns])
        seen, noise = jpeg.refine(inside, error, self.centres, jnp.asarray(self.steps), self.inner)
        seen = np.asarray(seen)  # waits: ``inside`` may lie in the very memory that is written to next
        del inside
        observed = picture.reshape(self.shape)
        observed[...] = self.pixels
        observed[:rows, :columns] = seen
        return observed.reshape(-1)[self.places], float(noise)


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

    def part(which):
        return dither[which], None if lost is None else lost[which]

    inside, gaps = part(whole)
    seen = JpegCells(blocks, index[whole], inside, quality, gaps)
    if whole.all():
        return seen
    edge, gaps = part(~whole)
    return Beside(seen, Bytes(data[~whole], edge, gaps, noise), whole)


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


def recover(
    run, cipher, span, lost, quality, denoise, progress=None, some=None
) -> tuple[np.ndarray, np.ndarray]:
    """The samples of a run, uint8 [n], and the noise levels that were left before the last denoising, [k].

    Args: as :func:`decode` takes them.
    """
    clean, _, levels = decode(run, cipher, span, lost, quality, denoise, progress, some)
    return np.clip(np.rint(clean), 0, 255).astype(np.uint8), levels


def untouched(error: float, claimed: float, pilots: int) -> bool:
    """Whether pilots with this mean square ``error`` say that nothing but rounding happened to the symbols.

    ``claimed`` is what rounding does; a few percent more than that happens without any damage, however many
    ``pilots`` there are.
    """
    return error < claimed * (1 + max(_MARGIN, 5 * np.sqrt(2 / max(pilots, 1))))


def decode(run, cipher, span, lost, quality, denoise, progress=None, some=None):
    """What :func:`jaxcrypt.systems.decoding.turbo.decode` makes of a run of bytes, however distorted.

    Args:
      cipher: uint8 [H, W, C], the whole received picture; span: the run's part of it, flat.
      lost: bool [H·W·C] or None; quality: of the JPEG that it went through, or None.
      denoise, progress, some: as there.
    """
    start, end = span
    flat, dither = cipher.reshape(-1)[start:end], run.dither()
    gaps = None if lost is None or not lost[start:end].any() else lost[start:end]
    if quality is not None:
        cells = None
        if gaps is not None:
            plane = lost_cells(lost.reshape(cipher.shape)[..., 0])
            cells = np.repeat(plane.reshape(-1), cipher.shape[2])[start:end]
        channel = JpegCells(cipher, slice(start, end), dither, quality, cells)
        symbols, claimed = channel(np.zeros(end - start, np.float32), 1.0)
        if mean_error(run, symbols) < WORSE * claimed:
            return turbo.decode(run, channel, denoise, PASSES, progress, some)
    noise = byte_noise(run, flat, dither, gaps)
    channel = Bytes(flat, dither, gaps, noise)
    few = FEW_PASSES if gaps is None and noise <= 0.1 else PASSES
    return turbo.decode(run, channel, denoise, 1 if noise > HOPELESS else few, progress, some)


def mean_error(run, symbols) -> float:
    """Mean square error of the pilots of a :class:`turbo.Run`, whose power is 1."""
    _, errors = run.unmix(symbols)
    return float(np.average(errors, weights=np.maximum(run.pilots, 1)))


def byte_noise(run, flat, dither, lost) -> float:
    """Variance of white noise on the bytes, from the pilots; what losses explain is taken off."""
    symbols = undithered(soft_expand.CENTROIDS[flat], dither)
    share = 1.0
    if lost is not None:
        symbols, share = np.where(lost, 0, symbols), 1 - float(lost.mean())
    if share <= 0:
        return 1 / 12
    error = mean_error(run, symbols)  # E(pilot - estimate)²: losses leave share · noise + (1 - share) of it
    pilots = int(run.pilots.sum())
    unsure = 4 * np.sqrt(2 / max(1, pilots))
    ours = (error - (1 - share)) / share - unsure * (1 - share) / share
    if untouched(ours, soft_expand.expansion_error(0.0) + 1e-3, pilots):
        return 1 / 12
    return soft_expand.byte_noise((error - (1 - share)) / share)
