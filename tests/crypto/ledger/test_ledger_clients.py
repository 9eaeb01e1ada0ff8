"""What clients and witnesses refuse, each in words of its own."""

import shutil
import time
from pathlib import Path

import pytest

from jaxcrypt.crypto.ledger import (
    checkpoint,
    entries,
    log,
    merkle,
    note,
    places,
    proof,
    tiles,
    trust,
    witness,
)
from jaxcrypt.crypto.ledger.entries import Kind
from jaxcrypt.errors import ExitCode, Refusal
from tests.crypto.ledger.world import ORIGIN, Person, World, filler


@pytest.fixture
def world(tmp_path) -> World:
    made = World(tmp_path)
    made.fill(5)
    return made


def fork(world: World, name: str) -> World:
    """A second history of the same log: the same keys, other entries from here on."""
    shutil.copytree(world.folder, world.base / name)
    shutil.copytree(log.private_folder(world.folder), world.base / f"{name}.private")
    made = object.__new__(World)
    made.__dict__ |= world.__dict__ | {"folder": world.base / name}
    return made


def refused(told: str):
    return pytest.raises(Refusal, match=told)


def test_a_key_is_found_and_its_proof_holds(world):
    alice = Person("alice")
    at = world.say(alice.key())
    world.fill(300, 5)
    client = world.client("memory")
    lookup = client.find("alice")
    assert lookup.recipient.public == alice.public
    assert lookup.recipient.public == alice.public
    shown = proof.check(lookup.recipient.proof, world.policy, "proof")
    assert (shown.index, shown.entry) == (at, alice.key()[0])
    assert shown.witnessed.head.size == 306
    assert abs(shown.witnessed.since - time.time()) < 120
    with refused("no key of the name bob") as error:
        client.find("bob")
    assert error.value.code == ExitCode.LEDGER


def test_a_client_reads_what_is_new_alone(world):
    world.fill(600, 5)
    client = world.client("memory")
    client.refresh()
    client.close()
    world.fill(10, 605)
    again = world.client("memory")
    fetch, asked = again.fetch, []
    again.fetch = lambda path: asked.append(path) or fetch(path)
    again.refresh()
    assert [path for path in asked if "entries" in path] == ["tile/entries/002.p/103"]


def test_rotation_gives_the_new_key(world):
    alice, fresh = Person("alice"), Person("alice").public
    at = world.say(alice.key())
    world.say(alice.change(Kind.ROTATE, fresh, at))
    assert world.client().find("alice").recipient.public == fresh


def test_a_revoked_key_is_refused_until_there_is_another(world):
    alice, fresh = Person("alice"), Person("alice").public
    at = world.say(alice.key())
    revoked = world.say(alice.change(Kind.REVOKE, alice.public, at))
    with refused(f"the key of alice is revoked, by entry {revoked}"):
        world.client().find("alice")
    world.say(alice.change(Kind.ROTATE, fresh, revoked))
    assert world.client().find("alice").recipient.public == fresh


def test_rollback_is_refused(world):
    shutil.copytree(world.folder, world.base / "old")
    client = world.client("memory")
    world.fill(4, 5)
    client.refresh()
    shutil.rmtree(world.folder)
    shutil.copytree(world.base / "old", world.folder)
    with refused("rollback: shows 5 entries, and 9 were seen before"):
        client.refresh()


@pytest.mark.parametrize("more", [0, 1, 300])
def test_a_split_view_is_refused(world, more):
    other, client = fork(world, "other"), world.client("memory")
    world.fill(3, 5)
    client.refresh()
    other.witness = other.new_witness("w2")  # a witness that the log deceived, or that helps it
    both = trust.decode(trust.write([world.log_keys[1].text()], {"w2": other.witness.verifiers()}).encode())
    other.fill(3 + more, 500)
    client._policy, client.fetch = both, places.opened(str(other.folder))
    with refused(f"split view: its {8 + more} entries do not continue the 8"):
        client.refresh()
    assert client.names.frontier.size == 8  # what it knew stays


