"""Witnesses (C2SP tlog-witness): each remembers the newest tree it saw of a log, and signs what continues it.

A witness's folder holds ``witness.key``, ``logs`` (a policy whose log lines it knows) and the newest
checkpoint of each log. What it cosigns is on disk before the cosignature leaves it.
"""

from __future__ import annotations

import base64
import binascii
import time as clock
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from jaxcrypt.crypto.cursor import Malformed
from jaxcrypt.crypto.ledger import checkpoint, entries, keys, merkle, note, places, tiles, trust
from jaxcrypt.crypto.ledger.lock import held
from jaxcrypt.errors import ExitCode, Refusal

KEY_FILE, LOGS, LOCK = "witness.key", "logs", "lock"
MAX_PROOF = 63
_TIMEOUT = 30
_PRIVATE_MODE = 0o600


class Rejected(Refusal):
    """What a witness answers to what it does not cosign.

    Attributes:
      status: of HTTP, as C2SP tlog-witness has it; ``size`` of the tree that it saw last, for 409.
    """

    def __init__(self, status: int, message: str, size: int | None = None):
        super().__init__(message, ExitCode.LEDGER)
        self.status, self.size = status, size


class Cosigner(Protocol):
    """A witness, here or elsewhere."""

    def size(self, origin: str) -> int:
        """Of the newest tree that it saw of a log; where that is not known, 0."""
        ...

    def add_checkpoint(self, old: int, proof: Sequence[bytes], signed: bytes) -> list[note.Signature]:
        """Its cosignatures of a checkpoint, given the proof from its last one; else a Rejected."""
        ...


def ask(
    witness: Cosigner, head: checkpoint.Checkpoint, signed: bytes, reader: tiles.TileReader
) -> list[note.Signature]:
    """A witness's cosignatures of a log's newest checkpoint.

    Raises:
      Refusal: it refuses, or cannot be reached.
    """
    old = witness.size(head.origin)
    try:
        return _asked_from(old, witness, head, signed, reader)
    except Rejected as rejected:
        if rejected.size is None or rejected.size == old:
            raise
        return _asked_from(rejected.size, witness, head, signed, reader)


def _asked_from(
    old: int, witness: Cosigner, head: checkpoint.Checkpoint, signed: bytes, reader: tiles.TileReader
) -> list[note.Signature]:
    """:func:`ask`, where the witness last saw ``old`` entries."""
    if old > head.size:
        raise Rejected(409, f"rollback: the witness saw {old} entries of {head.origin}, not {head.size}", old)
    return witness.add_checkpoint(old, merkle.consistency(reader.node, old, head.size), signed)


def create(folder: Path, name: str) -> list[note.Verifier]:
    """A new witness, which knows no log yet; returns its public keys.

    Raises:
      Refusal: there is one already, or none may be called so.
    """
    if (folder / KEY_FILE).exists():
        raise Refusal(f"{folder}: is a witness already")
    signers = keys.generate(name, keys.WITNESS_KINDS)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    places.put(folder / KEY_FILE, keys.encode(signers, f"cosigns as the witness {name}"), _PRIVATE_MODE)
    places.put(folder / LOGS, b"quorum none\n")
    return [each.verifier() for each in signers]


