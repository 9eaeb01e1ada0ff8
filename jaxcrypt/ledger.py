"""``jaxcrypt ledger``: a public log of recipients' keys, which anybody can check."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

from jaxcrypt.cli.command import EXIT_CODES, Parser, entry
from jaxcrypt.cli.ledger import options
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
    options.add_writing(commands)
    options.add_reading(commands)
    options.add_watching(commands)
    return parser


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
