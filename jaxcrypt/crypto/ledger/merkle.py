"""The Merkle tree of RFC 6962, section 2.1 (RFC 9162 is the same): hashes, proofs, and checks of proofs.

    leaf hash = SHA-256(0x00 || entry)        node hash = SHA-256(0x01 || left || right)

A tree of n leaves is split at the largest power of two below n, so every subtree to the left is full. All
that is asked of a tree is therefore ``node(level, index)``: the hash over the leaves from index · 2^level to
(index + 1) · 2^level, which :mod:`~jaxcrypt.crypto.ledger.tiles` reads from tiles. Hashes are 32 bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence

from jaxcrypt.crypto.cursor import Malformed

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()
Node = Callable[[int, int], bytes]


def leaf_hash(entry: bytes) -> bytes:
    """The hash of a log entry."""
    return hashlib.sha256(b"\0" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of two subtrees side by side."""
    return hashlib.sha256(b"\1" + left + right).digest()


def full_root(hashes: Sequence[bytes]) -> bytes:
    """The root over a power of two of subtrees of one size."""
    row = list(hashes)
    while len(row) > 1:
        row = [node_hash(row[at], row[at + 1]) for at in range(0, len(row), 2)]
    return row[0]


def root(node: Node, size: int) -> bytes:
    """The root of the tree of the first ``size`` leaves."""
    return _range(node, 0, size) if size else EMPTY_ROOT


def inclusion(node: Node, index: int, size: int) -> list[bytes]:
    """The proof that leaf ``index`` is in the tree of ``size`` leaves: PATH of RFC 6962, leaf's side first.

    Raises:
      ValueError: the tree has no such leaf.
    """
    if not 0 <= index < size:
        raise ValueError(f"leaf {index} is not in a tree of {size}")
    low, high, path = 0, size, []
    while high - low > 1:
        middle = low + _split(high - low)
        if index < middle:
            path.append(_range(node, middle, high))
            high = middle
        else:
            path.append(_range(node, low, middle))
            low = middle
    return path[::-1]


def consistency(node: Node, old: int, new: int) -> list[bytes]:
    """The proof that the tree of ``old`` leaves is the beginning of that of ``new``: PROOF of RFC 6962.

    Empty where ``old`` is 0 or ``new``.

    Raises:
      ValueError: ``old`` is the larger.
    """
    if not 0 <= old <= new:
        raise ValueError(f"a tree of {old} is not the beginning of one of {new}")
    if old in (0, new):
        return []
    low, high, path = 0, new, []
    while high != old:
        middle = low + _split(high - low)
        if old <= middle:
            path.append(_range(node, middle, high))
            high = middle
        else:
            path.append(_range(node, low, middle))
            low = middle
    if low:
        path.append(_range(node, low, high))
    return path[::-1]


def check_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> None:
    """Check a proof of :func:`inclusion` (RFC 9162, section 2.1.3.2).

    Raises:
      Malformed: it does not lead from ``leaf`` to ``root``.
    """
    if not 0 <= index < size:
        raise Malformed("the leaf is outside the tree")
    position, last, made = index, size - 1, leaf
    for sibling in path:
        if not last:
            raise Malformed("the proof is too long")
        if position & 1 or position == last:
            made = node_hash(sibling, made)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            made = node_hash(made, sibling)
        position, last = position >> 1, last >> 1
    if last:
        raise Malformed("the proof is too short")
    if made != root:
        raise Malformed("the proof leads to another root")


def check_consistency(old: int, new: int, path: Sequence[bytes], old_root: bytes, new_root: bytes) -> None:
    """Check a proof of :func:`consistency` (RFC 9162, section 2.1.4.2).

    Raises:
      Malformed: the old tree is not the beginning of the new one, or the proof does not show it.
    """
    if not 0 <= old <= new:
        raise Malformed("the old tree is the larger")
    if old in (0, new):
        if path or old_root != (EMPTY_ROOT if not old else new_root):
            raise Malformed("trees of one size have different roots" if old else "the proof is too long")
        return
    hashes = list(path) if old & (old - 1) else [old_root, *path]
    if not hashes:
        raise Malformed("the proof is too short")
    position, last = old - 1, new - 1
    while position & 1:
        position, last = position >> 1, last >> 1
    made_old = made_new = hashes[0]
    for sibling in hashes[1:]:
        if not last:
            raise Malformed("the proof is too long")
        if position & 1 or position == last:
            made_old, made_new = node_hash(sibling, made_old), node_hash(sibling, made_new)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            made_new = node_hash(made_new, sibling)
        position, last = position >> 1, last >> 1
    if last:
        raise Malformed("the proof is too short")
    if made_old != old_root or made_new != new_root:
        raise Malformed("the proof leads to other roots")


class Frontier:
    """The roots of the full subtrees that a growing tree consists of, largest first; appending needs no more.

    Args:
      size: leaves so far, and ``hashes`` the subtrees' roots, one for each bit of ``size``.
    """

    def __init__(self, size: int = 0, hashes: Iterable[bytes] = ()):
        self.size, self.hashes = size, list(hashes)
        if len(self.hashes) != size.bit_count() or any(len(each) != HASH_BYTES for each in self.hashes):
            raise ValueError("a frontier has one hash for each bit of its size")

    def append(self, leaf: bytes) -> None:
        """Add a leaf by its hash."""
        size, made = self.size, leaf
        while size & 1:
            made = node_hash(self.hashes.pop(), made)
            size >>= 1
        self.hashes.append(made)
        self.size += 1

    def root(self) -> bytes:
        """The root of the tree so far."""
        if not self.hashes:
            return EMPTY_ROOT
        made = self.hashes[-1]
        for left in reversed(self.hashes[:-1]):
            made = node_hash(left, made)
        return made


def _split(count: int) -> int:
    """The largest power of two below ``count``, which is at least 2."""
    return 1 << (count - 1).bit_length() - 1


def _range(node: Node, low: int, high: int) -> bytes:
    """The root over the leaves from ``low`` to ``high``, a subtree of RFC 6962's."""
    count = high - low
    if not count & (count - 1):
        level = count.bit_length() - 1
        return node(level, low >> level)
    middle = low + _split(count)
    return node_hash(_range(node, low, middle), _range(node, middle, high))
