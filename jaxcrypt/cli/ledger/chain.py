"""Subcommands that meet a chain: anchor, and the part of verify that compares with one."""

from __future__ import annotations

import binascii
from argparse import Namespace
from typing import Any

from jaxcrypt.cli.ledgerflags import open_client
from jaxcrypt.crypto import textfile
from jaxcrypt.crypto.ledger import tiles, trust
from jaxcrypt.errors import ExitCode, Refusal, usage

_KEY_FILE_BYTES = 4096


def anchor(args: Namespace) -> int:
    """Put the root of a ledger's newest checkpoint on a chain."""
    from jaxcrypt.crypto.ledger.anchor import Chain

    node = _node(args, args.deploy)
    secret = _secret(args.account_key) if args.account_key else None
    client = open_client(args.place, args.policy, args.age)
    try:
        seen = client.refresh()
    finally:
        client.close()
    if args.deploy:
        chain = Chain.deploy(node, seen.head.origin, secret)
        print(f"contract {chain.address}: made for {seen.head.origin}")
    else:
        chain = Chain(node, args.contract, secret)
    chain.add(seen.head, tiles.TileReader(client.fetch, seen.head.size, args.place))
    print(f"{args.place}: root of {seen.head.size} entries anchored in {chain.address}")
    return ExitCode.OK


def verify(args: Namespace) -> int:
    """Compare a ledger's witnessed checkpoint and its tree with what a chain has."""
    from jaxcrypt.crypto.ledger.anchor import Chain

    node = _node(args, False)
    client = open_client(args.place, args.policy, args.age, remember=False)
    try:
        seen = client.refresh()
    finally:
        client.close()
    reader = tiles.TileReader(client.fetch, seen.head.size, args.place)
    anchored = Chain(node, args.contract).check(seen, reader)
    newest = anchored[-1]
    told = f"{len(anchored)} roots, the newest of {newest.size} entries, {trust.day(newest.time)}"
    print(f"{args.place}: the chain agrees: {told}")
    return ExitCode.OK


def _node(args: Namespace, deploys: bool) -> Any:
    from jaxcrypt.crypto.ledger.anchor import connect

    if not args.rpc or bool(args.contract) == deploys:
        raise usage("give --rpc URL and --contract ADDRESS; anchor --deploy makes a contract")
    return connect(args.rpc)


def _secret(path: str) -> bytes:
    try:
        data = textfile.read_bounded(path, _KEY_FILE_BYTES).decode("ascii").strip().removeprefix("0x")
        secret = binascii.unhexlify(data)
    except (UnicodeDecodeError, binascii.Error):
        secret = b""
    if len(secret) != 32:
        raise Refusal(f"{path}: not a private key (64 hexadecimal digits)")
    return secret
