"""``jaxcrypt ledger``: a public log of recipients' keys, which anybody can check."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jaxcrypt.cli.command import EXIT_CODES, Parser, entry
from jaxcrypt.errors import usage

_DESCRIPTION = """A public, append-only log of recipients' keys and of released weights.

  jaxcrypt ledger init keys --origin example.com/keys     keys/ is for serving
  jaxcrypt keygen --recipient me --publish keys --name alice
  jaxcrypt encrypt photo.jpg --recipient alice --ledger keys
  jaxcrypt ledger rotate keys alice --to new.pub --owner me.owner
  jaxcrypt ledger revoke keys alice --owner me.owner
  jaxcrypt ledger verify keys --rpc URL --contract ADDRESS

PLACE is a ledger's folder with its policy beside it, or a policy whose log line says
where it is served. docs/LEDGER.md says what a ledger proves, to whom, and what not.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    return entry(_main, argv, tells_json=True)


def _parser() -> Parser:
    parser = Parser(prog="jaxcrypt ledger", description=_DESCRIPTION, epilog=EXIT_CODES)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=Parser)
    _add_writing(commands)
    _add_reading(commands)
    _add_watching(commands)
    return parser


def _add_writing(commands: Any) -> None:
    add = _command(commands, "init", "folder", "make a ledger")
    add("--origin", metavar="NAME", required=True, help="its name, such as the URL without https://")
    add("--url", metavar="URL", help="where it will be served; the policy says so")
    add("--witness", metavar="PLACE", action="append", default=[], help="a further witness: a URL or folder")
    add("--no-witness", action="store_true", help="none on this machine")
    add = _command(commands, "publish", "folder", "add keys or weights; with nothing, cosign anew")
    add("--name", metavar="NAME", help="whose key")
    add("--key", metavar="PUB", help="which: the public key that keygen --recipient made")
    add("--owner", metavar="KEY", help="who may rotate and revoke it: a signing key, private or public")
    add("--weights", action="store_true", help="the digests of all weights of the zoo that are new")
    add(
        "--request", metavar="FILE", action="append", default=[], help="what rotate or revoke --request wrote"
    )
    for name, does in (("rotate", "give a name another key"), ("revoke", "revoke a name's key")):
        add = _command(commands, name, "folder", does)
        add("name", metavar="NAME")
        add("--owner", metavar="KEY", required=True, help="the private signing key that owns the name")
        if name == "rotate":
            add("--to", dest="key", metavar="PUB", required=True, help="the new public key")
        add("--request", dest="out", metavar="FILE", help="write it for whoever runs the ledger")
        add("--policy", metavar="FILE", help="with --request: whom to trust (a folder's own: PLACE.policy)")
        add("--force", action="store_true", help="overwrite FILE")


def _add_reading(commands: Any) -> None:
    add = _command(commands, "show", "place", "what it says, of all or of one name")
    add("name", metavar="NAME", nargs="?")
    add("--json", action="store_true", help="as one JSON line")
    _trusting(add)
    add = _command(commands, "prove", "place", "write the proof that a name's key is logged")
    add("name", metavar="NAME")
    add("-o", "--output", metavar="FILE", required=True, help="the proof (C2SP tlog-proof)")
    add("--force", action="store_true", help="overwrite FILE")
    _trusting(add, 7.0)
    add = _command(commands, "verify", "place", "check all of it, or a proof; against a chain too")
    add("--proof", metavar="FILE", help="check this proof by the policy PLACE, without the ledger")
    add("--key", metavar="PUB", help="with --proof: that it is of this key")
    add("--weights", action="store_true", help="the zoo's weights here are as logged")
    _chain(add)
    _trusting(add, 7.0)
    add = _command(commands, "anchor", "place", "put its newest checkpoint's root on a chain")
    add("--deploy", action="store_true", help="make the contract first")
    add("--account-key", metavar="FILE", help="private key that pays, in hexadecimal (else the node's first)")
    _chain(add)
    _trusting(add, 7.0)


def _add_watching(commands: Any) -> None:
    add = _command(commands, "serve", "folder", "serve its files over HTTP")
    add("--listen", metavar="HOST:PORT", default="127.0.0.1:8080", help="where (%(default)s)")
    add = _command(commands, "witness", "folder", "keep a witness, which cosigns one history alone")
    add("--new", metavar="NAME", help="make it")
    add("--knows", metavar="POLICY", help="tell it of a policy's logs")
    add("--cosign", metavar="PLACE", help="look at a ledger and cosign it")
    add("--listen", metavar="HOST:PORT", help="answer logs (C2SP tlog-witness)")


def _command(commands: Any, name: str, place: str, does: str) -> Any:
    parser = commands.add_parser(name, help=does, description=f"{does[0].upper()}{does[1:]}.")
    parser.add_argument(place, metavar="FOLDER" if place == "folder" else "PLACE")
    return parser.add_argument


def _trusting(add: Any, days: float | None = None) -> None:
    add("--policy", metavar="FILE", help="whom to trust (a folder's own: PLACE.policy)")
    if days:
        add(
            "--age",
            metavar="DAYS",
            type=float,
            default=days,
            help="since witnesses looked, at most (%(default)g)",
        )


def _chain(add: Any) -> None:
    add("--rpc", metavar="URL", help="an Ethereum node's JSON-RPC")
    add("--contract", metavar="ADDRESS", help="the anchoring contract")


def _main(argv: Sequence[str] | None) -> int:
    args = _parser().parse_args(argv)
    from jaxcrypt.cli.ledger import chain, reading, watching, writing

    if args.command == "publish":
        return writing.publish(args, _zoo() if args.weights else [])
    if args.command == "verify":
        return _verify(args)
    runs = {"init": writing.init, "rotate": writing.change, "revoke": writing.change, "show": reading.show}
    runs |= {"prove": reading.prove, "serve": watching.serve, "witness": watching.witness_of}
    return runs.get(args.command, chain.anchor)(args)


def _verify(args: Namespace) -> int:
    from jaxcrypt.cli.ledger import chain, reading
    from jaxcrypt.crypto.ledger import entries

    if args.key and not args.proof:
        raise usage("--key goes with --proof FILE")
    if args.proof:
        return reading.check_proof(args)
    weights = {path.name: entries.digest(path.read_bytes()) for path in _zoo()} if args.weights else None
    code = reading.verify(args, weights)
    return chain.verify(args) if args.rpc or args.contract else code


def _zoo() -> list[Path]:
    from jaxcrypt import zoo

    return sorted(zoo.FOLDER.glob("*.safetensors"))


if __name__ == "__main__":
    sys.exit(main())
