"""Several files in one payload: a directory, then their bytes, one after another.

    bundle = count (u8) || count × (name length (u8) || name || length (u64)) || files

The payload's AEAD and the digest in the header cover the whole. Names are such that every file system keeps
the files apart: no two are equal where upper and lower case, or composed and decomposed letters, are.
"""

from __future__ import annotations

import struct
import unicodedata
from collections.abc import Sequence
from pathlib import PurePosixPath

from jaxcrypt.crypto.cursor import Cursor, Malformed
from jaxcrypt.crypto.names import MAX_NAME, clean_name, cut_name, decode_name, encode_name

MAX_FILES = 64
_MAX_DIRECTORY = 1 + MAX_FILES * (1 + MAX_NAME + 8)

File = tuple[str, bytes | bytearray | memoryview]


def distinct_names(names: Sequence[str]) -> list[str]:
    """The names, cleaned; one that stood before gets a number before its ending: ``a.jpg``, ``a.2.jpg``."""
    distinct: list[str] = []
    taken: set[str] = set()
    for name in map(clean_name, names):
        path, number, candidate = PurePosixPath(name), 1, name
        while _folded(candidate) in taken:
            number += 1
            ending = f".{number}{path.suffix}"
            candidate = cut_name(path.stem, MAX_NAME - len(encode_name(ending))) + ending
        taken.add(_folded(candidate))
        distinct.append(candidate)
    return distinct


def pack(files: Sequence[File]) -> bytes:
    """Two files or more as one string of bytes; their names as :func:`distinct_names` makes them."""
    if not 2 <= len(files) <= MAX_FILES:
        raise ValueError(f"a bundle holds 2 to {MAX_FILES} files, not {len(files)}")
    parts: list[bytes | memoryview] = [bytes([len(files)])]
    for name, data in files:
        text = encode_name(name)
        parts += [bytes([len(text)]), text, struct.pack(">Q", len(data))]
    return b"".join([*parts, *(data for _, data in files)])


def unpack(data: bytes | bytearray) -> list[File]:
    """The files of :func:`pack`, as views of ``data``; anything not exactly so is Malformed."""
    head = bytes(data[:_MAX_DIRECTORY])
    cursor = Cursor(head)
    (count,) = cursor.unpack(">B")
    if not 2 <= count <= MAX_FILES:
        raise Malformed("it holds too few files or too many")
    entries = [(_read_name(cursor), *cursor.unpack(">Q")) for _ in range(count)]
    if len({_folded(name) for name, _ in entries}) != count:
        raise Malformed("two of its files have one name")
    at = len(head) - cursor.left()
    if at + sum(length for _, length in entries) != len(data):
        raise Malformed("its files have other lengths than it says")
    files: list[File] = []
    view = memoryview(data)
    for name, length in entries:
        files.append((name, view[at : at + length]))
        at += length
    return files


def _read_name(cursor: Cursor) -> str:
    (length,) = cursor.unpack(">B")
    name = decode_name(cursor.take(length))
    if name != clean_name(name):
        raise Malformed("a name in it is unsafe")
    return name


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())
