"""A first look at a sealed picture: its name and a small picture, from the header alone where that has one.

What stands in a header was put there by whoever sealed the picture, and its MAC holds; that pixels and file
are whole, and show the same, only opening the picture tells.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from jaxcrypt.crypto import jpegfile, pngreader, sealed
from jaxcrypt.crypto.names import safe_name
from jaxcrypt.crypto.sealed import Opened
from jaxcrypt.errors import Refusal
from jaxcrypt.pictures import thumbnails
from jaxcrypt.pictures.files import read_file
from jaxcrypt.sealing import extras
from jaxcrypt.sealing.keys import Keys


@dataclass(frozen=True)
class Glance:
    """What a header tells whoever has the key.

    Attributes:
      path: the sealed picture's.
      name: the original file's, safe to write; folder: those it lay in, likewise, where that travelled.
      system: the System that made it.
      shape: height, width and channels of the original.
      length: bytes of what travels; 0 where only the pixels do.
      stamp: modification time and mode of the original file, where they travelled.
      thumbnail: uint8 ``[h, w, 3]``; None where the header has none.
    """

    path: Path
    name: str
    folder: tuple[str, ...]
    system: str
    shape: tuple[int, int, int]
    length: int
    stamp: extras.Stamp | None = None
    thumbnail: np.ndarray | None = field(default=None, repr=False)


def open_header(path: Path, keys: Keys) -> Opened:
    """The header of a sealed picture's file, opened; neither pixels nor payload are read.

    Raises:
      Refusal: no sealed picture, no key fits, a header that is damaged.
    """
    try:
        with open(path, "rb") as file:
            if jpegfile.is_jpeg(file.read(len(jpegfile.START))):
                return _open_jpeg_header(path, keys)
            file.seek(0)
            blob = pngreader.read_header_chunk(file, str(path))
    except OSError as error:
        raise Refusal(f"{path}: cannot be read ({error.strerror})") from None
    return sealed.open_header(blob, keys.keyring, str(path))


def _open_jpeg_header(path: Path, keys: Keys) -> Opened:
    blob = jpegfile.read(read_file(path), str(path)).need_header()
    return sealed.open_header(blob, keys.keyring, str(path))


def glance(path: Path, keys: Keys) -> Glance:
    """Look at one sealed picture.

    Raises:
      Refusal: as :func:`open_header`; a thumbnail that is none.
    """
    return look(open_header(path, keys), path)


def look(opened: Opened, path: Path) -> Glance:
    """:func:`glance` of a header that is open already; ``path`` is what the glance calls its file.

    Raises:
      Refusal: extras that no encryption makes.
    """
    more, _ = extras.split(opened.side, opened.header.original, opened.source)
    small = thumbnails.decode(more.thumbnail, str(path)) if more.thumbnail else None
    name, folder = safe_name(opened.name), tuple(map(safe_name, more.folder))
    length = opened.length if opened.header.payload else 0
    header = opened.header
    return Glance(path, name, folder, header.system, header.original, length, more.stamp, small)


def small_picture(seen: Glance, keys: Keys) -> np.ndarray | None:
    """The thumbnail; where there is none, one made of the file that travels; None where none does.

    Raises:
      Refusal: the file is damaged, or is no picture.
    """
    if seen.thumbnail is not None or not seen.length:
        return seen.thumbnail
    opened = open_header(seen.path, keys)
    data = read_file(seen.path)
    reader = jpegfile if jpegfile.is_jpeg(data) else pngreader
    container = reader.read(data, str(seen.path))
    name, data = opened.open_files(container.payload)[0]
    return thumbnails.of_file(bytes(data), name)


def sealed_already(paths: Iterable[Path], keys: Keys) -> dict[tuple[str, ...], Path]:
    """Folders and name of what is sealed in ``paths``, and where; what the keys do not open is left out."""
    placed = {}
    for path in paths:
        try:
            opened = open_header(path, keys)
            more, _ = extras.split(opened.side, opened.header.original, opened.source)
        except Refusal:
            continue
        placed[*more.folder, opened.name] = path
    return placed
