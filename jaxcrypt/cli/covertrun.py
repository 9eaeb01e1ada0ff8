"""``encrypt --covert`` and ``decrypt --covert``: pictures that travel without a header, as a sheet or one a
file."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jaxcrypt import runtime
from jaxcrypt.cli import keyoptions
from jaxcrypt.cli.command import explain
from jaxcrypt.cli.jobs import Job, Report, is_sealed, plan_reading
from jaxcrypt.cli.output import STDIO, Targets, make_folder, refuse_other_suffix, write_whole
from jaxcrypt.errors import usage
from jaxcrypt.systems import catalog

if TYPE_CHECKING:
    from jaxcrypt.sealing.seal import Sealer

# What goes with it; whatever else is given needs the header.
_COMMON = {"inputs", "output", "weights", "device", "json", "force", "covert", "passphrase", "passphrase_fd"}
_COMMON |= {"passphrase_file", "passphrase_env", "key_image", "key_file"}
_SEALING = _COMMON | {"system", "sheet", "pixels_only"}


def add_flags(parser: argparse.ArgumentParser, system: str | None) -> None:
    """The flags of encryption; the help shows them with a System whose pictures travel alone."""
    shown = system in catalog.NAMES and catalog.entry(str(system)).traits.alone

    def words(text: str) -> str:
        return text if shown else argparse.SUPPRESS

    parser.add_argument(
        "--covert", action="store_true", help=words("no header: generated pictures, nothing else")
    )
    parser.add_argument("--sheet", metavar="DIR", help=words("the same, one picture a file, in this folder"))


def refuse_others(parser: argparse.ArgumentParser, args: Any) -> None:
    """Refuse what ``--covert`` does not go with; ``--sheet`` means it, too.

    Raises:
      Refusal: a flag that needs a header.
    """
    args.covert = args.covert or bool(getattr(args, "sheet", None))
    if not args.covert:
        return
    takes = _SEALING if hasattr(args, "sheet") else _COMMON
    for action in parser._actions:
        given = getattr(args, action.dest, action.default) != action.default
        if given and action.dest not in takes and not action.dest.startswith("system_"):
            raise usage(f"{action.option_strings[-1]}: needs a header, which --covert leaves out")


def seal(args: Any, jobs: list[Job], sealer: Sealer, targets: Targets) -> int:
    """Hide one photo; returns the exit code."""
    from jaxcrypt.sealing import covert

    if len(jobs) > 1:
        raise usage("--covert: hides one photo at a time")
    (job,), report = jobs, Report(jobs, args.json)
    target = None if args.sheet else _sheet_target(args, job)
    if target is not None:
        targets.claim(target)
    elif Path(args.sheet).exists() and (not Path(args.sheet).is_dir() or any(Path(args.sheet).iterdir())):
        raise usage(f"--sheet {args.sheet}: exists and is no empty folder")
    covert.check(sealer.entry.name, sealer.keys)
    try:
        plain = sealer.read(job.read(), job.file_name)
        runtime.start(args.device)
        for note in sealer.notes():
            print("note:", note, file=sys.stderr)
        made = covert.hide(sealer, plain, report.progress(1))
        _write(args, made.pixels, target)
    except Exception as error:
        report.refused(job, explain(error, job.name))
        return report.close()
    facts = {name: value for name, value in made.report.items() if name != "says"}
    says = f"{sealer.entry.name}, {len(made.pixels)} pictures, no header; {made.report['says']}"
    report.done(job, target or Path(args.sheet), says, system=sealer.entry.name, **facts)
    return report.close()


def _sheet_target(args: Any, job: Job) -> Path:
    if job.target is None or str(args.output) == STDIO:
        raise usage("--covert: name a file with -o, or a folder with --sheet")
    target = job.folder / f"{job.file_name}.png" if job.into else job.target
    refuse_other_suffix(target)
    return target


def _write(args: Any, pictures: Any, target: Path | None) -> None:
    """As ``generate`` writes plain ones: names, order and files tell nothing."""
    from jaxcrypt.pictures.files import encode_png
    from jaxcrypt.pictures.sheets import sheet

    if target is not None:
        data = encode_png(sheet(pictures))
        write_whole(target, lambda file: file.write(data), args.force)
        return
    make_folder(Path(args.sheet))
    for index, picture in enumerate(pictures):
        data = encode_png(picture)
        write_whole(Path(args.sheet, f"{index:06d}.png"), lambda file, data=data: file.write(data), False)


def unseal(parser: argparse.ArgumentParser, args: Any) -> int:
    """Find the photo in all pictures that the command line names, folders of them among them; returns the
    exit code."""
    from jaxcrypt.sealing import covert

    refuse_others(parser, args)
    if args.output == STDIO:
        raise usage("-o -: --covert takes a file or a folder")
    jobs = plan_reading(args.inputs, is_sealed)
    target = Path(args.output) if args.output else Path()
    targets = Targets([job.source for job in jobs if job.source] + keyoptions.files_named(args), args.force)
    if args.output and not target.is_dir():
        refuse_other_suffix(target)
        targets.check(target)
    keys = keyoptions.read_keys(args, confirm=False)
    first = jobs[0] if len(jobs) == 1 else Job(Path(args.inputs[0]), target)
    report = Report([first], args.json)
    try:
        files = [(job.name, job.read()) for job in jobs]
        runtime.start(args.device)
        name, data = covert.find(files, keys, args.weights, report.progress(1))
        target = target / name if target.is_dir() else target
        targets.claim(target)
        write_whole(target, lambda file: file.write(data), args.force)
    except Exception as error:
        report.refused(first, explain(error, first.name))
        return report.close()
    report.done(first, target, f"an approximation of the picture, out of {len(files)} files without a header")
    return report.close()
