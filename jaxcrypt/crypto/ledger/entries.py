"""What the ledger says, an entry at a time; docs/LEDGER.md has the table.

    entry = kind u8 || name length u8 || name || fields

| kind | fields                                                              | says                  |
|------|---------------------------------------------------------------------|-----------------------|
| 1    | SHA-256 of the public key || SHA-256 of the owner's verifier        | a name's first key    |
| 2    | SHA-256 of the public key || previous u64 || SHA-256 of a signature | its key from here on  |
| 3    | SHA-256 of the public key || previous u64 || SHA-256 of a signature | that key is revoked   |
| 4    | SHA-256 of a file                                                   | weights were released |

``previous`` is the index of the name's entry before. Signatures are the owner's, over :meth:`Entry.signed`.
"""

from __future__ import annotations

import enum
import hashlib
import re
import struct
from dataclasses import dataclass, field, replace

from jaxcrypt.crypto.cursor import Cursor, Malformed
from jaxcrypt.errors import usage

DIGEST_BYTES = 32
_NAME = re.compile(r"[a-z0-9][a-z0-9._@-]{0,63}")


class Kind(enum.IntEnum):
    """What an entry says."""

    KEY = 1
    ROTATE = 2
    REVOKE = 3
    WEIGHTS = 4


@dataclass(frozen=True)
class Entry:
    """An entry of the ledger.

    Attributes:
      digest: SHA-256 of a public key's bytes, or of a file of weights.
      owner: KEY: SHA-256 of the verifier of whoever may rotate and revoke the name.
      previous: ROTATE, REVOKE: index of the name's entry before this one.
      signature: ROTATE, REVOKE: SHA-256 of the owner's signature.
    """

    kind: Kind
    name: str
    digest: bytes = field(repr=False)
    owner: bytes = field(default=b"", repr=False)
    previous: int = 0
    signature: bytes = field(default=b"", repr=False)

    def encode(self) -> bytes:
        """The entry's bytes: what the tree holds."""
        name = self.name.encode()
        data = bytes([self.kind, len(name)]) + name + self.digest
        if self.kind == Kind.KEY:
            return data + self.owner
        return data + self._previous() + self.signature if self.kind != Kind.WEIGHTS else data

    def signed(self, origin: str) -> bytes:
        """What the owner signs, for the log of that origin alone."""
        place = origin.encode()
        return b"ledger entry" + struct.pack(">H", len(place)) + place + replace(self, signature=b"").encode()

    def _previous(self) -> bytes:
        return struct.pack(">Q", self.previous)

    def words(self) -> str:
        """The entry in a line."""
        says = {Kind.KEY: "has key", Kind.ROTATE: "rotates to key", Kind.REVOKE: "revokes key"}
        return f"{self.name} {says.get(self.kind, 'are weights')} {self.digest.hex()}"


def decode(data: bytes) -> Entry:
    """The inverse of :meth:`Entry.encode`.

    Raises:
      Malformed: anything that it would not have written so; an unknown kind too, which may revoke something.
    """
    cursor = Cursor(data)
    kind, length = cursor.unpack(">BB")
    name = cursor.take(length).decode("ascii", "replace")
    if kind not in list(Kind) or not _NAME.fullmatch(name):
        raise Malformed("an entry of another kind, or with a name that names do not have")
    made = Entry(Kind(kind), name, cursor.take(DIGEST_BYTES))
    if kind == Kind.KEY:
        made = replace(made, owner=cursor.take(DIGEST_BYTES))
    elif kind != Kind.WEIGHTS:
        (previous,) = cursor.unpack(">Q")
        made = replace(made, previous=previous, signature=cursor.take(DIGEST_BYTES))
    cursor.finish()
    return made


def check_name(name: str) -> str:
    """``name`` itself; a Refusal where nobody can be called so in a ledger."""
    if not _NAME.fullmatch(name):
        raise usage(f"{name}: a name in a ledger has a-z, 0-9, . _ @ - and at most 64 of them")
    return name


def digest(data: bytes) -> bytes:
    """SHA-256: how the ledger names keys, signatures and files."""
    return hashlib.sha256(data).digest()
