"""Pictures from files: eight bits, one picture a file, upright, or one clear line why not.

Inputs are PNG, JPEG (also the MPO that phones write), WebP, TIFF, BMP and AVIF. Modes become L, LA, RGB or
RGBA: palettes are expanded, 1-bit becomes grey, CMYK and the like become RGB; the EXIF orientation is
applied. Only the pixels are converted: the file's own bytes travel as they are.
"""

from __future__ import annotations

import io
import os
import stat
import struct
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from jaxcrypt.errors import Refusal
from jaxcrypt.pictures.bitdepth import bits_per_sample

MAX_PIXELS = 100_000_000
MAX_FILE = 1 << 31
SUFFIXES = frozenset(
    {".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".webp", ".tif", ".tiff", ".bmp", ".avif"}
)
_OTHERS = (
    *("heic", "heif", "hif", "gif", "jxl", "jp2", "j2k", "svg", "psd", "xcf", "ico", "tga", "exr", "hdr"),
    *(
        "ppm",
        "pgm",
        "pbm",
        "pnm",
        "dng",
        "raw",
        "cr2",
        "cr3",
        "nef",
        "arw",
        "raf",
        "rw2",
        "orf",
        "pef",
        "srw",
    ),
)
OTHER_SUFFIXES = frozenset(f".{kind}" for kind in _OTHERS) - SUFFIXES
MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}
_FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "BMP", "AVIF")  # JPEG: its plugin opens MPO too
_SEVERAL_FRAMES = ("PNG", "WEBP", "TIFF", "AVIF")  # an MPO's further frames are previews and depth maps
_STRIP_BYTES = 1 << 24


@dataclass(frozen=True)
class Picture:
    """A decoded picture: ``pixels`` uint8 ``[H, W, C]``, C = 1 grey, 2 grey+alpha, 3 RGB, 4 RGBA.

    ``icc`` is the ICC profile of these samples, empty where there is none.
    """

    pixels: np.ndarray
    format: str
    icc: bytes = b""

    @property
    def mode(self) -> str:
        return MODES[self.pixels.shape[2]]


def load_picture(source: str | Path | bytes, name: str | None = None) -> Picture:
    """Decode one picture from a path or from a file's bytes.

    Args:
      source: a path, or the file's bytes (then ``name`` says what to call it in messages).

    Raises:
      Refusal: empty, not a picture of a known format, truncated or damaged, animated or multi-page, more
        than eight bits a sample, or above 100 megapixels; ``str()`` names the file.
    """
    name = name or (str(source) if not isinstance(source, bytes) else "input")
    data = source if isinstance(source, bytes) else read_file(source)
    with _open(data, name) as image:
        _refuse_unfit(image, data, name)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # odd EXIF or ICC data do not concern the pixels
                upright = _upright(image)
                pixels = _to_array(_to_mode(upright))
                return Picture(pixels, image.format, _profile(image, pixels.shape[2]))
        except Refusal:
            raise
        except MemoryError:
            raise Refusal(f"{name}: too large for this machine's memory") from None
        except Exception as error:  # Pillow's decoders raise nearly anything on hostile bytes
            raise Refusal(f"{name}: truncated or damaged picture ({_reason(error)})") from None


def picture_size(source: str | Path | bytes) -> tuple[int, int] | None:
    """Width and height as stored, from the header alone, or None where they cannot be told; never raises."""
    kind = identify(source)
    return None if kind is None else kind[1]


def identify(source: str | Path | bytes | bytearray) -> tuple[str, tuple[int, int]] | None:
    """Format, and width and height as stored, from the header alone, or None where it is no picture that can
    be read; never raises."""
    try:
        if not isinstance(source, bytes | bytearray) and not os.path.isfile(source):
            return None  # a pipe can be read once only
        Image.MAX_IMAGE_PIXELS = None
        file = io.BytesIO(source) if isinstance(source, bytes | bytearray) else source
        with Image.open(file, formats=_FORMATS) as image:
            return image.format, image.size
    except Exception:
        return None


def is_picture_name(path: Path) -> bool:
    """Whether a folder's file is taken for a picture that can be read: by its suffix, hidden files never."""
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".")


def is_other_picture_name(path: Path) -> bool:
    """Whether a folder's file seems to be a picture of a kind that is not read here."""
    return path.suffix.lower() in OTHER_SUFFIXES and not path.name.startswith(".")


