"""The header that a carrier's own pixels hold: as much as opens it, in few bytes. docs/FORMAT.md
specifies it.

    header = version (u8) || length (u16) || public || stanzas || length (u16) || hidden || MAC (24 bytes)

The public part is deflated with a dictionary of what such parts are made of. The MAC is HMAC-SHA-256,
cut short, under a subkey of its own.
"""

from __future__ import annotations

import hmac
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from jaxcrypt.crypto import canonical
from jaxcrypt.crypto import header as chunk
from jaxcrypt.crypto.cursor import Cursor, Malformed
from jaxcrypt.crypto.filekey import FileKey, Keyring
from jaxcrypt.crypto.names import clean_name, decode_name, encode_name
from jaxcrypt.crypto.sealed import Opened
from jaxcrypt.errors import Refusal, tampered

VERSION = 2  # of the lattice that digits are on; nothing else changed since 1
_VERSIONS = (1, 2)
MAC_BYTES = 24
_PAD = 32
_MOST_PUBLIC, _MOST_HIDDEN = 1 << 14, 1 << 15
_ASSOCIATED = [b"carrier"]
_DICTIONARY = (
    b"cyclegan\x05\x09key_image\x02\x00\x08\x00\x00\x00\x00\x00\x00\x00\x00\x04rate\x02\x00\x08\x00\x00\x00\x00\x00"
    b"\x00\x00\x01\x06robust\x02\x00\x08\x00\x00\x00\x00\x00\x00\x00\x01\x06rounds\x02\x00\x08\x00\x00\x00\x00\x00"
    b"\x00\x00\x03\x07weights\x04\x00\x19cyclegan@\x08logistic\x00\x00\x00\x03\x00\x00\x02\x00\x00\x00\x00\x00\x00"
    b"\x00\x00\x00\x00K\x01\x00\x00\x01\x08denoiser\x03\x06robust\x02\x00\x08\x00\x00\x00\x00\x00\x00\x00\x02\x06"
    b"rounds\x02\x00\x08\x00\x00\x00\x00\x00\x00\x00\x03\x07weights\x04\x00\x19denoiser@"
)
_LAYOUT = struct.Struct(">IIIIBIIBB")


class TooLong(ValueError):
    """A header that no pixels carry: ``args[0]`` bytes, and more."""


@dataclass(frozen=True)
class Carrier:
    """What the public part says of the picture: sides in pixels, of the carrier and of its plane.

    ``way`` is the quality that digits are made for, 0 where there are none.
    """

    height: int
    width: int
    plane: tuple[int, int]
    way: int


@dataclass(frozen=True)
class Carried:
    """The public part and what stands behind it; nothing is authenticated yet."""

    version: int
    head: chunk.Header
    carrier: Carrier
    hidden: bytes = field(repr=False)
    body: bytes = field(repr=False)
    mac: bytes = field(repr=False)


def seal(
    key: FileKey,
    carrier: Carrier,
    *,
    system: str,
    options: canonical.Options,
    original: chunk.Shape,
    name: str,
    side: Mapping[str, Any],
    payload: int,
    padded: int = 0,
) -> bytes:
    """The header of a picture that carries it.

    Args:
      key, system, options, original, name, side: as in :func:`jaxcrypt.crypto.sealed.seal`.
      payload: what the digits are: nothing, a file, several, or one recoded; ``padded``: the length that
        they are padded to.

    Raises:
      TooLong: so much goes beside the picture (an alpha channel, a profile) that it fits no header.
    """
    public = bytes([len(system)]) + system.encode() + canonical.encode_options(options)
    public += _LAYOUT.pack(carrier.height, carrier.width, *carrier.plane, carrier.way, *original, payload)
    packer = zlib.compressobj(9, zlib.DEFLATED, -15, 9, zlib.Z_DEFAULT_STRATEGY, _DICTIONARY)
    public = packer.compress(public) + packer.flush()
    stanzas = b"".join(struct.pack(">H", len(stanza)) + stanza for stanza in key.stanzas)
    hidden = _encode_hidden(key, name, side, payload, padded)
    if len(hidden) > _MOST_HIDDEN:
        raise TooLong(len(hidden))
    hidden = AESSIV(key.subkey("header encryption", 64)).encrypt(hidden, _ASSOCIATED)
    body = struct.pack(">BH", VERSION, len(public)) + public + bytes([len(key.stanzas)]) + stanzas
    body += struct.pack(">H", len(hidden)) + hidden
    return body + _mac(key, body)


def read(data: bytes, source: str = "input") -> Carried:
    """The public part of a header that zeros may follow.

    Raises:
      Refusal: (BAD_INPUT) another version; (TAMPERED) malformed.
    """
    try:
        if not data or data[0] not in _VERSIONS:
            raise Refusal(f"{source}: the header in its pixels is of version {data[:1].hex()}, unknown here")
        return _read(data)
    except (Malformed, zlib.error, struct.error) as reason:
        raise tampered(f"{source}: the header in its pixels is damaged or tampered ({reason})") from None


