"""Folders of pictures: every file below one, as people count; and those that are pictures, by name."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from jaxcrypt.errors import Refusal, usage
from jaxcrypt.pictures.files import SUFFIXES

_DIGITS = re.compile(r"(\d+)")


@dataclass(frozen=True)
class Walk:
    """What lies below a folder.

    Attributes:
      files: whatever is no folder, links that lead nowhere as well, in natural order.
      unread: folders that could not be walked, each with the reason.
    """

    files: list[Path]
    unread: list[tuple[Path, str]] = field(default_factory=list)


def natural_key(name: str) -> tuple:
    """A key to sort names by: ``image2`` comes before ``image10``, ``B`` between ``a`` and ``c``."""
    parts = _DIGITS.split(name)  # text and digits in turn, so that like is compared with like
    return tuple(int(part) if at % 2 else part.casefold() for at, part in enumerate(parts)), name


def walk(folder: str | Path) -> Walk:
    """All files below ``folder``.

    Linked folders are walked too, but no folder twice: one that is met again, by whatever name, holds nothing
    new. A link to a folder above would lead out and is named instead.
    """
    root = Path(folder)
    walked = Walk([])
    above = {_identity(parent) for parent in Path(os.path.realpath(root)).parents}
    seen: set[tuple[int, int]] = set()
    folders, links = [root], []
    while folders or links:
        path = folders.pop() if folders else links.pop(0)  # links last: files are named by where they are
        try:
            here = _identity(path)
            if path.is_symlink() and path != root and here in above:
                walked.unread.append((path, "is a link to a folder above the one that was named"))
            elif here not in seen:
                seen.add(here)
                _visit(path, folders, links, walked.files)
        except OSError as error:
            walked.unread.append((path, f"cannot be read ({error.strerror})"))
    walked.files.sort(key=lambda path: [natural_key(part) for part in path.parts])
    return walked


def find(folder: str | Path, option: str = "--data", limit: int | None = None) -> list[Path]:
    """The picture files below ``folder``, by name; the first ``limit`` of them.

    Args:
      option: the flag that named the folder, for messages.

    Raises:
      Refusal: it is no folder, has no pictures, or a folder in it cannot be read.
    """
    if not Path(folder).is_dir():
        raise usage(f"{option} {folder}: not a folder")
    below = walk(folder)
    if below.unread:
        path, reason = below.unread[0]
        raise Refusal(f"{path}: {reason}")
    # Not in natural order: what is measured depends on the order, and this one all systems agree on.
    paths = sorted(path for path in below.files if path.suffix.lower() in SUFFIXES)
    if not paths:
        known = ", ".join(sorted(suffix[1:] for suffix in SUFFIXES))
        raise Refusal(f"{option} {folder}: no pictures in this folder ({known})")
    return paths[:limit]


def find_all(folders: Sequence[str | Path], option: str = "--data", limit: int | None = None) -> list[Path]:
    """:func:`find` of each folder, one after the other; ``limit`` counts for each."""
    return [path for folder in folders for path in find(folder, option, limit)]


def _visit(folder: Path, folders: list[Path], links: list[Path], files: list[Path]) -> None:
    inner = []
    with os.scandir(folder) as entries:
        for entry in entries:
            path = folder / entry.name
            if not _is_folder(entry):
                files.append(path)
            else:
                (links if entry.is_symlink() else inner).append(path)
    folders += inner
    links.sort(key=lambda path: natural_key(str(path)))


def _is_folder(entry: os.DirEntry) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link in a circle
        return False


def _identity(folder: Path) -> tuple[int, int]:
    status = folder.stat()
    return status.st_dev, status.st_ino