class Witness:
    """A witness that lives in a folder."""

    def __init__(self, folder: Path):
        self._folder = folder
        self._signers = keys.read(folder / KEY_FILE)
        self._logs = trust.read(folder / LOGS)

    @property
    def name(self) -> str:
        """What its keys are called."""
        return self._signers[0].name

    def verifiers(self) -> list[note.Verifier]:
        """Its public keys."""
        return [each.verifier() for each in self._signers]

    def learn(self, keys: Sequence[note.Verifier]) -> None:
        """Know a log from here on, by these keys, any of which must sign."""
        known = {key.text() for key in (*self._logs.logs, *keys)}
        places.put(self._folder / LOGS, trust.write(sorted(known), {}).encode())
        self._logs = trust.read(self._folder / LOGS)

    def size(self, origin: str) -> int:
        """Of the newest tree that it saw of a log; 0 where it saw none."""
        seen = self._seen(origin)
        return seen.size if seen else 0

    def add_checkpoint(self, old: int, proof: Sequence[bytes], signed: bytes) -> list[note.Signature]:
        """Cosign a checkpoint that continues what this witness saw.

        Args:
          old: size of the tree that the proof begins at, which must be the last that it saw.
          proof: RFC 6962 consistency proof from there.
          signed: the checkpoint, signed by its log.

        Raises:
          Rejected: it does not; nothing is cosigned.
        """
        head = self._authentic(signed)
        with held(self._folder / LOCK):
            seen = self._seen(head.origin)
            last = seen.size if seen else 0
            if old > head.size:
                raise Rejected(400, f"rollback: {head.origin} went from {old} entries to {head.size}")
            if old != last:
                raise Rejected(409, f"the witness saw {last} entries of {head.origin}, not {old}", last)
            root = seen.root if seen else merkle.EMPTY_ROOT
            if old == head.size and head.root != root:
                raise Rejected(409, f"split view: {head.origin} shows two trees of {old} entries", last)
            try:
                merkle.check_consistency(old, head.size, proof, root, head.root)
            except Malformed as reason:
                what = f"its {head.size} entries do not continue the {old} that the witness saw"
                raise Rejected(422, f"split view: {head.origin}: {what} ({reason})") from None
            places.put(self._place(head.origin), signed)
        now = int(clock.time())
        return [each.sign(head.encode(), now) for each in self._signers]

    def _authentic(self, signed: bytes) -> checkpoint.Checkpoint:
        try:
            read = note.decode(signed)
            head = checkpoint.decode(read.body)
            logs = [log for log in self._logs.logs if log.name == head.origin]
            if not logs:
                raise Rejected(404, f"the witness knows no log {head.origin}")
            if all(log.find(read) is None for log in logs):
                raise Rejected(403, f"the checkpoint is not signed by {head.origin}")
        except Malformed as reason:
            raise Rejected(403, f"forged or damaged checkpoint ({reason})") from None
        return head

    def _place(self, origin: str) -> Path:
        return self._folder / "seen" / entries.digest(origin.encode()).hex()

    def _seen(self, origin: str) -> checkpoint.Checkpoint | None:
        path = self._place(origin)
        try:
            return checkpoint.decode(note.decode(path.read_bytes()).body)
        except FileNotFoundError:
            return None
        except Malformed as reason:
            raise Refusal(f"{path}: damaged ({reason}); this witness cannot tell what it saw") from None


class RemoteWitness:
    """A witness behind HTTP. ``url`` is its submission prefix."""

    def __init__(self, url: str):
        self._url = f"{url.rstrip('/')}/add-checkpoint"

    def size(self, origin: str) -> int:
        """Not known here: the witness says so when it is asked."""
        return 0

    def add_checkpoint(self, old: int, proof: Sequence[bytes], signed: bytes) -> list[note.Signature]:
        """As :meth:`Witness.add_checkpoint`, over the network."""
        request = urllib.request.Request(self._url, data=encode_request(old, proof, signed), method="POST")
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT) as answer:
                text = answer.read(note.MAX_BYTES).decode()
            return [note.read_signature(line) for line in text.split("\n")[:-1]]
        except urllib.error.HTTPError as error:
            text = error.read(note.MAX_BYTES).decode("utf-8", "replace").strip()
            size = checkpoint.number(text) if error.code == 409 and text.isdigit() else None
            raise Rejected(
                error.code, f"{self._url}: the witness refuses ({error.code} {text})", size
            ) from None
        except (OSError, ValueError, Malformed) as error:
            reason = getattr(error, "reason", error)
            raise Refusal(f"{self._url}: cannot be asked ({reason})", ExitCode.FAILED) from None


def encode_request(old: int, proof: Sequence[bytes], signed: bytes) -> bytes:
    """The body of add-checkpoint."""
    lines = [f"old {old}", *(base64.b64encode(each).decode() for each in proof), "", ""]
    return "\n".join(lines).encode() + signed


def decode_request(data: bytes) -> tuple[int, list[bytes], bytes]:
    """The inverse of :func:`encode_request`.

    Raises:
      Rejected: (400) malformed.
    """
    front, gap, signed = data.partition(b"\n\n")
    try:
        first, *proof = front.decode("ascii").split("\n")
        if not gap or not first.startswith("old ") or len(proof) > MAX_PROOF:
            raise ValueError
        old = checkpoint.number(first.removeprefix("old "))
        return old, [base64.b64decode(line, validate=True) for line in proof], signed
    except (ValueError, binascii.Error, Malformed):
        raise Rejected(400, "no request of C2SP tlog-witness") from None
