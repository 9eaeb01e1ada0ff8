"""How a received cipher picture of keyed mixing is distorted, and its decoding.

Lost blocks are marked, or flat. JPEG shows its steps in the pixels (:mod:`jaxcrypt.functional.jpeg`).
Anything else counts as white noise on the bytes, of a level that the pilots measure. Each has its channel
(:mod:`jaxcrypt.systems.decoding.channels`); a wrong guess shows in the pilots, and then noise is assumed.
"""

from __future__ import annotations

import numpy as np

from jaxcrypt.functional import jpeg, soft_expand
from jaxcrypt.functional.companding import undithered
from jaxcrypt.systems.decoding import turbo
from jaxcrypt.systems.decoding.channels import Bytes, Receive, lost_cells, rows_of_cells

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


def find_quality(cipher: np.ndarray, lost: np.ndarray | None = None) -> int | None:
    """libjpeg's quality that a cipher picture, uint8 [H, W, 1 or 3], went through, or None.

    Args:
      lost: bool [H, W]; blocks of which anything is lost are not looked at.
    """
    if lost is None or not lost.any():
        return jpeg.find_quality(cipher)
    height, width = (side // 8 * 8 for side in lost.shape)
    if not min(height, width):
        return None
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


def recover(run, cipher, span, lost, quality, denoise, some, progress=None) -> tuple[np.ndarray, float]:
    """The samples of a run, uint8 [n], and their expected error, root mean square.

    Args: as :func:`decode` takes them.
    """
    decoded = decode(run, cipher, span, lost, quality, denoise, some, progress)
    return np.clip(np.rint(decoded.clean), 0, 255).astype(np.uint8), decoded.error


def untouched(error: float, claimed: float, pilots: int) -> bool:
    """Whether pilots with this mean square ``error`` say that nothing but rounding happened to the symbols.

    ``claimed`` is what rounding does; a few percent more than that happens without any damage, however many
    ``pilots`` there are.
    """
    return error < claimed * (1 + max(_MARGIN, 5 * np.sqrt(2 / max(pilots, 1))))


def decode(run, cipher, span, lost, quality, denoise, some, progress=None) -> turbo.Decoded:
    """What :func:`jaxcrypt.systems.decoding.turbo.decode` makes of a run of bytes, however distorted.

    Args:
      cipher: uint8 [H, W, C], the whole received picture; span: the run's part of it, flat.
      lost: bool [H·W·C] or None; quality: of the JPEG that it went through, or None.
      denoise, some, progress: as there.
    """
    start, end = span
    flat, dither = cipher.reshape(-1)[start:end], run.dither()
    gaps = None if lost is None or not lost[start:end].any() else lost[start:end]
    noise = byte_noise(run, flat, dither, gaps)
    if quality is not None:
        channel = rows_of_cells(cipher, span, dither, None if gaps is None else lost, noise, quality)
        if channel is not None and borne_out(run, channel):
            return turbo.decode(run, channel, denoise, some, PASSES, progress)
    channel = Bytes(flat, dither, gaps, noise)
    few = FEW_PASSES if gaps is None and noise <= 0.1 else PASSES
    return turbo.decode(run, channel, denoise, some, 1 if noise > HOPELESS else few, progress)


def borne_out(run, channel: Receive) -> bool:
    """Whether the pilots bear out what a channel claims before anything is known of the picture."""
    symbols, claimed = channel(np.zeros(run.cipher[-1], np.float32), 1.0)
    return mean_error(run, symbols) < WORSE * claimed


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
