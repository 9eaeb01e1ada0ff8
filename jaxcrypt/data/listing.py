"""Which files belong to a data set, to which split, and with which key or mask: names only, no pixels."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jaxcrypt.errors import Refusal
from jaxcrypt.pictures.files import SUFFIXES
from jaxcrypt.pictures.folders import walk

MASK = ".mask"  # NAME.mask.png beside NAME.jpg
KEY = "key"  # Key/keyNAME.png belongs to Images/NAME.jpg
_SHOWN = 4


@dataclass(frozen=True)
class Entry:
    """One picture by the files it consists of.

    Attributes:
      name: path below the data set's folder, with forward slashes.
      image, key, mask: the files; None where there is none.
      annotations: further features by name (attributes, landmarks, …), numpy arrays.
    """

    name: str
    image: Path
    key: Path | None = None
    mask: Path | None = None
    annotations: Mapping[str, Any] = field(default_factory=dict)


def pictures(folder: str | Path) -> dict[str, Path]:
    """The picture files below ``folder`` by name, sorted; masks and hidden files are none.

    Raises:
      Refusal: there is no such folder, or no picture in it.
    """
    named = {name: path for name, path in _files(folder).items() if not Path(name).stem.endswith(MASK)}
    if not named:
        raise Refusal(f"{folder}: holds no pictures ({', '.join(sorted(SUFFIXES))})")
    return named


def entries(folder: str | Path, masks: str = "") -> list[Entry]:
    """The pictures of a plain folder with their masks, by name."""
    images = pictures(folder)
    belonging = mask_files(images, folder, masks)
    return [Entry(name, path, mask=belonging.get(name)) for name, path in images.items()]


def pairs(folder: str | Path, masks: str = "") -> list[Entry]:
    """The pictures of ``folder/Images`` with the keys of ``folder/Key``, by name.

    Raises:
      Refusal: a folder is missing, or pictures without a key, keys without a picture, or several that claim
        one another; all of it in one line.
    """
    root = Path(folder).expanduser()
    for part in ("Images", "Key"):
        if not (root / part).is_dir():
            raise Refusal(f"{folder}: has no folder {part}; wanted are Images and Key")
    images, keys = pictures(root / "Images"), pictures(root / "Key")
    by_stem, keys_by_stem = _by_stem(images), _by_stem(keys)
    wanted = {_key_stem(stem): names for stem, names in by_stem.items()}
    problems = {
        "without a key": [names[0] for key, names in wanted.items() if key not in keys_by_stem],
        "keys without a picture": [n for key, ns in keys_by_stem.items() if key not in wanted for n in ns],
        "several pictures of one name": [n for names in by_stem.values() if len(names) > 1 for n in names],
        "several keys for one picture": [
            n for key, names in keys_by_stem.items() if key in wanted and len(names) > 1 for n in names
        ],
    }
    lines = [f"{what}: {shorten(names)}" for what, names in problems.items() if names]
    if lines:
        raise Refusal(f"{folder}: {'; '.join(lines)} (Key/keyNAME belongs to Images/NAME)")
    belonging = mask_files(images, root / "Images", masks)
    return [
        Entry(name, path, keys[keys_by_stem[_key_stem(_stem(name))][0]], belonging.get(name))
        for name, path in images.items()
    ]


def mask_files(images: Iterable[str], folder: str | Path, masks: str = "") -> dict[str, Path]:
    """Each picture's mask, where it has one.

    A mask is called after the picture with or without its suffix: ``cat.mask.png`` or ``cat.jpg.mask.png``
    beside it, and in a folder of masks also ``cat.png`` or ``cat.jpg.png``.
    """
    files = _files(masks or folder)
    candidates = {str(Path(name).with_suffix("")): path for name, path in files.items()}
    ends = (MASK, "") if masks else (MASK,)
    paths = {}
    for name in images:
        for stem in (name, _stem(name)):
            for end in ends:
                if stem + end in candidates and name not in paths:
                    paths[name] = candidates[stem + end]
    return paths


def set_aside(names: list[str], validation: Mapping[str, Any], folder: str | Path) -> set[str]:
    """The names that are for validation: those a file lists, a share by hash, or the last ones.

    Raises:
      Refusal: the list cannot be read or names what is not there; nothing is left for training.
    """
    if validation["file"]:
        chosen = _listed(names, validation["file"], folder)
    elif validation["last"]:
        chosen = set(sorted(names)[-validation["last"] :])
    else:
        chosen = {name for name in names if _share(name) < validation["fraction"]}
    if chosen and len(chosen) == len(names):
        raise Refusal(f"{folder}: all {len(names)} pictures are set aside for validation, none to train on")
    return chosen


def digest(entries: Iterable[Entry], *settings: str) -> str:
    """A name for exactly these entries and settings; see :func:`fingerprint`."""
    files, rest = [], list(settings)
    for entry in entries:
        files += [path for path in (entry.image, entry.key, entry.mask) if path is not None]
        rest.append(entry.name)
        rest += [f"{name} {values.tobytes().hex()}" for name, values in sorted(entry.annotations.items())]
    return fingerprint(files, *rest)


def contents(entries: Iterable[Entry]) -> str:
    """24 hex digits that change with any picture's name or size, and are the same on every machine."""
    hashed = hashlib.sha256()
    for entry in entries:
        size = entry.image.stat().st_size if entry.image.exists() else -1
        hashed.update(f"{entry.name}\0{size}\n".encode(errors="surrogateescape"))
    return hashed.hexdigest()[:24]


