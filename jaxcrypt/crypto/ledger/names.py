"""What a ledger says of each name: an index in SQLite that follows the log, and the rules for entries.

It is made from the log alone. The frontier that stands in it tells which tree its entries are from: only a
tree that begins with that one can bring it further.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from jaxcrypt.crypto.cursor import Malformed
from jaxcrypt.crypto.ledger import entries, merkle, places
from jaxcrypt.crypto.ledger.entries import Entry, Kind
from jaxcrypt.crypto.signing import Verifier
from jaxcrypt.errors import ExitCode, Refusal, unlogged

_TABLES = """
CREATE TABLE IF NOT EXISTS said (weights INTEGER, name TEXT, at INTEGER, entry BLOB,
                                 PRIMARY KEY (weights, name, at)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS head (one INTEGER PRIMARY KEY CHECK (one = 1), size INTEGER,
                                 frontier BLOB, note BLOB);
"""
_WAIT = 30  # seconds for another process that writes


@dataclass(frozen=True)
class State:
    """A name as of some checkpoint.

    Attributes:
      at: index of the entry that gave the name its key.
      entry: that entry.
      revoked: index of the entry that revoked the key; None while it holds.
      last: index of the name's last entry; owner: SHA-256 of its owner's verifier.
    """

    at: int
    entry: Entry
    revoked: int | None
    last: int
    owner: bytes = field(repr=False)


class Names:
    """The index of a log's names.

    Args:
      path: the SQLite file, which is made where there is none; None keeps it in memory.

    Attributes:
      frontier: of the tree whose entries are in.
      note: the checkpoint that was last seen of that tree, as bytes; empty at first.
    """

    def __init__(self, path: Path | None):
        self._path = path
        if path:
            path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._base = sqlite3.connect(path or ":memory:", timeout=_WAIT, isolation_level=None)
            self._base.execute("PRAGMA journal_mode=WAL")
            self._base.execute("PRAGMA synchronous=NORMAL")
            self._base.executescript(_TABLES)
            self.reload()
        except (sqlite3.Error, ValueError) as error:
            raise Refusal(f"{path}: cannot be used ({error}); delete it", ExitCode.FAILED) from None

    def reload(self) -> None:
        """Take the state in the file."""
        row = self._base.execute("SELECT size, frontier, note FROM head").fetchone() or (0, b"", b"")
        hashes = [row[1][at : at + merkle.HASH_BYTES] for at in range(0, len(row[1]), merkle.HASH_BYTES)]
        self.frontier, self.note = merkle.Frontier(row[0], hashes), row[2]

    def begin(self) -> None:
        """Start a change, of which nothing stays unless :meth:`commit` follows."""
        try:
            self._base.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            raise Refusal(
                f"{self._path}: another process uses it ({error}); try again", ExitCode.FAILED
            ) from None
        self.reload()

    def commit(self, note: bytes) -> None:
        """Keep what was added since :meth:`begin`, as the tree of that checkpoint."""
        self.note = note
        values = (self.frontier.size, b"".join(self.frontier.hashes), note)
        self._base.execute("INSERT OR REPLACE INTO head VALUES (1, ?, ?, ?)", values)
        self._base.execute("COMMIT")

    def abandon(self) -> None:
        """Drop what was added since :meth:`begin`."""
        if self._base.in_transaction:
            self._base.execute("ROLLBACK")
        self.reload()

    def clear(self) -> None:
        """Forget everything, within a change."""
        self._base.execute("DELETE FROM said")
        self.frontier, self.note = merkle.Frontier(), b""

    def close(self) -> None:
        """Give the file back."""
        self._base.close()

    def add(self, data: Sequence[bytes], source: str = "ledger") -> None:
        """The log's next entries.

        Raises:
          Refusal: (LEDGER) one that this program cannot read, which may say anything.
        """
        rows = []
        for entry in data:
            at = self.frontier.size
            try:
                said = entries.decode(entry)
            except Malformed as reason:
                raise unlogged(
                    f"{source}: entry {at} cannot be read ({reason}); is there a newer jaxcrypt?"
                ) from None
            rows.append((said.kind == Kind.WEIGHTS, said.name, at, entry))
            self.frontier.append(merkle.leaf_hash(entry))
        self._base.executemany("INSERT INTO said VALUES (?, ?, ?, ?)", rows)

    def history(self, name: str, *, weights: bool = False) -> list[tuple[int, Entry]]:
        """All entries about a name (or file of weights), with their indices, oldest first.

        What another process adds to the file shows only after :meth:`begin`.
        """
        query = "SELECT at, entry FROM said WHERE weights = ? AND name = ? AND at < ? ORDER BY at"
        rows = self._base.execute(query, (weights, name, self.frontier.size))
        return [(at, entries.decode(data)) for at, data in rows]

    def knows(self, name: str) -> bool:
        """Whether any entry is about the name of a key."""
        query = "SELECT 1 FROM said WHERE weights = 0 AND name = ? LIMIT 1"
        return self._base.execute(query, (name,)).fetchone() is not None

    def all(self, *, weights: bool = False) -> list[str]:
        """All names, sorted."""
        query = "SELECT DISTINCT name FROM said WHERE weights = ? ORDER BY name"
        return [name for (name,) in self._base.execute(query, (weights,))]


def state(
    history: Sequence[tuple[int, Entry]], fetch: places.Fetch, origin: str, source: str
) -> State | None:
    """What entries amount to, each checked against the rules; None where there are none.

    Args:
      history: of one name, from :meth:`Names.history`.
      fetch: reads owners' verifiers and signatures.

    Raises:
      Refusal: (LEDGER) an entry that the name's owner did not sign, or that does not follow the one before.
    """
    if not history:
        return None
    (first, entry), *later = history
    if entry.kind != Kind.KEY:
        raise unlogged(f"{source}: entry {first} is about {entry.name} before that name has a key")
    made = State(first, entry, None, first, entry.owner)
    if later:
        who = f"{source}: the owner of {entry.name}"
        verifier = Verifier(places.need_blob(fetch, entry.owner, who))
        for at, entry in later:
            made = follow(made, at, entry, verifier, fetch, origin, source)
    return made


def follow(
    before: State, at: int, entry: Entry, verifier: Verifier, fetch: places.Fetch, origin: str, source: str
) -> State:
    """The state after one more entry about the name.

    Raises:
      Refusal: (LEDGER) the entry is not its owner's, or breaks the order.
    """
    what = f"{source}: entry {at} about {entry.name}"
    if entry.kind == Kind.KEY:
        raise unlogged(f"{what} claims a name that is taken")
    if entry.previous != before.last:
        raise unlogged(f"{what} does not follow entry {before.last}, the one before")
    signature = places.need_blob(fetch, entry.signature, what)
    if not verifier.verify(signature, entry.signed(origin)):
        raise unlogged(f"{what} is not signed by the name's owner")
    if entry.kind == Kind.ROTATE:
        return State(at, entry, None, at, before.owner)
    if entry.digest != before.entry.digest or before.revoked is not None:
        raise unlogged(f"{what} revokes a key that the name does not have")
    return State(before.at, before.entry, at, at, before.owner)
