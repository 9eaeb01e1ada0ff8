"""JPEG files by their marker segments (ITU-T T.81, annex B), without decoding a sample.

What a file carries beside the picture (EXIF with its thumbnail, previews after the end, comments) is told
apart from what a decoder needs. Lengths and places are checked: hostile bytes end in :class:`Damaged`.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass, field

SOS, COMMENT = 0xDA, 0xFE
APP0, APP1, APP2, APP14, APP15 = 0xE0, 0xE1, 0xE2, 0xEE, 0xEF
START = b"\xff\xd8\xff"
GREY, RGB, YCBCR = 1, 2, 3
LARGEST = 65533  # bytes that a segment holds beside its length
_FRAMES = {0xC0: "baseline", 0xC1: "extended", 0xC2: "progressive"}
_OTHER_FRAMES = frozenset(range(0xC3, 0xD0)) - {0xC4, 0xC8, 0xCC}
_TABLES = frozenset({0xDB, 0xC4, 0xDD})  # quantisation, Huffman, restart interval
_MAX_SEGMENTS = 1 << 17
_NEXT = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]", re.DOTALL)
_JFIF, _JFIF_BYTES = b"JFIF\0", 14  # without the thumbnail that may follow
_ADOBE, _ICC = b"Adobe", b"ICC_PROFILE\0"


class Damaged(Exception):
    """No JPEG, or one whose segments lead nowhere."""


@dataclass(frozen=True)
class Segment:
    """One marker segment: ``data`` is what follows its length."""

    marker: int
    data: bytes = field(repr=False)

    def encode(self) -> bytes:
        """Marker, length, data."""
        return struct.pack(">BBH", 0xFF, self.marker, len(self.data) + 2) + self.data


@dataclass(frozen=True)
class Frame:
    """What SOF says: the picture's size, and of each component its id and sampling factors."""

    height: int
    width: int
    progressive: bool
    ids: tuple[int, ...]
    sampling: tuple[tuple[int, int], ...]  # vertical, horizontal

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return self.height, self.width


@dataclass(frozen=True)
class Jpeg:
    """A JPEG file taken apart.

    Attributes:
      applications: APPn and comments that stand before the first scan.
      tables: quantisation and Huffman tables, frame, restart interval before it, in order.
      scans: from the first SOS to EOI, without applications and comments between the scans.
      frame: what the frame's header says.
    """

    applications: tuple[Segment, ...]
    tables: tuple[Segment, ...]
    scans: bytes = field(repr=False)
    frame: Frame

    def with_applications(self, applications: tuple[Segment, ...]) -> bytes:
        """A file of the same picture with other applications."""
        head = [one.encode() for one in (*applications, *self.tables)]
        return b"".join([b"\xff\xd8", *head, self.scans])

    def colours(self) -> tuple[Segment, ...]:
        """The applications that decide how samples are shown: JFIF without thumbnail, Adobe, ICC profile."""
        kept = []
        for one in self.applications:
            if one.marker == APP0 and one.data.startswith(_JFIF) and len(one.data) >= _JFIF_BYTES:
                kept.append(Segment(APP0, one.data[: _JFIF_BYTES - 2] + b"\0\0"))
            elif (one.marker == APP14 and one.data.startswith(_ADOBE)) or (
                one.marker == APP2 and one.data.startswith(_ICC)
            ):
                kept.append(one)
        return tuple(kept)

    @property
    def space(self) -> int:
        """The colours that decoders take the components for: GREY, RGB or YCBCR; 0 where there are others.

        JFIF means YCbCr; else an Adobe segment says; else the ids "RGB" do (libjpeg, ``default_decompress``).
        """
        if len(self.frame.ids) != 3:
            return GREY if len(self.frame.ids) == 1 else 0
        if any(one.marker == APP0 and one.data.startswith(_JFIF) for one in self.applications):
            return YCBCR
        for one in self.applications:
            if one.marker == APP14 and one.data.startswith(_ADOBE) and len(one.data) >= 12:
                return YCBCR if one.data[11] else RGB
        return RGB if self.frame.ids == tuple(b"RGB") else YCBCR


def colour_segment(space: int) -> Segment:
    """What makes decoders take components for RGB (Adobe), or for YCbCr or grey (JFIF 1.01)."""
    if space == RGB:
        return Segment(APP14, _ADOBE + bytes([0, 100, 0, 0, 0, 0, 0]))
    return Segment(APP0, _JFIF + bytes([1, 1, 0, 0, 1, 0, 1, 0, 0]))


