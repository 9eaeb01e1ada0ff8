"""``jaxcrypt send``: photos over an insecure network to a receiver."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jaxcrypt import runtime
from jaxcrypt.cli import keyoptions
from jaxcrypt.cli.command import EXIT_CODES, Parser, entry, explain
from jaxcrypt.cli.jobs import Report, plan_reading
from jaxcrypt.errors import Refusal, usage
from jaxcrypt.network import flags
from jaxcrypt.network.address import split_address

_DESCRIPTION = """Send photos to a receiver, sealed as network and threat ask for, until they are there.

  jaxcrypt send photos/ example.org:7443 --sign me --fingerprint SHA256:…

Without a key of your own they are sealed for the key that the receiver offers under its signature. A picture
that is sent again is not stored twice; one that was cut off goes on where it was. Sealed pictures go as they
are.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    return entry(_main, argv, tells_json=True)


def _parser() -> Parser:
    parser = Parser(prog="jaxcrypt send", description=_DESCRIPTION, epilog=EXIT_CODES)
    parser.usage = "jaxcrypt send INPUT … HOST:PORT --sign KEY [KEYS] [OPTIONS]"
    add = parser.add_argument
    help = "photos, sealed pictures, folders, or - for stdin; the last one is HOST:PORT of the receiver"
    add("inputs", nargs="+", metavar="INPUT", help=help)
    add("--fingerprint", metavar="SHA256:…", help="of the receiver, which receive prints")
    add("--known", metavar="FILE", help="list of receivers met before (in the user's state folder)")
    add("--pixels-only", action="store_true", help="leave out the original file's bytes")
    add("--hide-size", action="store_true", help="pad what travels to the next power of two")
    add("--parallel", metavar="N", type=int, default=8, help="pictures and connections at once (%(default)s)")
    add(
        "--give-up",
        metavar="S",
        type=float,
        default=300.0,
        help="after so long without progress (%(default)g)",
    )
    add("--skip-unsupported", action="store_true", help="name what a folder holds besides, and go on")
    add("--device", default="auto", choices=runtime.DEVICES, help="where to compute (%(default)s)")
    add("--json", action="store_true", help="one JSON line a file on stdout")
    keyoptions.add_key_options(parser, sealing=True)
    flags.add_need_flags(parser)
    return parser


def _main(argv: Sequence[str] | None) -> int:
    args = _parser().parse_args(argv)
    *inputs, args.address = args.inputs
    host, port = split_address(args.address)
    if not inputs:
        raise usage(f"name what to send, before {args.address}")
    if args.sign is None:
        raise usage("give --sign KEY: the private signing key that the receiver knows you by")
    if args.parallel < 1 or args.give_up <= 0:
        raise usage("--parallel and --give-up must be more than 0")
    asked = flags.needs(args)
    from jaxcrypt.pictures.files import is_other_picture_name, is_picture_name

    jobs = plan_reading(inputs, is_picture_name, is_other_picture_name, args.skip_unsupported)
    report = Report(jobs, args.json)
    sender, sealing = _sender(args, host, port, asked, report)
    from jaxcrypt.network.sending import SendRun

    run = SendRun(sender, sealing, report, args.parallel)
    try:
        return asyncio.run(run.work(jobs, explain))
    except BaseExceptionGroup as several:  # of the tasks that a suspicion ended
        first = next((one for one in several.exceptions if isinstance(one, Refusal)), several.exceptions[0])
        raise first from None


def _sender(args: argparse.Namespace, host: str, port: int, asked: Any, report: Report) -> tuple[Any, Any]:
    from jaxcrypt.crypto import signing
    from jaxcrypt.network.calls import Calls
    from jaxcrypt.network.client import Sender
    from jaxcrypt.network.known import Known, check_fingerprint, default_file
    from jaxcrypt.network.sending import Sealing

    wanted = check_fingerprint(args.fingerprint) if args.fingerprint else None
    known = Known(Path(args.known) if args.known else default_file(), args.address, wanted)
    signer, keys = signing.read_signer(args.sign), None  # None: those that the receiver offers
    if keyoptions.names_some_key(args, sealing=True):
        keys = keyoptions.read_keys(args, confirm=True)
    how = {"least": flags.least(args), "give_up": args.give_up, "parallel": args.parallel}
    sender = Sender(Calls(host, port, signer, known, told=report.note, **how))
    inputs = flags.inputs(args)
    return sender, Sealing(keys, signer, asked, args.patience, inputs, args.hide_size, args.device)


if __name__ == "__main__":
    sys.exit(main())
