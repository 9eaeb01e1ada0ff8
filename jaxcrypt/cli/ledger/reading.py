"""Subcommands that read a ledger: show, prove, verify."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path

from jaxcrypt.cli.ledgerflags import open_client
from jaxcrypt.cli.output import write_whole
from jaxcrypt.crypto import recipients, textfile
from jaxcrypt.crypto.ledger import entries, names, proof, tiles, trust
from jaxcrypt.crypto.ledger.client import Client
from jaxcrypt.crypto.ledger.entries import Kind
from jaxcrypt.errors import ExitCode, unlogged, usage


def show(args: Namespace) -> int:
    """What a ledger says, of everything or of one name."""
    client = open_client(args.place, args.policy, None)
    try:
        seen = client.refresh()
        if args.name is None:
            _print(_summary(client, seen), args.json)
        else:
            _print(_history(client, args.name), args.json)
    finally:
        client.close()
    return ExitCode.OK


def prove(args: Namespace) -> int:
    """Write the proof that a name's key is logged, for whoever trusts the policy."""
    client = open_client(args.place, args.policy, args.age)
    try:
        lookup = client.find(args.name)
    finally:
        client.close()
    write_whole(Path(args.output), lambda file: file.write(lookup.recipient.proof), args.force)
    size = len(lookup.recipient.proof)
    print(f"{args.output}: {size} bytes; entry {lookup.state.at} gives {args.name} its key")
    return ExitCode.OK


def check_proof(args: Namespace) -> int:
    """Check a proof without the ledger: the place is the policy."""
    policy = trust.read(args.policy or args.place)
    data = textfile.read_bounded(args.proof, proof.MAX_BYTES)
    shown = proof.check(data, policy, args.proof)
    if args.key and entries.digest(recipients.read_recipient(args.key).public) != shown.entry.digest:
        raise unlogged(f"{args.proof}: is of another key than {args.key}")
    print(f"{args.proof}: {shown.words()}")
    return ExitCode.OK


def verify(args: Namespace, weights: Mapping[str, bytes] | None = None) -> int:
    """Check all of a ledger: signatures, every entry against the tree, tiles, owners' signatures.

    Args:
      weights: digests of files by name that the ledger must have; None: none are compared.
    """
    client = open_client(args.place, args.policy, args.age)
    client.refresh()  # continues what this machine saw before
    client.close()
    client = open_client(args.place, args.policy, args.age, remember=False)
    try:
        seen = client.refresh()
        if tiles.TileReader(client.fetch, seen.head.size, args.place).root() != seen.head.root:
            raise unlogged(f"{args.place}: its tiles do not make its checkpoint's root")
        people = client.names.all()
        states = [client.state(name) for name in people]
        for name, digest in (weights or {}).items():
            _check_weights(client, name, digest)
    finally:
        client.close()
    revoked = sum(state is not None and state.revoked is not None for state in states)
    told = [f"{seen.head.size} entries make its root", seen.words()]
    told += [f"{len(people)} names follow their owners' signatures, {revoked} of them revoked"]
    told += [f"{len(weights)} files of weights are as logged"] if weights else []
    print(f"{args.place}: whole: {'; '.join(told)}")
    return ExitCode.OK


def _check_weights(client: Client, name: str, digest: bytes) -> None:
    logged = [entry.digest for _, entry in client.names.history(name, weights=True)]
    if digest not in logged:
        what = "another file than was logged" if logged else "was never logged"
        raise unlogged(f"{name}: {what} in {client.place}")


def _summary(client: Client, seen: trust.Witnessed) -> dict:
    head = seen.head
    return {
        "ledger": head.origin,
        "entries": head.size,
        "root": head.root.hex(),
        "witnessed": seen.words(),
        "names": len(client.names.all()),
        "weights": len(client.names.all(weights=True)),
    }


def _history(client: Client, name: str) -> dict:
    told = client.names.history(name) + client.names.history(name, weights=True)
    if not told:
        raise usage(f"{name}: no such name in {client.place}")
    facts = {f"entry {at}": entry.words() for at, entry in told}
    if told[0][1].kind != Kind.WEIGHTS:
        state = client.state(name)
        facts["state"] = _words(state) if state else "none"
    return facts


def _words(state: names.State) -> str:
    if state.revoked is not None:
        return f"revoked by entry {state.revoked}"
    return f"has its key from entry {state.at}"


def _print(facts: dict, as_json: bool) -> None:
    if as_json:
        print(json.dumps(facts))
        return
    for name, fact in facts.items():
        print(f"{name:10} {fact}")
