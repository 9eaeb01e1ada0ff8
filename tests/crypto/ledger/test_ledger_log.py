"""The log's side: what it takes, what crashes leave, who waits for whom."""

import os
import shutil
from pathlib import Path

import pytest

from jaxcrypt.crypto.ledger import checkpoint, entries, log, note, places, tiles
from jaxcrypt.crypto.ledger.entries import Entry, Kind
from jaxcrypt.crypto.ledger.lock import held
from jaxcrypt.errors import ExitCode, Refusal
from tests.crypto.ledger.world import ORIGIN, Person, World, filler


def published(folder: Path) -> checkpoint.Checkpoint:
    return checkpoint.decode(note.decode((folder / places.CHECKPOINT).read_bytes()).body)


def test_entries_are_read_back_and_nothing_else_is():
    person = Person("alice.b-c_d@home")
    made = [
        person.key()[0],
        person.change(Kind.ROTATE, b"key", 7)[0],
        person.change(Kind.REVOKE, b"key", 8)[0],
    ]
    made.append(Entry(Kind.WEIGHTS, "stego.safetensors", bytes(32)))
    for entry in made:
        data = entry.encode()
        assert entries.decode(data) == entry
        for wrong in (
            data[:-1],
            data + b"\0",
            b"\5" + data[1:],
            b"\0" + data[1:],
            data.replace(b"a", b"A", 1),
        ):
            with pytest.raises(entries.Malformed):
                entries.decode(wrong)


def test_a_signed_change_says_in_which_log_and_after_what():
    entry = Person("alice").change(Kind.ROTATE, b"key", 7)[0]
    assert entry.signed("a") != entry.signed("b")
    assert entry.signed("a") != Person("alice").change(Kind.ROTATE, b"key", 8)[0].signed("a")


@pytest.mark.parametrize("name", ["", "Alice", "a" * 65, "../a", "a/b", "-a", "ä", "a b"])
def test_names_that_nobody_has_are_refused(name):
    with pytest.raises(Refusal):
        entries.check_name(name)


def test_a_log_grows_over_several_openings(tmp_path):
    world = World(tmp_path)
    for start, count in [(0, 1), (1, 300), (301, 5), (306, 700)]:
        world.fill(count, start)
        assert published(world.folder).size == start + count
    reader = tiles.TileReader(places.opened(str(world.folder)), 1006)
    assert reader.root() == published(world.folder).root
    assert [reader.entry(at) for at in (0, 255, 256, 1005)] == [filler(at) for at in (0, 255, 256, 1005)]


def test_keys_are_private_and_nothing_private_is_served(tmp_path):
    world = World(tmp_path)
    world.say(Person("alice").key())
    assert not [path for path in world.folder.rglob("*") if b"PRIVATE" in path.name.encode()]
    served = b"".join(path.read_bytes() for path in world.folder.rglob("*") if path.is_file())
    assert b"PRIVATE" not in served
    assert all(each.seed not in served for each in world.signers)
    if os.name != "nt":
        assert (log.private_folder(world.folder) / log.KEY_FILE).stat().st_mode & 0o077 == 0


def test_the_owner_alone_rotates_and_revokes(tmp_path):
    world, alice, mallory = World(tmp_path), Person("alice"), Person("alice")
    world.say(alice.key())
    fresh = Person("alice").public
    for told, why in [
        (mallory.key(), "taken"),
        (alice.change(Kind.ROTATE, fresh, 0, owner=mallory.owner), "not signed by the name's owner"),
        (alice.change(Kind.ROTATE, fresh, 0, origin="example.com/other"), "not signed by the name's owner"),
        (alice.change(Kind.ROTATE, fresh, 5), "does not follow entry 0"),
        (alice.change(Kind.REVOKE, fresh, 0), "does not have"),
        (Person("bob").change(Kind.REVOKE, fresh, 0), "before that name has a key"),
    ]:
        with pytest.raises(Refusal, match=why):
            world.say(told)
    assert published(world.folder).size == 1
    world.say(alice.change(Kind.ROTATE, fresh, 0))
    with pytest.raises(Refusal, match="does not follow"):  # the same again: a replay
        world.say(alice.change(Kind.ROTATE, fresh, 0))
    world.say(alice.change(Kind.REVOKE, fresh, 1))
    with pytest.raises(Refusal, match="does not have"):
        world.say(alice.change(Kind.REVOKE, fresh, 2))
    with log.opened(world.folder) as opened:
        assert opened.state("alice").revoked == 2


def test_one_bad_entry_keeps_its_batch_out(tmp_path):
    world = World(tmp_path)
    world.fill(3)
    with log.opened(world.folder) as opened:
        for bad in (b"", b"\x09abc", filler(1), filler(77)):
            with pytest.raises(Refusal):
                opened.append([filler(77), filler(78), bad])
            assert opened.head.size == 3
        assert opened.append([filler(77)]) == 3


def test_a_witness_that_is_away_delays_clients_only(tmp_path):
    class Away:
        def size(self, origin):
            return 0

        def add_checkpoint(self, old, proof, signed):
            raise Refusal("cannot be asked", ExitCode.FAILED)

    world = World(tmp_path)
    world.fill(2)
    with log.opened(world.folder) as opened:
        opened.append([filler(2)])
        with pytest.raises(Refusal, match="cannot be asked"):
            opened.publish([Away()])
    assert published(world.folder).size == 2
    with log.opened(world.folder) as opened:
        assert opened.head.size == 3
        opened.publish([world.witness])
    world.client().refresh()
    assert published(world.folder).size == 3


def test_the_index_of_names_is_made_anew_where_it_does_not_fit(tmp_path):
    world, alice = World(tmp_path), Person("alice")
    world.say(alice.key())
    private = log.private_folder(world.folder)
    ahead = (private / log.NAMES).read_bytes()
    shutil.copytree(world.folder, tmp_path / "copy")
    shutil.copytree(private, tmp_path / "copy.private")
    world.fill(300)
    for spoil in (lambda path: path.unlink(), lambda path: path.write_bytes(ahead)):
        spoil(private / log.NAMES)
        with log.opened(world.folder) as opened:
            assert opened.state("alice").at == 0
            assert opened.names.frontier.size == 301
    # An index that is ahead of its log, as a crash between the two leaves it.
    shutil.copy(private / log.NAMES, tmp_path / "copy.private" / log.NAMES)
    with log.opened(tmp_path / "copy") as opened:
        assert opened.names.frontier.size == 1
        assert not opened.names.knows("name5")


def test_damaged_tiles_are_noticed_on_opening(tmp_path):
    world = World(tmp_path)
    world.fill(5)
    tile = world.folder / tiles.path(0, 0, 5)
    tile.write_bytes(tile.read_bytes()[:-1] + b"\0")
    with pytest.raises(Refusal, match="damaged"), log.opened(world.folder):
        pass


def test_a_log_is_never_made_over_something(tmp_path):
    world = World(tmp_path)
    with pytest.raises(Refusal, match="is there already"):
        log.create(world.folder, ORIGIN)
    with pytest.raises(Refusal, match="no ledger that can be written"), log.opened(tmp_path / "none"):
        pass


def test_two_writers_wait_for_each_other(tmp_path):
    with (
        held(tmp_path / "lock"),
        pytest.raises(Refusal, match="another process"),
        held(tmp_path / "lock", 0.1),
    ):
        pass
    with held(tmp_path / "lock", 0.1):
        pass
