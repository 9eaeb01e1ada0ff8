"""Pictures from files: eight bits, upright, or one clear line why not.

Inputs are PNG, JPEG (also the MPO that phones write), WebP, TIFF, BMP, GIF and AVIF, and HEIC where
pillow-heif is installed. Modes become L, LA, RGB or RGBA: palettes are expanded, 1-bit becomes grey, CMYK and
the like become RGB, up to 16 bits a sample become 8, of animations and pages the first is taken; the EXIF
orientation is applied. What the pixels lack of the file is said (:attr:`Picture.changes`), and the file's
own bytes travel as they are.
"""

from __future__ import annotations

import io
import os
import stat
import struct
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageOps

from jaxcrypt.errors import Refusal
from jaxcrypt.pictures import png, reasons
from jaxcrypt.pictures.bitdepth import bits_per_sample, tiff_numbers
from jaxcrypt.pictures.decoders import identify, open_image, reason

MAX_PIXELS = 100_000_000
MAX_FILE = 1 << 31
_READ = (
    *("png", "jpg", "jpeg", "jpe", "jfif", "mpo", "webp", "tif", "tiff", "bmp", "gif", "avif"),
    *("heic", "heif", "hif"),
)
_OTHERS = (
    *("jxl", "jp2", "j2k", "svg", "psd", "xcf", "ico", "tga", "exr", "hdr", "ppm", "pgm", "pbm", "pnm"),
    *("dng", "raw", "cr2", "cr3", "nef", "arw", "raf", "rw2", "orf", "pef", "srw"),
)
SUFFIXES = frozenset(f".{kind}" for kind in _READ)
OTHER_SUFFIXES = frozenset(f".{kind}" for kind in _OTHERS)
MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}
_SEVERAL_FRAMES = ("WEBP", "TIFF", "GIF", "AVIF", "HEIF")  # those of an MPO are previews, depth maps
_EXACT_MODES = ("1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX")
_STRIP_BYTES = 1 << 24


@dataclass(frozen=True)
class Picture:
    """A decoded picture.

    Attributes:
      pixels: uint8 ``[H, W, C]``, C = 1 grey, 2 grey+alpha, 3 RGB, 4 RGBA.
      format: the file's, as Pillow calls it.
      changes: what the pixels lack of the file, in words (``16 bits a sample became 8``); none: they are its
        exact samples.
      icc: the colour profile of the pixels; empty where there is none.
    """

    pixels: np.ndarray
    format: str
    changes: tuple[str, ...] = ()
    icc: bytes = field(default=b"", repr=False)

    @property
    def mode(self) -> str:
        return MODES[self.pixels.shape[2]]


def load_picture(source: str | Path | bytes, name: str | None = None) -> Picture:
    """Decode one picture from a path or from a file's bytes.

    Args:
      source: a path, or the file's bytes (then ``name`` says what to call it in messages).

    Raises:
      Refusal: empty, not a picture of a known format, truncated or damaged, samples of more than 16 bits or
        with a sign, or above 100 megapixels; ``str()`` names the file.
    """
    name = name or (str(source) if not isinstance(source, bytes) else "input")
    data = source if isinstance(source, bytes) else read_file(source)
    with open_image(data, name) as image:
        _refuse_unfit(image, name)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # odd EXIF or ICC data do not concern the pixels
                return _decoded(image, data)
        except MemoryError:
            raise Refusal(f"{name}: too large for this machine's memory") from None
        except Exception as error:  # Pillow's decoders raise nearly anything on hostile bytes
            why = reasons.why_not(data) if image.format in ("JPEG", "TIFF") else None
            raise Refusal(f"{name}: {why or f'truncated or damaged picture ({reason(error)})'}") from None


def picture_size(source: str | Path | bytes) -> tuple[int, int] | None:
    """Width and height as stored, from the header alone, or None where they cannot be told; never raises."""
    identified = identify(source)
    return identified and identified[1]


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


def _refuse_unfit(image: Image.Image, name: str) -> None:
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise Refusal(f"{name}: {width}×{height} is above the limit of {MAX_PIXELS // 10**6} megapixels")
    if image.format == "TIFF":
        tags = {tag: tiff_numbers(image, tag) for tag in reasons.SAMPLE_TAGS}
        wrong = reasons.samples({tag: numbers for tag, numbers in tags.items() if numbers})
        if wrong:
            raise Refusal(f"{name}: {wrong}")


def _decoded(image: Image.Image, data: bytes) -> Picture:
    frames = png.frames(data) if image.format == "PNG" else _frames(image)
    bits = bits_per_sample(image, data)
    changes = []
    if frames > 1:
        changes.append(f"the first of {frames} {'pages' if image.format == 'TIFF' else 'frames'} alone")
    upright = _upright(image)  # decodes the first
    if bits > 8:
        changes.append(f"{bits} bits a sample became 8")
        if isinstance(upright.info.get("transparency"), tuple):
            del upright.info["transparency"]  # a colour of 16 bits names none of 8
            changes.append("its transparent colour is left out")
    elif image.mode not in _EXACT_MODES:
        changes.append(f"{image.mode} became RGB")
    if image.format == "PNG" and bits <= 8:
        png.scale_transparency(upright, data)
    pixels = _to_array(_to_mode(upright, bits))
    return Picture(pixels, image.format or "", tuple(changes), _profile(image, pixels.shape[2]))


def _frames(image: Image.Image) -> int:
    if image.format not in _SEVERAL_FRAMES:
        return 1
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


def _to_mode(image: Image.Image, bits: int) -> Image.Image:
    if image.mode.startswith("I;16"):
        return _narrowed(image, bits)
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


def _narrowed(image: Image.Image, bits: int) -> Image.Image:
    """Grey of more than 8 bits: the upper eight of each sample, and alpha where one level is transparent."""
    wide = np.asarray(image)
    grey = Image.fromarray((wide >> max(bits - 8, 0)).astype(np.uint8))
    mark = image.info.get("transparency")
    if not isinstance(mark, int):
        return grey
    return Image.merge("LA", (grey, Image.fromarray(np.where(wide == mark, 0, 255).astype(np.uint8))))


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
