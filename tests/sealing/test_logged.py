"""A key ledger's proof inside a sealed picture: what it shows, and what is refused."""

import io

import numpy as np
import pytest

from jaxcrypt.crypto import sealed, sources
from jaxcrypt.crypto.filekey import Keyring
from jaxcrypt.crypto.ledger import entries, log, merkle, places, proof, tiles, trust
from jaxcrypt.crypto.ledger.entries import Entry, Kind
from jaxcrypt.crypto.recipients import Recipient
from jaxcrypt.errors import ExitCode, Refusal
from jaxcrypt.sealing.keys import Keys
from jaxcrypt.sealing.logged import UNCHECKED
from jaxcrypt.sealing.rekey import Rekeyer
from jaxcrypt.sealing.unseal import Opener
from tests.crypto.ledger.world import Person, World

PIXELS = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\4\0\0\0\4\b\2\0\0\0"


@pytest.fixture
def world(tmp_path) -> World:
    made = World(tmp_path)
    made.fill(300)
    return made


@pytest.fixture
def alice(world) -> Person:
    person = Person("alice")
    world.say(person.key())
    return person


def picture(ring: Keyring, ledger: bytes = b"") -> bytes:
    """A sealed picture, made without any System."""
    side = {"ledger": np.frombuffer(ledger, np.uint8)} if ledger else {}
    key = ring.new_file_key(PNG, "logistic", ())
    how = {"pixels": PIXELS, "original": PIXELS.shape, "name": "a.png", "side": side, "file": PNG}
    buffer = io.BytesIO()
    sealed.seal(key, system="logistic", options=(), **how).write(buffer)
    return buffer.getvalue()


def sealed_for(person: Person, *proofs: bytes) -> bytes:
    return picture(Keyring(recipients=[Recipient(person.public)]), proof.pack(proofs))


def opened(data: bytes, person: Person, policy=None):
    return Opener(Keys(identities=[person.identity]), ledger=policy, any_file=True).begin(data, "a.png")


def test_the_proof_shows_that_the_key_was_logged_and_witnessed(world, alice):
    data = sealed_for(alice, world.client().find("alice").recipient.proof)
    (line,) = opened(data, alice, world.policy).logged
    assert line.startswith(
        "key of alice: entry 300 of 301 in example.com/keys, witnessed by w1-ed25519 and w1-mldsa"
    )
    assert opened(data, alice).logged == (UNCHECKED,)
    assert opened(data, alice, world.policy).finish().notes == (line,)


def test_it_still_shows_it_offline_after_twenty_years(world, alice, monkeypatch):
    data, policy = sealed_for(alice, world.client().find("alice").recipient.proof), world.policy
    now = trust.clock.time()
    monkeypatch.setattr(trust.clock, "time", lambda: now + 20 * 365 * trust.DAY)
    for place in (world.folder, log.private_folder(world.folder)):
        place.rename(place.with_name("gone." + place.name))
    assert opened(data, alice, policy).logged


def test_a_picture_without_a_proof_is_refused_where_one_is_demanded(world, alice):
    data = sealed_for(alice)
    assert opened(data, alice).logged == ()
    with pytest.raises(Refusal, match="carries no proof of a key ledger") as refused:
        opened(data, alice, world.policy)
    assert refused.value.code == ExitCode.LEDGER


def test_a_proof_of_another_key_is_refused(world, alice):
    bob = Person("bob")
    world.say(bob.key())
    with pytest.raises(Refusal, match="is of another key than the one that opens it"):
        opened(sealed_for(alice, world.client().find("bob").recipient.proof), alice, world.policy)


def test_a_forged_proof_is_refused(world, alice):
    given = proof.decode(world.client().find("alice").recipient.proof)
    mallory = Person("alice")
    forged = proof.Proof(mallory.key()[0].encode(), given.index, given.path, given.signed)
    with pytest.raises(Refusal, match=r"forged proof: entry 300 is not in the log"):
        opened(sealed_for(mallory, forged.encode()), mallory, world.policy)
    cut = world.client().find("alice").recipient.proof[:-200]
    with pytest.raises(Refusal, match="forged"):
        opened(sealed_for(alice, cut), alice, world.policy)


