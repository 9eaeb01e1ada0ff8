"""Roots of a ledger in an Ethereum contract: operator and witnesses together cannot rewrite what is anchored.

The contract is ``anchor.vy`` beside this module; ``anchor.json`` is what Vyper 0.4.3 compiles it to. It takes
a root only with the consistency proof from the one before. Any JSON-RPC endpoint does; what a chain is worth
depends on whose chain it is. Nothing post-quantum rests on it: its accounts sign with ECDSA.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jaxcrypt.crypto.ledger import checkpoint, entries, merkle, tiles, trust
from jaxcrypt.errors import ExitCode, Refusal, unlogged, usage

COMPILED = Path(__file__).with_suffix(".json")
SOURCE = Path(__file__).with_suffix(".vy")
_REVERTED = "execution reverted"
_WAIT = 300  # seconds for a transaction to be in a block


@dataclass(frozen=True)
class Anchor:
    """A root on the chain: of ``size`` entries, put there at ``time`` (seconds since 1970)."""

    size: int
    time: int
    root: bytes = field(repr=False)


def connect(url: str) -> Any:
    """A node behind a JSON-RPC URL.

    Raises:
      Refusal: web3 is missing, or nothing answers there.
    """
    from web3 import Web3

    with _explained(url):
        node = Web3(Web3.HTTPProvider(url))
        if not node.is_connected():
            raise Refusal(f"{url}: no Ethereum node answers there", ExitCode.FAILED)
    return node


class Chain:
    """A ledger's contract on a chain.

    Args:
      node: a ``web3.Web3``; address: the contract's.
      secret: the private key of the account that pays, 32 bytes; None: the node's first account.
    """

    def __init__(self, node: Any, address: str, secret: bytes | None = None):
        self._node, self._secret = node, secret
        with _explained(address):
            self.address = node.to_checksum_address(address)
            if not node.eth.get_code(self.address):
                raise usage(f"{address}: there is no contract")
            self._contract = node.eth.contract(address=self.address, abi=_compiled()["abi"])

    @classmethod
    def deploy(cls, node: Any, origin: str, secret: bytes | None = None) -> Chain:
        """Put a new contract for the ledger of that origin on the chain; its account alone may anchor."""
        made = _compiled()
        with _explained("contract"):
            contract = node.eth.contract(abi=made["abi"], bytecode=made["bytecode"])
            receipt = _send(node, contract.constructor(entries.digest(origin.encode())), secret)
        return cls(node, receipt["contractAddress"], secret)

    def anchors(self) -> list[Anchor]:
        """All roots, oldest first."""
        with _explained(self.address):
            calls = self._contract.functions
            told = [calls.anchors(number).call() for number in range(calls.count().call())]
        return [Anchor(size, time, bytes(root)) for size, time, root in told]

    def add(self, head: checkpoint.Checkpoint, reader: tiles.TileReader) -> None:
        """Anchor a checkpoint's root.

        Args:
          reader: the checkpoint's tree, for the proof that it continues what is anchored.

        Raises:
          Refusal: the contract is another ledger's, or does not take it.
        """
        anchored = self.anchors()
        old = anchored[-1].size if anchored else 0
        self._check_origin(head)
        if old >= head.size:
            raise usage(f"{self.address}: {old} entries are anchored already, and the ledger has {head.size}")
        path = merkle.consistency(reader.node, old, head.size)
        with _explained(self.address):
            _send(self._node, self._contract.functions.anchor(head.size, head.root, path), self._secret)

    def check(self, seen: trust.Witnessed, reader: tiles.TileReader) -> Sequence[Anchor]:
        """Compare a witnessed checkpoint, and the tree behind it, with every root on the chain.

        Raises:
          Refusal: (LEDGER) they disagree, or nothing is anchored; the message says where.
        """
        anchored, head = self.anchors(), seen.head
        self._check_origin(head)
        if not anchored:
            raise unlogged(f"{self.address}: nothing of {head.origin} is anchored there")
        if anchored[-1].size > head.size:
            what = f"shows {head.size} entries, and {anchored[-1].size} were anchored on {_day(anchored[-1])}"
            raise unlogged(f"{head.origin}: rollback: {what}")
        for each in anchored:
            if reader.root(each.size) != each.root:
                what = f"its first {each.size} entries have another root than was anchored on {_day(each)}"
                raise unlogged(f"{head.origin}: split view: {what}")
        return anchored

    def _check_origin(self, head: checkpoint.Checkpoint) -> None:
        with _explained(self.address):
            origin = bytes(self._contract.functions.ORIGIN().call())
        if origin != entries.digest(head.origin.encode()):
            raise unlogged(f"{self.address}: anchors another ledger than {head.origin}")


def _day(anchor: Anchor) -> str:
    return trust.day(anchor.time)


def _compiled() -> dict[str, Any]:
    return json.loads(COMPILED.read_bytes())


def _send(node: Any, call: Any, secret: bytes | None) -> Any:
    """Send a transaction and wait until it is in a block; its receipt."""
    if secret is None:
        sent = call.transact({"from": node.eth.accounts[0]})
    else:
        account = node.eth.account.from_key(secret)
        nonce = node.eth.get_transaction_count(account.address, "pending")
        transaction = call.build_transaction({"from": account.address, "nonce": nonce})
        sent = node.eth.send_raw_transaction(account.sign_transaction(transaction).raw_transaction)
    receipt = node.eth.wait_for_transaction_receipt(sent, timeout=_WAIT)
    if receipt["status"] != 1:
        raise Refusal(f"transaction {sent.hex()} failed", ExitCode.FAILED)
    return receipt


@contextmanager
def _explained(what: str) -> Iterator[None]:
    """What goes wrong with a node, in one line."""
    from web3.exceptions import Web3Exception

    try:
        yield
    except Refusal:
        raise
    except Exception as error:  # a revert comes as an exception of the provider's own
        lines = str(error).splitlines() or [type(error).__name__]
        _, reverted, reason = lines[0].partition(_REVERTED)
        if reverted:
            raise unlogged(f"{what}: the contract refuses: {reason.strip(' :')}") from None
        if not isinstance(error, Web3Exception | OSError | ValueError | IndexError):
            raise
        raise Refusal(f"{what}: {lines[0]}", ExitCode.FAILED) from None
