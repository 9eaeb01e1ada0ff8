"""Tiles: a Merkle tree and its entries as static files (C2SP tlog-tiles).

A tile holds up to 256 hashes of one level: those of leaves at level 0, at each further level those of the
full tiles below. Files that are not full have their width in their names, so no file ever changes.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache

from jaxcrypt.crypto.cursor import Malformed
from jaxcrypt.crypto.ledger import merkle
from jaxcrypt.errors import Refusal, unlogged

WIDTH = 256
ENTRIES = "entries"
MAX_ENTRY = 65_535
_HEIGHT = 8  # 2 ** 8 == WIDTH
_KEPT = 4096  # tiles kept in memory: 32 MiB
Fetch = Callable[[str], bytes | None]


def path(level: int | str, index: int, width: int = WIDTH) -> str:
    """Where a tile is: ``tile/0/x001/x234/067``, with ``.p/W`` where it holds but W of 256."""
    groups = [f"{index % 1000:03}"]
    while index := index // 1000:
        groups.insert(0, f"x{index % 1000:03}")
    return f"tile/{level}/{'/'.join(groups)}" + ("" if width == WIDTH else f".p/{width}")


def width_at(level: int, index: int, size: int) -> int:
    """How many hashes tile ``index`` of a level has in a tree of ``size`` entries: 0 to 256."""
    return max(0, min(WIDTH, (size >> _HEIGHT * level) - index * WIDTH))


def encode_bundle(entries: Iterable[bytes]) -> bytes:
    """Entries one after another, each behind its length as u16.

    Raises:
      ValueError: an entry that is longer than 65,535 bytes.
    """
    entries = list(entries)
    if any(len(entry) > MAX_ENTRY for entry in entries):
        raise ValueError(f"an entry of a log has at most {MAX_ENTRY} bytes")
    return b"".join(struct.pack(">H", len(entry)) + entry for entry in entries)


def decode_bundle(data: bytes) -> list[bytes]:
    """The inverse of :func:`encode_bundle`.

    Raises:
      Malformed: cut short.
    """
    entries, at = [], 0
    while at < len(data):
        start = at + 2
        end = start + int.from_bytes(data[at:start], "big")
        if end > len(data):
            raise Malformed("a bundle of entries is cut short")
        entries.append(bytes(data[start:end]))
        at = end
    return entries


class TileReader:
    """A tree of ``size`` entries, read from tiles as they are asked for.

    Args:
      fetch: a file's bytes by its path, None where there is none.
      size: entries in the tree; no file beyond it is asked for.
      source: what messages call the log.
    """

    def __init__(self, fetch: Fetch, size: int, source: str = "ledger"):
        self._fetch, self.size, self._source = fetch, size, source
        self._kept = lru_cache(maxsize=_KEPT)(self._read_tile)

    def node(self, level: int, index: int) -> bytes:
        """The hash over the leaves from index · 2^level to (index + 1) · 2^level.

        Raises:
          Refusal: a tile is missing or has another length.
        """
        tier, below = divmod(level, _HEIGHT)
        number, first = divmod(index << below, WIDTH)
        return merkle.full_root(self.tile(tier, number)[first : first + (1 << below)])

    def root(self, size: int | None = None) -> bytes:
        """The root of the tree, or of its first ``size`` entries."""
        return merkle.root(self.node, self.size if size is None else size)

    def tile(self, tier: int, number: int) -> list[bytes]:
        """The hashes of a tile; those of tier 0 are leaf hashes."""
        return self._kept(tier, number)

    def bundle(self, number: int) -> list[bytes]:
        """The entries whose leaf hashes are in level 0's tile ``number``; they are not compared with it.

        Raises:
          Refusal: missing or malformed.
        """
        width = width_at(0, number, self.size)
        try:
            entries = decode_bundle(self._need(ENTRIES, number, width))
        except Malformed as reason:
            raise self._broken(path(ENTRIES, number, width), str(reason)) from None
        if len(entries) < width:
            raise self._broken(path(ENTRIES, number, width), f"has {len(entries)} entries, not {width}")
        return entries[:width]

    def entry(self, index: int) -> bytes:
        """One entry, compared with its leaf hash."""
        number, at = divmod(index, WIDTH)
        entry = self.bundle(number)[at]
        if merkle.leaf_hash(entry) != self.tile(0, number)[at]:
            raise self._broken(path(ENTRIES, number), f"entry {index} is another than the tree's")
        return entry

    def _read_tile(self, tier: int, number: int) -> list[bytes]:
        width = width_at(tier, number, self.size)
        data = self._need(tier, number, width)
        if len(data) % merkle.HASH_BYTES or len(data) < width * merkle.HASH_BYTES:
            raise self._broken(path(tier, number, width), "has another length than a tile")
        return split_hashes(data)[:width]

    def _need(self, level: int | str, number: int, width: int) -> bytes:
        """A tile's bytes; where the partial one was cleared away, the full one begins with them."""
        if not width:
            raise ValueError(f"tile {level}/{number} is outside a tree of {self.size}")
        data = self._fetch(path(level, number, width))
        if data is None and width < WIDTH:
            data = self._fetch(path(level, number))
        if data is None:
            raise self._broken(path(level, number, width), "is missing")
        return data

    def _broken(self, where: str, problem: str) -> Refusal:
        return unlogged(f"{self._source}: {where} {problem}")