def fingerprint(files: Iterable[Path], *settings: str) -> str:
    """24 hex digits that change with any setting and any file's name, size or modification time."""
    hashed = hashlib.sha256(repr(settings).encode())
    for path in files:
        hashed.update(f"{path.name}\0{_stamp(path)}\n".encode(errors="surrogateescape"))
    return hashed.hexdigest()[:24]


def _stamp(path: Path) -> str:
    """Size and time of a file; of a link that leads nowhere, that it does: ``broken`` rules over it."""
    try:
        status = os.stat(path)
    except OSError:
        return "missing"
    return f"{status.st_size}\0{status.st_mtime_ns}"


def shorten(names: Iterable[str]) -> str:
    """``a, b, c, d and 7 more``."""
    listed = list(names)
    rest = len(listed) - _SHOWN
    return ", ".join(listed[:_SHOWN]) + (f" and {rest} more" if rest > 0 else "")


def _files(folder: str | Path) -> dict[str, Path]:
    root = Path(folder).expanduser()
    if not root.is_dir():
        raise Refusal(f"{folder}: no such folder")
    walked = walk(root)
    unread = [f"{path.relative_to(root)}: {why}" for path, why in walked.unread if not path.is_symlink()]
    if unread:
        raise Refusal(f"{folder}: {shorten(unread)}")
    files = {}
    for path in walked.files:
        name = path.relative_to(root)
        if path.suffix.lower() in SUFFIXES and not any(part.startswith(".") for part in name.parts):
            files[name.as_posix()] = path
    return dict(sorted(files.items()))


def _by_stem(names: Iterable[str]) -> dict[str, list[str]]:
    by_stem: dict[str, list[str]] = {}
    for name in names:
        by_stem.setdefault(_stem(name), []).append(name)
    return by_stem


def _stem(name: str) -> str:
    return name[: len(name) - len(Path(name).suffix)]


def _key_stem(stem: str) -> str:
    parent, _, name = stem.rpartition("/")
    return f"{parent}/{KEY}{name}" if parent else KEY + name


def _listed(names: list[str], file: str, folder: str | Path) -> set[str]:
    try:
        lines = Path(file).expanduser().read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not text"
        raise Refusal(f"validation.file={file}: cannot be read ({reason})") from None
    wanted = {line.strip() for line in lines if line.strip()}
    missing = sorted(wanted - set(names))
    if missing:
        raise Refusal(f"validation.file={file}: names what {folder} does not hold: {shorten(missing)}")
    return wanted


def _share(name: str) -> float:
    """A number in [0, 1) that depends on the name alone."""
    return int.from_bytes(hashlib.sha256(name.encode(errors="surrogateescape")).digest()[:6], "big") / 2**48
