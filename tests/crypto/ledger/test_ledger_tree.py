"""The Merkle tree against published vectors, the RFC's own definition, and an independent package."""

import hashlib

import pytest

from jaxcrypt.crypto.cursor import Malformed
from jaxcrypt.crypto.ledger import merkle, tiles
from jaxcrypt.errors import Refusal

# The Certificate Transparency reference test data (transparency-dev/merkle, testonly/constants.go).
LEAVES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
LEAVES = [bytes.fromhex(leaf) for leaf in LEAVES]
ROOTS = """
6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d
fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125
aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77
d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7
4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4
76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef
ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c
5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328
"""
ROOTS = ROOTS.split()
# (leaf counted from 0, size, proof)
INCLUSION = [
    (0, 1, ""),
    (
        0,
        8,
        """96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7
        5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e
        6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4""",
    ),
    (
        5,
        8,
        """bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b
        ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0
        d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7""",
    ),
    (2, 3, "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"),
    (
        1,
        5,
        """6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d
        5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e
        bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b""",
    ),
]
CONSISTENCY = [
    (1, 1, ""),
    (
        1,
        8,
        """96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7
        5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e
        6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4""",
    ),
    (
        6,
        8,
        """0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a
        ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0
        d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7""",
    ),
    (
        2,
        5,
        """5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e
        bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b""",
    ),
]


def tree(entries: list[bytes]) -> tuple[tiles.TileReader, dict[str, bytes]]:
    """A tree in memory, appended to in batches of several sizes."""
    files: dict[str, bytes] = {}
    writer = tiles.TileWriter(tiles.TileReader(files.get, 0))
    at = 0
    for step in (1, 2, 250, 7, 300, 10**9):
        files |= writer.append(entries[at : at + step])
        at += step
    reader = tiles.TileReader(files.get, len(entries))
    assert writer.root() == reader.root()
    return reader, files


def hashes(text: str) -> list[bytes]:
    return [bytes.fromhex(each) for each in text.split()]


def definition(entries: list[bytes]) -> bytes:
    """MTH as RFC 6962, section 2.1, writes it."""
    if not entries:
        return hashlib.sha256().digest()
    if len(entries) == 1:
        return hashlib.sha256(b"\0" + entries[0]).digest()
    k = 1
    while 2 * k < len(entries):
        k *= 2
    return hashlib.sha256(b"\1" + definition(entries[:k]) + definition(entries[k:])).digest()


@pytest.mark.parametrize("size", range(1, 9))
def test_roots_are_those_of_certificate_transparency(size):
    assert tree(LEAVES[:size])[0].root().hex() == ROOTS[size - 1]
    assert tree(LEAVES)[0].root(size).hex() == ROOTS[size - 1]
    frontier = merkle.Frontier()
    for leaf in LEAVES[:size]:
        frontier.append(merkle.leaf_hash(leaf))
    assert frontier.root().hex() == ROOTS[size - 1]


@pytest.mark.parametrize(("index", "size", "path"), INCLUSION)
def test_inclusion_proofs_are_those_of_certificate_transparency(index, size, path):
    reader, _ = tree(LEAVES)
    assert merkle.inclusion(reader.node, index, size) == hashes(path)
    root = bytes.fromhex(ROOTS[size - 1])
    merkle.check_inclusion(merkle.leaf_hash(LEAVES[index]), index, size, hashes(path), root)


@pytest.mark.parametrize(("old", "new", "path"), CONSISTENCY)
def test_consistency_proofs_are_those_of_certificate_transparency(old, new, path):
    reader, _ = tree(LEAVES)
    assert merkle.consistency(reader.node, old, new) == hashes(path)
    roots = bytes.fromhex(ROOTS[old - 1]), bytes.fromhex(ROOTS[new - 1])
    merkle.check_consistency(old, new, hashes(path), *roots)


