"""From a received picture to its region: the channel estimated, then decoding by turns with the net.

A region is decoded like a whole cipher picture of keyed mixing (:mod:`jaxcrypt.systems.decoding.received`),
with three differences: the forward process is undone on the way (:mod:`jaxcrypt.systems.diffusion.channels`),
the pilots are safe in the header, and the net sees the open surroundings. Where the pilots say that nothing
is left, as under a wrong key, nothing is made up from the surroundings: the region comes back as its noise,
damped.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from jaxcrypt.functional import soft_expand
from jaxcrypt.functional.companding import undithered
from jaxcrypt.functional.diffusion import undiffuse
from jaxcrypt.systems.decoding import received as damage
from jaxcrypt.systems.decoding import turbo
from jaxcrypt.systems.decoding.channels import Beside, Bytes, Receive, cells
from jaxcrypt.systems.diffusion import cipher
from jaxcrypt.systems.diffusion.channels import Bins, Diffused
from jaxcrypt.systems.drivers.regions import Region

TURNS, FEW_TURNS = 5, 3  # of a damaged and of an undamaged cipher
_SURE = 5  # standard errors of what the pilots measure
_SLACK = 1.2  # how much worse a likelier guess may begin than the best: turns make more of it
Denoise = Callable[[np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Arrived:
    """A received region and what the key says of it.

    Attributes:
      picture: uint8 ``[H, W, C]``, the whole received picture; region: where the cipher is in it.
      run: its tiles and their statistics; data: uint8 ``[m]``, its bytes with the pilots' among them.
      dither, noise: float32 ``[m]``; left: alpha_bar; is_pixel: bool ``[m]``; lost: bool ``[m]`` or None.
    """

    picture: np.ndarray
    region: Region
    run: turbo.Run
    data: np.ndarray
    dither: np.ndarray
    noise: np.ndarray
    left: float
    is_pixel: np.ndarray
    lost: np.ndarray | None


@dataclass(frozen=True)
class Decoded:
    """What came of it, float32 ``[n]`` in grey levels.

    Attributes:
      clean: the region; noisy, levels: what the last turn made it from, and the level of the noise in that.
      error: expected of ``clean``, root mean square.
      intact: whether the bytes were as they had been made.
      decoded: whether there was anything left to decode.
    """

    clean: np.ndarray
    noisy: np.ndarray
    levels: np.ndarray
    error: float
    intact: bool
    decoded: bool


def arrived(picture, region: Region, side, subkey: np.ndarray, left: float, lost) -> Arrived:
    """Bring together what belongs to a region.

    Args:
      picture: uint8 ``[H, W, C]``; side: as encryption made it; subkey: uint32 ``[8]``.
      lost: bool ``[H, W]`` or None.
    """
    tiling = cipher.layout(region.size)
    is_pixel = np.concatenate(
        [np.arange(n + tiling.pilots) < n for n in np.diff(tiling.plain)] or [np.zeros(0, bool)]
    )
    data = np.empty(is_pixel.size, np.uint8)
    data[is_pixel], data[~is_pixel] = region.take(picture), side["pilots"].reshape(-1)
    run = turbo.Run(subkey, 0, tiling.size, tiling.plain, tiling.cipher, side["mean"], side["spread"])
    gaps = None
    if lost is not None and lost[region.mask].any():
        gaps = np.zeros(is_pixel.size, bool)
        gaps[is_pixel] = np.repeat(lost[region.mask], region.channels)
    return Arrived(picture, region, run, data, run.dither(), run.drawn(_noise), left, is_pixel, gaps)


def algebraic(one: Arrived) -> np.ndarray:
    """The region by plain algebra: each byte's mean under the standard normal, the noise taken off, un-mixed.

    The yardstick for every other decoder: float32 ``[n]`` in grey levels.
    """
    return one.run.plain_of(one.run.unmix(_by_algebra(one))[0])


def decode(one: Arrived, denoise: Denoise, turns: int = 0, progress=None) -> Decoded:
    """Decode by turns; ``turns`` 0 takes as many as the damage asks for."""
    channel, intact = _channel(one)
    if channel is None:
        standard, errors = one.run.unmix(_by_algebra(one))
        levels = one.run.by_sample(np.sqrt(errors) * one.run.spread)
        damped = standard / (1 + one.run.by_sample(errors))
        error = float(np.sqrt(np.mean(np.square(levels))))
        return Decoded(one.run.plain_of(damped), one.run.plain_of(standard), levels, error, False, False)
    turns = turns or (FEW_TURNS if intact else TURNS)
    decoded = turbo.decode(one.run, channel, denoise, None, turns, progress)
    return Decoded(
        decoded.clean, decoded.noisy, one.run.by_sample(decoded.levels), decoded.error, intact, True
    )


def _channel(one: Arrived) -> tuple[Receive | None, bool]:
    """The channel of the bytes (None: nothing came through), and whether they are undamaged."""
    bins = Bins(one.data, one.dither, one.noise, one.left)
    sure = 1 + _SURE * (2 / max(int((~one.is_pixel).sum()), 1)) ** 0.5
    error, claimed = _first(one, bins)
    if one.lost is None and error < sure * claimed:
        return bins, True
    pilots = ~one.is_pixel
    safe = Bins(one.data[pilots], one.dither[pilots], one.noise[pilots], one.left)
    quality = damage.find_quality(one.picture, ~one.region.mask) if one.region.channels in (1, 3) else None
    fitting = []
    for inner in _guesses(one, quality):
        beside = Beside(Diffused(inner, one.noise[one.is_pixel], one.left), safe, one.is_pixel)
        error, claimed = _first(one, beside)
        if error < max(sure, damage.WORSE) * claimed:
            fitting.append((error, beside))
    best = min((error for error, _ in fitting), default=0.0)
    return next((channel for error, channel in fitting if error <= _SLACK * best), None), False


def _guesses(one: Arrived, quality: int | None):
    """Channels of the diffused pixels, the likeliest first."""
    lost = None if one.lost is None else one.lost[one.is_pixel]
    dither, data = one.dither[one.is_pixel], one.data[one.is_pixel]
    noise = _byte_noise(one, lost)
    if quality is not None and noise is not None:
        yield cells(one.picture, one.region.mask, data, dither, lost, noise, quality)
    if noise is not None:
        yield Bytes(data, dither, lost, noise)


def _byte_noise(one: Arrived, lost: np.ndarray | None) -> float | None:
    """Variance of white noise on the bytes, from the pilots; None where nothing of them comes back."""
    standard, errors = one.run.unmix(_by_algebra(one))
    error, power = float(np.average(errors, weights=one.run.pilots)), float(np.mean(np.square(standard)))
    # (1 + power - error) / 2 is how far the pilots come back: 1 under the right key, 0 under a wrong one.
    if (1 + power - error) / 2 <= _SURE * np.sqrt(power / one.run.pilots.sum()):
        return None
    share = 1.0 if lost is None else 1 - float(lost.mean())
    return soft_expand.byte_noise(max((error - (1 - share)) / max(share, 1e-3), 0.0) * one.left)


def _first(one: Arrived, channel: Receive) -> tuple[float, float]:
    """The error that the pilots measure, and the one that a channel claims, of whoever knows no picture."""
    symbols, claimed = channel(np.zeros(one.data.size, np.float32), 1.0)
    return _error(one, symbols), claimed


def _by_algebra(one: Arrived) -> np.ndarray:
    """Symbols by plain algebra; lost ones are 0."""
    diffused = undithered(soft_expand.CENTROIDS[one.data], one.dither)
    symbols = np.asarray(undiffuse(diffused, one.noise, one.left))
    return symbols if one.lost is None else np.where(one.lost, 0, symbols)


def _error(one: Arrived, symbols: np.ndarray) -> float:
    """Mean square error of the pilots, whose power is 1."""
    return float(np.average(one.run.unmix(symbols)[1], weights=one.run.pilots))


_noise = turbo.by_tiles(lambda tile, rounds: cipher.noise_tile(tile))
