"""Pictures in the layout of :mod:`jaxcrypt.functional.jpeg_layout`, sealed by keyed mixing and decoded by
turns."""

from __future__ import annotations

import numpy as np

from jaxcrypt.errors import Refusal, tampered
from jaxcrypt.functional import jpeg, jpeg_layout, mixing, soft_expand
from jaxcrypt.functional.keyed import Purpose, draw, gaussians
from jaxcrypt.record import Sealed, Shape
from jaxcrypt.systems.decoding import received, turbo
from jaxcrypt.systems.drivers import host
from jaxcrypt.systems.drivers.layout import even_bounds

STRENGTHS = jpeg_layout.STRENGTHS
_ALIGN = 0xFFFFFFFF  # the tile number of the alignment pilots: no picture has that many tiles
_PASSES = 5
_CLIPPING = 1.0  # variance of what clipping and rounding to bytes do to a coefficient
_FACTORS = (2, 3, 4)
_WORSE = 1.5
_PARTS = (0.5, 0.2, 0.08, 0.03)  # of the white noise that would explain the pilots: the rest is missing gain
_FLAT = 1e-3  # spread of a tile, in grey levels, up to which it counts as flat


def plan(shape: tuple[int, int, int], strength: int) -> jpeg_layout.Plan:
    """The layout of a photo. Raises a Refusal where there is none."""
    shape = tuple(shape)
    layout = jpeg_layout.plan(shape, strength)
    if layout is None:
        enough = [str(s) for s in STRENGTHS if s > strength and jpeg_layout.plan(shape, s) is not None]
        picture = f"a picture of {shape[1]}×{shape[0]}"
        reason = f"does not fit into it; take {' or '.join(enough)}" if enough else "is too small for it"
        raise Refusal(f"--robust {strength}: {picture} {reason}")
    return layout


def planned(shape: Shape, strength: int) -> jpeg_layout.Plan:
    """As :func:`plan`, of a shape that a header says: what has no layout was never encrypted."""
    try:
        return plan(shape, strength)
    except Refusal as refusal:
        raise host.misfit(str(refusal)) from None