def split_hashes(data: bytes) -> list[bytes]:
    """A tile's hashes."""
    return [data[at : at + merkle.HASH_BYTES] for at in range(0, len(data), merkle.HASH_BYTES)]


class TileWriter:
    """The right edge of a growing tree: takes entries, gives the files that they make.

    Args:
      reader: the tree so far.
    """

    def __init__(self, reader: TileReader):
        self.size = reader.size
        self._entries: list[bytes] = []
        self._rows: list[list[bytes]] = []
        if self.size % WIDTH:
            self._entries = reader.bundle(self.size // WIDTH)
        tier = 0
        while count := self.size >> _HEIGHT * tier:
            number, width = divmod(count, WIDTH)
            self._rows.append(reader.tile(tier, number) if width else [])
            tier += 1

    def append(self, entries: Sequence[bytes]) -> dict[str, bytes]:
        """Add entries; the new files by their paths, full ones and the partial ones at the edge."""
        files: dict[str, bytes] = {}
        changed = {0}
        for entry in entries:
            self._entries.append(entry)
            self.size += 1
            if len(self._entries) == WIDTH:
                files[path(ENTRIES, self.size // WIDTH - 1)] = encode_bundle(self._entries)
                self._entries = []
            self._push(merkle.leaf_hash(entry), files, changed)
        if self._entries:
            files[path(ENTRIES, self.size // WIDTH, len(self._entries))] = encode_bundle(self._entries)
        for tier in changed:
            if row := self._rows[tier]:
                number = (self.size >> _HEIGHT * tier) // WIDTH
                files[path(tier, number, len(row))] = b"".join(row)
        return files

    def root(self) -> bytes:
        """The tree's root."""
        made = None
        for row in self._rows:
            end = len(row)
            while end:
                block = end & -end  # the smallest full subtree is the rightmost
                left = merkle.full_root(row[end - block : end])
                made = left if made is None else merkle.node_hash(left, made)
                end -= block
        return merkle.EMPTY_ROOT if made is None else made

    def _push(self, made: bytes, files: dict[str, bytes], changed: set[int]) -> None:
        tier = 0
        while True:
            if tier == len(self._rows):
                self._rows.append([])
            row = self._rows[tier]
            row.append(made)
            changed.add(tier)
            if len(row) < WIDTH:
                return
            number = (self.size >> _HEIGHT * tier) // WIDTH - 1
            files[path(tier, number)] = b"".join(row)
            made = merkle.full_root(row)
            self._rows[tier] = []
            tier += 1