def read_file(path: str | Path) -> bytes:
    """A file's bytes; a folder, a missing, an empty or an endless file is a Refusal."""
    try:
        with open(path, "rb") as file:
            data = read_stream(file, str(path))
    except FileNotFoundError:
        what = "is a link that leads nowhere" if os.path.islink(path) else "no such file"
        raise Refusal(f"{path}: {what}") from None
    except IsADirectoryError:
        raise Refusal(f"{path}: is a folder, not a file") from None
    except OSError as error:
        raise Refusal(f"{path}: cannot be read ({error.strerror})") from None
    if not data:
        raise Refusal(f"{path}: is empty")
    return data


def read_stream(file: BinaryIO, name: str) -> bytes:
    """All that an open file or a pipe holds; more than :data:`MAX_FILE` is a Refusal, before it is held."""
    status = os.fstat(file.fileno())
    if stat.S_ISREG(status.st_mode) and 0 < status.st_size <= MAX_FILE:  # in /proc all sizes are 0
        return file.read()  # its size is known, so it is read without a copy
    pieces, total = [], 0
    while total <= MAX_FILE and (piece := file.read(_STRIP_BYTES)):
        pieces.append(piece)
        total += len(piece)
    if total > MAX_FILE:
        raise Refusal(f"{name}: larger than {MAX_FILE >> 30} GiB")
    return b"".join(pieces)


def encode_png(pixels: np.ndarray, icc: bytes = b"") -> bytes:
    """A plain PNG file of uint8 ``[H, W, C]``: what decryption writes where only pixels come back."""
    buffer = io.BytesIO()
    image = Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
    image.save(buffer, "PNG", compress_level=3, icc_profile=icc or None)
    return buffer.getvalue()


def _open(data: bytes, name: str) -> Image.Image:
    if not data:
        raise Refusal(f"{name}: is empty")
    # The size is checked below, with our own limit and our own words.
    Image.MAX_IMAGE_PIXELS = None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return Image.open(io.BytesIO(data), formats=_FORMATS)
    except UnidentifiedImageError:
        known = "PNG, JPEG, WebP, TIFF, BMP or AVIF"
        raise Refusal(f"{name}: not a picture that can be read (wanted {known})") from None
    except Exception as error:
        raise Refusal(f"{name}: damaged picture header ({_reason(error)})") from None


def _refuse_unfit(image: Image.Image, data: bytes, name: str) -> None:
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise Refusal(f"{name}: {width}×{height} is above the limit of {MAX_PIXELS // 10**6} megapixels")
    if image.format in _SEVERAL_FRAMES and _frames(image) > 1:
        raise Refusal(f"{name}: animated or multi-page; give one picture a file")
    bits = bits_per_sample(image, data)
    if bits > 8:
        raise Refusal(f"{name}: more than 8 bits a sample ({bits}); convert it to 8 bits first")


def _frames(image: Image.Image) -> int:
    try:
        return getattr(image, "n_frames", 1)
    except Exception:  # a damaged directory of frames: decoding will say so
        return 1


def _upright(image: Image.Image) -> Image.Image:
    image.load()
    try:
        return ImageOps.exif_transpose(image)
    except (struct.error, ValueError, TypeError, SyntaxError, KeyError, AttributeError):
        return image  # unreadable EXIF: a viewer shows such a file as it is stored, and so do we


def _to_mode(image: Image.Image) -> Image.Image:
    if image.mode in MODES.values() and "transparency" not in image.info:
        return image
    transparent = "transparency" in image.info or image.mode in ("PA", "La", "RGBa")
    if image.mode in ("1", "L", "La"):
        return image.convert("LA" if transparent else "L")
    return image.convert("RGBA" if transparent else "RGB")


def _profile(image: Image.Image, channels: int) -> bytes:
    """The file's ICC profile, where it is of the kind of colours that the samples now have."""
    profile = image.info.get("icc_profile") or b""
    kind = b"GRAY" if channels < 3 else b"RGB "  # ICC.1:2022, 7.2.6: the colour space stands at byte 16
    return profile if profile[16:20] == kind else b""


def _to_array(image: Image.Image) -> np.ndarray:
    """uint8 ``[H, W, C]``, copied strip by strip: Pillow's own conversion holds the picture twice more."""
    width, height = image.size
    channels = len(image.getbands())
    pixels = np.empty((height, width, channels), np.uint8)
    rows = max(1, _STRIP_BYTES // (width * channels))
    for top in range(0, height, rows):
        bottom = min(height, top + rows)
        strip = np.asarray(image.crop((0, top, width, bottom)))
        pixels[top:bottom] = strip.reshape(bottom - top, width, channels)
    return pixels


def _reason(error: Exception) -> str:
    text = str(error).splitlines()
    return text[0] if text and text[0] else type(error).__name__
