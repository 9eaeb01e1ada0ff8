"""Proofs that travel: an entry, why it is in the log, and the witnessed checkpoint (C2SP tlog-proof).

The proof's ``extra`` line is the entry itself, so that the text needs nothing besides the policy to be
checked, offline and years later.
"""

from __future__ import annotations

import base64
import binascii
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field

from jaxcrypt.crypto.cursor import Cursor, Malformed
from jaxcrypt.crypto.ledger import checkpoint, entries, merkle, note, trust
from jaxcrypt.crypto.ledger.entries import Entry
from jaxcrypt.errors import unlogged

MAX_BYTES = note.MAX_BYTES + (128 << 10)
_FIRST = "c2sp.org/tlog-proof@v1"


@dataclass(frozen=True)
class Proof:
    """An entry's bytes, its index, the hashes from its leaf to the root, and the signed checkpoint."""

    entry: bytes
    index: int
    path: tuple[bytes, ...] = field(repr=False)
    signed: bytes = field(repr=False)

    def encode(self) -> bytes:
        """The proof's text."""
        path = [base64.b64encode(each).decode() for each in self.path]
        extra = base64.b64encode(self.entry).decode()
        return (
            "\n".join([_FIRST, f"extra {extra}", f"index {self.index}", *path, "", ""]).encode() + self.signed
        )


@dataclass(frozen=True)
class Logged:
    """What a proof showed: that entry ``index`` of the log stood in a checkpoint that witnesses saw."""

    entry: Entry
    index: int
    witnessed: trust.Witnessed

    def words(self) -> str:
        """It in a line."""
        head = self.witnessed.head
        place = f"entry {self.index} of {head.size} in {head.origin}"
        return f"key of {self.entry.name}: {place}, {self.witnessed.words()}"


def decode(data: bytes) -> Proof:
    """The inverse of :meth:`Proof.encode`; nothing is verified yet.

    Raises:
      Malformed: no such text.
    """
    front, gap, signed = data.partition(b"\n\n")
    try:
        first, extra, index, *path = front.decode("ascii").split("\n")
        hashes = tuple(base64.b64decode(line, validate=True) for line in path)
        if len(data) > MAX_BYTES or not gap or first != _FIRST or any(len(each) != 32 for each in hashes):
            raise ValueError
        entry = base64.b64decode(_after("extra ", extra), validate=True)
        return Proof(entry, checkpoint.number(_after("index ", index)), hashes, signed)
    except (ValueError, binascii.Error, Malformed):
        raise Malformed("not a proof of C2SP tlog-proof with its entry") from None


def check(data: bytes, policy: trust.Policy, source: str) -> Logged:
    """What a proof shows to whoever trusts ``policy``; how long ago that was is not judged.

    Raises:
      Refusal: (LEDGER) forged, of a log that is not trusted, or not witnessed.
    """
    try:
        given = decode(data)
        entry = entries.decode(given.entry)
    except Malformed as reason:
        raise unlogged(f"{source}: forged proof ({reason})") from None
    witnessed = policy.check(given.signed, source)
    head, leaf = witnessed.head, merkle.leaf_hash(given.entry)
    try:
        merkle.check_inclusion(leaf, given.index, head.size, given.path, head.root)
    except Malformed as reason:
        raise unlogged(f"{source}: forged proof: entry {given.index} is not in the log ({reason})") from None
    return Logged(entry, given.index, witnessed)


def pack(proofs: Sequence[bytes]) -> bytes:
    """Several proofs as one string of bytes: each behind its length as u32."""
    return b"".join(struct.pack(">I", len(each)) + each for each in proofs)


def unpack(data: bytes) -> list[bytes]:
    """The inverse of :func:`pack`.

    Raises:
      Malformed: cut short, or none in it.
    """
    cursor, proofs = Cursor(data), []
    while cursor.left():
        proofs.append(cursor.take(cursor.unpack(">I")[0]))
    if not proofs:
        raise Malformed("no proofs")
    return proofs


def _after(start: str, line: str) -> str:
    if not line.startswith(start):
        raise Malformed(f"a line begins without {start}")
    return line.removeprefix(start)
