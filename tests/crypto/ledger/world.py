"""A small world for tests: a log, its witness, people with keys."""

from __future__ import annotations

from pathlib import Path

from jaxcrypt.crypto import recipients, signing
from jaxcrypt.crypto.ledger import client, entries, log, trust, witness
from jaxcrypt.crypto.ledger.entries import Entry, Kind

ORIGIN = "example.com/keys"


class Person:
    """Somebody with a key to receive with, and one that owns their name."""

    def __init__(self, name: str):
        self.name, self.identity, self.owner = name, recipients.generate(), signing.generate()
        self.public = self.identity.recipient().public
        self.verifier = self.owner.verifier().public

    def key(self) -> tuple[Entry, dict[bytes, bytes]]:
        entry = Entry(Kind.KEY, self.name, entries.digest(self.public), entries.digest(self.verifier))
        return entry, {entry.digest: self.public, entry.owner: self.verifier}

    def change(self, kind: Kind, public: bytes, previous: int, origin: str = ORIGIN, owner=None):
        entry = Entry(kind, self.name, entries.digest(public), previous=previous)
        signature = (owner or self.owner).sign(entry.signed(origin))
        entry = Entry(kind, self.name, entry.digest, previous=previous, signature=entries.digest(signature))
        return entry, {entry.digest: public, entry.signature: signature}


class World:
    """A log in ``folder``, with one witness; ``policy`` trusts both."""

    def __init__(self, folder: Path, name: str = "log"):
        self.base, self.folder = folder, folder / name
        self.signers = log.create(self.folder, ORIGIN)
        self.log_keys = [each.verifier() for each in self.signers]
        self.witness = self.new_witness("w1")
        self.policy = self.trusting(self.witness)

    def new_witness(self, name: str) -> witness.Witness:
        witness.create(self.base / name, f"example.com/{name}")
        made = witness.Witness(self.base / name)
        made.learn(self.log_keys)
        return made

    def trusting(self, *witnesses: witness.Witness) -> trust.Policy:
        logs = [self.log_keys[1].text()]
        named = {each.name.rpartition("/")[2]: each.verifiers() for each in witnesses}
        return trust.decode(trust.write(logs, named).encode())

    def say(self, *told: tuple[Entry, dict[bytes, bytes]], publish: bool = True) -> int:
        with log.opened(self.folder) as opened:
            blobs = {digest: data for _, some in told for digest, data in some.items()}
            first = opened.append([entry.encode() for entry, _ in told], blobs)
            if publish:
                opened.publish([self.witness])
        return first

    def fill(self, count: int, start: int = 0, publish: bool = True) -> None:
        said = [filler(start + number) for number in range(count)]
        with log.opened(self.folder) as opened:
            opened.append(said)
            if publish:
                opened.publish([self.witness])

    def client(self, memory: str | None = None, **how) -> client.Client:
        return client.Client(str(self.folder), self.policy, self.base / memory if memory else None, **how)


def filler(number: int) -> bytes:
    """An entry about a name that nobody asks for."""
    return Entry(Kind.KEY, f"name{number}", entries.digest(b"%d" % number), bytes(32)).encode()