def test_a_proof_of_a_log_that_is_not_trusted_is_refused(world, alice, tmp_path):
    (tmp_path / "else").mkdir()
    stranger = World(tmp_path / "else")
    stranger.say(alice.key())
    data = sealed_for(alice, stranger.client().find("alice").recipient.proof)
    assert opened(data, alice, stranger.policy).logged
    with pytest.raises(Refusal, match="signed by no log that is trusted"):
        opened(data, alice, world.policy)


def test_a_revocation_proves_no_key(world, alice):
    at = world.say(alice.change(Kind.REVOKE, alice.public, 300))
    client = world.client()
    told = [entry for index, entry in client.names.history("alice") if index == at]
    assert not told
    client.refresh()
    (told,) = [entry for index, entry in client.names.history("alice") if index == at]
    with pytest.raises(Refusal, match="an entry that gives nobody a key"):
        opened(sealed_for(alice, client.prove(at, told)), alice, world.policy)


def test_what_no_writer_puts_there_is_tampering(world, alice):
    ring = Keyring(recipients=[Recipient(alice.public)])
    with pytest.raises(Refusal, match="its header does not fit") as refused:
        opened(picture(ring, b"\0\0\0\7abc"), alice, world.policy)
    assert refused.value.code == ExitCode.TAMPERED


def test_each_recipient_sees_the_own_key_first(world, alice):
    bob = Person("bob")
    world.say(bob.key())
    client = world.client()
    entry = [client.find(name).recipient for name in ("alice", "bob")]
    keys = Keys(recipients=entry)
    data = picture(keys.keyring, proof.pack(keys.proofs))
    for person in (alice, bob):
        lines = opened(data, person, world.policy).logged
        assert len(lines) == 2
        assert lines[0].startswith(f"key of {person.name}:")


def test_who_opens_by_another_key_sees_what_the_sealer_says(world, alice):
    source = sources.Source(sources.Kind.KEY_FILE, bytes(range(32)))
    ring = Keyring([source], [Recipient(alice.public)])
    data = picture(ring, proof.pack([world.client().find("alice").recipient.proof]))
    keys = Keys(key_file=sources.encode_key_file(source).encode())
    assert "key of alice" in Opener(keys, ledger=world.policy, any_file=True).begin(data, "a").logged[0]


def test_a_key_that_rekey_added_has_no_proof(world, alice):
    bob = Person("bob")
    data = sealed_for(alice, world.client().find("alice").recipient.proof)
    new = Keys(recipients=[Recipient(alice.public), Recipient(bob.public)])
    buffer = io.BytesIO()
    Rekeyer(Keys(identities=[alice.identity]), new).rekey(data).write(buffer)
    assert opened(buffer.getvalue(), alice, world.policy).logged
    with pytest.raises(Refusal, match="of another key"):
        opened(buffer.getvalue(), bob, world.policy)


def test_a_receiver_may_demand_a_proof(world, alice):
    verification = pytest.importorskip("jaxcrypt.network.verification", reason="the extra network")
    verify = verification.opened(Keys(identities=[alice.identity]), any_file=True, ledger=world.policy)
    assert verify(sealed_for(alice, world.client().find("alice").recipient.proof), None)[0][0] == "a.png"
    with pytest.raises(Refusal, match="carries no proof of a key ledger"):
        verify(sealed_for(alice), None)


def test_weights_are_logged_beside_names(world):
    entry = Entry(Kind.WEIGHTS, "alice", entries.digest(b"weights"))
    at = world.say((entry, {}))
    client = world.client()
    with pytest.raises(Refusal, match="no key of the name alice"):
        client.find("alice")
    assert client.names.history("alice", weights=True) == [(at, entry)]
    reader = tiles.TileReader(places.opened(str(world.folder)), at + 1)
    path = merkle.inclusion(reader.node, at, at + 1)
    merkle.check_inclusion(merkle.leaf_hash(entry.encode()), at, at + 1, path, reader.root())
