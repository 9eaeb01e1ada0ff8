"""The text form of every key that lives in a file.

A line that says what it is, then base64 of the body followed by the first four bytes of its SHA-256, so that
a slip of the hand is told from a wrong key. Lines that start with ``#`` are comments.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from pathlib import Path

from jaxcrypt.errors import Refusal

MAX_BYTES = 64 * 1024
BOM = b"\xef\xbb\xbf"  # editors on Windows put it before text
_CHECK_BYTES = 4
_LINE = 76
_PIECE = 1 << 20


def encode(kind: str, body: bytes, comment: str) -> str:
    """The file's text. ``comment`` is one line for the human who finds it."""
    text = base64.b64encode(body + _check(body)).decode()
    lines = [text[at : at + _LINE] for at in range(0, len(text), _LINE)]
    return "\n".join([f"# {comment}", kind, *lines, ""])


def decode(data: bytes, sizes: dict[str, int], name: str) -> tuple[str, bytes]:
    """``(kind, body)`` of a key file's bytes.

    Args:
      sizes: the kinds that are welcome here, and how long their bodies are.
      name: what to call the file in messages.

    Raises:
      Refusal: another kind of file, or a damaged one. The message never quotes the contents.
    """
    lines = _lines(data, name)
    kind = lines[0]
    if kind not in sizes:
        known = kind.isascii() and kind.startswith("jaxcrypt-") and len(kind) < 40
        problem = f"is a {kind} file" if known else "is not such a file"
        raise Refusal(f"{name}: {problem}; wanted {' or '.join(sizes)}")
    try:
        raw = base64.b64decode("".join(lines[1:]), validate=True)
    except (binascii.Error, ValueError):
        raise Refusal(f"{name}: damaged {kind} file") from None
    body, check = raw[:-_CHECK_BYTES], raw[-_CHECK_BYTES:]
    if len(body) != sizes[kind] or check != _check(body):
        raise Refusal(f"{name}: damaged {kind} file")
    return kind, body


def read(path: str | Path, sizes: dict[str, int]) -> tuple[str, bytes]:
    """:func:`decode` of a file, of which no more than 64 KiB are read."""
    return decode(read_bounded(path, MAX_BYTES), sizes, str(path))


def read_bounded(path: str | Path, limit: int) -> bytes:
    """A file's bytes, at most ``limit`` of them: more is a Refusal, as is a file that cannot be read."""
    data = bytearray()
    try:
        with open(path, "rb") as file:
            # Piece by piece: one read(limit) would ask for all that memory, however small the file.
            while len(data) <= limit and (piece := file.read(_PIECE)):
                data += piece
    except FileNotFoundError:
        raise Refusal(f"{path}: no such file") from None
    except OSError as error:
        raise Refusal(f"{path}: cannot be read ({error.strerror})") from None
    if len(data) > limit:
        raise Refusal(f"{path}: too large (limit {limit} bytes)")
    return bytes(data)


def _lines(data: bytes, name: str) -> list[str]:
    try:
        text = data.removeprefix(BOM).decode("ascii") if len(data) <= MAX_BYTES else ""
    except UnicodeDecodeError:
        text = ""
    lines = [line.strip() for line in text.splitlines()]
    lines = [line for line in lines if line and not line.startswith("#")]
    if not lines:
        raise Refusal(f"{name}: not a key file")
    return lines


def _check(body: bytes) -> bytes:
    return hashlib.sha256(body).digest()[:_CHECK_BYTES]
