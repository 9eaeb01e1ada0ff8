"""The header in binary: what stands in the clear, what is encrypted, and where the MACs are.

    header = version (u16) || fields || MAC (32 bytes, HMAC-SHA-256 over all before it)
    field  = tag (u8) || length (u32) || value

Tags ascend; only the stanza may repeat. There are no optional extensions: a field, a length or an order that
this page does not know is refused, and a new format gets a new version. Files are written in version 3; those
of 1 and 2 open for ever. docs/FORMAT.md has the table.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

import numpy as np

from jaxcrypt.crypto import canonical
from jaxcrypt.crypto.cursor import Cursor, Malformed
from jaxcrypt.crypto.filekey import SYMMETRIC
from jaxcrypt.crypto.names import decode_name, encode_name
from jaxcrypt.crypto.payload import padme
from jaxcrypt.crypto.signing import SIGNATURE_BYTES

VERSION = 3  # the newest: what is written
MAC_BYTES = 32
MAX_BYTES = 16 << 20
MAX_PIXELS = 103_000_000  # 100 megapixels, and the 3% that a cipher picture may be larger
MAX_STANZAS = 68
MAX_STANZA = 2048
PAD = 256
NAME_AREA = 256

SYSTEM, OPTIONS, SHAPE, ORIGINAL, PAYLOAD, STANZA, PIXEL_MAC, HIDDEN, SIGNATURE = range(1, 10)
_REQUIRED = frozenset({SYSTEM, OPTIONS, SHAPE, PAYLOAD, STANZA, PIXEL_MAC, HIDDEN})
_SIV_TAG = 16
NOTHING, FILE, FILES, RECODED = range(4)  # what the payload holds; the last in carriers alone
_PAYLOADS = {1: (NOTHING, FILE), 2: (FILES,), 3: (NOTHING, FILE, FILES)}
VERSIONS = tuple(_PAYLOADS)  # that are read
_LENGTH_ALONE = 2  # up to this version the padded length follows from the length by Padmé
_ANY_STANZAS = 2  # up to this version nothing said that there is one symmetric stanza at most
Shape = tuple[int, int, int]


class UnknownVersion(Exception):
    """A header of another version of the format."""


@dataclass(frozen=True)
class Header:
    """The header's fields. Shapes are (height, width, channels); payload NOTHING, FILE or FILES.

    ``version`` is the format's; only tests write one that is not the newest.
    """

    system: str
    options: tuple[tuple[str, canonical.Scalar], ...]
    shape: Shape
    original: Shape
    payload: int
    stanzas: tuple[bytes, ...] = field(repr=False)
    pixel_mac: bytes = field(repr=False)
    hidden: bytes = field(repr=False)
    signature: bytes | None = field(default=None, repr=False)
    version: int = VERSION

    def body(self) -> bytes:
        """All bytes before the signature: what a signature covers."""
        fields = [
            (SYSTEM, self.system.encode()),
            (OPTIONS, canonical.encode_options(self.options)),
            (SHAPE, _encode_shape(self.shape)),
        ]
        if self.original != self.shape:
            fields.append((ORIGINAL, _encode_shape(self.original)))
        fields.append((PAYLOAD, bytes([self.payload])))
        fields += [(STANZA, stanza) for stanza in self.stanzas]
        fields += [(PIXEL_MAC, self.pixel_mac), (HIDDEN, self.hidden)]
        return struct.pack(">H", self.version) + b"".join(_encode_field(tag, value) for tag, value in fields)

    def authenticated(self) -> bytes:
        """All bytes before the MAC."""
        if self.signature is None:
            return self.body()
        return self.body() + _encode_field(SIGNATURE, self.signature)


@dataclass(frozen=True)
class Hidden:
    """What the header's encrypted part says.

    Attributes:
      name: the original file's name, without folders; of several the first one's.
      digest: SHA-256 of the original file, or of the bundle of several.
      length: its length in bytes.
      side: small arrays by name that decoding needs.
      padded: the length that the payload is padded to; 0 where none travels.
    """

    name: str = field(repr=False)
    digest: bytes = field(repr=False)
    length: int = field(repr=False)
    side: dict[str, np.ndarray] = field(repr=False)
    padded: int = field(default=0, repr=False)

    def encode(self, version: int = VERSION) -> bytes:
        """Plain bytes, padded with zeros to a multiple of 256; the name fills 256 bytes whatever it is."""
        name = encode_name(self.name)
        if len(name) >= NAME_AREA:
            raise ValueError("a name has at most 255 bytes")
        area = bytes([len(name)]) + name.ljust(NAME_AREA - 1, b"\0")
        lengths = (self.length,) if version <= _LENGTH_ALONE else (self.length, self.padded)
        data = area + self.digest + struct.pack(f">{len(lengths)}Q", *lengths)
        data += canonical.encode_arrays(self.side)
        return data + bytes(-len(data) % PAD)


def decode(data: bytes) -> tuple[Header, bytes]:
    """``(header, mac)`` of a header's bytes; nothing is authenticated yet.

    Raises:
      UnknownVersion: another version of the format.
      Malformed: anything that :meth:`Header.authenticated` would not have written so.
    """
    if not MAC_BYTES + 2 <= len(data) <= MAX_BYTES:
        raise Malformed("its length is out of bounds")
    cursor = Cursor(bytes(data[:-MAC_BYTES]))
    (version,) = cursor.unpack(">H")
    if version not in _PAYLOADS:
        raise UnknownVersion(version)
    fields, stanzas = _read_fields(version, cursor)
    return _build(version, fields, stanzas), bytes(data[-MAC_BYTES:])


def decode_hidden(data: bytes, version: int, payload: int) -> Hidden:
    """The inverse of :meth:`Hidden.encode`, as strict; ``version`` and ``payload`` are the header's."""
    if len(data) % PAD:
        raise Malformed("the encrypted part is not padded")
    cursor = Cursor(data)
    (length,) = cursor.unpack(">B")
    area = cursor.take(NAME_AREA - 1)
    if any(area[length:]):
        raise Malformed("bytes follow the name")
    name = decode_name(area[:length])
    digest = cursor.take(32)
    (size,) = cursor.unpack(">Q")
    if version <= _LENGTH_ALONE:
        padded = padme(size) if payload else 0
    else:
        (padded,) = cursor.unpack(">Q")
        if padded < size if payload else padded:
            raise Malformed("the padded length is impossible")
    side = canonical.decode_arrays(cursor)
    padding = cursor.rest()
    if len(padding) >= PAD or any(padding):
        raise Malformed("the padding is not minimal zeros")
    return Hidden(name, digest, size, side, padded)


