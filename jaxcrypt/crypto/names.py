"""Names of files, as text and as bytes.

A name travels as UTF-8. One whose bytes are no UTF-8, which POSIX file systems allow, travels as those very
bytes; in a ``str`` each byte that does not decode is a lone surrogate, U+DC80 to U+DCFF (PEP 383), as Python
itself hands such names over. So each name has one text and one string of bytes.
"""

from __future__ import annotations

MAX_NAME = 255
_REPLACED = str.maketrans(dict.fromkeys(map(chr, [*range(32), *range(127, 160), ord("/"), ord("\\")]), "_"))


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


def cut_name(name: str, limit: int) -> str:
    """As much of a name as fits into ``limit`` bytes, in whole characters."""
    while len(encode_name(name)) > limit:
        name = name[:-1]
    return name
