"""Reading PNG from anywhere: chunks first, pixels only when asked, nothing taken on trust.

Every chunk is bounded by the file, CRCs are checked, the picture's size is refused before anything of that
size is allocated. Files of our own writer are decoded straight into the array; whatever another program saved
(filters, interlacing, palettes) goes through Pillow.
"""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from PIL import Image, ImageFile

from jaxcrypt.crypto.header import MAX_BYTES, MAX_PIXELS, Shape
from jaxcrypt.crypto.pngwriter import COLOUR_TYPES, HEADER_CHUNK, PAYLOAD_CHUNK, SIGNATURE
from jaxcrypt.errors import ExitCode, Refusal, tampered

MAX_FILE = 1 << 31
_CHANNELS = {colour: channels for channels, colour in COLOUR_TYPES.items()}
_GREY, _PALETTE = 0, 3
COLOUR_MODES = ("L", "LA", "RGB", "RGBA")
_FEED = 1 << 16
_MAX_INFLATED = 1 << 20
_MAX_CHUNKS = 1 << 20


@dataclass
class Container:
    """A sealed picture's parts. Nothing in it is authenticated.

    Attributes:
      name: what messages call the file.
      shape: height, width and channels as the PNG says; channels is 0 where it is packed (palette, 1-bit).
      header: the header chunk's bytes, or None where there is none.
      payload: the payload chunks' bytes, in order, as views into the file.
      damaged: whether a lenient reader passed over anything.
    """

    name: str
    shape: Shape
    header: bytes | None
    payload: list[memoryview] = field(repr=False)
    damaged: bool = False
    _data: memoryview = field(default=None, repr=False)
    _idat: list[memoryview] = field(default_factory=list, repr=False)
    _interlaced: bool = False
    _end: int | None = None  # of the pixel data in _data, where it is known

    def need_header(self) -> bytes:
        """The header's bytes. A file without them is a Refusal that says what can be done."""
        if self.header is None:
            hint = (
                "has no jaxcrypt header: not a sealed picture, or another program stripped it; "
                "then give the one that --write-header saved with --header FILE"
            )
            raise Refusal(f"{self.name}: {hint}", ExitCode.TAMPERED if self.payload else ExitCode.BAD_INPUT)
        return self.header

    def decode(self) -> np.ndarray:
        """The pixels, uint8 ``[H, W, C]``. Pixel data that do not decode are a Refusal (TAMPERED)."""
        try:
            if self.shape[2] and not self._interlaced:
                return _decode_unfiltered(self._idat, self.shape, strict=True)[0]
        except _Filtered:
            pass
        except zlib.error:
            raise tampered(f"{self.name}: pixel data damaged or tampered") from None
        return self._decode_by_pillow(self._data)

    def decode_damaged(self) -> tuple[np.ndarray, np.ndarray]:
        """As much of the pixels as there is, and which rows are missing (bool ``[H]``), for recovery."""
        missing = np.zeros(self.shape[0], bool)
        try:
            if self.shape[2] and not self._interlaced:
                pixels, rows = _decode_unfiltered(self._idat, self.shape, strict=False)
                missing[rows:] = True
                return pixels, missing
        except _Filtered:
            pass  # Pillow fills what is missing with zeros, and does not say where
        before = ImageFile.LOAD_TRUNCATED_IMAGES
        ImageFile.LOAD_TRUNCATED_IMAGES = True
        try:
            # Pillow stumbles over damage behind the pixels as well.
            return self._decode_by_pillow(self._data[: self._end]), missing
        finally:
            ImageFile.LOAD_TRUNCATED_IMAGES = before

    def _decode_by_pillow(self, data: memoryview) -> np.ndarray:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                Image.MAX_IMAGE_PIXELS = None  # the limit was checked before
                with Image.open(io.BytesIO(data), formats=("PNG",)) as image:
                    image.load()
                    pixels = np.array(_without_palette(image))
        except MemoryError:
            raise
        except Exception:  # Pillow's decoders raise nearly anything on hostile bytes
            raise tampered(f"{self.name}: pixel data damaged or tampered") from None
        if pixels.dtype != np.uint8 or pixels.shape[:2] != self.shape[:2]:
            raise tampered(f"{self.name}: pixel data damaged or tampered")
        return pixels.reshape(*self.shape[:2], -1)


def read(data: bytes | memoryview, name: str = "input", *, lenient: bool = False) -> Container:
    """Take a PNG file apart.

    Args:
      data: the file's bytes (or a view of a mapped file).
      name: what to call it in messages.
      lenient: pass over wrong CRCs and a missing end, and look for a header behind damage, for recovery.

    Raises:
      Refusal: (BAD_INPUT) not a PNG, or one that a sealed picture never is: 16-bit, animated, too large;
        (TAMPERED) truncated or damaged.
    """
    view = memoryview(data).cast("B")
    if view[:8] != SIGNATURE:
        raise Refusal(f"{name}: not a sealed picture (not a PNG file)")
    walker = _Walker(view, name, lenient)
    walker.walk()
    return walker.container()


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
    return np.ascontiguousarray(colour) if channels in (1, 3) else np.concatenate([colour, alpha], axis=2)


