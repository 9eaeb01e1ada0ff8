"""Which suites a comparison runs, over which Systems: one command line of ``evaluate`` for each part."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from jaxcrypt.declared import Entry
from jaxcrypt.errors import usage
from jaxcrypt.evaluation.suites import SUITES
from jaxcrypt.systems import catalog

TOGETHER = ("costs", "damage", "rates", "linkage")  # Systems side by side in one table
ALONE = ("ciphers", "attacks", "regions", "hiding", "faces")  # a part for each System
BROKEN = "broken"
_QUICK = {
    "attacks": ("--quick",),
    "regions": ("--region", "box=96", "--damage", "none", "--damage", "jpeg444=75"),
    "faces": ("--count", "16", "--way", "none"),
    "broken": ("--quick",),
}


@dataclass(frozen=True)
class What:
    """What is compared.

    Attributes:
      data: folders of pictures.
      systems: names of the catalog; empty for all that it offers.
      crop: side of the pictures' centre; None: what each suite takes.
      limit: so many pictures of each folder.
      seed: keys and positions follow from it.
      quick: small budgets, to try things out.
      suites: names of suites; empty for all.
    """

    data: tuple[str, ...]
    systems: tuple[str, ...] = ()
    crop: int | None = None
    limit: int | None = None
    seed: int = 0
    quick: bool = False
    suites: tuple[str, ...] = ()


@dataclass(frozen=True)
class Part:
    """One run of one suite.

    Attributes:
      name: of its folder below the comparison's.
      suite, systems: what runs, and over what.
      arguments: of ``python -m jaxcrypt.evaluate``, all but ``--output``.
    """

    name: str
    suite: str
    systems: tuple[str, ...]
    arguments: tuple[str, ...] = field(repr=False, default=())


def plan(what: What) -> list[Part]:
    """The parts in the order in which they run: what takes least first.

    Raises:
      Refusal: a System or suite that there is not.
    """
    entries = [catalog.entry(name) for name in what.systems or _offered()]
    suites = what.suites or (*TOGETHER, *ALONE, BROKEN)
    for name in suites:
        if name not in (*TOGETHER, *ALONE, BROKEN):
            raise usage(f"--suite {name}: choose from {', '.join((*TOGETHER, *ALONE, BROKEN))}")
    parts = []
    for name in suites:
        wanted = [entry for entry in entries if SUITES[name].wants(entry)]
        if name in ALONE:
            parts += [_part(f"{name}-{entry.name}", name, [entry], what) for entry in wanted]
        elif wanted:
            parts.append(_part(name, name, [] if name == BROKEN else wanted, what))
    return parts


def _offered() -> list[str]:
    return [name for name in catalog.NAMES if catalog.entry(name).offered]


def _part(name: str, suite: str, entries: Sequence[Entry], what: What) -> Part:
    arguments = [suite, *(text for folder in what.data for text in ("--data", folder))]
    arguments += [text for entry in entries for text in ("--system", entry.name)]
    given = {"--crop": what.crop, "--limit": what.limit, "--seed": what.seed or None}
    arguments += [text for flag, value in given.items() if value for text in (flag, str(value))]
    if what.quick:
        arguments += _QUICK.get(suite, ())
    if suite == "hiding" and importlib.util.find_spec("sealwatch") is None:
        arguments += ["--detector", "network"]  # the other one comes with an extra
    return Part(name, suite, tuple(entry.name for entry in entries), tuple(arguments))


def folder_of(part: Part, output: Path) -> Path:
    """Where a part's results go."""
    return output / "parts" / part.name
