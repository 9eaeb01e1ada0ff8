"""What a receiver must not forget, in SQLite beside the inbox: a commit is on disk before it returns.

A picture is known by its sender and the name that the sender gave it for ever (``picture``); it is ``open``
while it arrives, ``storing`` once the names of its files are reserved, and ``done`` when they are on disk.
Used logins and the threat are kept too, so that a restart forgets neither.
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from jaxcrypt.crypto.names import MAX_NAME, cut_name, encode_name
from jaxcrypt.errors import ExitCode, Refusal
from jaxcrypt.network.threat import Threat, Watch

_LOGINS_KEPT = 30 * 24 * 3600.0
_EVERYWHERE = ""
_DIGITS = 12  # room in a name for the number that tells it from others
_OPENING = """
INSERT INTO pictures VALUES (?, ?, ?, ?, ?, ?, '[]', x'') ON CONFLICT (sender, picture) DO UPDATE SET
  upload = excluded.upload, state = excluded.state, size = excluded.size, digest = excluded.digest
"""
_SCHEMA = """
CREATE TABLE IF NOT EXISTS pictures (
  sender TEXT NOT NULL, picture TEXT NOT NULL, upload TEXT NOT NULL UNIQUE, state TEXT NOT NULL,
  size INTEGER NOT NULL, digest BLOB NOT NULL, files TEXT NOT NULL, receipt BLOB NOT NULL,
  PRIMARY KEY (sender, picture));
