"""Private keys of logs and witnesses: a file with a line for each kind of signature they make.

Each line is ``PRIVATE+KEY+NAME+ID+BASE64``, as Go's signed notes have it.
"""

from __future__ import annotations

import os
from pathlib import Path

from jaxcrypt.crypto import textfile
from jaxcrypt.crypto.cursor import Malformed
from jaxcrypt.crypto.ledger import note
from jaxcrypt.errors import Refusal, usage

LOG_KINDS = (note.ED25519, note.MLDSA44)
WITNESS_KINDS = (note.COSIGNATURE, note.MLDSA44)


def generate(name: str, kinds: tuple[int, ...]) -> list[note.Signer]:
    """Fresh keys of that name, one of each kind.

    Raises:
      Refusal: no key may be called so.
    """
    try:
        note.check_name(name)
    except Malformed as reason:
        raise usage(f"{name}: {reason}") from None
    return [note.Signer(name, kind, os.urandom(note.SEED_BYTES)) for kind in kinds]


def encode(signers: list[note.Signer], what: str) -> bytes:
    """A key file's bytes; ``what`` it is, for whoever finds it."""
    return "\n".join([f"# {what}: keep it secret", *(each.text() for each in signers), ""]).encode()


def read(path: Path) -> list[note.Signer]:
    """The keys in a file that :func:`encode` made.

    Raises:
      Refusal: no such file, or it holds none; the message quotes nothing of it.
    """
    lines = textfile.read_bounded(path, textfile.MAX_BYTES).decode("utf-8", "replace").split("\n")
    lines = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    try:
        signers = [note.read_signer(line) for line in lines]
    except Malformed as reason:
        raise Refusal(f"{path}: not a ledger's private key ({reason})") from None
    if not signers or len({each.name for each in signers}) != 1:
        raise Refusal(f"{path}: not a ledger's private key (it has keys of one name, a line each)")
    return signers
