"""The command lines of ``jaxcrypt ledger``'s subcommands."""

from __future__ import annotations

from typing import Any

from jaxcrypt.crypto.ledger import MAX_AGE_DAYS


def add_writing(commands: Any) -> None:
    """Those that add to a ledger."""
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


def add_reading(commands: Any) -> None:
    """Those that read one."""
    add = _command(commands, "show", "place", "what it says, of all or of one name")
    add("name", metavar="NAME", nargs="?")
    add("--json", action="store_true", help="as one JSON line")
    _trusting(add)
    add = _command(commands, "prove", "place", "write the proof that a name's key is logged")
    add("name", metavar="NAME")
    add("-o", "--output", metavar="FILE", required=True, help="the proof (C2SP tlog-proof)")
    add("--force", action="store_true", help="overwrite FILE")
    _trusting(add, MAX_AGE_DAYS)
    add = _command(commands, "verify", "place", "check all of it, or a proof; against a chain too")
    add("--proof", metavar="FILE", help="check this proof by the policy PLACE, without the ledger")
    add("--key", metavar="PUB", help="with --proof: that it is of this key")
    add("--weights", action="store_true", help="the zoo's weights here are as logged")
    _chain(add)
    _trusting(add, MAX_AGE_DAYS)
    add = _command(commands, "anchor", "place", "put its newest checkpoint's root on a chain")
    add("--deploy", action="store_true", help="make the contract first")
    add("--account-key", metavar="FILE", help="private key that pays, in hexadecimal (else the node's first)")
    _chain(add)
    _trusting(add, MAX_AGE_DAYS)


def add_watching(commands: Any) -> None:
    """Those of whoever serves or watches one."""
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
