"""Names of files, as text and as bytes.

A name travels as UTF-8. One whose bytes are no UTF-8, which POSIX file systems allow, travels as those very
bytes; in a ``str`` each byte that does not decode is a lone surrogate, U+DC80 to U+DCFF (PEP 383), as Python
itself hands such names over. So each name has one text and one string of bytes.

What a sealed picture says is one thing (:func:`clean_name`), what a reader may call a file another
(:func:`safe_name`): whoever has a public key chooses the first, and must not choose what happens when it is
written into someone's home folder, typed in a shell, shown on a screen or opened on Windows.
"""

from __future__ import annotations

import re
import unicodedata

MAX_NAME = 255
_REPLACED = str.maketrans(dict.fromkeys(map(chr, [*range(32), *range(127, 160), ord("/"), ord("\\")]), "_"))
_RESERVED = frozenset(':*?"<>|')
# Windows takes these for devices whatever follows the first dot, in either case, spaces ignored.
_DEVICE = re.compile(r"(CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|CLOCK\$|(COM|LPT)[0-9¹²³]) *(\.|$)", re.IGNORECASE)


def encode_name(name: str) -> bytes:
    """The bytes of a name that :func:`clean_name` leaves as it is."""
    return name.encode("utf-8", "surrogateescape")


def decode_name(data: bytes) -> str:
    """The inverse of :func:`encode_name`, of any bytes."""
    return data.decode("utf-8", "surrogateescape")


def clean_name(name: str) -> str:
    """A file name without folders, separators or control characters, of at most 255 bytes."""
    try:
        data = encode_name(name)
    except UnicodeEncodeError:  # half a character of UTF-16, which Windows allows: no bytes have that text
        data = name.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()
    name = cut_name(decode_name(data).translate(_REPLACED), MAX_NAME)
    return name if name.strip(". ") else "picture"


def safe_name(name: str) -> str:
    """The name under which a reader writes what a sealed picture calls ``name``; the same on every system.

    A leading dot or dash, trailing dots and spaces, the characters that Windows reserves, control, format and
    separator characters (U+202E, U+2028, …) become underscores, and so begins the name of a device (``CON``).
    Bytes that are no UTF-8 stay as they are. Safe names are left alone.
    """
    name = "".join("_" if _is_unsafe(character) else character for character in clean_name(name))
    body = name.rstrip(". ")
    name = body + "_" * (len(name) - len(body))
    if name[0] in ".-":
        name = "_" + name[1:]
    if _DEVICE.match(name):
        name = "_" + name
    return _cut_before_suffix(name)


def _is_unsafe(character: str) -> bool:
    return character in _RESERVED or unicodedata.category(character) in ("Cc", "Cf", "Zl", "Zp")


def _cut_before_suffix(name: str) -> str:
    stem, dot, suffix = name.rpartition(".")
    suffix = dot + suffix if stem else ""
    room = MAX_NAME - len(encode_name(suffix))
    return cut_name(name, MAX_NAME) if room < 1 else cut_name(name.removesuffix(suffix), room) + suffix


def cut_name(name: str, limit: int) -> str:
    """As much of a name as fits into ``limit`` bytes, in whole characters."""
    while len(encode_name(name)) > limit:
        name = name[:-1]
    return name
