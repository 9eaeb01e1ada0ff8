"""``jaxcrypt receive``: pictures over an insecure network, into an inbox."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jaxcrypt import runtime
from jaxcrypt.cli import keyoptions, ledgerflags
from jaxcrypt.cli.command import EXIT_CODES, Parser, entry, one_line
from jaxcrypt.errors import ExitCode, usage

_DESCRIPTION = """Receive pictures from senders that you know. docs/NETWORK.md says what is promised.

  jaxcrypt receive --listen 0.0.0.0:7443 -o inbox --sign me --identity mine --allow alice.pub

The line that it prints first has the fingerprint that senders compare (send --fingerprint). A picture is
acknowledged once it is verified and on disk, in a folder of its sender's name, and is never stored twice.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    return entry(_main, argv)


def _parser() -> Parser:
    from jaxcrypt.network.threat import NAMES

    parser = Parser(prog="jaxcrypt receive", description=_DESCRIPTION, epilog=EXIT_CODES)
    parser.usage = "jaxcrypt receive --listen HOST:PORT -o INBOX --sign KEY --allow PUB … KEYS"
    add = parser.add_argument
    add("--listen", metavar="HOST:PORT", required=True, help="where; port 0 takes one that is free")
    add("-o", "--output", metavar="INBOX", required=True, help="the folder that pictures go into")
    add("--sign", metavar="KEY", required=True, help="this receiver's own private signing key")
    help = "a sender's public key, or a folder of them"
    add("--allow", metavar="PUB", action="append", default=[], help=help)
    add("--keep-sealed", action="store_true", help="verify pictures, and keep them sealed")
    add("--any-file", action="store_true", help="take whatever senders attached, not pictures only")
    add("--check-pixels", action="store_true", help="compare the pixels with the file that travels")
    add("--tls-cert", metavar="PEM", help="a certificate of your own instead of a self-signed one")
    add("--tls-key", metavar="PEM", help="its key, where that is a file of its own")
    add("--threat", choices=NAMES, default=NAMES[0], help="assume at least this (%(default)s)")
    add("--max-size", metavar="MB", type=int, default=512, help="of a sealed picture (%(default)s)")
    add("--max-connections", metavar="N", type=int, default=512, help="at once (%(default)s)")
    add("--max-seconds", metavar="S", type=float, default=90.0, help="for one request (%(default)g)")
    add("--device", default="auto", choices=runtime.DEVICES, help="where to compute (%(default)s)")
    keyoptions.add_key_options(parser, sealing=False, signatures=False)
    ledgerflags.add_opening_flags(parser)
    return parser


def _main(argv: Sequence[str] | None) -> int:
    args = _parser().parse_args(argv)
    if not args.keep_sealed:
        keyoptions.require_some_key(args, sealing=False)
    elif not keyoptions.names_some_key(args, sealing=False) and (args.ledger_policy or args.check_pixels):
        raise usage("--ledger-policy and --check-pixels need a key that opens pictures")
    if not args.allow:
        raise usage("give --allow PUB: the public signing key of a sender (or a folder of such)")
    if args.max_size < 1 or args.max_connections < 1 or args.max_seconds <= 0:
        raise usage("--max-size, --max-connections and --max-seconds must be more than 0")
    from jaxcrypt.network.address import split_address

    host, port = split_address(args.listen, "--listen")
    receiver, context, words = _receiver(args)
    asyncio.run(_serve(receiver, host, port, context, words))
    return ExitCode.OK


def _receiver(args: Any) -> tuple[Any, Any, str]:
    """The receiver, its TLS context, and what it says of itself."""
    from jaxcrypt.crypto import header, signing
    from jaxcrypt.network import tls, verification
    from jaxcrypt.network.inbox import STATE, Inbox
    from jaxcrypt.network.messages import fingerprint
    from jaxcrypt.network.server import Limits, Receiver
    from jaxcrypt.network.threat import Level
    from jaxcrypt.network.transcript import Offer
    from jaxcrypt.systems import catalog

    signer, allowed = signing.read_signer(args.sign), _allowed(args.allow)
    named = keyoptions.names_some_key(args, sealing=False)
    keys = keyoptions.read_keys(args, confirm=False) if named else None
    how = {name: getattr(args, name) for name in ("any_file", "check_pixels", "device")}
    how["ledger"] = args.ledger_policy
    verify = verification.kept_sealed(keys, **how) if args.keep_sealed else verification.opened(keys, **how)
    inbox = Inbox(Path(args.output), signer, verify)
    own = Path(args.output) / STATE / "tls.pem"
    if not args.tls_cert:
        tls.own_certificate(own)
    certificate = Path(args.tls_cert) if args.tls_cert else own
    context, digest = tls.serving(certificate, Path(args.tls_key) if args.tls_key else None)
    recipients = () if keys is None else tuple(one.public for one in keys.keyring.own_recipients())
    offer = Offer(digest, recipients, catalog.NAMES, tuple(header.VERSIONS))
    limits = Limits(args.max_size << 20, connections=args.max_connections, seconds=args.max_seconds)
    how = {"limits": limits, "least": Level.named(args.threat), "told": _tell}
    words = f"fingerprint {fingerprint(signer.verifier().public)}"
    return Receiver(inbox, signer, offer, allowed, **how), context, words


def _allowed(names: list[str]) -> dict[bytes, str]:
    """Public signing keys of senders, and the names of their folders: those of the key files."""
    from jaxcrypt.crypto import signing
    from jaxcrypt.crypto.names import safe_name

    paths = [
        one for name in map(Path, names) for one in (sorted(name.glob("*.pub")) if name.is_dir() else [name])
    ]
    allowed: dict[bytes, str] = {}
    for path in paths:
        name = safe_name(path.stem)
        if name in allowed.values():
            raise usage(f"--allow {path}: another sender's key file has that name too; rename one")
        allowed[signing.read_verifier(path).public] = name
    if not allowed:
        raise usage(f"--allow {names[0]}: no public key there")
    return allowed


async def _serve(receiver: Any, host: str, port: int, context: Any, words: str) -> None:
    """Until SIGINT or SIGTERM; what is being verified then is finished."""
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    async with receiver.listening(host, port, context) as (where, free):
        print(f"listening on {f'[{where}]' if ':' in where else where}:{free}, {words}", flush=True)
        await ended.wait()
    _tell("ended; pictures that were cut off go on when senders come again")


def _tell(line: str) -> None:
    print(one_line(line), file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
