"""Sealed JPEGs on a command line: when one is asked for, and what strangers shall see in it."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from jaxcrypt.cli.output import JPEG_SUFFIXES
from jaxcrypt.errors import usage

_LOOKS = "noise, blur, mosaic, fill"  # jaxcrypt.pictures.looks checks them, which `--help` does not import
_QUALITY = "--quality"


def add_jpeg_flags(parser: argparse.ArgumentParser, system: str | None, explained: bool = False) -> None:
    """Add ``--look``, and ``--quality`` where no ``--system`` is named: some have an option of that name.

    Args:
      explained: with their help.
    """
    group = parser.add_argument_group("in a JPEG (-o NAME.jpg)") if explained else parser

    def add(flag: str, help: str, **how):
        group.add_argument(flag, help=help if explained else argparse.SUPPRESS, **how)

    add("--look", f"what strangers see of what is hidden: {_LOOKS} (noise)", metavar="LOOK")
    if system is None:
        add(_QUALITY, "of a photo that is no JPEG yet, 1 to 100 (90)", metavar="N", type=int)


def chosen(args: argparse.Namespace, system: str | None) -> dict[str, Any] | None:
    """What a sealed JPEG is to be made with; None where PNGs are wanted.

    Args:
      system: what ``--system`` named.

    Raises:
      Refusal: flags of a JPEG for a PNG, a look or a quality that there is not, a System beside.
    """
    quality = getattr(args, "quality", None) if system is None else None
    named = Path(args.output) if args.output and not args.output.endswith("/") else None
    by_name = named is not None and named.suffix.lower() in JPEG_SUFFIXES and not named.is_dir()
    if not by_name and args.look is None:
        if quality is not None:
            raise usage(f"{_QUALITY}: is for JPEGs; give -o NAME.jpg, or --look for folders and stdout")
        return None
    if named is not None and not by_name and named.suffix.lower() == ".png":
        raise usage(f"--look: is for JPEGs; choose a name that ends in .jpg, not {named.name}")
    given = {"--system": system is not None, "--weights": args.weights, "--exact": args.exact}
    for flag in (flag for flag, is_given in given.items() if is_given):
        what = "in a sealed JPEG no System makes the pixels, what is hidden travels in segments"
        raise usage(f"{flag}: {what}; leave it out, or choose a name that ends in .png")
    from jaxcrypt.sealing import jpegseal

    how = {"look": args.look, "quality": quality}
    how = {name: value for name, value in how.items() if value is not None}
    jpegseal.check(**how)
    return how