def test_a_witness_refuses_split_views_and_rollbacks(world):
    other = fork(world, "other")
    world.fill(3, 5)
    for more, told in [(3, "split view: .* two trees of 8"), (5, "split view: .* do not continue the 8")]:
        with refused(told):
            other.fill(more, 500 + more)
        shutil.rmtree(world.base / "other")
        shutil.rmtree(world.base / "other.private")
        shutil.copytree(world.folder, world.base / "other")
        shutil.copytree(log.private_folder(world.folder), world.base / "other.private")
        other = fork_at(world, 5)
    with refused("rollback: the witness saw 8 entries"), log.opened(other.folder) as opened:
        opened.publish([world.witness])
    with pytest.raises(witness.Rejected, match=r"rollback: .* from 8 entries to 5") as rejected:
        world.witness.add_checkpoint(8, [], signed(world, 5))
    assert rejected.value.status == 400


def fork_at(world: World, size: int) -> World:
    """The log as it was at ``size``."""
    folder = world.base / "other"
    for path in (folder / places.CHECKPOINT, log.private_folder(folder) / log.PENDING):
        path.write_bytes(signed(world, size))
    made = object.__new__(World)
    made.__dict__ |= world.__dict__ | {"folder": folder}
    return made


def signed(world: World, size: int) -> bytes:
    """The log's checkpoint at some size, as it would sign it now."""
    newest = checkpoint.decode(note.decode((world.folder / places.CHECKPOINT).read_bytes()).body)
    reader = tiles.TileReader(places.opened(str(world.folder)), newest.size)
    body = checkpoint.Checkpoint(ORIGIN, size, reader.root(size)).encode()
    return note.Note(body, tuple(each.sign(body, 0) for each in world.signers)).encode()


def test_a_witness_answers_as_the_standard_says(world):
    reader = tiles.TileReader(places.opened(str(world.folder)), 5)
    now = signed(world, 5)
    cases = [
        (404, 5, [], now.replace(b"example.com/keys\n", b"example.com/else\n", 1)),
        (403, 5, [], now.replace("—".encode(), "— x AAAAAAAA\n—".encode(), 1).partition("— e".encode())[0]),
        (403, 5, [], now.replace(b"\n5\n", b"\n6\n")),
        (409, 4, merkle.consistency(reader.node, 4, 5), now),
        (409, 0, [], now),
        (422, 5, [bytes(32)], now),
    ]
    for status, old, path, note_ in cases:
        with pytest.raises(witness.Rejected) as rejected:
            world.witness.add_checkpoint(old, path, note_)
        assert rejected.value.status == status, (status, str(rejected.value))
    assert len(world.witness.add_checkpoint(5, [], now)) == 2  # the same tree again: a fresh time
    fresh = world.new_witness("fresh")
    assert len(fresh.add_checkpoint(0, [], now)) == 2
    assert witness.Witness(world.base / "fresh").size(ORIGIN) == 5


def test_requests_to_a_witness_are_the_standards():
    hash_ = "PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw="
    body = f"old 20852014\n{hash_}\n\nexample.com/behind-the-sofa\n…".encode()
    old, path, rest = witness.decode_request(body)
    assert witness.encode_request(old, path, rest) == body
    assert (old, len(path)) == (20852014, 1)
    for bad in (b"", b"old 05\n\nx", b"old 5\n!\n\nx", b"size 5\n\nx", b"old 5\n" + b"AAAA\n" * 64 + b"\nx"):
        with pytest.raises(witness.Rejected):
            witness.decode_request(bad)


def test_a_stale_witness_is_refused(world, monkeypatch):
    world.client(max_age=60).refresh()
    now = time.time()
    monkeypatch.setattr(trust.clock, "time", lambda: now + 8 * trust.DAY)
    with refused("stale witness: last cosigned 8.0 days ago, at most 7 wanted"):
        world.client().refresh()
    assert world.client(max_age=None).refresh().head.size == 5
    world.fill(0)  # the witness looks again
    world.client().refresh()
    monkeypatch.setattr(trust.clock, "time", lambda: now - trust.DAY)
    with refused("in the future"):
        world.client().refresh()


def test_a_checkpoint_without_its_witness_or_its_log_is_refused(world):
    with log.opened(world.folder) as opened:
        opened.publish()
    with refused("not witnessed: wants witnesses, cosigned by none"):
        world.client().refresh()
    world.fill(0)
    (world.base / "elsewhere").mkdir()
    stranger = World(world.base / "elsewhere")
    with refused("signed by no log that is trusted"):
        world.policy.check((stranger.folder / places.CHECKPOINT).read_bytes(), "log")
    data = (world.folder / places.CHECKPOINT).read_bytes()
    with refused("forged or damaged checkpoint"):
        world.policy.check(data.replace(b"\n5\n", b"\n6\n"), "log")


