"""``jaxcrypt verify``: whether sealed pictures are whole and genuine; nothing is written."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jaxcrypt import runtime
from jaxcrypt.cli import keyoptions, ledgerflags
from jaxcrypt.cli.command import EXIT_CODES, Parser, entry, explain
from jaxcrypt.cli.jobs import Job, Report, is_sealed, plan_reading
from jaxcrypt.errors import usage

_DESCRIPTION = """Check sealed pictures with their key: header, pixels, payload, and a signature if asked for.

  jaxcrypt verify photo.jpg.png --key-image key.png
  jaxcrypt verify sealed/ --key-file k --signed-by pub --check-pixels
"""


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    return entry(_main, argv, tells_json=True)


def _parser() -> Parser:
    parser = Parser(prog="jaxcrypt verify", description=_DESCRIPTION, epilog=EXIT_CODES)
    parser.usage = "jaxcrypt verify INPUT … KEYS [OPTIONS]"
    add = parser.add_argument
    add("inputs", nargs="+", metavar="INPUT", help="sealed pictures, folders of them, or - for stdin")
    add("--check-pixels", action="store_true", help="decode the pixels and compare them with the file")
    add("--any-file", action="store_true", help="accept whatever the sender attached, not pictures only")
    add("--header", metavar="FILE", help="the header that --write-header saved")
    add("--weights", metavar="NAME_OR_PATH", help="a zoo entry or training run instead of the named one")
    add("--device", default="auto", choices=runtime.DEVICES, help="where to compute (%(default)s)")
    add("--json", action="store_true", help="one JSON line a file on stdout")
    keyoptions.add_key_options(parser, sealing=False)
    ledgerflags.add_opening_flags(parser)
    return parser


def _main(argv: Sequence[str] | None) -> int:
    args = _parser().parse_args(argv)
    keyoptions.require_some_key(args, sealing=False)
    jobs = plan_reading(args.inputs, is_sealed)
    if args.header and len(jobs) > 1:
        raise usage("--header belongs to one picture; verify one at a time with it")
    from jaxcrypt.sealing.unseal import Opener

    header = Path(args.header) if args.header else None
    how = {"header": header, "signed_by": args.signed_by, "weights": args.weights}
    how["ledger"] = args.ledger_policy
    keys = keyoptions.read_keys(args, confirm=False)
    opener = Opener(keys, any_file=args.any_file, check_pixels=args.check_pixels, **how)
    report = Report(jobs, args.json)
    for job in jobs:
        try:
            _verify(job, opener, args, report)
        except Exception as error:
            report.refused(job, explain(error, job.name))
    return report.close()


def _verify(job: Job, opener: Any, args: Any, report: Report) -> None:
    begun = opener.begin(job.read(), job.name)
    parts = ["header", "pixels"]
    parts += [] if begun.from_pixels else ["file" if len(begun.files) == 1 else f"{len(begun.files)} files"]
    parts += ["signature"] if args.signed_by else []
    parts += begun.logged
    if args.check_pixels:
        runtime.prepare(args.device)
        begun.finish(report.progress(1))
        parts += ["pixels decode" if begun.from_pixels else "pixels show what the file shows"]
    report.told(job, f"whole and genuine: {', '.join(parts)}", system=begun.opened.header.system)


if __name__ == "__main__":
    sys.exit(main())
