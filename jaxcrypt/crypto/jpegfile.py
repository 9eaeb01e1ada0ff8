"""The sealed file as a JPEG, whose APP15 segments hold header and payload: docs/FORMAT.md specifies it.

    segment = FF EF || length u16 || "jaxcrypt" || 0 || kind u8 || at most 65,523 bytes

Kind "H" is a piece of the header, "P" one of the payload; each in the file's order. What a reader
authenticates of the picture is its quantised coefficients (:func:`picture_mac`), never samples, of which
decoders make each their own.
"""

from __future__ import annotations

import hmac
import itertools
import struct
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import numpy as np

from jaxcrypt.crypto import payload
from jaxcrypt.crypto.filekey import FileKey
from jaxcrypt.crypto.header import MAX_BYTES, MAX_PIXELS, Shape
from jaxcrypt.errors import ExitCode, Refusal, tampered
from jaxcrypt.pictures import coefficients, jpegmarkers
from jaxcrypt.pictures.coefficients import Coefficients
from jaxcrypt.pictures.jpegmarkers import APP0, APP1, APP14, APP15, START, Jpeg, Segment

SYSTEM = "jpeg"  # what headers of such files have in place of a System's name
IDENTIFIER = b"jaxcrypt\0"
_HEADER, _PAYLOAD = b"H", b"P"
_ROOM = jpegmarkers.LARGEST - len(IDENTIFIER) - 1
PEEK = 1 << 16  # within so many bytes of its start a sealed JPEG says what it is


@dataclass
class Container:
    """A sealed JPEG's parts. Nothing in it is authenticated.

    Attributes:
      name: what messages call the file.
      shape: height and width as stored, and the number of components.
      header: the header's bytes, or None where there is none.
      payload: the payload segments' bytes, in order, as views into the file.
      jpeg: the picture's segments, without those of header and payload.
    """

    name: str
    shape: Shape
    header: bytes | None
    payload: list[memoryview] = field(repr=False)
    jpeg: Jpeg = field(repr=False)

    def need_header(self) -> bytes:
        """The header's bytes. A file without them is a Refusal that says what can be done."""
        if self.header is None:
            hint = "its header was stripped; give the one that --write-header saved with --header FILE"
            raise Refusal(f"{self.name}: {hint}", ExitCode.TAMPERED)
        return self.header

    def read_coefficients(self) -> Coefficients:
        """The quantised picture. What does not decode is a Refusal (TAMPERED)."""
        try:
            return coefficients.read(self.jpeg)
        except jpegmarkers.Damaged as reason:
            raise tampered(f"{self.name}: picture data damaged or tampered ({reason})") from None


@dataclass(frozen=True)
class SealedJpeg:
    """A sealed JPEG that is ready to be written.

    Attributes:
      header: its bytes.
      shape: height and width as stored, and the number of components.
      jpeg: the picture that everybody sees, with the applications that it shall have.
      report: as that of a :class:`~jaxcrypt.crypto.sealed.SealedPicture`.
    """

    header: bytes
    shape: Shape
    jpeg: Jpeg = field(repr=False)
    report: Mapping[str, Any] = field(repr=False, default_factory=dict, kw_only=True)
    _key: bytes = field(repr=False, default=b"")
    _file: bytes | memoryview | None = field(repr=False, default=None)
    _padded: int = field(repr=False, default=0)

    def payload(self) -> Iterator[bytes]:
        """The encrypted original in pieces just under 1 MiB, made as they are asked for."""
        return iter(()) if self._file is None else payload.seal(self._key, self._file, self._padded)

    def write(self, file: BinaryIO) -> None:
        """Write the JPEG, front to back."""
        write(file, self.jpeg, self.header, self.payload())


def write(file: BinaryIO, jpeg: Jpeg, header: bytes, pieces: Iterable[bytes | memoryview]) -> None:
    """Write a sealed JPEG: JFIF, EXIF and Adobe, then header and payload, then its profile and the rest."""
    leading = (APP0, APP1, APP14)
    file.write(b"\xff\xd8")
    for one in (one for one in jpeg.applications if one.marker in leading):
        file.write(one.encode())
    for kind, data in itertools.chain([(_HEADER, header)], ((_PAYLOAD, piece) for piece in pieces)):
        for at in range(0, len(data), _ROOM):
            file.write(Segment(APP15, IDENTIFIER + kind + bytes(data[at : at + _ROOM])).encode())
    rest = tuple(one for one in jpeg.applications if one.marker not in leading)
    file.write(jpeg.with_applications(rest)[2:])


def is_jpeg(data: bytes | memoryview) -> bool:
    """Whether a file is a JPEG, sealed or not, by its first bytes."""
    return bytes(data[:3]) == START


def is_sealed(data: bytes | memoryview) -> bool:
    """Whether a file, or its first :data:`PEEK` bytes, is that of a sealed JPEG."""
    return is_jpeg(data) and IDENTIFIER in bytes(data)


def read(data: bytes | memoryview, name: str = "input") -> Container:
    """Take a JPEG file apart.

    Raises:
      Refusal: (TAMPERED) damaged; (BAD_INPUT) none of ours, or larger than any sealed picture.
    """
    if not is_sealed(data):
        raise Refusal(
            f"{name}: is a JPEG without jaxcrypt segments: no sealed picture, or a program that encoded "
            "it anew dropped them, and what they carried is lost"
        )
    try:
        jpeg = jpegmarkers.take_apart(data)
    except jpegmarkers.Damaged as reason:
        raise tampered(f"{name}: damaged or tampered ({reason})") from None
    frame = jpeg.frame
    if frame.height * frame.width > MAX_PIXELS:
        raise Refusal(f"{name}: {frame.width}×{frame.height} pixels is no size of a sealed picture")
    own = [one.data[len(IDENTIFIER) :] for one in jpeg.applications if _is_own(one)]
    header = b"".join(one[1:] for one in own if one[:1] == _HEADER)
    pieces = [memoryview(one)[1:] for one in own if one[:1] == _PAYLOAD]
    if len(header) > MAX_BYTES or not all(one[:1] in (_HEADER, _PAYLOAD) for one in own):
        raise tampered(f"{name}: damaged or tampered (its segments are of no kind that is known)")
    others = tuple(one for one in jpeg.applications if not _is_own(one))
    bare = Jpeg(others, jpeg.tables, jpeg.scans, frame)
    return Container(name, (frame.height, frame.width, len(frame.ids)), header or None, pieces, bare)


def _is_own(segment: Segment) -> bool:
    return segment.marker == APP15 and segment.data.startswith(IDENTIFIER)


def picture_mac(key: FileKey, picture: Coefficients) -> bytes:
    """HMAC-SHA-256 under the subkey "coefficient mac": over size and colours, and of each component over its
    sampling factors, extent in blocks, quantisation table and coefficients.
    """
    size = struct.pack(">IIBB", picture.width, picture.height, picture.space, len(picture.planes))
    mac = hmac.new(key.subkey("coefficient mac"), size, "sha256")
    for (tall, wide), table, plane in zip(picture.sampling, picture.tables, picture.planes, strict=True):
        mac.update(struct.pack(">BBII", wide, tall, plane.shape[1], plane.shape[0]))
        mac.update(table.astype(">u2").tobytes())
        mac.update(np.ascontiguousarray(plane, "<i2").data.cast("B"))
    return mac.digest()