def open_carried(carried: Carried, keyring: Keyring, source: str = "input") -> Opened:
    """Open a header with whatever key fits.

    Raises:
      Refusal: (NO_KEY) no key fits; (TAMPERED) anything else.
    """

    def fits(secret: bytes) -> bool:
        return hmac.compare_digest(_mac(FileKey(secret), carried.body), carried.mac)

    try:
        secret = keyring.open(carried.head.stanzas, fits)
    except Refusal as refusal:
        raise Refusal(f"{source}: {refusal}", refusal.code) from None
    key = FileKey(secret)
    try:
        plain = AESSIV(key.subkey("header encryption", 64)).decrypt(carried.hidden, _ASSOCIATED)
        hidden = _decode_hidden(plain, carried.head.payload)
    except (InvalidTag, Malformed) as reason:
        raise tampered(f"{source}: header damaged: malformed behind its MAC ({reason})") from None
    if hidden.name != clean_name(hidden.name):
        raise tampered(f"{source}: header names an unsafe file name")
    key = FileKey(secret, hidden.digest, hidden.length, carried.head.stanzas)
    return Opened(carried.head, key, hidden.name, hidden.length, hidden.padded, hidden.side, source)


def _mac(key: FileKey, body: bytes) -> bytes:
    return hmac.digest(key.subkey("carrier mac"), body, "sha256")[:MAC_BYTES]


def _read(data: bytes) -> Carried:
    cursor = Cursor(data)
    _, length = cursor.unpack(">BH")
    unpacker = zlib.decompressobj(-15, _DICTIONARY)
    public = unpacker.decompress(cursor.take(length), _MOST_PUBLIC)
    if not unpacker.eof or unpacker.unused_data:
        raise Malformed("its public part does not end")
    (count,) = cursor.unpack(">B")
    if not 1 <= count <= chunk.MAX_STANZAS:
        raise Malformed("too many stanzas, or none")
    stanzas = tuple(cursor.take(cursor.unpack(">H")[0]) for _ in range(count))
    hidden = cursor.take(cursor.unpack(">H")[0])
    mac = cursor.take(MAC_BYTES)
    end = len(data) - cursor.left()
    if any(cursor.rest()):
        raise Malformed("bytes follow it")
    head, carrier = _decode_public(public, stanzas, hidden)
    return Carried(data[0], head, carrier, hidden, data[: end - MAC_BYTES], mac)


def _decode_public(public: bytes, stanzas: tuple[bytes, ...], hidden: bytes) -> tuple[chunk.Header, Carrier]:
    if len(public) < 1 + _LAYOUT.size:
        raise Malformed("its public part is too short")
    length = public[0]
    system = canonical.check_name(public[1 : 1 + length].decode("ascii", "replace"))
    options = canonical.decode_options(public[1 + length : -_LAYOUT.size])
    height, width, high, wide, way, *original, payload = _LAYOUT.unpack(public[-_LAYOUT.size :])
    sizes = height * width, original[0] * original[1]
    if not all(1 <= size <= chunk.MAX_PIXELS for size in sizes) or not 1 <= original[2] <= 4:
        raise Malformed("a shape is impossible")
    if payload > chunk.RECODED or (payload and not way):
        raise Malformed("the payload is of no kind")
    shape, plain = (height, width, 3), (original[0], original[1], original[2])
    head = chunk.Header(system, options, shape, plain, payload, stanzas, bytes(chunk.MAC_BYTES), hidden)
    return head, Carrier(height, width, (high, wide), way)


def _encode_hidden(key: FileKey, name: str, side: Mapping[str, Any], payload: int, padded: int) -> bytes:
    encoded = encode_name(clean_name(name))
    data = bytes([len(encoded)]) + encoded
    if payload != chunk.NOTHING:
        data += key.digest + struct.pack(">QQ", key.length, padded)
    data += canonical.encode_arrays({label: np.asarray(array) for label, array in side.items()})
    return data + bytes(-len(data) % _PAD)


def _decode_hidden(data: bytes, payload: int) -> chunk.Hidden:
    cursor = Cursor(data)
    name = decode_name(cursor.take(cursor.unpack(">B")[0]))
    digest, length, padded = b"", 0, 0
    if payload != chunk.NOTHING:
        digest = cursor.take(32)
        length, padded = cursor.unpack(">QQ")
        if padded < length and payload != chunk.RECODED:
            raise Malformed("the padded length is impossible")
    side = canonical.decode_arrays(cursor)
    padding = cursor.rest()
    if len(padding) >= _PAD or any(padding):
        raise Malformed("the padding is not minimal zeros")
    return chunk.Hidden(name, digest, length, side, padded)
