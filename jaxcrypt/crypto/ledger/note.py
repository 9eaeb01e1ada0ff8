"""Signed notes (C2SP signed-note) and cosignatures (C2SP tlog-cosignature): text, and who signed it.

    — NAME base64(key id || signature)       key id = SHA-256(NAME || "\\n" || kind || public key)[:4]

| kind | signature                                                                                    |
|------|----------------------------------------------------------------------------------------------|
| 1    | Ed25519 (RFC 8032) over the text                                                             |
| 4    | time u64 || Ed25519 over "cosignature/v1\\ntime T\\n" || text                                  |
| 6    | time u64 || ML-DSA-44 (FIPS 204) over label, names, time and the checkpoint's size and root  |
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import struct
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA44PublicKey

from jaxcrypt.crypto.cursor import Malformed
from jaxcrypt.crypto.ledger import checkpoint

ED25519, COSIGNATURE, MLDSA44 = 1, 4, 6
PUBLIC_BYTES = {ED25519: 32, COSIGNATURE: 32, MLDSA44: 1312}
SIGNATURE_BYTES = {ED25519: 64, COSIGNATURE: 72, MLDSA44: 8 + 2420}
SEED_BYTES = 32
MAX_BYTES = 256 << 10
MAX_TIME = 1 << 63
_DASH = "— "
_PRIVATE = "PRIVATE+KEY+"
_LABEL = b"subtree/v1\n\0"
_CONTROL = bytes(byte for byte in range(32) if byte != 10)


@dataclass(frozen=True)
class Signature:
    """A line of a note: who is said to have signed, and the signature without its key id."""

    name: str
    key_id: bytes
    value: bytes = field(repr=False)

    def line(self) -> str:
        """As it stands in a note."""
        return f"{_DASH}{self.name} {base64.b64encode(self.key_id + self.value).decode()}\n"


@dataclass(frozen=True)
class Note:
    """Text and its signatures, of which nothing is verified."""

    body: bytes
    signatures: tuple[Signature, ...]

    def encode(self) -> bytes:
        """The note's bytes."""
        return self.body + b"\n" + "".join(each.line() for each in self.signatures).encode()


@dataclass(frozen=True)
class Verifier:
    """A public key with the name and kind that it signs under; its text is C2SP's verifier key."""

    name: str
    kind: int
    public: bytes = field(repr=False)

    @property
    def key_id(self) -> bytes:
        """Four bytes that find a signature, and vouch for nothing."""
        return hashlib.sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.public).digest()[:4]

    def text(self) -> str:
        """``NAME+key id+base64(kind || public key)``."""
        return (
            f"{self.name}+{self.key_id.hex()}+{base64.b64encode(bytes([self.kind]) + self.public).decode()}"
        )

    def find(self, note: Note) -> int | None:
        """When this key signed the note, in seconds since 1970 (kind 1: 0); None where it did not.

        Raises:
          Malformed: the note has a signature under its name and key id that does not hold.
        """
        times = [self._time(each, note.body) for each in note.signatures if self._named(each)]
        return max(times, default=None)

    def _named(self, signature: Signature) -> bool:
        return (signature.name, signature.key_id) == (self.name, self.key_id)

    def _time(self, signature: Signature, body: bytes) -> int:
        broken = Malformed(f"a signature of {self.name} does not hold")
        if len(signature.value) != SIGNATURE_BYTES[self.kind]:
            raise broken
        value, time = signature.value, 0
        if self.kind != ED25519:
            time, value = int.from_bytes(value[:8], "big"), value[8:]
        if time >= MAX_TIME:
            raise broken
        key = MLDSA44PublicKey if self.kind == MLDSA44 else Ed25519PublicKey
        try:
            key.from_public_bytes(self.public).verify(value, message(self.name, self.kind, time, body))
        except (InvalidSignature, ValueError):
            raise broken from None
        return time


@dataclass(frozen=True)
class Signer:
    """A private key: a seed, with the name and kind that it signs under. Never shows in ``repr``."""

    name: str
    kind: int
    seed: bytes = field(repr=False)

    def _key(self) -> Ed25519PrivateKey | MLDSA44PrivateKey:
        if self.kind == MLDSA44:
            return MLDSA44PrivateKey.from_seed_bytes(self.seed)
        return Ed25519PrivateKey.from_private_bytes(self.seed)

    def verifier(self) -> Verifier:
        """The public half."""
        return Verifier(self.name, self.kind, self._key().public_key().public_bytes_raw())

    def sign(self, body: bytes, time: int) -> Signature:
        """Sign a note's text; ``time`` is in seconds since 1970 (kind 1 says none)."""
        value = self._key().sign(message(self.name, self.kind, time, body))
        if self.kind != ED25519:
            value = struct.pack(">Q", time) + value
        return Signature(self.name, self.verifier().key_id, value)

    def text(self) -> str:
        """``PRIVATE+KEY+NAME+key id+base64(kind || seed)``."""
        secret = base64.b64encode(bytes([self.kind]) + self.seed).decode()
        return f"{_PRIVATE}{self.name}+{self.verifier().key_id.hex()}+{secret}"


