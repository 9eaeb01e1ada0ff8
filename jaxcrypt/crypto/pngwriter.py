"""Writing PNG (ISO/IEC 15948): streamed, with the sealed file's own chunks after the pixels.

Cipher pixels are noise, which deflate cannot shrink: they go out as stored blocks, at the speed of the two
checksums. Where a sample of rows does shrink (the output of a hiding System is a photo), rows are filtered
and deflated.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator
from typing import BinaryIO

import numpy as np

SIGNATURE = b"\x89PNG\r\n\x1a\n"
COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}
HEADER_CHUNK = b"jcHD"
PAYLOAD_CHUNK = b"jcPL"
_STRIP = 1 << 20
_SAMPLE = 1 << 18
_THIN = 1 << 15  # bytes of a sample whose entropy is near enough to its own: of noise 7.994 and 7.999 bits
_WORTH = 0.97
_NOISE = 7.95  # bits of entropy a byte from which on deflate is not even tried
_LEVEL = 6
_NONE, _SUB, _UP, _PAETH = 0, 1, 2, 4


def write(
    file: BinaryIO,
    pixels: np.ndarray,
    header: bytes | None = None,
    payload: Iterable[bytes | memoryview] = (),
) -> None:
    """Write one PNG.

    Args:
      file: where to; written front to back, never seeked.
      pixels: uint8 ``[H, W, C]``: 1 grey, 2 grey+alpha, 3 RGB, 4 RGBA.
      header: contents of the header chunk, or None for a plain picture.
      payload: contents of the payload chunks, each at most 1 MiB.
    """
    height, width, channels = pixels.shape
    if pixels.dtype != np.uint8:
        raise ValueError("pixels must be uint8")
    file.write(SIGNATURE)
    fields = struct.pack(">IIBBBBB", width, height, 8, COLOUR_TYPES[channels], 0, 0, 0)
    write_chunk(file, b"IHDR", fields)
    for piece in _deflated(pixels):
        write_chunk(file, b"IDAT", piece)
    if header is not None:
        write_chunk(file, HEADER_CHUNK, header)
    for piece in payload:
        write_chunk(file, PAYLOAD_CHUNK, piece)
    write_chunk(file, b"IEND", b"")


def write_chunk(file: BinaryIO, kind: bytes, data: bytes | memoryview) -> None:
    """One chunk: length, type, data, CRC-32 of the latter two."""
    file.write(struct.pack(">I", len(data)) + kind)
    file.write(data)
    file.write(struct.pack(">I", zlib.crc32(data, zlib.crc32(kind))))


def _deflated(pixels: np.ndarray) -> Iterator[bytes]:
    """The zlib stream of the filtered rows, a strip of about 1 MiB at a time."""
    method = _choose(pixels)
    deflate = zlib.compressobj(0 if method is None else _LEVEL)
    height = pixels.shape[0]
    rows = max(1, _STRIP // (pixels.shape[1] * pixels.shape[2]))
    for top in range(0, height, rows):
        piece = deflate.compress(_filtered(pixels, top, min(height, top + rows), method or _NONE).data)
        if piece:
            yield piece
    yield deflate.flush()


def _choose(pixels: np.ndarray) -> int | None:
    """The filter under which a sample from the middle shrinks most, or None where none is worth its time."""
    height, row = pixels.shape[0], pixels.shape[1] * pixels.shape[2]
    rows = min(height, max(1, _SAMPLE // row))
    top = (height - rows) // 2
    plain = rows * (row + 1)
    sample = {method: _filtered(pixels, top, top + rows, method) for method in (_NONE, _SUB, _UP)}
    every = max(1, plain // _THIN)
    if all(_entropy(filtered[::every]) > _NOISE for filtered in sample.values()):
        return None
    sample[_PAETH] = _filtered(pixels, top, top + rows, _PAETH)
    best, size = None, _WORTH * plain
    for method, filtered in sample.items():
        shrunk = len(zlib.compress(filtered.data, 1))
        if shrunk < size:
            best, size = method, shrunk
    return best


def _entropy(sample: np.ndarray) -> float:
    """Bits a byte of the byte values' distribution, corrected for a small sample (Miller and Madow, 1955)."""
    counts = np.bincount(sample.reshape(-1), minlength=256)
    shares = counts[counts > 0] / sample.size
    return float(-(shares * np.log2(shares)).sum() + 255 / (2 * np.log(2) * sample.size))


def _filtered(pixels: np.ndarray, top: int, bottom: int, method: int) -> np.ndarray:
    """Rows top..bottom with their filter byte in front: uint8 ``[(bottom - top), 1 + W·C]``, contiguous."""
    _, width, channels = pixels.shape
    rows = pixels[top:bottom].reshape(bottom - top, width * channels)
    out = np.empty((bottom - top, 1 + width * channels), np.uint8)
    out[:, 0] = method
    if method == _NONE:
        out[:, 1:] = rows
        return out
    left = np.zeros_like(rows)
    left[:, channels:] = rows[:, :-channels]
    if method == _SUB:
        np.subtract(rows, left, out=out[:, 1:])
        return out
    up = np.zeros_like(rows)
    up[1:] = rows[:-1]
    if top:
        up[0] = pixels[top - 1].reshape(-1)
    if method == _UP:
        np.subtract(rows, up, out=out[:, 1:])
        return out
    np.subtract(rows, _paeth(left, up, channels), out=out[:, 1:])
    return out


def _paeth(left: np.ndarray, up: np.ndarray, channels: int) -> np.ndarray:
    """Paeth's predictor of each sample: whichever of left, up and upper left is nearest to their plane."""
    corner = np.zeros_like(up)
    corner[:, channels:] = up[:, :-channels]
    a, b, c = left.astype(np.int16), up.astype(np.int16), corner.astype(np.int16)
    to_left, to_up, to_corner = np.abs(b - c), np.abs(a - c), np.abs(a + b - 2 * c)
    nearest = np.where(to_up <= to_corner, up, corner)
    return np.where((to_left <= to_up) & (to_left <= to_corner), left, nearest)