def _tiles(layout: jpeg_layout.Plan) -> tuple[int, tuple[int, ...], tuple[int, ...]]:
    """Static size, and the tiles' bounds in samples and in symbols."""
    size = mixing.array_size(layout.symbols)
    count = -(-layout.symbols // size)
    return size, even_bounds(layout.samples, count), even_bounds(layout.symbols, count)


def alignment(subkey: bytes, layout: jpeg_layout.Plan) -> np.ndarray:
    """The blocks' pilots, which find a cipher picture's place again: standard normal, float32 [blocks]."""
    count = layout.grid[0] * layout.grid[1]
    (words,) = draw([(host.words(subkey), Purpose.PADS, _ALIGN, -(-count // 2))])
    return np.asarray(gaussians(words))[:count]


def _by_plane(means: np.ndarray, layout: jpeg_layout.Plan) -> np.ndarray:
    return np.repeat(np.asarray(means, np.float32), [h * w for h, w in layout.planes])


def encrypt(
    picture: np.ndarray, subkey: bytes, strength: int, rounds: int = mixing.ROUNDS
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """uint8 [H, W, C] to the cipher picture, uint8 [H', W', 1], and its side arrays.

    All tiles have the same power, or it would show: flat ones (a grey picture's colours) are filled with key
    stream. That was not so with two rounds of mixing.
    """
    layout = plan(picture.shape, strength)
    size, plain, cipher = _tiles(layout)
    samples = jpeg_layout.to_samples(picture, layout)
    level = np.array([part.mean() for part in jpeg_layout.split(samples, layout)], np.float32)
    samples = samples - _by_plane(level, layout)
    parts = np.split(samples, plain[1:-1])
    mean = np.array([part.mean() for part in parts], np.float32)
    spread = np.array([part.std() for part in parts], np.float32)
    low = _FLAT if rounds == mixing.OLD_ROUNDS else 0
    spread = np.where(spread > _FLAT, spread, low).astype(np.float32)
    run = turbo.Run(host.words(subkey), 0, size, plain, cipher, mean, spread, rounds)
    pixels = lay_out(run.mix(run.standard(samples)), subkey, layout)
    return pixels, {"level": level, "mean": mean, "spread": spread}


def outline(shape: Shape, strength: int) -> Sealed:
    """A picture of ``shape`` as :func:`encrypt` makes it, with zeros for everything."""
    layout = plan(shape, strength)
    tiles = len(_tiles(layout)[1]) - 1
    counts = {"level": len(layout.planes), "mean": tiles, "spread": tiles}
    side = {name: np.zeros(count, np.float32) for name, count in counts.items()}
    return Sealed(np.broadcast_to(np.uint8(0), layout.cipher_shape), side)


def lay_out(symbols: np.ndarray, subkey: bytes, layout: jpeg_layout.Plan) -> np.ndarray:
    """Mixed symbols to the cipher picture, uint8 [H', W', 1]."""
    return jpeg_layout.lay_out(symbols, alignment(subkey, layout), layout)


def null(shape: Shape, strength: int, random: np.random.Generator) -> np.ndarray | None:
    """A cipher picture of random symbols, uint8 ``[H', W', 1]``: what the layout gives whatever is in it.

    They are of the power that every picture's have. None at strength 0, where there is no layout.
    """
    if not strength:
        return None
    layout = plan(shape, strength)
    symbols, pilots = (random.standard_normal(n) for n in (layout.symbols, layout.grid[0] * layout.grid[1]))
    symbols /= np.sqrt(np.mean(np.square(symbols)))
    return jpeg_layout.lay_out(symbols.astype(np.float32), pilots.astype(np.float32), layout)


class Coefficients:
    """Symbols from DCT coefficients [blocks, carried], each in its JPEG cell, or with white noise.

    Attributes:
      steps: float32 [carried], or None: then ``noise`` is the variance of a coefficient's error.
      lost: bool [blocks].
      gains: float32 [carried], what is left of each coefficient besides noise; resizing takes high ones away.
    """

    def __init__(self, values, amplitude: float, steps, noise: float, lost: np.ndarray, gains=1.0):
        self.values, self.amplitude = values, amplitude
        self.steps, self.noise, self.lost, self.gains = steps, noise, lost, np.float32(gains)

    def __call__(self, prior: np.ndarray, variance: float) -> tuple[np.ndarray, float]:
        mean = self.amplitude * prior.reshape(self.values.shape)
        spread = np.float32(self.amplitude**2 * variance)
        if self.steps is None:
            pull = self.gains * spread / (self.gains**2 * spread + self.noise)
            value = mean + pull * (self.values - self.gains * mean)
            error = np.broadcast_to(spread * (1 - pull * self.gains), mean.shape)
        else:
            wide = np.sqrt(self.steps**2 + 12 * _CLIPPING)
            centre = self.steps * np.round(self.values / self.steps)
            value, error = (
                np.asarray(x) for x in jpeg.in_cell(mean, np.full_like(mean, spread), centre, wide)
            )
        value = np.where(self.lost[:, None], mean, value).reshape(-1) / self.amplitude
        error = np.where(self.lost[:, None], spread, error)
        return soft_expand.extrinsic(value, float(error.mean()) / self.amplitude**2, prior, variance)


def align(
    cipher: np.ndarray, lost: np.ndarray | None, subkey: bytes, layout: jpeg_layout.Plan
) -> tuple[np.ndarray, np.ndarray]:
    """The received picture in its place, uint8 [H', W', 1], and bool [H', W']: what is missing of it.

    Flat blocks are missing as well: nothing that was encrypted shows them.

    Raises:
      Refusal: resized by other than a whole factor, or too little is left to find its place.
    """
    sides = layout.cipher_shape[:2]
    grey = cipher.astype(np.float32)
    grey = grey @ jpeg.TO_YCC[0] if grey.shape[2] == 3 else grey.mean(axis=2)
    gone = received.lost_pixels(np.rint(grey).astype(np.uint8)[..., None], lost)
    if grey.shape == sides:
        return np.rint(grey)[..., None].astype(np.uint8), gone
    pilots = alignment(subkey, layout)
    for factor in (1, *_FACTORS):
        small = tuple(side // factor for side in grey.shape)
        uneven = any(side % factor for side in grey.shape)
        if uneven or small[0] > sides[0] or small[1] > sides[1]:
            continue
        blocks = grey.reshape(small[0], factor, small[1], factor)
        view = blocks.mean(axis=(1, 3))
        offset = jpeg_layout.find_offset(view - 128, pilots, layout.grid)
        if offset is None:
            continue
        rows, columns = (slice(o, min(o + n, s)) for o, n, s in zip(offset, small, sides, strict=True))
        inner = slice(0, rows.stop - rows.start), slice(0, columns.stop - columns.start)
        whole, missing = np.full(sides, 128.0, np.float32), np.ones(sides, bool)
        whole[rows, columns] = view[inner]
        if gone.shape == grey.shape:
            missing[rows, columns] = gone.reshape(blocks.shape).any(axis=(1, 3))[inner]
        return np.clip(np.rint(whole), 0, 255)[..., None].astype(np.uint8), missing
    had, has = (f"{side[1]}×{side[0]}" for side in (sides, grey.shape))
    raise tampered(
        f"the cipher picture was {had} and is {has}: resized by no whole factor, or too little is left"
    )


def _steps(pixels: np.ndarray, missing: np.ndarray, carriers: np.ndarray) -> np.ndarray | None:
    """JPEG's steps of the carriers, from the rows of blocks of which nothing is missing."""
    rows = ~missing.reshape(-1, 8, missing.shape[1]).any(axis=(1, 2))
    whole = pixels.reshape(-1, 8, *pixels.shape[1:])[rows].reshape(-1, *pixels.shape[1:])
    quality = jpeg.find_quality(whole, clipped=False) if len(whole) else None
    return None if quality is None else jpeg.tables(quality)[0, carriers]


def decrypt(
    sealed: Sealed, subkey: bytes, strength: int, rounds: int, shape, windows, lost, progress
) -> tuple[np.ndarray, float]:
    """Undo :func:`encrypt`, however the cipher picture was distorted.

    Args:
      windows: a :class:`~jaxcrypt.systems.decoding.denoise.WindowedDenoiser`.
      lost: bool of the cipher's size, or None.

    Returns:
      The picture, uint8 [H, W, C], and the noise level before the last denoising.

    Raises:
      Refusal: a header that no encryption gives, or a cipher picture whose place is not to be found.
    """
    layout = planned(shape, strength)
    size, plain, bounds = _tiles(layout)
    count = len(plain) - 1
    mean, spread = (host.statistic(sealed.side, name, count) for name in ("mean", "spread"))
    level = host.statistic(sealed.side, "level", len(layout.planes))
    run = turbo.Run(host.words(subkey), 0, size, plain, bounds, mean, spread, rounds)
    base = _by_plane(level, layout)

    def planes(samples, levels):
        split = (jpeg_layout.split(values, layout) for values in (samples + base, levels))
        return [(plane[..., None], level) for plane, level in zip(*split, strict=True)]

    def denoise(samples, levels):
        return np.concatenate([windows(*plane).reshape(-1) for plane in planes(samples, levels)]) - base

    def some(samples, levels):
        made = [windows.some(*plane) for plane in planes(samples, levels)]
        clean, seen = (np.concatenate([x.reshape(-1) for x in parts]) for parts in zip(*made, strict=True))
        return clean - base, seen

    decoded = decode(run, sealed.pixels, subkey, layout, denoise, some, lost, progress)
    noise = float(np.sqrt(np.mean(np.square(decoded.levels))))  # beside what the layout itself leaves out
    return jpeg_layout.to_picture(decoded.clean + base, layout), noise


def decode(run: turbo.Run, cipher, subkey: bytes, layout: jpeg_layout.Plan, denoise, some, lost, progress):
    """What :func:`jaxcrypt.systems.decoding.turbo.decode` makes of a received cipher picture, put in its
    place.

    Raises:
      Refusal: its place is not to be found.
    """
    pixels, missing = align(cipher, lost, subkey, layout)
    grid = missing.reshape(layout.grid[0], 8, layout.grid[1], 8)
    gone = grid.any(axis=(1, 3)).reshape(-1)
    values = jpeg_layout.coefficients(pixels)[:, layout.carriers]
    channel = _channel(run, values, layout, _steps(pixels, missing, layout.carriers), gone)
    return turbo.decode(run, channel, denoise, some, _PASSES, progress)


def _channel(run: turbo.Run, values, layout: jpeg_layout.Plan, steps, gone) -> Coefficients:
    """The cells, if the pilots bear them out, else white noise as the pilots measure it."""
    weights = np.maximum(run.pilots, 1)
    if steps is not None:
        channel = Coefficients(values, layout.amplitude, steps, 0.0, gone)
        symbols, claimed = channel(np.zeros(values.size, np.float32), 1.0)
        if np.average(run.unmix(symbols)[1], weights=weights) < _WORSE * claimed:
            return channel
    share = 1 - gone.mean()
    symbols = np.where(gone[:, None], 0, values / layout.amplitude).reshape(-1)
    error = np.average(run.unmix(symbols)[1], weights=weights)
    noise = float(max((error - (1 - share)) / max(share, 1e-6) * layout.amplitude**2, _CLIPPING))
    power = np.mean(values[~gone] ** 2, axis=0) if share else np.full(values.shape[1], layout.amplitude**2)
    channels = [Coefficients(values, layout.amplitude, None, noise, gone)]
    for part in _PARTS:
        gains = np.sqrt(np.clip(power - part * noise, _CLIPPING, layout.amplitude**2)) / layout.amplitude
        channels.append(Coefficients(values, layout.amplitude, None, part * noise, gone, gains))

    def error_of(channel: Coefficients) -> float:
        """Mean square error of the pilots where no picture is known."""
        pull = channel.gains / (channel.gains**2 + channel.noise / layout.amplitude**2)
        guess = np.where(gone[:, None], 0, pull * values / layout.amplitude).astype(np.float32)
        return float(np.average(run.unmix(guess.reshape(-1))[1], weights=weights))

    return min(channels, key=error_of)
