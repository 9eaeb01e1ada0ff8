"""Where ledgers are: a folder, or any web server that serves one. All of it is static files.

What entries name by digest (public keys, owners' verifiers, signatures) is beside the tree, under its digest:
``blob/ab/abcdef…``.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import shutil
import urllib.error
import urllib.request
import zlib
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from jaxcrypt.crypto.ledger import entries
from jaxcrypt.errors import ExitCode, Refusal, unlogged

CHECKPOINT = "checkpoint"
MAX_FILE = 32 << 20  # 256 entries of 64 KiB
_TIMEOUT = 30
_SYNCS = 8
_NEW = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0)
Fetch = Callable[[str], bytes | None]


def is_url(place: str) -> bool:
    """Whether a ledger is asked for by HTTP."""
    return place.startswith(("http://", "https://"))


def opened(place: str) -> Fetch:
    """What reads a ledger's files by their paths: their bytes, None where there is no such file.

    Raises:
      Refusal: no such folder.
    """
    if is_url(place):
        return lambda path: _get(f"{place.rstrip('/')}/{path}")
    folder = Path(place)
    if not (folder / CHECKPOINT).is_file():
        raise Refusal(f"{place}: no ledger there (a folder with a file named checkpoint, or an http(s) URL)")
    return lambda path: load(folder / path)


def blob_path(digest: bytes) -> str:
    """Where what has that SHA-256 is."""
    return f"blob/{digest.hex()[:2]}/{digest.hex()}"


def need_blob(fetch: Fetch, digest: bytes, what: str) -> bytes:
    """The bytes with that SHA-256; ``what`` they are is for messages.

    Raises:
      Refusal: (LEDGER) missing, or other bytes.
    """
    data = fetch(blob_path(digest))
    if data is None:
        raise unlogged(f"{what}: the ledger lost it ({blob_path(digest)} is missing)")
    if entries.digest(data) != digest:
        raise unlogged(f"{what}: forged ({blob_path(digest)} has other bytes than its digest)")
    return data


def load(path: Path) -> bytes | None:
    """A file's bytes; None where there is none."""
    try:
        with open(path, "rb") as file:
            return file.read(MAX_FILE)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None


def write_files(folder: Path, files: Mapping[str, bytes], mode: int = 0o644) -> None:
    """Write files by their paths in a folder, each whole or not at all; all are on disk when this returns.

    Old ones are replaced. What reaches the disk first is left to the system.
    """
    drafts = {folder / name: folder / f"{name}.{os.getpid()}.new" for name in files}
    try:
        for parent in {path.parent for path in drafts}:
            parent.mkdir(parents=True, exist_ok=True)
        for draft, data in zip(drafts.values(), files.values(), strict=True):
            with open(os.open(draft, _NEW, mode), "wb") as file:
                file.write(data)
        with ThreadPoolExecutor(_SYNCS) as pool:  # side by side, they share what the disk does for them
            list(pool.map(_sync, drafts.values()))
            for path, draft in drafts.items():
                os.replace(draft, path)
            list(pool.map(_sync, _parents(folder, drafts)))
    except BaseException:
        for draft in drafts.values():
            with contextlib.suppress(OSError):
                draft.unlink()
        raise


def clear(folder: Path, paths: Iterable[str]) -> None:
    """Remove folders of partial tiles that there are full ones of; what cannot be removed stays."""
    for path in paths:
        shutil.rmtree(folder / path, ignore_errors=True)


def put(path: Path, data: bytes, mode: int = 0o644) -> None:
    """:func:`write_files` of one."""
    write_files(path.parent, {path.name: data}, mode)


def _parents(folder: Path, paths: Iterable[Path]) -> set[Path]:
    """Every folder from ``folder`` down to the paths, whose names must outlast a power cut too."""
    if os.name == "nt":  # opens no folders
        return set()
    return {
        parent for path in paths for parent in path.parents if parent == folder or folder in parent.parents
    }


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _get(url: str) -> bytes | None:
    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT) as answer:
            data = answer.read(MAX_FILE + 1)
            if answer.headers.get("Content-Encoding") == "gzip":  # which C2SP lets servers send unasked
                data = zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(data, MAX_FILE + 1)
    except urllib.error.HTTPError as error:
        if error.code in (404, 410):
            return None
        raise Refusal(f"{url}: the server answers {error.code}", ExitCode.FAILED) from None
    except (OSError, ValueError, zlib.error, http.client.HTTPException) as error:
        reason = getattr(error, "reason", error)
        raise Refusal(f"{url}: cannot be reached ({reason})", ExitCode.FAILED) from None
    if len(data) > MAX_FILE:
        raise Refusal(f"{url}: larger than a ledger's files are")
    return data
