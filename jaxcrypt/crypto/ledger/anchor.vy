# pragma version 0.4.3
# pragma evm-version shanghai
"""
@title Roots of a key ledger
@notice Keeps (size, root) of a Merkle tree (RFC 6962) as it grows. It takes a root only with the consistency proof
        (RFC 9162, section 2.1.4.2) from the one before, so not even its publisher can anchor another history.
"""

struct Anchor:
    size: uint64
    time: uint64
    root: bytes32

event Anchored:
    number: indexed(uint256)
    size: uint64
    root: bytes32

PUBLISHER: public(immutable(address))
ORIGIN: public(immutable(bytes32))  # SHA-256 of the ledger's origin
count: public(uint256)
anchors: public(HashMap[uint256, Anchor])


@deploy
def __init__(origin: bytes32):
    PUBLISHER = msg.sender
    ORIGIN = origin


@external
def anchor(size: uint64, root: bytes32, proof: DynArray[bytes32, 64]):
    assert msg.sender == PUBLISHER, "only the publisher anchors"
    if self.count > 0:
        last: Anchor = self.anchors[self.count - 1]
        assert size > last.size, "a ledger only grows"
        self._check(last.size, size, last.root, root, proof)
    else:
        assert size > 0, "an empty ledger has nothing to anchor"
    self.anchors[self.count] = Anchor(size=size, time=convert(block.timestamp, uint64), root=root)
    log Anchored(number=self.count, size=size, root=root)
    self.count += 1


@internal
@pure
def _check(old: uint64, new: uint64, old_root: bytes32, new_root: bytes32, proof: DynArray[bytes32, 64]):
    position: uint64 = old - 1
    end: uint64 = new - 1
    skipped: bool = False
    for _: uint256 in range(64):
        if position % 2 == 0:
            break
        position = position // 2
        end = end // 2
    made_old: bytes32 = old_root
    made_new: bytes32 = old_root
    if old & (old - 1) != 0:
        assert len(proof) > 0, "not consistent with the anchor before"
        made_old = proof[0]
        made_new = proof[0]
        skipped = True
    for sibling: bytes32 in proof:
        if skipped:
            skipped = False
            continue
        assert end != 0, "not consistent with the anchor before"
        if position % 2 == 1 or position == end:
            made_old = self._node(sibling, made_old)
            made_new = self._node(sibling, made_new)
            for _: uint256 in range(64):
                if position % 2 == 1 or position == 0:
                    break
                position = position // 2
                end = end // 2
        else:
            made_new = self._node(made_new, sibling)
        position = position // 2
        end = end // 2
    assert end == 0 and made_old == old_root and made_new == new_root, "not consistent with the anchor before"


@internal
@pure
def _node(left: bytes32, right: bytes32) -> bytes32:
    return sha256(concat(b"\x01", left, right))
