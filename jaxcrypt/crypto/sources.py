"""What the user holds: passphrase, key image, key file, alone or together.

Each source is a kind and a secret of its own; together they make one symmetric key, so all are needed:

    IKM = concat over sources, sorted by (kind, secret), of kind (u8) || length (u32) || secret

A key file alone is random already and goes through HKDF; everything else goes through Argon2id.
"""

from __future__ import annotations

import contextlib
import enum
import getpass
import os
import struct
import unicodedata
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from jaxcrypt.crypto import textfile
from jaxcrypt.errors import Refusal, usage

KEY_FILE = "jaxcrypt-key-1"
PICTURE_KEY_FILE = "jaxcrypt-picture-key-1"
MAX_PASSPHRASE = 4096
SECRET_BYTES = 32


class Kind(enum.IntEnum):
    """Bits, so that a stanza can say in one byte which sources it wants."""

    PASSPHRASE = 1
    IMAGE = 2
    KEY_FILE = 4


WORDS = {Kind.PASSPHRASE: "passphrase", Kind.IMAGE: "key image", Kind.KEY_FILE: "key file"}


@dataclass(frozen=True)
class Source:
    """One secret of one kind. The secret never shows in ``repr``.

    Attributes:
      weak: why nothing should be sealed with it, in words; it still opens what was.
    """

    kind: Kind
    secret: bytes = field(repr=False)
    weak: str = field(default="", repr=False, compare=False)


def passphrase(text: str | bytes, origin: str = "passphrase") -> Source:
    """A passphrase; UTF-8 is normalised to NFC, so that every keyboard types the same bytes.

    Raises:
      Refusal: empty or longer than 4096 bytes.
    """
    data = text.encode("utf-8", "surrogateescape") if isinstance(text, str) else bytes(text)
    with contextlib.suppress(UnicodeDecodeError):  # what is not text stays as it is
        data = unicodedata.normalize("NFC", data.decode()).encode()
    if not data:
        raise usage(f"{origin}: is empty")
    if len(data) > MAX_PASSPHRASE:
        raise usage(f"{origin}: longer than {MAX_PASSPHRASE} bytes")
    return Source(Kind.PASSPHRASE, data)


def read_passphrase(
    *,
    prompt: bool = False,
    confirm: bool = False,
    fd: int | None = None,
    file: str | Path | None = None,
    variable: str | None = None,
) -> Source:
    """A passphrase from exactly one place; one trailing newline is dropped, of a file a byte-order mark too.

    Never from argv.

    Args:
      prompt: ask at the terminal; ``confirm`` asks twice (for encryption).
      fd: an open file descriptor, read to its end.
      file: a file.
      variable: the name of an environment variable.

    Raises:
      Refusal: empty, too long, unreadable, not given twice alike, or no terminal to ask at.
    """
    if prompt:
        return _prompted(confirm)
    if fd is not None:
        return passphrase(_strip_newline(_read_descriptor(fd)), f"passphrase from descriptor {fd}")
    if file is not None:
        data = textfile.read_bounded(file, len(textfile.BOM) + MAX_PASSPHRASE + 2).removeprefix(textfile.BOM)
        return passphrase(_strip_newline(data), f"{file}")
    value = os.environ.get(variable or "")
    if value is None:
        raise usage(f"environment variable {variable}: not set")
    return passphrase(_strip_newline(os.fsencode(value)), f"environment variable {variable}")


def key_file(path: str | Path) -> Source:
    """The source in a key file: 32 random bytes, or a picture's digest that opens what the picture opens."""
    return decode_key_file(textfile.read_bounded(path, textfile.MAX_BYTES), str(path))


def decode_key_file(data: bytes, name: str = "key file") -> Source:
    """:func:`key_file` of a file's bytes; ``name`` is for messages."""
    sizes = {KEY_FILE: SECRET_BYTES, PICTURE_KEY_FILE: SECRET_BYTES}
    kind, secret = textfile.decode(data, sizes, name)
    return Source(Kind.KEY_FILE if kind == KEY_FILE else Kind.IMAGE, secret)


def encode_key_file(source: Source) -> str:
    """The text of a key file that :func:`key_file` reads back."""
    if source.kind is Kind.IMAGE:
        return textfile.encode(
            PICTURE_KEY_FILE, source.secret, "jaxcrypt key made from a picture: keep it secret"
        )
    return textfile.encode(KEY_FILE, source.secret, "jaxcrypt key: keep it secret, and keep a copy")


def combine(sources: Sequence[Source]) -> bytes:
    """The input keying material of all sources together (the module's equation).

    Raises:
      Refusal: the same secret given twice, which would look like two and be one.
    """
    ordered = sorted(sources, key=lambda source: (source.kind, source.secret))
    if len(set(ordered)) != len(ordered):
        raise usage("the same key was given twice")
    return b"".join(struct.pack(">BI", source.kind, len(source.secret)) + source.secret for source in ordered)


def mask(sources: Sequence[Source]) -> int:
    """The kinds of the sources as one byte of bits."""
    result = 0
    for source in sources:
        result |= source.kind
    return result


def describe(bits: int) -> str:
    """What a stanza wants, in words."""
    return " and ".join(word for kind, word in WORDS.items() if bits & kind)


def _prompted(confirm: bool) -> Source:
    try:
        with warnings.catch_warnings():
            # Without a terminal getpass would echo what is typed, or read a picture from stdin.
            warnings.simplefilter("error", getpass.GetPassWarning)
            first = getpass.getpass("Passphrase: ")
            second = getpass.getpass("Again: ") if confirm else first
    except (EOFError, getpass.GetPassWarning):
        raise usage(
            "passphrase: no terminal to ask at; use a file, descriptor or environment variable"
        ) from None
    if first != second:
        raise usage("passphrase: the two do not agree")
    return passphrase(first)


def _read_descriptor(fd: int) -> bytes:
    try:
        with os.fdopen(fd, "rb", closefd=False) as file:
            data = file.read(MAX_PASSPHRASE + 3)
    except OSError as error:
        raise Refusal(f"passphrase from descriptor {fd}: cannot be read ({error.strerror})") from None
    except (ValueError, TypeError):  # negative, or beyond what the system counts
        raise usage(f"passphrase from descriptor {fd}: no such descriptor") from None
    return data


def _strip_newline(data: bytes) -> bytes:
    for ending in (b"\r\n", b"\n"):
        if data.endswith(ending):
            return data[: -len(ending)]
    return data