CREATE TABLE IF NOT EXISTS names (folder TEXT NOT NULL, name TEXT NOT NULL, PRIMARY KEY (folder, name));
CREATE TABLE IF NOT EXISTS logins (login BLOB PRIMARY KEY, at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS threat (peer TEXT PRIMARY KEY, score REAL NOT NULL, at REAL NOT NULL);
"""
Taken = Callable[[str], bool]
OPEN, STORING, DONE = "open", "storing", "done"


@dataclass(frozen=True)
class File:
    """A file that a picture gave: the name reserved for it, and SHA-256 of its bytes as hex."""

    name: str
    digest: str


@dataclass(frozen=True)
class Picture:
    """One picture's row.

    Attributes:
      sender: fingerprint of the sender; picture: the sender's name for it; upload: of its sealed bytes.
      size, digest: of the sealed bytes (SHA-256).
      files: what it gave, once that is known; receipt: what acknowledged it.
    """

    sender: str
    picture: str
    upload: str
    state: str
    size: int
    digest: bytes
    files: tuple[File, ...] = ()
    receipt: bytes = field(default=b"", repr=False)


class Store:
    """The database. May be shared by threads.

    Args:
      path: of its file, made if need be.

    Raises:
      Refusal: another receiver has it open, or it cannot be had.
    """

    def __init__(self, path: Path):
        self._lock = threading.Lock()
        try:
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
            self._data = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=1)
            self._data.execute("PRAGMA locking_mode = EXCLUSIVE")  # two receivers would both store a picture
            self._data.execute("PRAGMA journal_mode = WAL")
            self._data.execute("PRAGMA synchronous = FULL")
            self._data.executescript(_SCHEMA)
            with self._writing():
                self._data.execute("DELETE FROM threat WHERE score <= 0")
        except (OSError, sqlite3.Error) as error:
            busy = "locked" in str(error)
            why = "another receiver works there" if busy else str(error)
            raise Refusal(f"{path}: cannot be used ({why})", ExitCode.FAILED) from None

    def close(self) -> None:
        """Give the file back."""
        with self._lock:
            self._data.close()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with self._lock:
            self._data.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._data.execute("ROLLBACK")
                raise
            self._data.execute("COMMIT")

    # --------------------------------------------------------------------------------- pictures

    def picture(self, sender: str, picture: str) -> Picture | None:
        """The row of a picture, by its sender and the sender's name for it."""
        return self._find("sender = ? AND picture = ?", sender, picture)

    def upload(self, upload: str) -> Picture | None:
        """The row of an upload."""
        return self._find("upload = ?", upload)

    def _find(self, where: str, *values: str) -> Picture | None:
        columns = "sender, picture, upload, state, size, digest, files, receipt"
        with self._lock:
            row = self._data.execute(f"SELECT {columns} FROM pictures WHERE {where}", values).fetchone()
        if row is None:
            return None
        sender, picture, upload, state, size, digest, files, receipt = row
        kept = tuple(File(*one) for one in json.loads(files))
        return Picture(sender, picture, upload, state, size, digest, kept, receipt)

    def open(self, picture: Picture) -> None:
        """A picture begins to arrive; what arrived of it sealed otherwise before is forgotten.

        Names that were reserved for it stay so: a crash may have left its files under them.
        """
        values = (picture.sender, picture.picture, picture.upload, OPEN, picture.size, picture.digest)
        with self._writing():
            self._data.execute(_OPENING, values)

    def forget(self, upload: str) -> None:
        """A picture did not verify: it may be sent again."""
        with self._writing():
            self._data.execute("DELETE FROM pictures WHERE upload = ? AND state != ?", (upload, DONE))

    def reserve(
        self, upload: str, folder: str, files: Sequence[tuple[str, str]], taken: Taken
    ) -> tuple[File, ...]:
        """Reserve names for the files of a picture that is about to be stored, for ever.

        Args:
          folder: where they go.
          files: wished name and digest of each.
          taken: ``name -> bool``: whether a file that no picture reserved has it.

        Returns:
          What was reserved: now, or by an attempt that a crash cut short.
        """
        with self._writing():
            row = self._data.execute("SELECT files FROM pictures WHERE upload = ?", (upload,)).fetchone()
            earlier = [File(*one) for one in json.loads(row[0])] if row else []
            if len(earlier) == len(files):  # what is not on disk yet may be decoded otherwise this time
                digests = [
                    old.digest if taken(old.name) else new[1] for old, new in zip(earlier, files, strict=True)
                ]
                reserved = tuple(File(old.name, sha) for old, sha in zip(earlier, digests, strict=True))
            else:
                reserved = tuple(File(self._free(folder, name, taken), sha) for name, sha in files)
            text = json.dumps([(one.name, one.digest) for one in reserved])
            values = (STORING, text, upload)
            self._data.execute("UPDATE pictures SET state = ?, files = ? WHERE upload = ?", values)
        return reserved

    def _free(self, folder: str, name: str, taken: Taken) -> str:
        stem, suffix = os.path.splitext(name)
        stem = cut_name(stem, MAX_NAME - len(encode_name(suffix)) - _DIGITS)
        number = 1
        while True:
            candidate = name if number == 1 else f"{stem}-{number}{suffix}"
            values = (folder, candidate)
            if not taken(candidate):
                cursor = self._data.execute("INSERT OR IGNORE INTO names VALUES (?, ?)", values)
                if cursor.rowcount:
                    return candidate
            number += 1

    def done(self, upload: str, receipt: bytes) -> None:
        """The picture's files are on disk."""
        with self._writing():
            values = (DONE, receipt, upload)
            self._data.execute("UPDATE pictures SET state = ?, receipt = ? WHERE upload = ?", values)

    # ----------------------------------------------------------------------- logins and threat

    def use_login(self, login: bytes, now: float) -> None:
        """Remember a login, by its digest: it opened a session."""
        with self._writing():
            self._data.execute("DELETE FROM logins WHERE at < ?", (now - _LOGINS_KEPT,))
            self._data.execute("INSERT OR IGNORE INTO logins VALUES (?, ?)", (login, now))

    def was_used(self, login: bytes) -> bool:
        """Whether a login was used before."""
        with self._lock:
            return bool(self._data.execute("SELECT 1 FROM logins WHERE login = ?", (login,)).fetchone())

    def watch(self) -> Watch:
        """The threat as it was saved."""
        with self._lock:
            rows = self._data.execute("SELECT peer, score, at FROM threat").fetchall()
        peers = {peer: Threat(score, at) for peer, score, at in rows}
        everywhere = peers.pop(_EVERYWHERE, Threat())
        return Watch(peers, everywhere)

    def save_watch(self, watch: Watch) -> None:
        """Keep the threat over a restart."""
        rows = [(_EVERYWHERE, watch.everywhere.score, watch.everywhere.at)]
        rows += [(peer, threat.score, threat.at) for peer, threat in watch.peers.items()]
        with self._writing():
            self._data.execute("DELETE FROM threat")
            self._data.executemany("INSERT INTO threat VALUES (?, ?, ?)", rows)