def _read_fields(version: int, cursor: Cursor) -> tuple[dict[int, bytes], list[bytes]]:
    fields: dict[int, bytes] = {}
    stanzas: list[bytes] = []
    previous = 0
    while cursor.left():
        tag, length = cursor.unpack(">BI")
        if not SYSTEM <= tag <= SIGNATURE:
            raise Malformed("a field is unknown")
        if tag < previous or (tag == previous and tag != STANZA):
            raise Malformed("fields are doubled or out of order")
        value = cursor.take(length)
        if tag == STANZA:
            stanzas.append(value)
        else:
            fields[tag] = value
        previous = tag
    missing = _REQUIRED - fields.keys() - ({STANZA} if stanzas else set())
    if missing:
        raise Malformed("a field is missing")
    if len(stanzas) > MAX_STANZAS or max(map(len, stanzas)) > MAX_STANZA:
        raise Malformed("too many stanzas, or too large")
    if version > _ANY_STANZAS and sum(stanza[:1] == bytes([SYMMETRIC]) for stanza in stanzas) > 1:
        raise Malformed("more than one symmetric stanza")
    return fields, stanzas


def _build(version: int, fields: dict[int, bytes], stanzas: list[bytes]) -> Header:
    shape = _decode_shape(fields[SHAPE])
    original = _decode_shape(fields[ORIGINAL]) if ORIGINAL in fields else shape
    if ORIGINAL in fields and original == shape:
        raise Malformed("the original's shape is doubled")
    if len(fields[PAYLOAD]) != 1 or fields[PAYLOAD][0] not in _PAYLOADS[version]:
        raise Malformed("the payload is of no kind that its version has")
    if (
        len(fields[PIXEL_MAC]) != MAC_BYTES
        or len(fields.get(SIGNATURE, bytes(SIGNATURE_BYTES))) != SIGNATURE_BYTES
    ):
        raise Malformed("a MAC or signature has the wrong length")
    if len(fields[HIDDEN]) % PAD != _SIV_TAG or len(fields[HIDDEN]) < PAD:
        raise Malformed("the encrypted part has an impossible length")
    return Header(
        system=canonical.check_name(fields[SYSTEM].decode("ascii", "replace")),
        options=canonical.decode_options(fields[OPTIONS]),
        shape=shape,
        original=original,
        payload=fields[PAYLOAD][0],
        stanzas=tuple(stanzas),
        pixel_mac=fields[PIXEL_MAC],
        hidden=fields[HIDDEN],
        signature=fields.get(SIGNATURE),
        version=version,
    )


def _encode_field(tag: int, value: bytes) -> bytes:
    return struct.pack(">BI", tag, len(value)) + value


def _encode_shape(shape: Shape) -> bytes:
    return struct.pack(">IIB", *shape)


def _decode_shape(value: bytes) -> Shape:
    if len(value) != 9:
        raise Malformed("a shape has the wrong length")
    height, width, channels = struct.unpack(">IIB", value)
    if not (1 <= height * width <= MAX_PIXELS and 1 <= channels <= 4):
        raise Malformed("a shape is impossible")
    return height, width, channels