def test_forged_entries_are_refused(world):
    bundle = world.folder / tiles.path(tiles.ENTRIES, 0, 5)
    bundle.write_bytes(tiles.encode_bundle([filler(each + (each == 3)) for each in range(5)]))
    with refused("forged: its entries do not make its checkpoint's root"):
        world.client().refresh()


def test_entries_of_a_kind_that_is_not_known_are_refused(world, monkeypatch):
    monkeypatch.setattr(log.Log, "_check", lambda *_: None)
    monkeypatch.setattr(log.names.Names, "add", lambda index, data, source="": index.frontier.size)
    with log.opened(world.folder) as opened:
        opened.append([b"\x09\x01a"])
        opened.publish([world.witness])
    monkeypatch.undo()
    with refused("entry 5 cannot be read"):
        world.client().refresh()


def test_an_entry_that_the_owner_did_not_sign_is_refused_by_clients(world, monkeypatch):
    alice, mallory = Person("alice"), Person("alice")
    at = world.say(alice.key())
    monkeypatch.setattr(log.Log, "_check", lambda *_: None)  # a log that breaks its own rules
    at = world.say(alice.change(Kind.ROTATE, mallory.public, at, owner=mallory.owner))
    with refused(f"entry {at} about alice is not signed by the name's owner"):
        world.client().find("alice")


def test_a_key_that_the_server_swapped_is_refused(world):
    alice, mallory = Person("alice"), Person("mallory")
    world.say(alice.key())
    path = world.folder / places.blob_path(entries.digest(alice.public))
    path.write_bytes(mallory.public)
    with refused("the key of alice: forged"):
        world.client().find("alice")
    path.unlink()
    with refused("the key of alice: the ledger lost it"):
        world.client().find("alice")


def test_bytes_that_are_no_key_are_refused(world):
    alice = Person("alice")
    at = world.say(alice.key())
    world.say(alice.change(Kind.ROTATE, b"no key", at))
    with refused("the key of alice: not a usable public key"):
        world.client().find("alice")


def altered(text: bytes) -> list[tuple[str, bytes]]:
    """A proof, spoiled in every part."""
    given = proof.decode(text)
    other = proof.Proof(filler(999), given.index, given.path, given.signed)
    moved = proof.Proof(given.entry, given.index - 1, given.path, given.signed)
    bent = proof.Proof(given.entry, given.index, (bytes(32), *given.path[1:]), given.signed)
    short = proof.Proof(given.entry, given.index, given.path[:-1], given.signed)
    forged = "forged proof: entry"
    return [
        (forged, other.encode()),
        (forged, moved.encode()),
        (forged, bent.encode()),
        (forged, short.encode()),
        ("forged or damaged checkpoint", text.replace(b"\n6\n", b"\n7\n")),
        ("forged proof", text[:40]),
        ("forged proof", text.replace(b"tlog-proof@v1", b"tlog-proof@v2")),
    ]


def test_a_forged_proof_is_refused(world):
    world.say(Person("alice").key())
    text = world.client().find("alice").recipient.proof
    for told, bad in altered(text):
        with refused(told):
            proof.check(bad, world.policy, "proof")
    assert proof.decode(text).encode() == text
    assert text.startswith(b"c2sp.org/tlog-proof@v1\nextra ")


def test_the_folder_of_a_client_is_read_over_http_too(world):
    import functools
    import http.server
    import threading

    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(world.folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    alice = Person("alice")
    world.say(alice.key())
    try:
        url = f"http://127.0.0.1:{server.server_port}"
        client = world.client()
        client.fetch = places.opened(url)
        assert client.find("alice").recipient.public == alice.public
        assert places.opened(url)("tile/0/999") is None
    finally:
        server.shutdown()
        server.server_close()
    with refused("cannot be reached"):
        places.opened(url)(places.CHECKPOINT)
    assert not places.is_url(str(Path("http:")))


def test_clients_that_share_a_memory_see_no_rollback_where_there_is_none(world):
    first, second = world.client("memory"), world.client("memory")
    first.refresh()
    fetch = first.fetch

    def slow(path: str) -> bytes | None:
        data = fetch(path)
        if path == places.CHECKPOINT:
            world.fill(1, 5)  # published between the first client's look and the second's
        return data

    first.fetch = slow
    assert first.refresh().head.size == 5
    assert second.refresh().head.size == 6
    first.fetch = fetch
    assert first.refresh().head.size == 6
