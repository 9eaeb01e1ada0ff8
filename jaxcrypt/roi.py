"""``python -m jaxcrypt.roi``: masks of regions for a folder of pictures, where training and evaluation read
them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jaxcrypt.cli import regionflags
from jaxcrypt.cli.command import EXIT_CODES, Parser, entry, explain
from jaxcrypt.cli.jobs import Job, Report
from jaxcrypt.cli.output import Targets, is_written, make_folder, refuse_other_suffix, write_whole
from jaxcrypt.cli.regionsheet import SHOWN, write_sheet
from jaxcrypt.errors import usage

if TYPE_CHECKING:
    from jaxcrypt.regions.request import Request

_DESCRIPTION = """Find regions in pictures, and store their masks: NAME.jpg.mask.png beside NAME.jpg.

  jaxcrypt roi photos/ --roi faces --sheet seen.png
  jaxcrypt roi photos/ --roi yolo:person --masks masks/
  jaxcrypt roi DATA_DIR --tfds celeb_a --split test --roi faces --masks masks/

Masks that are there stay: a run that was stopped goes on. jaxcrypt encrypt --roi does the
same for the photos that it encrypts.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    return entry(_main, argv, tells_json=True)


def _parser() -> Parser:
    parser = Parser(prog="jaxcrypt roi", description=_DESCRIPTION, epilog=EXIT_CODES)
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="pictures, in subfolders too")
    parser.add_argument("--tfds", metavar="NAME", help="FOLDER is where this TFDS set was prepared")
    parser.add_argument("--split", metavar="NAME", help="of the set (train)")
    parser.add_argument("--masks", type=Path, metavar="FOLDER", help="where masks go (beside the pictures)")
    parser.add_argument(
        "--sheet", type=Path, metavar="FILE", help=f"PNG of the first {SHOWN} pictures with their regions"
    )
    parser.add_argument("--force", action="store_true", help="make masks anew")
    parser.add_argument("--json", action="store_true", help="one JSON line a file on stdout")
    regionflags.add_region_flags(parser, explained=True)
    return parser


def _main(argv: Sequence[str] | None) -> int:
    args = _parser().parse_args(argv)
    asked = regionflags.chosen(args)
    if asked is None:
        raise usage("--roi WHAT: say what is to be found")
    if args.preview:
        raise usage("--preview: is of encrypt; --sheet FILE shows what was found here")
    jobs = _of_set(args) if args.tfds else _of_folder(args)
    sources = [job.source for job in jobs if job.source and not args.tfds]
    targets = Targets([*sources, *regionflags.files_named(asked)], force=args.force)
    if args.sheet:
        refuse_other_suffix(args.sheet, "a sheet is")
        targets.check(args.sheet)
    report = Report(jobs, args.json)
    for job in jobs:
        _mask(job, asked, targets, report, args)
    if args.sheet:
        write_sheet(args.sheet, jobs, args.force)
    return report.close()


def _of_folder(args) -> list[Job]:
    from jaxcrypt.data import listing

    if args.split:
        raise usage("--split: needs --tfds NAME")
    folder = args.masks or args.folder
    pictures = listing.pictures(args.folder)
    return [Job(path, folder / f"{name}{listing.MASK}.png") for name, path in pictures.items()]


@dataclass(frozen=True)
class _Example(Job):
    """A picture of a TFDS set, called after its place in it."""

    records: Any = None
    index: int = 0

    def read(self) -> bytes:
        return bytes(self.records.data[self.index]["image"])


def _of_set(args) -> list[Job]:
    from jaxcrypt.data import listing, public

    if args.masks is None:
        raise usage("--tfds: needs --masks FOLDER for the masks")
    split = args.split or "train"
    records, jobs = public.examples(args.folder, args.tfds, split), []
    for index in range(len(records)):
        name = f"{args.tfds}/{split}/{index}"
        target = args.masks / f"{name}{listing.MASK}.png"
        jobs.append(_Example(Path(name), target, records=records, index=index))
    return jobs


def _mask(job: Job, asked: Request, targets: Targets, report: Report, args) -> None:
    """The mask of one picture, where it is not there yet."""
    import numpy as np

    from jaxcrypt.pictures.files import encode_png, load_picture
    from jaxcrypt.regions.request import NothingFound

    target = job.target
    assert target is not None  # every job of this command has one
    if is_written(target) and not args.force:
        report.skipped(job, target)
        return
    try:
        picture = load_picture(job.read(), job.name).pixels
        region = asked.find(picture, job.name)
        mask = np.ones(picture.shape[:2], bool) if region is None else region.mask
        make_folder(target.parent)
        targets.claim(target)
        data = encode_png(np.uint8(mask)[..., None] * 255)
        write_whole(target, lambda file: file.write(data), args.force)
        report.done(job, target, "all of it" if region is None else region.words(), share=float(mask.mean()))
    except NothingFound as nothing:
        if args.roi_empty == regionflags.SKIP:
            report.told(job, "nothing was found: no mask", empty=True)
        else:
            report.refused(job, nothing)
    except Exception as error:
        report.refused(job, explain(error, job.name))


if __name__ == "__main__":
    sys.exit(main())
