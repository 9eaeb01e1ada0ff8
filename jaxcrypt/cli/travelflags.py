"""Flags of ``encrypt`` for pictures that go through messengers, and what they ask for."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from jaxcrypt.errors import usage
from jaxcrypt.systems import catalog

if TYPE_CHECKING:
    from jaxcrypt.sealing.carriers import Travel

_LEAST_SIDE, _MOST_TIMES = 64, 100


def add_travel_flags(parser: argparse.ArgumentParser, system: str | None) -> None:
    """Add them, for a System whose pictures may travel so; None as in ``systemflags.add_system_flags``."""
    if not catalog.entry(system or catalog.DEFAULT).travel:
        return
    flags = {
        "--pixels": ("N", "times the photo's pixels that the picture takes"),
        "--fit": ("SIDE", "pixels of its longest side at most, as messengers take"),
        "--inner-quality": ("Q", "encode the photo anew as AVIF, 1 to 100, or fit"),
    }
    title = "files in the pixels (with --robust and --survives)"
    group = parser if system is None else parser.add_argument_group(title)
    for flag, (metavar, help) in flags.items():
        group.add_argument(flag, metavar=metavar, help=argparse.SUPPRESS if system is None else help)


def chosen(args: argparse.Namespace, system: str, options: Mapping[str, Any]) -> Travel | None:
    """What was asked for; None where nothing is to survive.

    Raises:
      Refusal: numbers out of bounds, or what makes no sense together.
    """
    from jaxcrypt.sealing.carriers import FIT, travel
    from jaxcrypt.sealing.inputs import read_options

    entry = catalog.entry(system)
    if not entry.travel:
        return None
    pixels = _number("--pixels", args.pixels, 0.1, _MOST_TIMES)
    fit = _number("--fit", args.fit, _LEAST_SIDE, 1 << 15)
    inner: Any = args.inner_quality
    if inner != FIT:
        inner = _number("--inner-quality", inner, 1, 100)
        inner = None if inner is None else int(inner)
    how = travel(entry, read_options(entry, options), pixels, None if fit is None else int(fit), inner)
    if how is not None and how.way and args.write_header:
        raise usage("--write-header: the header is in the pixels with --survives; leave one of them out")
    return how


def _number(flag: str, text: str | None, low: float, high: float) -> float | None:
    if text is None:
        return None
    try:
        value = float(text.rstrip("x×"))
    except ValueError:
        value = float("nan")
    if not low <= value <= high:
        raise usage(f"{flag} {text}: must be a number from {low:g} to {high:g}")
    return value
