"""Why a file cannot be read as a picture, in words that say what to do: told from the file itself.

Decoders say "cannot identify" of much that they know well but do not take.
"""

from __future__ import annotations

import struct

from PIL import TiffImagePlugin

WANTED = "PNG, JPEG, WebP, TIFF, BMP, GIF or AVIF"
_SIGNED, _FLOAT = 2, 3
_BITS, _COMPRESSION, _FORMAT = 258, 259, 339  # TIFF 6.0: BitsPerSample, Compression, SampleFormat
SAMPLE_TAGS = (_BITS, _FORMAT)
_RARE = (34925, 50000, 50001)  # LZMA, Zstandard, WebP: not every libtiff has them
_SIZES = {1: "B", 3: "H", 4: "I"}
_MAX_ENTRIES, _MAX_VALUES = 512, 16
_FRAMES = {0xC3: "lossless", 0xC5: "hierarchical", 0xC6: "hierarchical", 0xC7: "lossless, hierarchical"}
_MARKERS = range(0xC0, 0xD0)
_NO_FRAMES = (0xC4, 0xC8, 0xCC)  # tables, not frames
_MAX_SEGMENTS = 4096
_OTHERS = {
    b"\xff\x4f\xff\x51": "JPEG 2000",
    b"\0\0\0\x0cjP  ": "JPEG 2000",
    b"\xff\x0a": "JPEG XL",
    b"\0\0\0\x0cJXL ": "JPEG XL",
    b"8BPS": "Photoshop",
    b"%PDF": "PDF",
    b"%!PS": "PostScript",
    b"\x76\x2f\x31\x01": "OpenEXR",
    b"<svg": "SVG",
    b"<?xml": "XML or SVG",
    b"gimp xcf": "GIMP",
    b"qoif": "QOI",
    b"\0\0\1\0": "an icon",
}


def why_not(data: bytes) -> str | None:
    """What is known of why this picture's file is not read; None where it must be damaged.

    Returns:
      Words that follow the file's name and a colon.
    """
    if data[:2] == b"\xff\xd8":
        return _jpeg(data)
    if data[:4] in (b"II*\0", b"MM\0*"):
        return samples(tiff_tags(data)) or _tiff_compression(tiff_tags(data))
    if data[:2] == b"BM" and len(data) > 34:
        bits, compression = struct.unpack_from("<HI", data, 28)
        return f"this kind of BMP is not read ({bits} bits a pixel, compression {compression})"
    if data[:8] == b"\x89PNG\r\n\x1a\n" or data[:4] in (b"RIFF", b"GIF8") or data[4:8] == b"ftyp":
        return None
    known = next((kind for mark, kind in _OTHERS.items() if data.startswith(mark)), None)
    return f"is {known}, which is not read; convert it" if known else _unknown()


def _unknown() -> str:
    return f"not a picture that can be read (wanted {WANTED})"


def samples(tags: dict[int, tuple[int, ...]]) -> str | None:
    """What is wrong with the samples of a TIFF of these tags; None where they can be taken."""
    bits = max(tags.get(_BITS, (1,)))
    if _FLOAT in tags.get(_FORMAT, ()):
        return f"more than 8 bits a sample ({bits}, floating point); convert it to 8 bits first"
    if _SIGNED in tags.get(_FORMAT, ()):
        return f"signed samples of {bits} bits; convert them to unsigned ones of 8 bits first"
    return f"more than 8 bits a sample ({bits}); convert it to 8 bits first" if bits > 16 else None


def tiff_tags(data: bytes) -> dict[int, tuple[int, ...]]:
    """The numbers in the first directory of a TIFF, by tag; empty where it is no classic TIFF or damaged."""
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(bytes(data[:4]))
    tags: dict[int, tuple[int, ...]] = {}
    if order is None:
        return tags
    try:
        (at,) = struct.unpack_from(order + "I", data, 4)
        (count,) = struct.unpack_from(order + "H", data, at)
        for entry in range(min(count, _MAX_ENTRIES)):
            tag, kind, values, place = struct.unpack_from(order + "HHII", data, at + 2 + 12 * entry)
            layout = f"{order}{min(values, _MAX_VALUES)}{_SIZES.get(kind, 'B')}"
            inline = struct.calcsize(layout) <= 4
            tags[tag] = struct.unpack_from(layout, data, at + 10 + 12 * entry if inline else place)
    except struct.error:
        pass
    return tags


def _tiff_compression(tags: dict[int, tuple[int, ...]]) -> str | None:
    number = next(iter(tags.get(_COMPRESSION, ())), 1)
    if number in _RARE or number not in TiffImagePlugin.COMPRESSION_INFO:
        return f"damaged, or of a TIFF compression ({number}) that is not read here; convert it"
    return None


def _jpeg(data: bytes) -> str | None:
    """By its frame header (ITU T.81, B.2.2)."""
    at = 2
    for _ in range(_MAX_SEGMENTS):
        if at + 10 > len(data) or data[at] != 0xFF:
            return None
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        if marker in _MARKERS and marker not in _NO_FRAMES:
            bits = data[at + 4]
            if bits != 8:
                return f"more than 8 bits a sample ({bits}); convert it to 8 bits first"
            kind = _FRAMES.get(marker) or ("arithmetic coding" if marker > 0xC8 else None)
            return kind and f"this kind of JPEG is not read ({kind}); convert it"
        at += 1 if marker == 0xFF else 2 + length
    return None