class _Walker:
    """One pass over the chunks."""

    def __init__(self, view: memoryview, name: str, lenient: bool):
        self.view, self.name, self.lenient = view, name, lenient
        self.header: bytes | None = None
        self.payload: list[memoryview] = []
        self.idat: list[memoryview] = []
        self.fields: tuple[int, ...] | None = None
        self.damaged = False
        self.end: int | None = None

    def walk(self) -> None:
        at = len(SIGNATURE)
        for _ in range(_MAX_CHUNKS):
            kind, data, at = self._chunk(at)
            if kind is None or kind == b"IEND":
                break
            self._take(kind, data)
            self.end = at if kind == b"IDAT" else self.end
        else:
            raise Refusal(f"{self.name}: too many chunks for a sealed picture")
        if self.fields is None:
            raise Refusal(f"{self.name}: not a PNG file: its picture header is missing")
        if not self.idat:
            self._complain("has no pixel data: truncated, damaged or tampered")

    def container(self) -> Container:
        width, height, depth, colour, _, _, interlaced = self.fields
        shape = (height, width, _CHANNELS.get(colour, 0) if depth == 8 else 0)
        parts = self.header, self.payload, self.damaged, self.view, self.idat
        return Container(self.name, shape, *parts, bool(interlaced), self.end)

    def _chunk(self, at: int) -> tuple[bytes | None, memoryview, int]:
        """Type, data and the next chunk's place; type None at an end that should not be there."""
        head = self.view[at : at + 8]
        length, kind = struct.unpack(">I4s", head) if len(head) == 8 else (0, None)
        end = at + 12 + length
        if kind is None or end > len(self.view):
            self._complain("is truncated or damaged")
            return self._resume(at)
        data = self.view[at + 8 : at + 8 + length]
        (crc,) = struct.unpack(">I", self.view[end - 4 : end])
        if zlib.crc32(data, zlib.crc32(kind)) != crc:
            if not self.fields:
                raise tampered(f"{self.name}: damaged or tampered (picture header)")
            self._complain("damaged or tampered (a chunk's checksum is wrong)")
        return kind, data, end

    def _resume(self, at: int) -> tuple[bytes | None, memoryview, int]:
        """After damage to the chain of chunks: what is left of the pixels, then the header if it is found."""
        found = bytes(self.view[at:]).find(HEADER_CHUNK)
        if self.fields and not self.idat and found != 4:
            self.idat.append(self.view[at + 8 :])
        if found < 4:
            return None, self.view[:0], at
        start = at + found - 4
        (length,) = struct.unpack(">I", self.view[start : start + 4])
        if start + 12 + length > len(self.view):
            return None, self.view[:0], at
        return self._chunk(start)

    def _take(self, kind: bytes, data: memoryview) -> None:
        if self.fields is None:
            self._take_size(kind, data)
        elif kind == b"IDAT":
            self.idat.append(data)
        elif kind == HEADER_CHUNK:
            self._take_header(data)
        elif kind == PAYLOAD_CHUNK:
            self.payload.append(data)
        elif kind == b"acTL":
            raise Refusal(f"{self.name}: an animated PNG is no sealed picture")
        elif not kind[0] & 0x20 and kind != b"PLTE":
            self._complain("damaged or tampered (an unknown critical chunk)")

    def _take_header(self, data: memoryview) -> None:
        if self.header is not None:
            raise tampered(f"{self.name}: damaged or tampered (two headers)")
        if len(data) > MAX_BYTES:
            raise tampered(f"{self.name}: damaged or tampered (its header is too large)")
        self.header = bytes(data)

    def _take_size(self, kind: bytes, data: memoryview) -> None:
        if kind != b"IHDR" or len(data) != 13:
            raise Refusal(f"{self.name}: not a PNG file: its picture header is missing")
        self.fields = struct.unpack(">IIBBBBB", data)
        width, height, depth, colour, compression, filtering, interlaced = self.fields
        if not width or not height or width * height > MAX_PIXELS:
            raise Refusal(f"{self.name}: {width}×{height} pixels is no size of a sealed picture")
        if depth > 8 or (depth < 8 and colour not in (_GREY, _PALETTE)):
            raise Refusal(f"{self.name}: {depth} bits a sample; a sealed picture has 8")
        if colour not in _CHANNELS and colour != _PALETTE:
            raise Refusal(f"{self.name}: PNG colour type {colour} is unknown")
        if compression or filtering or interlaced > 1:
            raise Refusal(f"{self.name}: a kind of PNG that is unknown")

    def _complain(self, what: str) -> None:
        if not self.lenient:
            raise tampered(f"{self.name}: {what}")
        self.damaged = True


class _Filtered(Exception):
    """A row has a filter: not by our writer of noise."""


def _decode_unfiltered(idat: list[memoryview], shape: Shape, strict: bool) -> tuple[np.ndarray, int]:
    """Pixels, and how many of their rows could be read: all of them when strict.

    Raises:
      _Filtered: a row has a filter.
      zlib.error: (strict) the stream is too short, too long, or fails its checksum.
    """
    height, width, channels = shape
    row = 1 + width * channels
    pixels = np.zeros(shape, np.uint8)
    flat = pixels.reshape(height, row - 1)
    held = bytearray()
    done = 0
    try:
        for piece in _inflated(idat):
            held += piece
            whole = min(len(held) // row, height - done)
            rows = np.frombuffer(held, np.uint8, whole * row).reshape(whole, row)
            if rows[:, 0].any():
                raise _Filtered
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


def _without_palette(image: Image.Image) -> Image.Image:
    if image.mode in COLOUR_MODES:
        return image
    if image.mode == "P":
        return image.convert("RGBA" if "transparency" in image.info else "RGB")
    return image.convert("L")  # 1-bit greys
