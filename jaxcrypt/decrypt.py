"""``jaxcrypt decrypt``: sealed pictures back into the very files, or nothing."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from jaxcrypt import runtime
from jaxcrypt.cli import covertrun, keyoptions, ledgerflags, systemflags
from jaxcrypt.cli.command import EXIT_CODES, Parser, entry
from jaxcrypt.cli.jobs import Report, is_sealed, plan_jobs
from jaxcrypt.cli.openrun import OpenRun, file_size
from jaxcrypt.cli.output import Targets
from jaxcrypt.errors import usage

_DESCRIPTION = """Decrypt sealed pictures: the very file comes back, or nothing is written.

  jaxcrypt decrypt photo.jpg.png --key-image key.png       -> photo.jpg
  jaxcrypt decrypt sealed/ -o photos/ --passphrase
  jaxcrypt decrypt damaged.jpg --recover --header photo.hdr --key-file k
"""

_POLICY = ("header", "recover", "lost", "from_pixels", "signed_by", "weights", "any_file", "check_pixels")


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    return entry(_main, argv, tells_json=True)


def _parser() -> Parser:
    parser = Parser(
        prog="jaxcrypt decrypt",
        description=_DESCRIPTION,
        epilog=EXIT_CODES,
        usage="jaxcrypt decrypt INPUT … [-o OUT] KEYS [OPTIONS]",
    )
    add = parser.add_argument
    add("inputs", nargs="+", metavar="INPUT", help="sealed pictures, folders, or - for stdin")
    add("-o", "--output", metavar="OUT", help="file, folder, or - for stdout (the original name)")
    add("--from-pixels", action="store_true", help="decode the pixels even if the file travels")
    add("--check-pixels", action="store_true", help="compare the pixels with the file that travels")
    add("--any-file", action="store_true", help="take whatever the sender attached, not pictures only")
    add("--covert", action="store_true", help="pictures without a header, all of one photo; any order")
    add("--save-intermediates", metavar="DIR", help="pictures on the way, where a System decodes in steps")
    add("--preserve", action="store_true", help="restore the file's time and mode, if they travelled")
    add("--skip-existing", action="store_true", help="leave out pictures whose output is there")
    add("--weights", metavar="NAME_OR_PATH", help="a zoo entry or training run instead of the named one")
    add("--device", default="auto", choices=runtime.DEVICES, help="where to compute (%(default)s)")
    add("--json", action="store_true", help="one JSON line a file on stdout")
    add("--force", action="store_true", help="overwrite existing outputs; keep recovered noise")
    keyoptions.add_key_options(parser, sealing=False)
    ledgerflags.add_opening_flags(parser)
    systemflags.add_opening_flags(parser)
    recovery = parser.add_argument_group("recovery from damage")
    recovery.add_argument("--recover", action="store_true", help="decode damaged pixels, unauthenticated")
    recovery.add_argument("--header", metavar="FILE", help="what --write-header saved (folders: DIR/)")
    recovery.add_argument("--lost", metavar="MASK.png", help="white where cipher pixels are known to be lost")
    return parser


def _main(argv: Sequence[str] | None) -> int:
    parser = _parser()
    args = parser.parse_args(argv)
    keyoptions.require_some_key(args, sealing=False)
    if args.covert:
        return covertrun.unseal(parser, args)
    if args.lost and not args.recover:
        raise usage("--lost only makes sense with --recover")
    jobs = plan_jobs(args.inputs, args.output, is_sealed)
    if args.json and any(job.target is None for job in jobs):
        raise usage("--json and the file cannot both go to stdout; give -o FILE")
    headers = Path(args.header) if args.header and Path(args.header).is_dir() else None
    if (args.lost or (args.header and not headers)) and len(jobs) > 1:
        raise usage("--header FILE and --lost belong to one picture; decrypt one at a time with them")
    more = [Path(name) for name in (args.header, args.lost) if name]
    sources = [job.source for job in jobs if job.source] + keyoptions.files_named(args) + more
    targets = Targets(sources, args.force)
    if jobs[0].target and not (jobs[0].into or args.recover or args.skip_existing):
        targets.check(jobs[0].target)  # before a passphrase is asked for
    from jaxcrypt.sealing.unseal import Opener

    how = {name: getattr(args, name) for name in _POLICY}
    how["expected"] = sum(map(file_size, jobs))
    how["header"] = None if headers else args.header
    how["ledger"] = args.ledger_policy
    how["options"] = systemflags.chosen_opening(args)
    opener = Opener(keyoptions.read_keys(args, confirm=False), keep_noise=args.force, **how)
    report = Report(jobs, args.json)
    return OpenRun(args, opener, targets, report).work(jobs)


if __name__ == "__main__":
    sys.exit(main())
