"""Bits a sample as a picture file itself says them: Pillow reduces some deeper files to 8 bits silently.

AVIF keeps them in the ``av1C`` property of each coded image (AV1 Codec ISO Media File Format Binding, 2.3.3):

    marker, version u8 || profile, level u8 || tier 1 bit, high_bitdepth 1 bit, twelve_bit 1 bit, …

which stands among the item properties, ``meta`` / ``iprp`` / ``ipco`` (ISO/IEC 23008-12, 9.3).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from PIL import Image

_BITS_PER_SAMPLE = 258  # TIFF 6.0, section 8
_MAX_BOXES = 4096


def bits_per_sample(image: Image.Image, data: bytes) -> int:
    """The most bits that a sample of the opened ``image`` has in its file ``data``."""
    if image.format == "PNG" and len(data) > 24:
        return data[24]
    if image.format == "HEIF":
        return int(image.info.get("bit_depth", 8))
    if image.format == "TIFF":
        return max(tiff_numbers(image, _BITS_PER_SAMPLE) or (8,))
    if image.format == "AVIF":
        return _avif_bits(memoryview(data))
    return 8


def tiff_numbers(image: Image.Image, tag: int) -> tuple[int, ...]:
    """What an opened TIFF says under ``tag``; nothing where it has no such tag, or is no TIFF."""
    values = getattr(image, "tag_v2", {}).get(tag, ())
    return tuple(values) if isinstance(values, tuple | list) else (int(values),)


def _avif_bits(data: memoryview) -> int:
    """8, 10 or 12: the most that any coded image of the file has, be it the picture, a tile or its alpha."""
    bits = 8
    for meta in _boxes(data, b"meta"):
        for properties in _boxes(meta[4:], b"iprp"):  # meta alone has a version and flags before its boxes
            for container in _boxes(properties, b"ipco"):
                for configuration in _boxes(container, b"av1C"):
                    if len(configuration) > 2 and configuration[2] & 0x40:
                        bits = max(bits, 12 if configuration[2] & 0x20 else 10)
    return bits


def _boxes(data: memoryview, kind: bytes) -> Iterator[memoryview]:
    """What the boxes of one kind hold, at the top level of ``data``; ends where the chain of boxes breaks."""
    at = 0
    for _ in range(_MAX_BOXES):
        if len(data) - at < 8:
            return
        size, box = struct.unpack(">I4s", data[at : at + 8])
        head = 8
        if size == 1 and len(data) - at >= 16:  # the size follows, in 64 bits
            head, size = 16, struct.unpack(">Q", data[at + 8 : at + 16])[0]
        end = len(data) if size == 0 else at + size
        if end < at + head or end > len(data):
            return
        if box == kind:
            yield data[at + head : end]
        at = end
