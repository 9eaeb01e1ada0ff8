"""Messages of the protocol: JSON that is signed and hashed as the bytes that travelled.

T(purpose, m1, …) = SHA-512("jaxcrypt/1 network " || purpose || for each: length (u64) || message)
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import struct
from collections.abc import Mapping
from typing import Any

from jaxcrypt.crypto.cursor import Cursor, Malformed
from jaxcrypt.crypto.signing import SIGNATURE_BYTES

MAX_MESSAGE = 256 * 1024
_DOMAIN = b"jaxcrypt/1 network "
_NAMES = 64  # in a list


def encode(fields: Mapping[str, Any]) -> bytes:
    """A message: JSON with sorted keys; bytes are base64 text."""
    plain = {name: _text(value) for name, value in fields.items()}
    return json.dumps(plain, sort_keys=True, separators=(",", ":")).encode()


def _text(value: Any) -> Any:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, list | tuple):
        return [_text(one) for one in value]
    return value


def decode(data: bytes) -> dict[str, Any]:
    """A message's fields.

    Raises:
      Malformed: no JSON object, or too long.
    """
    if len(data) > MAX_MESSAGE:
        raise Malformed("a message is too long")
    try:
        fields = json.loads(data)
    except (ValueError, RecursionError):
        raise Malformed("a message is no JSON") from None
    if not isinstance(fields, dict):
        raise Malformed("a message is no object")
    return fields


def field_of(fields: Mapping[str, Any], name: str, kind: type) -> Any:
    """A field of a message, of the kind that it must be (``bytes``: from base64); bool is no int.

    Raises:
      Malformed: missing, or of another kind.
    """
    value = fields.get(name)
    if kind is bytes:
        try:
            return base64.b64decode(value if isinstance(value, str) else "?", validate=True)
        except (binascii.Error, ValueError):
            raise Malformed(f"{name} is no base64") from None
    if type(value) is not kind:
        raise Malformed(f"{name} is missing or of another kind")
    return value


def names_in(fields: Mapping[str, Any], name: str) -> list[str]:
    """A list of texts, at most 64 of them."""
    values = field_of(fields, name, list)
    if len(values) > _NAMES or not all(isinstance(one, str) for one in values):
        raise Malformed(f"{name} is no list of names")
    return values


def joined(body: bytes, signature: bytes) -> bytes:
    """A message and its signature, as they travel: length (u32) || body || signature."""
    return struct.pack(">I", len(body)) + body + signature


def split(data: bytes) -> tuple[bytes, bytes]:
    """``(body, signature)`` of what :func:`joined` made."""
    cursor = Cursor(data)
    (length,) = cursor.unpack(">I")
    body, signature = cursor.take(length), cursor.rest()
    if len(signature) != SIGNATURE_BYTES:
        raise Malformed("a signature has the wrong length")
    return body, signature


def digest(purpose: str, *messages: bytes) -> bytes:
    """T of the module's equation: 64 bytes."""
    hashed = hashlib.sha512(_DOMAIN + purpose.encode())
    for message in messages:
        hashed.update(struct.pack(">Q", len(message)) + message)
    return hashed.digest()


def fingerprint(public: bytes) -> str:
    """What people compare of a signing key: ``SHA256:`` and 64 hex digits."""
    return f"SHA256:{hashlib.sha256(public).hexdigest()}"
