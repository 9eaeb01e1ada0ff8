"""``jaxcrypt encrypt``: photos into sealed pictures."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from jaxcrypt import runtime
from jaxcrypt.cli import covertrun, jpegflags, keyoptions, regionflags, systemflags, travelflags
from jaxcrypt.cli.command import EXIT_CODES, Parser, entry
from jaxcrypt.cli.jobs import Report
from jaxcrypt.cli.output import JPEG_SUFFIXES, Targets
from jaxcrypt.cli.sealrun import SealRun, plan_pictures, refuse_misfits
from jaxcrypt.network import flags as planflags
from jaxcrypt.systems import catalog

_DESCRIPTION = """Encrypt photos into sealed pictures: PNG or JPEG files that any viewer opens.

  jaxcrypt encrypt photo.jpg --key-image key.png           -> photo.jpg.png
  jaxcrypt encrypt photos/ -o sealed/ --passphrase --robust exact   (messengers)
  jaxcrypt encrypt - -o - --key-file k < in.jpg > out.png
"""


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    return entry(_main, argv, tells_json=True)


def _parser(system: str | None) -> Parser:
    parser = Parser(
        prog="jaxcrypt encrypt",
        description=_DESCRIPTION,
        epilog=EXIT_CODES,
        usage="jaxcrypt encrypt INPUT … [-o OUT] KEYS [OPTIONS]",
    )
    add = parser.add_argument
    add("inputs", nargs="+", metavar="INPUT", help="pictures, folders of them, or - for stdin")
    add("-o", "--output", metavar="OUT", help="file (.jpg: see --roi), folder, or - for stdout")
    add("--system", default=catalog.DEFAULT, metavar="NAME", help=systemflags.HELP)
    add("--weights", metavar="NAME_OR_PATH", help="a zoo entry or training run instead of its own")
    regionflags.add_region_flags(parser)
    add("--attach", metavar="FILE", action="append", default=[], help="any further file, to travel as well")
    add("--pixels-only", action="store_true", help="leave out the file's bytes (--exact: lossless)")
    add("--exact", action="store_true", help=argparse.SUPPRESS)
    add("--hide-size", action="store_true", help="pad what travels to the next power of two")
    add("--thumbnail", action="store_true", help="a small picture travels too, encrypted, for browse")
    add("--hide-names", action="store_true", help="random names on disk; decrypt restores them")
    add("--write-header", metavar="FILE", help="save the header too, for recovery (folders: DIR/)")
    add("--preserve", action="store_true", help="the file's time and mode travel too, encrypted")
    add("--skip-existing", action="store_true", help="leave out pictures whose output is there")
    add("--skip-unsupported", action="store_true", help="name what a folder holds besides, and go on")
    add("--dry-run", action="store_true", help="say size and quality; write nothing")
    devices = ", ".join(runtime.DEVICES)
    add("--device", default="auto", choices=runtime.DEVICES, metavar="NAME", help=f"one of {devices} (auto)")
    add("--json", action="store_true", help="one JSON line a file on stdout")
    add("--force", action="store_true", help="overwrite existing outputs")
    keyoptions.add_key_options(parser, sealing=True)
    jpegflags.add_jpeg_flags(parser, system)
    covertrun.add_flags(parser, system)
    if system == planflags.AUTO:
        planflags.add_need_flags(parser, explaining=True)
    else:
        systemflags.add_system_flags(parser, system)
        travelflags.add_travel_flags(parser, system)
    return parser


def _help(argv: Sequence[str], system: str | None) -> str:
    if regionflags.asks(argv):
        return regionflags.show()
    if system is None:
        return _parser(None).format_help()
    if system == planflags.AUTO:
        return planflags.show()
    return systemflags.show(system) + ("" if system else f"{planflags.AUTO}: {planflags.SUMMARY}\n")


def _main(argv: Sequence[str] | None) -> int:
    argv = sys.argv[1:] if argv is None else argv
    system = systemflags.named_system(argv)
    if {"--help", "-h"} & set(argv):
        print(_help(argv, system), end="")
        return 0
    named, system = system, system or catalog.DEFAULT
    parser = _parser(named)
    args = systemflags.parse(parser, argv, system)
    keyoptions.require_some_key(args, sealing=True)
    covertrun.refuse_others(parser, args)
    jpeg = jpegflags.chosen(args, named)
    args.suffixes = (".png",) if jpeg is None else JPEG_SUFFIXES
    jobs = plan_pictures(args)
    region = regionflags.chosen(args)
    if auto := system == planflags.AUTO:
        plan = planflags.plan_run(args, [job for job in jobs if job.source], region is not None)
        system, options, inputs = planflags.settle(args, plan)
    else:
        options, inputs = systemflags.chosen(args, system)
    named_files = [*keyoptions.files_named(args), *systemflags.files_named(inputs), *map(Path, args.attach)]
    named_files += regionflags.files_named(region)
    targets = Targets([job.source for job in jobs if job.source] + named_files, args.force)
    refuse_misfits(args, jobs, targets)
    from jaxcrypt.sealing.inputs import check_region, check_request
    from jaxcrypt.sealing.travelling import sealer_for

    check_request(system, options, inputs, args.attach, args.pixels_only, args.exact)
    check_region(system, region, options)

    how = {"pixels_only": args.pixels_only or args.covert, "attach": args.attach, "signer": args.sign}
    how |= {"hide_size": args.hide_size, "region": region, "thumbnail": args.thumbnail}
    travel = travelflags.chosen(args, system, options)
    keys = keyoptions.read_keys(args, confirm=True)
    keys = keys.anew(planflags.argon(plan)) if auto else keys
    own = {"weights": args.weights, "options": options, "inputs": inputs, "exact": args.exact}
    sealer = sealer_for(keys, system, jpeg, travel, own, **how)
    if args.covert:
        return covertrun.seal(args, jobs, sealer, targets)
    return SealRun(args, sealer, targets, Report(jobs, args.json)).work(jobs)


if __name__ == "__main__":
    sys.exit(main())
