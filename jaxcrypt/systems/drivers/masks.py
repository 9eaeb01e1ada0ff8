"""Masks of regions, small enough for a header: bool ``[H, W]`` to bytes and back.

Each row is XORed with the row above it, so that of a region only its outline is left, packed to bits and
deflated (RFC 1951, in a zlib stream). A mask that makes no sense is refused before memory is taken for it.
"""

from __future__ import annotations

import zlib

import numpy as np

from jaxcrypt.systems.drivers.host import misfit

_LEVEL = 9


def pack(mask: np.ndarray) -> np.ndarray:
    """uint8 ``[n]`` of a mask, bool ``[H, W]``."""
    changed = mask.copy()
    changed[1:] ^= mask[:-1]
    return np.frombuffer(zlib.compress(np.packbits(changed).tobytes(), _LEVEL), np.uint8)


def unpack(data: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """The mask, bool ``[H, W]`` of that shape.

    Raises:
      Refusal: no such mask, or an empty one.
    """
    height, width = shape
    data = np.asarray(data)
    if data.ndim != 1 or data.dtype != np.uint8:
        raise misfit(f"its mask is {data.dtype}{list(data.shape)}")
    size = -(-height * width // 8)
    reader = zlib.decompressobj()
    try:
        bits = reader.decompress(data.tobytes(), size + 1)
    except zlib.error as error:
        raise misfit(f"its mask is broken: {error}") from None
    if len(bits) != size or not reader.eof or reader.unused_data:
        raise misfit("its mask has another size")
    if not any(bits):
        raise misfit("its mask is empty")
    changed = np.unpackbits(np.frombuffer(bits, np.uint8), count=height * width).reshape(shape)
    return np.bitwise_xor.accumulate(changed, axis=0).astype(bool)
