"""Small pictures of large ones, and the one form in which they travel: 4096 bytes, whatever they show.

A thumbnail is a WebP of at most 192×192 pixels, of the best quality that fits, with zeros up to 4096 bytes,
so that its length tells nothing of the photo.
"""

from __future__ import annotations

import io
import struct
import warnings

import numpy as np
from PIL import Image

from jaxcrypt.errors import Refusal
from jaxcrypt.pictures.decoders import open_image
from jaxcrypt.pictures.files import load_picture

SIDE = 192
BYTES = 4096
_BEST = 95
_WHITE = (255, 255, 255)


def shrink(pixels: np.ndarray, side: int = SIDE) -> np.ndarray:
    """A picture made to fit a square of ``side`` pixels, and never enlarged.

    Args:
      pixels: uint8 ``[H, W, C]``: 1 grey, 2 grey+alpha, 3 RGB, 4 RGBA.

    Returns:
      uint8 ``[h, w, 3]``; what is transparent stands before white.
    """
    image = Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
    image.thumbnail((side, side), Image.Resampling.LANCZOS, reducing_gap=3.0)
    if "A" in image.getbands():
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, (*_WHITE, 255)), image)
    return np.asarray(image.convert("RGB"))


def of_file(data: bytes, name: str, side: int = SIDE) -> np.ndarray:
    """:func:`shrink` of a picture's file; a large JPEG is decoded at a fraction of its size.

    Raises:
      Refusal: as :func:`~jaxcrypt.pictures.files.load_picture`.
    """
    with open_image(data, name) as image:
        large = image.format == "JPEG" and min(image.size) > 4 * side
        if large and "exif" not in image.info:  # else the orientation is to be applied
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                image.draft("RGB", (2 * side, 2 * side))
                return shrink(np.asarray(image.convert("RGB")), side)
    return shrink(load_picture(data, name).pixels, side)


def encode(pixels: np.ndarray) -> bytes:
    """The :data:`BYTES` bytes that travel for uint8 ``[H, W, C]``."""
    image = Image.fromarray(shrink(pixels))
    while True:
        low, high = 0, _BEST
        best = _webp(image, low)
        while len(best) <= BYTES and low < high:
            middle = (low + high + 1) // 2
            tried = _webp(image, middle)
            if len(tried) <= BYTES:
                low, best = middle, tried
            else:
                high = middle - 1
        if len(best) <= BYTES:
            return best.ljust(BYTES, b"\0")
        image = image.resize([max(1, side // 2) for side in image.size])  # hardly but noise


def decode(data: bytes, name: str = "thumbnail") -> np.ndarray:
    """The inverse of :func:`encode`: uint8 ``[h, w, 3]``.

    Whoever has a public key chooses these bytes, so nothing is decoded but a WebP of this size.

    Raises:
      Refusal: anything that :func:`encode` does not make.
    """
    length = struct.unpack_from("<I", data, 4)[0] + 8 if data[:4] == b"RIFF" and len(data) == BYTES else 0
    if not 12 < length <= BYTES or data[8:12] != b"WEBP" or any(data[length:]):
        raise Refusal(f"{name}: no thumbnail")
    try:
        with Image.open(io.BytesIO(data[:length]), formats=("WEBP",)) as image:
            if max(image.size) > SIDE or getattr(image, "n_frames", 1) > 1:
                raise Refusal(f"{name}: no thumbnail (another size)")
            return np.asarray(image.convert("RGB"))
    except Refusal:
        raise
    except Exception:  # Pillow's decoders raise nearly anything on hostile bytes
        raise Refusal(f"{name}: no thumbnail (damaged)") from None


def _webp(image: Image.Image, quality: int) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", quality=quality, method=4)
    return buffer.getvalue()