def message(name: str, kind: int, time: int, body: bytes) -> bytes:
    """What a key of that name and kind signs.

    Raises:
      Malformed: kind 6, and the text is no checkpoint, or one with more than its three lines.
    """
    if kind == ED25519:
        return body
    if kind == COSIGNATURE:
        return b"cosignature/v1\ntime %d\n" % time + body
    head = checkpoint.decode(body)
    names = [name.encode(), head.origin.encode()]
    if any(not 1 <= len(each) <= 255 for each in names):
        raise Malformed("a name is longer than 255 bytes")
    cosigner, origin = (bytes([len(each)]) + each for each in names)
    return _LABEL + cosigner + struct.pack(">Q", time) + origin + struct.pack(">QQ", 0, head.size) + head.root


def decode(data: bytes) -> Note:
    """A note's text and signatures, of which nothing is verified yet.

    Raises:
      Malformed: no such note.
    """
    if len(data) > MAX_BYTES or data.translate(None, _CONTROL) != data:
        raise Malformed("no signed note")
    body, gap, tail = data.rpartition(b"\n\n")
    if not gap or not tail.endswith(b"\n"):
        raise Malformed("no signed note")
    try:
        body.decode()
        lines = tail.decode().split("\n")[:-1]
    except UnicodeDecodeError:
        raise Malformed("no signed note") from None
    return Note(body + b"\n", tuple(map(read_signature, lines)))


def read_signature(line: str) -> Signature:
    """A signature line without its end.

    Raises:
      Malformed: no such line.
    """
    name, _, text = line.removeprefix(_DASH).rpartition(" ")
    value = _base64(text)
    if not line.startswith(_DASH) or not _is_name(name) or len(value) < 5:
        raise Malformed("a signature line is malformed")
    return Signature(name, value[:4], value[4:])


def read_verifier(text: str) -> Verifier:
    """The key in a verifier key's text (:meth:`Verifier.text`).

    Raises:
      Malformed: no such text, or a key of a kind that is not known here.
    """
    name, kind, public, key_id = _read_key(text)
    if len(public) != PUBLIC_BYTES[kind]:
        raise Malformed("a key has another length than its kind")
    made = Verifier(name, kind, public)
    if made.key_id.hex() != key_id:
        raise Malformed(f"the key of {name} does not fit its id")
    return made


def read_signer(text: str) -> Signer:
    """The key in a private key's text (:meth:`Signer.text`).

    Raises:
      Malformed: no such text; the message does not quote it.
    """
    if not text.startswith(_PRIVATE):
        raise Malformed("not a private key")
    name, kind, seed, key_id = _read_key(text.removeprefix(_PRIVATE))
    if len(seed) != SEED_BYTES:
        raise Malformed("a private key has another length than its kind")
    made = Signer(name, kind, seed)
    if made.verifier().key_id.hex() != key_id:
        raise Malformed(f"the private key of {name} does not fit its id")
    return made


def check_name(name: str) -> str:
    """``name`` itself, or Malformed where no key may be called so."""
    if not _is_name(name) or len(name.encode()) > 255:
        raise Malformed("a name has no spaces, plus signs or control characters, and 1 to 255 bytes")
    return name


def _read_key(text: str) -> tuple[str, int, bytes, str]:
    parts = text.split("+", 2)
    if len(parts) != 3 or not _is_name(parts[0]):
        raise Malformed("not a key: it reads NAME+ID+BASE64")
    data = _base64(parts[2])
    if not data or data[0] not in PUBLIC_BYTES:
        raise Malformed(f"the key of {parts[0]} is of a kind that is not known here")
    return parts[0], data[0], data[1:], parts[1]


def _is_name(name: str) -> bool:
    return bool(name) and "+" not in name and name.isprintable() and not any(map(str.isspace, name))


def _base64(text: str) -> bytes:
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Malformed("not base64") from None
    if base64.b64encode(data).decode() != text:
        raise Malformed("not base64 as it is written")
    return data
