"""A client of a ledger: replays the log as far as its witnessed checkpoint, and looks names up in that.

That a key is *not* revoked cannot be proved by a path in an append-only tree: it takes every entry. So the
client reads them all once, checks that they make the checkpoint's root, keeps an index of them, and from then
on reads what is new. It knows of no revocation after the checkpoint; how old that may be is ``max_age``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from jaxcrypt.crypto.cursor import Malformed
from jaxcrypt.crypto.ledger import checkpoint, log, merkle, names, note, places, proof, tiles, trust
from jaxcrypt.crypto.ledger.entries import Entry
from jaxcrypt.crypto.ledger.proof import Logged
from jaxcrypt.crypto.recipients import Recipient, usable
from jaxcrypt.errors import Refusal, unlogged

Progress = Callable[[float], None] | None


@dataclass(frozen=True)
class Found:
    """A name's key as of the checkpoint.

    Attributes:
      state: which entry gave it; recipient: the key, with the text that proves it logged.
      logged: what that text shows.
    """

    state: names.State
    recipient: Recipient
    logged: Logged


class Client:
    """A ledger as a client sees it.

    Args:
      place: a folder or an http(s) URL.
      policy: whom to trust.
      memory: the file that keeps the index, and the checkpoint that was last seen; None forgets both.
      max_age: seconds since the witnesses saw the checkpoint; None: whenever.

    Attributes:
      seen: the checkpoint, verified; set by :meth:`refresh`.
    """

    def __init__(
        self,
        place: str,
        policy: trust.Policy,
        memory: Path | None = None,
        *,
        max_age: float | None = trust.MAX_AGE,
    ):
        self.place, self.fetch = place, places.opened(place)
        self._policy, self._max_age = policy, max_age
        self.names = names.Names(memory)
        self.seen: trust.Witnessed | None = None

    def close(self) -> None:
        """Give the index back."""
        self.names.close()

    def refresh(self, progress: Progress = None) -> trust.Witnessed:
        """Read the checkpoint and every entry that is new, and verify both.

        Raises:
          Refusal: (LEDGER) not signed or witnessed, stale, rolled back, a split view, or entries that are not
            the tree's.
        """
        self.names.begin()  # before anything is fetched: what another process saw meanwhile is no rollback
        try:
            data = self.fetch(places.CHECKPOINT)
            if data is None:
                raise Refusal(f"{self.place}: no ledger there (its checkpoint is missing)")
            seen = self._policy.check(data, self.place, max_age=self._max_age)
            reader = tiles.TileReader(self.fetch, seen.head.size, self.place)
            self._no_rollback(seen.head)
            self._replay(reader, progress)
            if self.names.frontier.root() != seen.head.root:
                self._accuse(seen.head, reader)
            self.names.commit(data)
        except BaseException:
            self.names.abandon()
            raise
        self.seen = seen
        return seen

    def find(self, name: str) -> Found:
        """A name's key, which is logged, witnessed and not revoked as of the checkpoint.

        Raises:
          Refusal: (LEDGER) no such name, a revoked key, or entries that its owner did not sign.
        """
        state = self.state(name)
        if state is None:
            raise unlogged(f"{self.place}: no key of the name {name}")
        if state.revoked is not None:
            raise unlogged(
                f"{self.place}: the key of {name} is revoked, by entry {state.revoked}; ask for a new one"
            )
        what = f"{self.place}: the key of {name}"
        public = places.need_blob(self.fetch, state.entry.digest, what)
        text = self.prove(state.at, state.entry)
        shown = proof.check(text, self._policy, self.place)
        return Found(state, usable(public, what, text), shown)

    def state(self, name: str) -> names.State | None:
        """What the ledger says of a name, its owner's signatures verified; None: nothing."""
        seen = self.seen or self.refresh()
        return names.state(self.names.history(name), self.fetch, seen.head.origin, self.place)

    def prove(self, index: int, entry: Entry) -> bytes:
        """The text that shows an entry to be in the log; for whoever gets it to check."""
        seen = self.seen or self.refresh()
        reader = tiles.TileReader(self.fetch, seen.head.size, self.place)
        path = tuple(merkle.inclusion(reader.node, index, seen.head.size))
        return proof.Proof(entry.encode(), index, path, seen.note).encode()

    def _no_rollback(self, head: checkpoint.Checkpoint) -> None:
        size = self.names.frontier.size
        if head.size < size:
            raise unlogged(f"{self.place}: rollback: shows {head.size} entries, and {size} were seen before")

    def _replay(self, reader: tiles.TileReader, progress: Progress) -> None:
        for done in log.replay(self.names, reader):
            if progress is not None:
                progress(done / reader.size)

    def _accuse(self, head: checkpoint.Checkpoint, reader: tiles.TileReader) -> None:
        """The checkpoint is signed, and the entries do not make its root: say whose fault that is."""
        if not self.names.note:
            raise unlogged(f"{self.place}: forged: its entries do not make its checkpoint's root")
        before = checkpoint.decode(note.decode(self.names.note).body)
        try:
            path = merkle.consistency(reader.node, before.size, head.size)
            merkle.check_consistency(before.size, head.size, path, before.root, head.root)
        except Malformed:
            what = f"its {head.size} entries do not continue the {before.size} that were seen before"
            raise unlogged(f"{self.place}: split view: {what}") from None
        raise unlogged(f"{self.place}: forged: its entries do not make its checkpoint's root")