@pytest.mark.parametrize(("index", "size", "path"), INCLUSION[1:])
def test_altered_inclusion_proofs_are_refused(index, size, path):
    path, leaf, root = hashes(path), merkle.leaf_hash(LEAVES[index]), bytes.fromhex(ROOTS[size - 1])
    wrong = [(leaf, index + 1, size, path, root), (leaf, index - 1, size, path, root)]
    wrong += [(leaf, index ^ 2, size, path, root), (leaf, index, size * 2, path, root)]
    wrong += [(leaf, index, size // 2, path, root), (root, index, size, path, root)]
    wrong += [(leaf, index, size, path, leaf), (leaf, index, size, path[:-1], root)]
    wrong += [(leaf, index, size, [*path, root], root), (leaf, index, size, [root, *path], root)]
    wrong += [(leaf, index, size, [*path[:at], leaf, *path[at + 1 :]], root) for at in range(len(path))]
    for case in wrong:
        with pytest.raises(Malformed):
            merkle.check_inclusion(*case)


@pytest.mark.parametrize(("old", "new", "path"), CONSISTENCY[1:])
def test_altered_consistency_proofs_are_refused(old, new, path):
    path, first, second = hashes(path), bytes.fromhex(ROOTS[old - 1]), bytes.fromhex(ROOTS[new - 1])
    wrong = [(old + 1, new, path, first, second), (old, new * 2, path, first, second)]
    wrong += [(old, new, path, second, first), (old, new, path, first, first), (old, new, [], first, second)]
    wrong += [(old, new, path, second, second), (old, new, path[:-1], first, second)]
    wrong += [(old, new, [*path, first], first, second), (old, new, [path[0], *path], first, second)]
    wrong += [(old, new, [*path[:at], first, *path[at + 1 :]], first, second) for at in range(1, len(path))]
    wrong += [(new, old, path, first, second), (old, old, [], first, second), (0, 1, path, first, second)]
    for case in wrong:
        with pytest.raises(Malformed):
            merkle.check_consistency(*case)


def test_proofs_are_those_of_pymerkle():
    pymerkle = pytest.importorskip("pymerkle", reason="pip install pymerkle: an independent RFC 9162")
    other = pymerkle.InmemoryTree(algorithm="sha256")
    entries = [b"entry %d" % number for number in range(70)]
    for entry in entries:
        other.append_entry(entry)
    reader, _ = tree(entries)
    for size in (1, 2, 3, 6, 7, 8, 33, 64, 69, 70):
        assert reader.root(size) == other.get_root(size)
        for index in range(0, size, 3):
            path = other.prove_inclusion(index + 1, size).serialize()["path"]
            assert [each.hex() for each in merkle.inclusion(reader.node, index, size)] == path[1:]


def test_trees_larger_than_a_tile_follow_the_definition():
    entries = [b"%d" % number for number in range(1300)]
    reader, _ = tree(entries)
    for size in (255, 256, 257, 511, 512, 513, 1024, 1299, 1300):
        root = definition(entries[:size])
        assert reader.root(size) == root
        for index in (0, 200, 254, size - 1):
            path = merkle.inclusion(reader.node, index, size)
            merkle.check_inclusion(merkle.leaf_hash(entries[index]), index, size, path, root)
        for old in (1, 100, 254, 255):
            path = merkle.consistency(reader.node, old, size)
            merkle.check_consistency(old, size, path, definition(entries[:old]), root)


def test_tiles_of_the_example_in_the_standard():
    # C2SP tlog-tiles: a tree of 70,000; and what index 1234067 is called.
    widths = {level: [tiles.width_at(level, number, 70_000) for number in range(300)] for level in range(4)}
    assert widths[0] == [256] * 273 + [112] + [0] * 26
    assert widths[1][:3] == [256, 17, 0]
    assert widths[2][:2] == [1, 0]
    assert not any(widths[3])
    assert tiles.width_at(0, 0, 256) == 256
    assert tiles.width_at(1, 0, 256) == 1
    assert tiles.path(0, 1234067) == "tile/0/x001/x234/067"
    assert tiles.path("entries", 0, 3) == "tile/entries/000.p/3"
    assert tiles.path(63, 1000, 255) == "tile/63/x001/000.p/255"


def test_files_are_those_that_the_standard_names():
    _, files = tree([b""] * 513)
    full = {path for path in files if ".p/" not in path}
    assert full == {"tile/0/000", "tile/0/001", "tile/entries/000", "tile/entries/001"}
    assert {"tile/0/002.p/1", "tile/1/000.p/2", "tile/entries/002.p/1"} <= files.keys()
    assert len(files["tile/0/000"]) == 8192
    assert files["tile/entries/002.p/1"] == b"\0\0"


def test_a_partial_tile_that_was_cleared_away_is_read_from_the_full_one():
    entries = [b"%d" % number for number in range(300)]
    _, files = tree(entries)
    kept = {path: data for path, data in files.items() if not path.startswith("tile/0/000.p/")}
    assert tiles.TileReader(kept.get, 200).root() == definition(entries[:200])


def test_what_a_server_garbles_is_refused():
    _, files = tree([b"%d" % number for number in range(300)])
    for path, data, told in [
        ("tile/0/000", files["tile/0/000"][:-1], "another length"),
        ("tile/0/000", None, "missing"),
    ]:
        with pytest.raises(Refusal, match=told):
            tiles.TileReader({**files, path: data}.get, 300).tile(0, 0)
    bundle = files["tile/entries/000"]
    for data, told in [
        (bundle[:-1], "cut short"),
        (b"", "0 entries"),
        (bundle.replace(b"7", b"8", 1), "another"),
    ]:
        with pytest.raises(Refusal, match=told):
            tiles.TileReader({**files, "tile/entries/000": data}.get, 300).entry(7)


def test_an_entry_that_no_bundle_can_hold_is_refused():
    longest = bytes(65_535)
    assert tiles.decode_bundle(tiles.encode_bundle([longest, b""])) == [longest, b""]
    with pytest.raises(ValueError, match="at most 65535 bytes"):
        tiles.encode_bundle([bytes(65_536)])
