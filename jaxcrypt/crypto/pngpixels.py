"""Pixels from a PNG file whose chunks were checked.

Files of our own writer, of which no row has a filter, are decoded straight into the array; whatever another
program saved (filters, interlacing, palettes) goes through Pillow.
"""

from __future__ import annotations

import io
import warnings
import zlib
from collections.abc import Iterator

import numpy as np
from PIL import Image

from jaxcrypt.crypto.header import Shape
from jaxcrypt.pictures import png

_COLOUR_MODES = ("L", "LA", "RGB", "RGBA")
_FEED = 1 << 16
_SMALL_FEED = 1 << 10
_ZLIB_HEADER = 2  # bytes; RFC 1950
_MAX_INFLATED = 1 << 20


def with_channels(pixels: np.ndarray, channels: int) -> np.ndarray | None:
    """The same picture with ``channels`` channels, or None where that would lose something.

    A program that re-saves a picture may add an opaque alpha channel, or find that it is grey.
    """
    colour, alpha = (pixels[..., :-1], pixels[..., -1:]) if pixels.shape[2] in (2, 4) else (pixels, None)
    if pixels.shape[2] == channels:
        return pixels
    if channels in (2, 4):
        alpha = np.full_like(colour[..., :1], 255) if alpha is None else alpha
    elif alpha is not None and (alpha != 255).any():
        return None
    if channels >= 3:
        colour = np.repeat(colour, 3 // colour.shape[2], axis=2)
    elif (colour != colour[..., :1]).any():
        return None
    else:
        colour = colour[..., :1]
    if alpha is None or channels in (1, 3):
        return np.ascontiguousarray(colour)
    return np.concatenate([colour, alpha], axis=2)


class Filtered(Exception):
    """A row has a filter: not by our writer of noise."""


def decode_unfiltered(idat: list[memoryview], shape: Shape, strict: bool) -> tuple[np.ndarray, int]:
    """Pixels, and how many of their rows could be read: all of them when strict.

    Raises:
      Filtered: a row has a filter.
      zlib.error: (strict) the stream is too short, too long, or fails its checksum.
    """
    height, width, channels = shape
    row = 1 + width * channels
    pixels = np.zeros(shape, np.uint8)
    flat = pixels.reshape(height, row - 1)
    held = bytearray()
    done = 0
    try:
        for piece in _inflated(idat) if strict else _inflated_leniently(idat):
            held += piece
            whole = min(len(held) // row, height - done)
            rows = np.frombuffer(held, np.uint8, whole * row).reshape(whole, row)
            if rows[:, 0].any():
                raise Filtered
            flat[done : done + whole] = rows[:, 1:]
            del rows
            del held[: whole * row]
            done += whole
            if done == height and held:
                raise zlib.error("too much data")
        if done < height:
            raise zlib.error("too little data")
    except zlib.error:
        if strict:
            raise
    return pixels, done


def _inflated(idat: list[memoryview]) -> Iterator[bytes]:
    """What the deflate stream holds, about 1 MiB at a time however well it was compressed."""
    inflate = zlib.decompressobj()
    for data in idat:
        for at in range(0, len(data), _FEED):
            piece = data[at : at + _FEED]
            while piece and not inflate.eof:
                yield inflate.decompress(piece, _MAX_INFLATED)
                piece = inflate.unconsumed_tail
    yield inflate.flush()
    if not inflate.eof:
        raise zlib.error("the stream has no end")


def _inflated_leniently(idat: list[memoryview]) -> Iterator[bytes]:
    """As :func:`_inflated`, without the stream's header and checksum, and what comes before a break.

    Noise is stored, so a changed byte costs itself alone.
    """
    inflate = zlib.decompressobj(-zlib.MAX_WBITS)
    data = memoryview(b"".join(idat))[_ZLIB_HEADER:]
    for at in range(0, len(data), _SMALL_FEED):
        piece = data[at : at + _SMALL_FEED]
        while piece and not inflate.eof:
            yield inflate.decompress(piece, _MAX_INFLATED)
            piece = inflate.unconsumed_tail
    yield inflate.flush()


def decode_by_pillow(data: memoryview) -> np.ndarray:
    """The pixels of a whole PNG file, as Pillow reads them; on hostile bytes it raises nearly anything."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        Image.MAX_IMAGE_PIXELS = None  # the limit was checked before
        # Without text and the like, over which Pillow may stumble, and without the sealed file's own chunks.
        with Image.open(io.BytesIO(png.essential(data, strict=False)), formats=("PNG",)) as image:
            image.load()
            png.scale_transparency(image, data)
            return np.array(_without_palette(image))


def _without_palette(image: Image.Image) -> Image.Image:
    transparent = "transparency" in image.info
    if image.mode in _COLOUR_MODES and not transparent:
        return image
    if image.mode in ("P", "RGB"):
        return image.convert("RGBA" if transparent else "RGB")
    return image.convert("LA" if transparent else "L")  # greys, of one bit too
