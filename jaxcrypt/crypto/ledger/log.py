"""The log's own side: appends entries to a folder of tiles, so that no crash leaves it unsound.

A batch of entries becomes durable in this order: tiles, entries and what entries name by digest; the
*pending* checkpoint, the point of no return; the checkpoint that clients read, once witnesses cosigned it.
Until then clients see the one before, and what a crash left behind is never asked for, and overwritten later.
"""

from __future__ import annotations

import contextlib
import time as clock
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from jaxcrypt.crypto.cursor import Malformed
from jaxcrypt.crypto.ledger import checkpoint, entries, keys, names, note, places, tiles
from jaxcrypt.crypto.ledger.entries import Entry, Kind
from jaxcrypt.crypto.ledger.lock import held
from jaxcrypt.crypto.ledger.witness import Cosigner, ask
from jaxcrypt.errors import Refusal, unlogged, usage

KEY_FILE, PENDING, NAMES, LOCK = "log.key", "pending", "names.sqlite", "lock"
_PRIVATE_MODE = 0o600


def private_folder(folder: Path) -> Path:
    """Where a log keeps what is not for serving: beside it, ``NAME.private``."""
    return folder.with_name(f"{folder.name}.private")


def create(folder: Path, origin: str) -> list[note.Signer]:
    """A new, empty log; returns its keys.

    Raises:
      Refusal: something is there already, or no log may be called ``origin``.
    """
    private = private_folder(folder)
    for each in (folder, private):
        if each.exists() and (not each.is_dir() or any(each.iterdir())):
            raise Refusal(f"{each}: is there already; name a new folder")
    signers = keys.generate(origin, keys.LOG_KINDS)
    private.mkdir(parents=True, exist_ok=True, mode=0o700)
    places.put(private / KEY_FILE, keys.encode(signers, f"signs the ledger {origin}"), _PRIVATE_MODE)
    empty = _signed(signers, checkpoint.Checkpoint(origin, 0, tiles.merkle.EMPTY_ROOT))
    places.put(private / PENDING, empty)
    places.put(folder / places.CHECKPOINT, empty)
    return signers


@contextlib.contextmanager
def opened(folder: Path) -> Iterator[Log]:
    """A log for appending; other processes wait meanwhile.

    Raises:
      Refusal: no log there, no key to it here, or its files are unsound.
    """
    private = private_folder(folder)
    if not (private / KEY_FILE).is_file():
        raise Refusal(f"{folder}: no ledger that can be written here ({private / KEY_FILE} is missing)")
    with held(private / LOCK):
        log = Log(folder)
        try:
            yield log
        finally:
            log.close()


