"""A picture as a key.

Of a losslessly coded picture the pixels count, whatever program saved it last:

    secret = SHA-256("jaxcrypt/1 key image" || width (u32) || height (u32) || RGBA8 samples, row by row)

Orientation and colour profile are not applied. Of every other picture (JPEG, AVIF, JPEG 2000, lossy WebP, and
whatever decoders may differ on) the very file is the key: secret = SHA-256(file bytes).
"""

from __future__ import annotations

import hashlib
import io
import struct
import warnings
from pathlib import Path

import numpy as np
from PIL import Image

from jaxcrypt.crypto import guessable, textfile
from jaxcrypt.crypto.sources import Kind, Source
from jaxcrypt.errors import Refusal
from jaxcrypt.pictures import png
from jaxcrypt.pictures.bitdepth import bits_per_sample, tiff_numbers
from jaxcrypt.pictures.decoders import heif_formats, reason

DOMAIN = b"jaxcrypt/1 key image"
MAX_PIXELS = 100_000_000
MAX_FILE = 1 << 30
MIN_PIXELS = 1024
MIN_DETAIL_BITS = 4096
_STRIP = 1 << 22
_FIRST = 64
# Not all that Pillow knows: opening some formats (EPS) runs other programs.
_FORMATS = ("PNG", "BMP", "TIFF", "WEBP", "JPEG", "AVIF", "JPEG2000", "GIF", "PPM", "TGA", "QOI")
_PLAIN_MODES = ("1", "L", "LA", "P", "RGB", "RGBA")
_TIFF_LOSSLESS = ("raw", "tiff_lzw", "tiff_adobe_deflate", "tiff_deflate", "packbits")
_TIFF_ORIENTATION = 274


def key_image(path: str | Path) -> Source:
    """The source that a picture file is.

    Raises:
      Refusal: no picture, damaged, above 100 megapixels, or too flat or small to be a secret.

    One that can be guessed in other ways is :attr:`~jaxcrypt.crypto.sources.Source.weak`.
    """
    return from_bytes(textfile.read_bounded(path, MAX_FILE), str(path))


def from_bytes(data: bytes, name: str = "key image") -> Source:
    """:func:`key_image` of a file's bytes; ``name`` is for messages."""
    with _open(data, name) as image:
        width, height = image.size
        if width * height > MAX_PIXELS:
            raise Refusal(f"{name}: {width}×{height} is above the limit of {MAX_PIXELS // 10**6} megapixels")
        if width * height < MIN_PIXELS:
            raise Refusal(f"{name}: too small to be a key (at least {MIN_PIXELS} pixels)")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                pixels_count = pixels_are_sure(image, data)
        except Exception:  # counting the frames of a hostile file parses all of it
            raise Refusal(f"{name}: truncated or damaged picture") from None
        digest, detail, first = _digest_and_detail(image, data, name)
    if detail.residual_bits() < MIN_DETAIL_BITS:
        raise Refusal(f"{name}: too flat to be a key (it can be guessed); take a picture with detail")
    weak = _weakness(detail, first)
    secret = digest if pixels_count else hashlib.sha256(data).digest()
    return Source(Kind.IMAGE, secret, weak and f"{name}: {weak}; make one with keygen --image")


def _weakness(detail: guessable.Detail, first: bytes) -> str:
    """Why no new picture should be sealed with this key image; "" where nothing is known."""
    if detail.bits() < MIN_DETAIL_BITS:
        return "is a texture that can be guessed"
    seed = guessable.seed_of(first) if detail.is_noise() else None
    return "" if seed is None else f"is noise of the seed {seed}, which can be guessed"


def pixels_are_sure(image: Image.Image, data: bytes) -> bool:
    """Whether every correct decoder gets the same RGBA8 pixels from this file: lossless, 8-bit, one frame."""
    if image.mode not in _PLAIN_MODES or getattr(image, "n_frames", 1) > 1:
        return False
    if image.format == "PNG":
        return data[24] <= 8
    if image.format == "BMP":
        return image.mode != "RGBA"  # programs disagree on what a BMP's fourth byte means
    if image.format == "WEBP":
        kinds = _riff_chunks(data)
        return b"VP8L" in kinds and b"VP8 " not in kinds
    if image.format == "TIFF":
        # Pillow turns a TIFF by its orientation tag, others do not.
        return (
            image.info.get("compression") in _TIFF_LOSSLESS
            and (tiff_numbers(image, _TIFF_ORIENTATION) or (1,)) == (1,)
            and bits_per_sample(image, data) <= 8
        )
    return False


def _riff_chunks(data: bytes) -> list[bytes]:
    """The types of a WebP file's chunks; a still picture has one of VP8 (lossy) and VP8L."""
    kinds, at = [], 12
    while at + 8 <= len(data):
        kinds.append(data[at : at + 4])
        (length,) = struct.unpack_from("<I", data, at + 4)
        at += 8 + length + length % 2
    return kinds


def _open(data: bytes, name: str) -> Image.Image:
    formats = (*_FORMATS, *heif_formats(data, name))
    try:
        # Chunks that concern no pixel must not keep a key from being read, nor damage that other programs
        # pass over change it.
        whole = png.essential(data, strict=False, animated=True) if data[:8] == png.SIGNATURE else data
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return Image.open(io.BytesIO(whole), formats=formats)
    except Exception:  # Pillow's parsers raise nearly anything on hostile bytes
        raise Refusal(f"{name}: not a picture that can be read") from None


def _digest_and_detail(image: Image.Image, data: bytes, name: str) -> tuple[bytes, guessable.Detail, bytes]:
    """The pixel digest, how much detail the brightness holds, and the first samples."""
    width, height = image.size
    rows = max(2, _STRIP // (4 * width))
    digest = hashlib.sha256(DOMAIN + struct.pack(">II", width, height))
    detail = guessable.Detail()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image.load()
            if image.format == "PNG" and data[24] <= 8:
                png.scale_transparency(image, data)
            first = image.crop((0, 0, width, min(height, -(-_FIRST // width)))).tobytes()
            for top in range(0, height, rows):
                strip = image.crop((0, top, width, min(height, top + rows)))
                digest.update(strip.convert("RGBA").tobytes())
                detail.add(_brightness(strip))
    except Exception as error:
        raise Refusal(f"{name}: truncated or damaged picture ({reason(error)})") from None
    return digest.digest(), detail, first


def _brightness(strip: Image.Image) -> np.ndarray:
    """uint8 ``[H, W]``; of wider samples the last byte, since Pillow clips them."""
    if strip.mode[0] in "IF":
        return np.ascontiguousarray(strip).view(np.uint8).reshape(strip.height, strip.width, -1)[..., 0]
    return np.asarray(strip.convert("L"))
