"""Reading PNG from anywhere: chunks first, pixels only when asked, nothing taken on trust.

Every chunk is bounded by the file, CRCs are checked, the picture's size is refused before anything of that
size is allocated. :mod:`jaxcrypt.crypto.pngpixels` has the pixels.
"""

from __future__ import annotations

import os
import struct
import zlib
from dataclasses import dataclass, field
from typing import BinaryIO

import numpy as np
from PIL import ImageFile

from jaxcrypt.crypto import pngpixels
from jaxcrypt.crypto.header import MAX_BYTES, MAX_PIXELS, Shape
from jaxcrypt.crypto.pngwriter import COLOUR_TYPES, HEADER_CHUNK, PAYLOAD_CHUNK, SIGNATURE
from jaxcrypt.errors import ExitCode, Refusal, tampered

MAX_FILE = 1 << 31
_CHANNELS = {colour: channels for channels, colour in COLOUR_TYPES.items()}
_GREY, _PALETTE = 0, 3
_MAX_CHUNKS = 1 << 20
_END_CRC = struct.pack(">I", zlib.crc32(b"IEND"))


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
    _data: memoryview = field(default=memoryview(b""), repr=False)
    _idat: list[memoryview] = field(default_factory=list, repr=False)
    _unusual: bool = False  # interlaced, or with one transparent colour: not by our writer
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
            if self.shape[2] and not self._unusual:
                return pngpixels.decode_unfiltered(self._idat, self.shape, strict=True)[0]
        except pngpixels.Filtered:
            pass
        except zlib.error:
            raise tampered(f"{self.name}: pixel data damaged or tampered") from None
        return self._decode_by_pillow(self._data)

    def decode_damaged(self) -> tuple[np.ndarray, np.ndarray]:
        """As much of the pixels as there is, and which rows are missing (bool ``[H]``), for recovery."""
        missing = np.zeros(self.shape[0], bool)
        try:
            if self.shape[2] and not self._unusual:
                pixels, rows = pngpixels.decode_unfiltered(self._idat, self.shape, strict=False)
                missing[rows:] = True
                return pixels, missing
        except pngpixels.Filtered:
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
            pixels = pngpixels.decode_by_pillow(data)
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


def read_header_chunk(file: BinaryIO, name: str = "input") -> bytes:
    """The header's bytes alone: pixels and payload are stepped over, and not looked at.

    Args:
      file: a file that can be sought in, at its beginning.

    Raises:
      Refusal: (BAD_INPUT) not a PNG, or one without a header; (TAMPERED) truncated, damaged, two headers.
    """
    if file.read(len(SIGNATURE)) != SIGNATURE:
        raise Refusal(f"{name}: not a sealed picture (not a PNG file)")
    header, has_payload = None, False
    for _ in range(_MAX_CHUNKS):
        head = file.read(8)
        length, kind = struct.unpack(">I4s", head) if len(head) == 8 else (0, None)
        if kind is None:
            raise tampered(f"{name}: is truncated or damaged")
        if kind == b"IEND":
            if file.read(4) != _END_CRC:
                raise tampered(f"{name}: is truncated or damaged")
            return Container(name, (0, 0, 0), header, [memoryview(b"")] * has_payload).need_header()
        has_payload |= kind == PAYLOAD_CHUNK
        if kind != HEADER_CHUNK:
            file.seek(length + 4, os.SEEK_CUR)
            continue
        if header is not None or length > MAX_BYTES:
            raise tampered(
                f"{name}: damaged or tampered ({'two headers' if header else 'its header is too large'})"
            )
        header = file.read(length)
        if file.read(4) != struct.pack(">I", zlib.crc32(header, zlib.crc32(kind))):
            raise tampered(f"{name}: damaged or tampered (a chunk's checksum is wrong)")
    raise Refusal(f"{name}: too many chunks for a sealed picture")


class _Walker:
    """One pass over the chunks."""

    def __init__(self, view: memoryview, name: str, lenient: bool):
        self.view, self.name, self.lenient = view, name, lenient
        self.header: bytes | None = None
        self.payload: list[memoryview] = []
        self.idat: list[memoryview] = []
        self.fields: tuple[int, ...] | None = None
        self.damaged = False
        self.transparent = False
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
        width, height, depth, colour, _, _, interlaced = self.fields or (0,) * 7
        shape = (height, width, _CHANNELS.get(colour, 0) if depth == 8 else 0)
        parts = self.header, self.payload, self.damaged, self.view, self.idat
        return Container(self.name, shape, *parts, bool(interlaced) or self.transparent, self.end)

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
        offset = bytes(self.view[at:]).find(HEADER_CHUNK)
        if self.fields and not self.idat and offset != 4:
            self.idat.append(self.view[at + 8 :])
        if offset < 4:
            return None, self.view[:0], at
        start = at + offset - 4
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
        elif kind == b"tRNS":
            self.transparent = True
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