class Log:
    """An open log; :func:`opened` makes one.

    Attributes:
      head: the newest checkpoint, which may be pending.
      names: what it says of each name.
    """

    def __init__(self, folder: Path):
        self.folder, self._private = folder, private_folder(folder)
        self._signers = keys.read(self._private / KEY_FILE)
        self.fetch = places.opened(str(folder))
        self.names = names.Names(self._private / NAMES)
        self._load()

    @property
    def origin(self) -> str:
        """The log's name."""
        return self.head.origin

    def close(self) -> None:
        """Give its files back."""
        self.names.close()

    def reader(self) -> tiles.TileReader:
        """The newest tree."""
        return tiles.TileReader(self.fetch, self.head.size, str(self.folder))

    def append(self, said: Sequence[bytes], blobs: Mapping[bytes, bytes] | None = None) -> int:
        """Add entries, durably; returns the index of the first. :meth:`publish` shows them to clients.

        Args:
          blobs: what they name, by digest.

        Raises:
          Refusal: an entry that breaks the rules; then none is added.
        """
        first, blobs = self.head.size, blobs or {}
        try:
            self.names.begin()
            self._check(said, blobs)
            self.names.add(said, str(self.folder))
            files = self._writer.append(said)
            head = checkpoint.Checkpoint(self.origin, self._writer.size, self._writer.root())
            signed = _signed(self._signers, head)
            files |= {places.blob_path(digest): data for digest, data in blobs.items()}
            places.write_files(self.folder, files)
            places.put(self._private / PENDING, signed)
            self.names.commit(signed)
            places.clear(self.folder, [f"{path}.p" for path in files if ".p/" not in path])
        except BaseException:
            self.names.abandon()
            self._load()
            raise
        self.head = head
        return first

    def publish(self, witnesses: Sequence[Cosigner] = ()) -> bytes:
        """Let witnesses cosign the newest checkpoint, and show it to clients; returns its note.

        Raises:
          Refusal: a witness that cannot be reached, or refuses. The entries stay; the next call tries again.
        """
        signed = note.decode(_signed(self._signers, self.head))
        cosigned = [
            line for each in witnesses for line in ask(each, self.head, signed.encode(), self.reader())
        ]
        made = note.Note(signed.body, (*signed.signatures, *cosigned)).encode()
        places.put(self.folder / places.CHECKPOINT, made)
        return made

    def state(self, name: str) -> names.State | None:
        """What the log says of a name."""
        return names.state(self.names.history(name), self.fetch, self.origin, str(self.folder))

    def _load(self) -> None:
        self.head = self._newest()
        reader = self.reader()
        self._writer = tiles.TileWriter(reader)
        if self._writer.root() != self.head.root:
            raise unlogged(f"{self.folder}: its tiles do not make its checkpoint's root: damaged")
        self._follow(reader)

    def _newest(self) -> checkpoint.Checkpoint:
        """Of the checkpoint that clients see and the pending one."""
        heads = []
        for path in (self.folder / places.CHECKPOINT, self._private / PENDING):
            try:
                signed = note.decode(path.read_bytes())
                if any(each.verifier().find(signed) is None for each in self._signers):
                    raise Malformed("not signed by its key")
                heads.append(checkpoint.decode(signed.body))
            except (Malformed, FileNotFoundError) as reason:
                raise Refusal(f"{path}: not this ledger's checkpoint ({reason})") from None
        return max(heads, key=lambda head: head.size)

    def _follow(self, reader: tiles.TileReader) -> None:
        """Bring the index of names to the newest tree; what does not belong to it is made anew."""
        frontier = self.names.frontier
        if frontier.size == self.head.size and frontier.root() == self.head.root:
            return
        self.names.begin()
        if frontier.size > self.head.size or reader.root(frontier.size) != frontier.root():
            self.names.clear()
        for _ in replay(self.names, reader):
            pass
        self.names.commit(b"")

    def _check(self, said: Sequence[bytes], blobs: Mapping[bytes, bytes]) -> None:
        """Refuse entries that clients would refuse."""
        fresh: set[str] = set()
        for data in said:
            try:
                entry = entries.decode(data)
            except Malformed as reason:
                raise usage(f"not an entry of a ledger: {reason}") from None
            if entry.kind == Kind.WEIGHTS:
                continue
            if entry.name in fresh or (entry.kind == Kind.KEY and self.names.knows(entry.name)):
                raise usage(f"{entry.name}: that name is taken in this ledger; its owner can rotate its key")
            fresh.add(entry.name)
            if entry.kind != Kind.KEY:
                self._check_change(entry, blobs)

    def _check_change(self, entry: Entry, blobs: Mapping[bytes, bytes]) -> None:
        def fetch(path: str) -> bytes | None:
            return {places.blob_path(digest): data for digest, data in blobs.items()}.get(path) or self.fetch(
                path
            )

        told = [*self.names.history(entry.name), (self.head.size, entry)]
        names.state(told, fetch, self.origin, str(self.folder))


def replay(index: names.Names, reader: tiles.TileReader) -> Iterator[int]:
    """Add a tree's entries to an index that ends before it, within a change; yields the size reached.

    Raises:
      Refusal: a bundle is missing or unreadable. That they are the tree's entries is for the caller to check.
    """
    while index.frontier.size < reader.size:
        number, at = divmod(index.frontier.size, tiles.WIDTH)
        index.add(reader.bundle(number)[at:])
        yield index.frontier.size


def _signed(signers: Sequence[note.Signer], head: checkpoint.Checkpoint) -> bytes:
    body, now = head.encode(), int(clock.time())
    return note.Note(body, tuple(each.sign(body, now) for each in signers)).encode()