def orientation_segment(turned: int) -> tuple[Segment, ...]:
    """EXIF that says how the picture is turned, and nothing else; none for 1."""
    if turned == 1:
        return ()
    entry = struct.pack(">HHIHH", 0x112, 3, 1, turned, 0)  # TIFF 6.0: Orientation, one SHORT
    return (Segment(APP1, b"Exif\0\0MM\0*" + struct.pack(">IH", 8, 1) + entry + bytes(4)),)


def profile_segments(profile: bytes) -> tuple[Segment, ...]:
    """An ICC profile in pieces (ICC.1:2022, B.4); none for an empty one."""
    room = LARGEST - len(_ICC) - 2
    pieces = [profile[at : at + room] for at in range(0, len(profile), room)]
    return tuple(
        Segment(APP2, _ICC + bytes([number, len(pieces)]) + piece) for number, piece in enumerate(pieces, 1)
    )


def take_apart(data: bytes | memoryview) -> Jpeg:
    """A file's segments.

    Raises:
      Damaged: no JPEG, a kind that is not read, segments that lead nowhere, no end.
    """
    data = bytes(data)
    if not data.startswith(START):
        raise Damaged("not a JPEG file")
    applications: list[Segment] = []
    tables: list[Segment] = []
    frame: Frame | None = None
    at = 2
    for _ in range(_MAX_SEGMENTS):
        segment, end = _segment(data, at)
        if segment.marker == SOS:
            if frame is None:
                raise Damaged("it has no frame")
            return Jpeg(tuple(applications), tuple(tables), _scans(data, at), frame)
        if segment.marker in _FRAMES:
            if frame is not None:
                raise Damaged("it has two frames")
            frame = _frame(segment)
            tables.append(segment)
        elif segment.marker in _TABLES:
            tables.append(segment)
        elif APP0 <= segment.marker <= APP15 or segment.marker == COMMENT:
            applications.append(segment)
        else:
            kind = "a kind that is not read" if segment.marker in _OTHER_FRAMES else "an unknown segment"
            raise Damaged(f"it has {kind} (marker {segment.marker:#x})")
        at = end
    raise Damaged("it has too many segments")


def _segment(data: bytes, at: int) -> tuple[Segment, int]:
    """The segment at a place and where the next begins; fill bytes before it are passed over."""
    if data[at : at + 1] != b"\xff":
        raise Damaged("a segment is broken")
    while data[at + 1 : at + 2] == b"\xff":
        at += 1
    head = data[at : at + 4]
    length = int.from_bytes(head[2:], "big")
    end = at + 2 + length
    if len(head) < 4 or length < 2 or end > len(data):
        raise Damaged("a segment is cut off")
    return Segment(head[1], data[at + 4 : end]), end


def _scans(data: bytes, at: int) -> bytes:
    """Scans, and the tables between them, up to the end of the picture."""
    pieces = []
    for _ in range(_MAX_SEGMENTS):
        segment, end = _segment(data, at)
        if segment.marker == SOS:
            match = _NEXT.search(data, end)
            if match is None:
                raise Damaged("it has no end")
            end = match.start()
            pieces.append(data[at:end])
        elif segment.marker in _TABLES:
            pieces.append(data[at:end])
        elif not (APP0 <= segment.marker <= APP15 or segment.marker == COMMENT):
            raise Damaged("an unknown segment stands between the scans")
        if data[end : end + 2] == b"\xff\xd9":
            return b"".join([*pieces, b"\xff\xd9"])
        at = end
    raise Damaged("it has too many segments")


def _frame(segment: Segment) -> Frame:
    data = segment.data
    if len(data) < 6 or len(data) != 6 + 3 * data[5]:
        raise Damaged("its frame is broken")
    bits, height, width, count = struct.unpack(">BHHB", data[:6])
    components = [data[6 + 3 * index : 9 + 3 * index] for index in range(count)]
    sampling = tuple((factors & 15, factors >> 4) for _, factors, _ in components)
    if bits != 8:
        raise Damaged(f"it has {bits} bits a sample")
    if not height or not width or not 1 <= count <= 4:
        raise Damaged("its frame has no size")
    if not all(1 <= factor <= 4 for pair in sampling for factor in pair):
        raise Damaged("its sampling factors are impossible")
    progressive = _FRAMES[segment.marker] == "progressive"
    return Frame(height, width, progressive, tuple(one[0] for one in components), sampling)
