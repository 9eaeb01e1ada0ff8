"""A region under keyed mixing, decoded where it lies: the denoiser sees the open surroundings.

The cipher is that of a picture of one row (:mod:`jaxcrypt.systems.drivers.regions`). Its samples are turned
to noise as ever, but they are denoised in their places, among samples that are what they seem, to which noise
of the same level is added: so the net sees what it was trained on, a picture that is noisy all over.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from jaxcrypt.record import Sealed, Shape
from jaxcrypt.systems.decoding import channels, received, turbo
from jaxcrypt.systems.decoding.denoise import WindowedDenoiser
from jaxcrypt.systems.drivers import host, regions
from jaxcrypt.systems.drivers.regions import Region
from jaxcrypt.systems.drivers.windows import widened
from jaxcrypt.systems.mixing import system as mixing

_AROUND = 64  # pixels of the surroundings that are taken along
_SIZES = (192, 320)  # pixels: few shapes, few programs


def decrypt(
    one: Sealed, key: bytes, rounds: int, shape: Shape, windows: WindowedDenoiser, lost, progress
) -> tuple[np.ndarray, float]:
    """The picture, uint8 ``[H, W, C]`` of ``shape``, and the error that is expected in the region.

    Args:
      one: whose side tells of the region; lost: bool ``[H, W]`` or None.

    Raises:
      Refusal: a side that no encryption gives.
    """
    host.check_shape(one.pixels, shape)
    inside = regions.stored(one.side, shape)
    layout = mixing.layout(inside.shape)
    cipher = regions.cipher_run(one, inside, layout.cipher_shape)
    mean, spread = (host.statistic(cipher.side, name, layout.count) for name, _, _ in mixing.SIDE)
    run = turbo.Run(host.words(key), 0, layout.size, layout.plain, layout.cipher, mean, spread, rounds)
    gone = received.lost_pixels(one.pixels, lost) & inside.mask
    gaps = None
    if gone.any():
        row = regions.lost_run(gone, inside, layout.cipher_shape)
        gaps = np.repeat(row.reshape(-1), inside.channels)
    data = cipher.pixels.reshape(-1)
    noise = received.byte_noise(run, data, run.dither(), gaps)
    seen = one.pixels
    if noise > received.HOPELESS:
        seen = np.full_like(
            seen, int(np.clip(mean.mean(), 0, 255))
        )  # as under a wrong key: nothing is made up
    denoise = _among(seen, inside, windows)
    channel = _jpeg(one.pixels, inside, data, run, gaps, noise)
    if channel is not None:
        decoded = turbo.decode(run, channel, denoise, None, received.PASSES, progress)
    else:
        span = 0, layout.cipher[-1]
        decoded = received.decode(run, cipher.pixels, span, gaps, None, denoise, None, progress)
    samples = np.clip(np.rint(decoded.clean), 0, 255).astype(np.uint8)
    return inside.put(one.pixels, samples), decoded.error


def _jpeg(picture: np.ndarray, inside: Region, data: np.ndarray, run: turbo.Run, gaps, noise: float):
    """What bytes say that were part of a JPEG, beside those that the header kept; None where they were not.

    Args:
      picture: uint8 ``[H, W, C]``; data: the cipher's bytes, ``[m]``; gaps: bool ``[m]`` or None; noise:
        variance on the bytes, were it no JPEG.
    """
    if inside.channels not in (1, 3):
        return None
    hidden = ~inside.mask if gaps is None else ~inside.mask | _lost_in(inside, gaps)
    quality = received.find_quality(picture, hidden)
    if quality is None:
        return None
    dither, size = run.dither(), inside.size
    lost = None if gaps is None else gaps[:size]
    cells = channels.cells(picture, inside.mask, data[:size], dither[:size], lost, noise, quality)
    kept = channels.Bytes(data[size:], dither[size:], None, 1 / 12)
    channel = channels.Beside(cells, kept, np.arange(data.size) < size)
    return channel if received.borne_out(run, channel) else None


def _lost_in(inside: Region, gaps: np.ndarray) -> np.ndarray:
    lost = np.zeros_like(inside.mask)
    lost[inside.mask] = gaps[: inside.size : inside.channels]
    return lost


def _among(
    picture: np.ndarray, inside: Region, windows: WindowedDenoiser
) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """``(samples [n], levels [n]) -> samples`` of a region, in grey levels, of which the net sees the
    surroundings too."""
    rows, columns = (_span(inside.mask.any(axis=axis)) for axis in (1, 0))
    around = picture[rows, columns].astype(np.float32)
    part = Region(inside.mask[rows, columns], inside.channels)
    noise = np.random.default_rng(0).standard_normal(around.shape).astype(np.float32)

    def denoise(samples: np.ndarray, levels: np.ndarray) -> np.ndarray:
        pixel = levels.reshape(-1, part.channels).mean(axis=1)
        sigma = np.full(part.mask.shape, pixel.mean(), np.float32)
        sigma[part.mask] = pixel
        noisy = part.put(around + sigma[..., None] * noise, samples.astype(np.float32))
        return part.take(windows(noisy, sigma))

    return denoise


def _span(inside: np.ndarray) -> slice:
    """Where a row or a column of a mask is, and what surrounds it."""
    indices = np.flatnonzero(inside)
    first, stop = max(0, int(indices[0]) - _AROUND), min(len(inside), int(indices[-1]) + 1 + _AROUND)
    return slice(*widened(first, stop, len(inside), _SIZES))
