"""``--system auto`` on a command line: what is needed, as flags, and the plan that follows."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jaxcrypt.declared import DAMAGES, Input
from jaxcrypt.errors import usage
from jaxcrypt.network import policy
from jaxcrypt.network.policy import AUTO, Needs, Network, Photo, Plan
from jaxcrypt.network.threat import NAMES, Level
from jaxcrypt.systems import catalog

if TYPE_CHECKING:
    from jaxcrypt.crypto.kdf import Argon

SUMMARY = "chosen by what you need, the threat and the network; --system auto --help"


def add_need_flags(parser: argparse.ArgumentParser, *, explaining: bool = False) -> None:
    """Add what a plan is made from: what the user needs, and how careful to be at least.

    Args:
      explaining: also what a command wants that sends nothing itself.
    """
    group = parser.add_argument_group(f"of --system {AUTO}")
    add = group.add_argument
    add(
        "--close", action="store_true", help="a close picture will do; on slow networks a smaller one is made"
    )
    names = ", ".join(DAMAGES)
    add("--survive", metavar="DAMAGE", action="append", default=[], help=f"pixels outlive it ({names})")
    add("--ordinary", action="store_true", help="it must look like an ordinary picture")
    for declared in _inputs():
        add(declared.flag, dest=_dest(declared), metavar="FILE", help=declared.help)
    add(
        "--experimental",
        action="store_true",
        help="pixels without a proof will do, as long as nothing alarms",
    )
    add("--threat", choices=NAMES, default=NAMES[0], help="assume at least this (%(default)s)")
    how = {"type": float, "default": policy.PATIENCE}
    add("--patience", metavar="SECONDS", help="that a picture may take on its way (%(default)g)", **how)
    if explaining:
        add("--mbit", type=float, metavar="N", help="what the network will give, in Mbit/s")
        add("--explain", action="store_true", help="say what was chosen, and why")


def show() -> str:
    """The help text of these flags."""
    parser = argparse.ArgumentParser(add_help=False, usage=argparse.SUPPRESS)
    add_need_flags(parser, explaining=True)
    return f"{AUTO}: {SUMMARY.partition(';')[0]}\n\n{parser.format_help().strip()}\n"


def needs(args: argparse.Namespace, **more: Any) -> Needs:
    """What a command line asks for; ``more`` are fields that other flags decide.

    Raises:
      Refusal: a damage that is none, a patience that is no time.
    """
    for name in args.survive:
        if name not in DAMAGES:
            raise usage(f"--survive {name}: choose among {', '.join(DAMAGES)}")
    if not args.patience > 0:
        raise usage(f"--patience {args.patience:g}: must be more than 0")
    return Needs(
        exact=not args.close,
        pixels_only=args.pixels_only,
        survives=frozenset(args.survive),
        covert=args.ordinary,
        inputs=frozenset(inputs(args)),
        experimental=args.experimental,
        **more,
    )


def least(args: argparse.Namespace) -> Level:
    """The user's floor of the threat."""
    return Level.named(args.threat)


def inputs(args: argparse.Namespace) -> dict[str, str]:
    """Files that Systems need besides, by the inputs' names."""
    given = {one.name: getattr(args, _dest(one)) for one in _inputs()}
    return {name: file for name, file in given.items() if file}


def plan_run(args: argparse.Namespace, jobs: Sequence[Any], region: bool) -> Plan:
    """The plan of a run that sends nothing itself, after the first of its pictures; ``--explain`` shows it.

    Args:
      jobs: those that have a file; region: whether only a region is to be encrypted.

    Raises:
      Refusal: options that make no sense, or needs that nothing meets.
    """
    if args.weights:
        raise usage(f"--weights: belong to one System; name it instead of {AUTO}")
    if args.mbit is not None and not args.mbit > 0:
        raise usage(f"--mbit {args.mbit:g}: must be more than 0")
    asked = needs(args, region=region)
    if args.attach and not args.pixels_only:
        asked = replace(asked, exact=True)  # files travel then
    network = Network(None if args.mbit is None else args.mbit * 1e6 / 8)
    first = photo(jobs[0].read(), jobs[0].name) if jobs and not jobs[0].left_out else None
    plan = policy.choose(asked, least(args), network, first, patience=args.patience)
    if args.explain:
        for line in (f"plan: {plan.words()}", *(f"because: {reason}" for reason in plan.reasons)):
            print(line, file=sys.stderr)
    return plan


def settle(args: argparse.Namespace, plan: Plan) -> tuple[str, dict[str, Any], dict[str, str]]:
    """``(system, options, inputs)`` of a plan; what it says besides goes into ``args``."""
    args.pixels_only = plan.pixels_only
    args.pixels = args.fit = args.inner_quality = None  # of pixels that carry the file: as it needs them
    args.hide_size |= plan.floor.hide_size
    return plan.system, dict(plan.options), inputs(args)


def argon(plan: Plan) -> Argon:
    """How slow a guess of a passphrase is to be."""
    from jaxcrypt.crypto.kdf import Argon

    return Argon(plan.floor.memory_kib, plan.floor.iterations)


def photo(data: bytes, name: str | Path) -> Photo:
    """What a plan has to know of a photo's file.

    Raises:
      Refusal: no picture.
    """
    from jaxcrypt.pictures.files import load_picture

    height, width, channels = load_picture(data, str(name)).pixels.shape
    return Photo(height, width, channels, len(data))


def _inputs() -> list[Input]:
    """Inputs without which some System does not work, each once."""
    declared = {}
    for entry in map(catalog.entry, catalog.NAMES):
        declared |= {one.name: one for one in entry.inputs if one.required}
    return list(declared.values())


def _dest(declared: Input) -> str:
    return f"need_{declared.name}"
