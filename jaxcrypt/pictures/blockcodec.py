"""The coefficients of some blocks as few bytes, and back: what of a JPEG travels when only its region does.

Of each component the marked blocks, row by row: each as 64 coefficients in zigzag order (T.81, figure 5), the
first as its difference from the block before; a value v as 2v or −2v − 1, whichever is not negative; all
blocks' first values, all second ones, and so on; first the low bytes of all of them, then the high bytes. The
components' bytes, one after another, in an xz stream. That takes about a tenth more than JPEG's own coding.
"""

from __future__ import annotations

import lzma
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from jaxcrypt.pictures.coefficients import Coefficients, blocks_of
from jaxcrypt.pictures.jpegmarkers import Damaged


def _zigzag(place: int) -> tuple[int, int]:
    """What the places of a block are sorted by: their diagonal, then up or down it."""
    row, column = divmod(place, 8)
    return row + column, row if (row + column) % 2 else column


ZIGZAG = np.array(sorted(range(64), key=_zigzag))
_LARGEST = 2047  # of a coefficient of 8-bit samples, and of its difference from another twice that
_LEVEL = 9
_MEMORY = 1 << 28  # of the xz decoder


def pack(picture: Coefficients, inside: np.ndarray) -> bytes:
    """The coefficients of marked units; ``inside`` is bool ``[unit rows, unit columns]``."""
    parts = []
    marks = blocks_of(inside, picture.sampling, picture.planes)
    for plane, marked in zip(picture.planes, marks, strict=True):
        values = plane[marked].reshape(-1, 64)[:, ZIGZAG].astype(np.int32)
        values[1:, 0] -= values[:-1, 0].copy()
        folded = np.where(values < 0, -2 * values - 1, 2 * values).T
        parts += [(folded & 255).astype(np.uint8).tobytes(), (folded >> 8).astype(np.uint8).tobytes()]
    return lzma.compress(b"".join(parts), format=lzma.FORMAT_XZ, check=lzma.CHECK_NONE)


def unpack(data: bytes, picture: Coefficients, inside: np.ndarray) -> Coefficients:
    """The picture with marked units put back.

    Raises:
      Damaged: bytes that :func:`pack` does not write.
    """
    marks = list(blocks_of(inside, picture.sampling, picture.planes))
    counts = [int(marked.sum()) for marked in marks]
    plain = _unpacked(data, 128 * sum(counts))
    planes, at = [], 0
    for plane, marked, count in zip(picture.planes, marks, counts, strict=True):
        low, high = np.frombuffer(plain, np.uint8, 128 * count, at).reshape(2, 64, count).astype(np.int32)
        folded = (low + 256 * high).T
        values = np.where(folded & 1, -(folded >> 1) - 1, folded >> 1)
        values[:, 0] = np.cumsum(values[:, 0])
        if count and np.abs(values).max() > _LARGEST:
            raise Damaged("its region's coefficients are out of bounds")
        blocks = np.empty((count, 64), np.int16)
        blocks[:, ZIGZAG] = values
        restored = plane.copy()
        restored[marked] = blocks.reshape(-1, 8, 8)
        planes.append(restored)
        at += 128 * count
    return picture.with_planes(planes)


def pack_units(inside: np.ndarray) -> np.ndarray:
    """uint8 ``[n]``: a zlib stream of the units, a bit each."""
    return np.frombuffer(zlib.compress(np.packbits(inside).tobytes(), _LEVEL), np.uint8)


def unpack_units(data: Any, shape: tuple[int, int]) -> np.ndarray:
    """The hidden units, bool ``[unit rows, unit columns]``, of what a header says.

    Raises:
      Damaged: no such mask, or an empty one.
    """
    rows, columns = shape
    data, size = np.asarray(data), -(-rows * columns // 8)
    reader = zlib.decompressobj()
    try:
        bits = reader.decompress(data.tobytes(), size + 1)
    except zlib.error:
        raise Damaged("its mask is broken") from None
    if data.dtype != np.uint8 or len(bits) != size or not reader.eof or not any(bits):
        raise Damaged("its mask has another size, or is empty")
    marks = np.unpackbits(np.frombuffer(bits, np.uint8))
    if marks[rows * columns :].any():
        raise Damaged("its mask has bits too many")
    return marks[: rows * columns].reshape(shape).astype(bool)


def same_outside(one: Coefficients, other: Coefficients, inside: np.ndarray) -> bool:
    """Whether two pictures have one geometry, one set of tables, and the same blocks but for marked units."""
    facts = ((p.height, p.width, p.space, p.sampling) for p in (one, other))
    if len(set(facts)) > 1 or not _equal(one.tables, other.tables):
        return False
    marks = blocks_of(inside, one.sampling, one.planes)
    pairs = zip(one.planes, other.planes, marks, strict=True)
    return all(np.array_equal(a[~marked], b[~marked]) for a, b, marked in pairs)


def _equal(some: Sequence[np.ndarray], others: Sequence[np.ndarray]) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(some, others, strict=True))


def _unpacked(data: bytes, size: int) -> bytes:
    reader = lzma.LZMADecompressor(format=lzma.FORMAT_XZ, memlimit=_MEMORY)
    try:
        plain = reader.decompress(data, size + 1)
    except (lzma.LZMAError, EOFError) as error:
        raise Damaged(f"its region is broken ({error})") from None
    if len(plain) != size or not reader.eof or reader.unused_data:
        raise Damaged("its region has another size")
    return plain
