"""Files written so that they are there whole or not at all, and the digests that say so of a folder's."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path


def write_durably(path: Path, data: bytes) -> None:
    """Write the file whole or not at all, and onto the disk: after a power cut it is there or it is not."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def write(path: Path, folder: Path) -> None:
    """Write the SHA-256 of every file below ``folder``, by name, to ``path`` as JSON."""
    write_durably(path, json.dumps(_of_files(folder), indent=1).encode())


def read(path: Path) -> dict[str, str] | None:
    """The digests that :func:`write` wrote; None where there are none that can be read."""
    try:
        stored = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return stored if isinstance(stored, dict) and stored else None


def difference(expected: dict[str, str], folder: Path) -> str | None:
    """The first file below ``folder`` that is not what ``expected`` says, and how; None where all are."""
    actual = _of_files(folder)
    for name, digest in expected.items():
        if name not in actual:
            return f"{name} is missing"
        if actual[name] != digest:
            return f"{name} is not what was written"
    return None


def _of_files(folder: Path) -> dict[str, str]:
    digests = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            with path.open("rb") as file:
                digests[path.relative_to(folder).as_posix()] = hashlib.file_digest(file, "sha256").hexdigest()
    return digests
