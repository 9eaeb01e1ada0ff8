"""Pillow made quiet: the formats that are read, opened from bytes, with one clear line where that fails.

Pillow and the libraries under it warn in ways of their own (Python warnings, a logger, libtiff on stderr from
C); none of that tells a user more than our one line does.
"""

from __future__ import annotations

import contextlib
import ctypes
import io
import logging
import os
import warnings
from pathlib import Path

from PIL import Image

from jaxcrypt.errors import Refusal
from jaxcrypt.pictures import png
from jaxcrypt.pictures.reasons import why_not

FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF", "AVIF")  # JPEG: its plugin opens MPO too
_HEAD = 64  # bytes of a file that tell HEIC
_HEIC = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1")


def _be_quiet() -> None:
    Image.MAX_IMAGE_PIXELS = None  # sizes are checked by hand, with our own words
    logging.getLogger("PIL").addHandler(logging.NullHandler())  # else Python prints what nobody handles
    with contextlib.suppress(OSError, AttributeError):  # where Pillow's libtiff can be reached
        libtiff = ctypes.CDLL(Image.core.__file__)
        libtiff.TIFFSetErrorHandler(None)
        libtiff.TIFFSetWarningHandler(None)


_be_quiet()


def open_image(data: bytes, name: str) -> Image.Image:
    """The picture in a file's bytes, its header read and nothing decoded yet.

    Raises:
      Refusal: empty, not a picture of a format that is read, or damaged as far as that can be told.
    """
    if not data:
        raise Refusal(f"{name}: is empty")
    try:
        whole = png.essential(data) if data[:8] == png.SIGNATURE else data
        return _open(whole, (*FORMATS, *heif_formats(data, name)))
    except Refusal:
        raise
    except png.Damaged as damage:
        raise Refusal(f"{name}: truncated or damaged picture ({damage})") from None
    except Exception as error:  # Pillow's parsers raise nearly anything on hostile bytes
        raise Refusal(f"{name}: {why_not(data) or f'damaged picture header ({reason(error)})'}") from None


def identify(source: str | Path | bytes | bytearray) -> tuple[str, tuple[int, int]] | None:
    """Format, and width and height as stored, by the file's header alone; None where they cannot be told.

    Never raises; damage behind the header goes unnoticed.
    """
    try:
        if isinstance(source, bytes | bytearray):
            known = source[:8] == png.SIGNATURE
            file = io.BytesIO(png.essential(bytes(source), strict=False) if known else source)
        elif os.path.isfile(source):
            file = open(source, "rb")  # noqa: SIM115  (closed below)
        else:
            return None  # a pipe can be read once only
        with file, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            formats = (*FORMATS, *heif_formats(file.read(_HEAD), ""))
            file.seek(0)
            with Image.open(file, formats=formats) as image:
                return image.format or "", image.size
    except Exception:
        return None


def reason(error: Exception) -> str:
    """The first line of what a decoder says, without what means nothing to a user."""
    text = str(error).splitlines()
    if not text or not text[0] or "BytesIO" in text[0]:
        return "its kind cannot be told" if "BytesIO" in str(error) else type(error).__name__
    return text[0]


def _open(data: bytes | memoryview, formats: tuple[str, ...]) -> Image.Image:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Image.open(io.BytesIO(data), formats=formats)


def heif_formats(data: bytes, name: str) -> tuple[str, ...]:
    """HEIF where the file wants it, made known to Pillow; a Refusal where pillow-heif is missing."""
    if data[4:8] != b"ftyp" or data[8:12] not in _HEIC or b"avif" in data[12:_HEAD]:
        return ()
    try:
        import pillow_heif
    except ImportError:
        hint = "pip install 'jaxcrypt[heic]' to read it, or convert it"
        raise Refusal(f"{name}: is HEIC; {hint}") from None
    pillow_heif.register_heif_opener()
    return ("HEIF",)
