"""``jaxcrypt rekey``: other keys and recipients for sealed pictures, whose pixels and payload stay."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jaxcrypt.cli import keyoptions
from jaxcrypt.cli.command import EXIT_CODES, Parser, entry, explain
from jaxcrypt.cli.jobs import Job, Report, is_sealed, plan_jobs
from jaxcrypt.cli.output import (
    JPEG_SUFFIXES,
    Targets,
    make_folder,
    refuse_other_suffix,
    write_piped,
    write_whole,
)
from jaxcrypt.errors import usage

_DESCRIPTION = """Let other keys open sealed pictures; pixels and payload stay as they are.

  jaxcrypt rekey photo.jpg.png -o shared.png --key-file k --new-recipient bob.pub
  jaxcrypt rekey sealed/ -o moved/ --passphrase --new-key-file k

Give every key that shall open from now on, also those that do already. Whoever could
open a picture before may have kept what opens the new one too: to shut somebody out,
encrypt the photo anew.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    return entry(_main, argv, tells_json=True)


def _parser() -> Parser:
    parser = Parser(prog="jaxcrypt rekey", description=_DESCRIPTION, epilog=EXIT_CODES)
    parser.usage = "jaxcrypt rekey INPUT … -o OUT KEYS NEW-KEYS [OPTIONS]"
    add = parser.add_argument
    add("inputs", nargs="+", metavar="INPUT", help="sealed pictures, folders, or - for stdin")
    add("-o", "--output", metavar="OUT", required=True, help="file, folder, or - for stdout")
    add("--json", action="store_true", help="one JSON line a file on stdout")
    add("--force", action="store_true", help="overwrite existing outputs")
    keyoptions.add_key_options(parser, sealing=False)
    keyoptions.add_new_key_options(parser)
    return parser


def _main(argv: Sequence[str] | None) -> int:
    args = _parser().parse_args(argv)
    keyoptions.require_some_key(args, sealing=False)
    keyoptions.require_new_key(args)
    jobs = plan_jobs(args.inputs, args.output, is_sealed)
    if args.json and any(job.target is None for job in jobs):
        raise usage("--json and the picture cannot both go to stdout; give -o FILE")
    sources = [job.source for job in jobs if job.source] + keyoptions.files_named(args)
    targets = Targets(sources, args.force)
    if jobs[0].target and not jobs[0].into:
        refuse_other_suffix(jobs[0].target, suffixes=(".png", *JPEG_SUFFIXES))
        targets.check(jobs[0].target)  # before a passphrase is asked for
    from jaxcrypt.sealing.rekey import Rekeyer

    keys = keyoptions.read_keys(args, confirm=False)
    new = keyoptions.read_keys(args, confirm=True, prefix="new_")
    rekeyer = Rekeyer(keys, new, signer=args.sign, signed_by=args.signed_by)
    report = Report(jobs, args.json)
    for job in jobs:
        try:
            _rekey(job, rekeyer, targets, args, report)
        except Exception as error:
            report.refused(job, explain(error, job.name))
    return report.close()


def _rekey(job: Job, rekeyer: Any, targets: Targets, args: Any, report: Report) -> None:
    target: Path | None = job.folder / job.file_name if job.into else job.target
    if job.into:
        make_folder(job.folder)
    if target:
        targets.claim(target)
    made = rekeyer.rekey(job.read(), job.name)
    if target and not job.into:
        refuse_other_suffix(target, suffixes=JPEG_SUFFIXES if made.jpeg else (".png",))
    if target:
        write_whole(target, made.write, args.force)
    else:
        write_piped(made.write)
    gone = "; its signature is gone, since it covered the keys" if made.was_signed else ""
    report.done(job, target, f"other keys, the same pixels{gone}")


if __name__ == "__main__":
    sys.exit(main())
