"""Regions of interest on a command line: what of each photo is to be encrypted."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from jaxcrypt.cli.command import Parser
from jaxcrypt.cli.jpegflags import add_jpeg_flags
from jaxcrypt.errors import usage
from jaxcrypt.regions import CONFIDENCE, HELP

if TYPE_CHECKING:
    from jaxcrypt.regions.request import Request

SKIP = "skip"
_EXPLAINED = """What of each photo is encrypted; the rest stays as it is, and open.

  --roi faces                 faces, found by a net         (pip install 'jaxcrypt[faces]')
  --roi yolo:person,car       things, found by YOLOv8       (pip install 'jaxcrypt[roi]')
  --roi 40,60,128x96          a box: left, top, width x height; may be repeated
  --roi mask.png              white where the photo is to be encrypted
  --roi mymodule:find         a function from uint8 [H, W, 3] to a mask or to boxes
  --roi none                  all of it
"""


def asks(argv: list[str]) -> bool:
    """Whether a command line asks for :func:`show`: ``--roi --help``."""
    return "--roi" in argv and not any(text.startswith("--system") for text in argv)


def show() -> str:
    """The help text of regions."""
    parser = Parser(add_help=False, usage=argparse.SUPPRESS)
    add_region_flags(parser, explained=True)
    add_jpeg_flags(parser, None, explained=True)
    return f"{_EXPLAINED}\n{parser.format_help().strip()}\n"


def add_region_flags(parser: argparse.ArgumentParser, explained: bool = False) -> None:
    """Add ``--roi``, and what goes with it: explained, or in one line."""
    group = parser.add_argument_group("regions") if explained else parser

    def add(flag: str, help: str, **how):
        group.add_argument(flag, help=help if explained else argparse.SUPPRESS, **how)

    help = HELP if explained else "faces, boxes, a mask only (--roi --help)"
    group.add_argument("--roi", metavar="WHAT", action="append", default=[], help=help)
    add("--dilate", "grow it to every side (0)", metavar="PIXELS", type=int, default=0)
    add("--box", "take bounding boxes of what was found", action="store_true")
    add("--spare", "what was found there stays open", metavar="X,Y", action="append", default=[])
    add("--preview", "the photo with what was found drawn on it (folders: DIR/)", metavar="FILE")
    add("--yolo-weights", "another YOLOv8 than the release file", metavar="FILE")
    how = {"metavar": "SHARE", "type": float, "default": CONFIDENCE}
    add("--confidence", "of what yolo finds, at least (%(default)s)", **how)
    choices = ("fail", SKIP, "whole")
    add("--roi-empty", "what to do where nothing is found (%(default)s)", choices=choices, default="fail")


def chosen(args: argparse.Namespace) -> Request | None:
    """What a command line asks for; None for whole photos.

    Raises:
      Refusal: no such region, a package that is missing, an option that needs ``--roi``.
    """
    from jaxcrypt.regions.request import request

    asked = request(args.roi, **_fields(args)) if args.roi else None
    yolo = any(one.partition(":")[0] == "yolo" for one in args.roi)
    needs = {"--dilate": args.dilate, "--box": args.box, "--spare": args.spare, "--preview": args.preview}
    needs["--roi-empty"] = args.roi_empty != "fail"
    yolos = {"--yolo-weights": args.yolo_weights, "--confidence": args.confidence != CONFIDENCE}
    for flag in (flag for flag, given in needs.items() if given and asked is None):
        raise usage(f"{flag}: needs --roi WHAT")
    for flag in (flag for flag, given in yolos.items() if given and not yolo):
        raise usage(f"{flag}: needs --roi yolo")
    return asked


def _fields(args: argparse.Namespace) -> dict:
    from jaxcrypt.regions.request import point

    empty = "fail" if args.roi_empty == SKIP else args.roi_empty
    spare = tuple(map(point, args.spare))
    finding = {"yolo_weights": args.yolo_weights, "confidence": args.confidence}
    return {"dilate": args.dilate, "box": args.box, "spare": spare, "empty": empty, **finding}


def files_named(asked: Request | None) -> list[Path]:
    """The masks that it reads: no output may overwrite them."""
    return [] if asked is None else list(asked.files)
