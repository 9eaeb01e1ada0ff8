"""Checkpoints (C2SP tlog-checkpoint): three lines with a log's name, its tree's size and its tree's root."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass

from jaxcrypt.crypto.cursor import Malformed
from jaxcrypt.crypto.ledger import merkle

_NUMBER = re.compile(r"0|[1-9][0-9]{0,18}")


@dataclass(frozen=True)
class Checkpoint:
    """A log's tree at some size. ``origin`` is the log's name, ``root`` 32 bytes."""

    origin: str
    size: int
    root: bytes

    def encode(self) -> bytes:
        """The text that is signed."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n".encode()


def decode(body: bytes) -> Checkpoint:
    """The checkpoint in a note's text; further lines, which not every signature covers, are refused.

    Raises:
      Malformed: anything that :meth:`Checkpoint.encode` would not have written so.
    """
    try:
        origin, size, root, rest = body.decode().split("\n")
        if rest or not origin:
            raise ValueError
        made = Checkpoint(origin, number(size), base64.b64decode(root, validate=True))
    except (ValueError, binascii.Error):
        raise Malformed("not a checkpoint of three lines") from None
    if len(made.root) != merkle.HASH_BYTES or made.encode() != body:
        raise Malformed("a checkpoint's root is no hash")
    if not made.size and made.root != merkle.EMPTY_ROOT:
        raise Malformed("the root of an empty tree is SHA-256 of nothing")
    return made


def number(text: str) -> int:
    """A decimal number below 10^19 without leading zeros.

    Raises:
      Malformed: anything else.
    """
    if not _NUMBER.fullmatch(text):
        raise Malformed("not a number")
    return int(text)
