"""Which suites a comparison runs, over which Systems: one command line of ``evaluate`` for each part."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from jaxcrypt.attacks.significance import MIN_PICTURES
from jaxcrypt.declared import Entry
from jaxcrypt.errors import usage
from jaxcrypt.evaluation.suites import SUITES
from jaxcrypt.systems import catalog

TOGETHER = ("damage", "costs", "rates", "linkage")  # Systems side by side in one table
ALONE = ("ciphers", "attacks", "hiding", "regions", "faces")  # a table for each System
BROKEN = "broken"
ORDER = ("damage", BROKEN, "attacks", "ciphers", "linkage", "rates", "hiding", "costs", "regions", "faces")
_CROP = (*TOGETHER, "ciphers", "hiding")  # of the others some cut windows or regions, some make pictures
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
      crop: side of the pictures' centre, for suites that measure whole pictures; None: what each takes.
      limit: so many pictures of each folder.
      seed: keys and positions follow from it.
      quick: small budgets, to try things out.
      suites: names of suites; empty for all.
      known: a folder of pictures that adversaries learn on; None: as each suite has it.
      device: what to run on.
    """

    data: tuple[str, ...]
    systems: tuple[str, ...] = ()
    crop: int | None = None
    limit: int | None = None
    seed: int = 0
    quick: bool = False
    suites: tuple[str, ...] = ()
    known: str | None = None
    device: str = "auto"


@dataclass(frozen=True)
class Part:
    """One run of one suite over one System, so that parts can run side by side.

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
    """The parts in the order in which they run: what is asked for most comes first.

    Raises:
      Refusal: a System or suite that there is not.
    """
    entries = [catalog.entry(name) for name in what.systems or _offered()]
    suites = what.suites or ORDER
    for name in suites:
        if name not in ORDER:
            raise usage(f"--suite {name}: choose from {', '.join(ORDER)}")
    parts = []
    for name in sorted(suites, key=ORDER.index):
        if name == BROKEN:
            parts.append(_part(name, name, [], what))
        else:
            wanted = [entry for entry in entries if SUITES[name].wants(entry)]
            parts += [_part(f"{name}-{entry.name}", name, [entry], what) for entry in wanted]
    return parts


def together(parts: Sequence[Part]) -> list[list[Part]]:
    """Parts whose Systems stand side by side in one table, as one group; every other part by itself."""
    groups: dict[str, list[Part]] = {}
    for part in parts:
        groups.setdefault(part.suite if part.suite in TOGETHER else part.name, []).append(part)
    return list(groups.values())


def _offered() -> list[str]:
    return [name for name in catalog.NAMES if catalog.entry(name).offered]


def _part(name: str, suite: str, entries: Sequence[Entry], what: What) -> Part:
    least = MIN_PICTURES if suite == "linkage" else 1  # fewer and nothing could be told
    given = {
        "--crop": what.crop if suite in _CROP else None,
        "--limit": max(what.limit, least) if what.limit else None,
        "--seed": what.seed or None,
    }
    learn = suite == "attacks" or (suite == "hiding" and not what.limit)  # which would limit these, too
    given["--known"] = what.known if learn else None
    given["--device"] = what.device if what.device != "auto" else None
    arguments = [text for flag, value in given.items() if value for text in (flag, str(value))]
    if what.quick:
        arguments += _QUICK.get(suite, ())
    if suite == "hiding" and "--known" in arguments and importlib.util.find_spec("sealwatch") is None:
        arguments += ["--detector", "network"]  # the other one comes with an extra
    systems = tuple(entry.name for entry in entries)
    return Part(name, suite, systems, command_line(suite, what.data, systems, arguments))


def command_line(
    suite: str, data: Sequence[str], systems: Sequence[str], arguments: Sequence[str]
) -> tuple[str, ...]:
    """The arguments of ``python -m jaxcrypt.evaluate`` that run a suite over Systems."""
    folders = [text for folder in data for text in ("--data", folder)]
    return (suite, *folders, *(text for name in systems for text in ("--system", name)), *arguments)


def folder_of(part: Part, output: Path) -> Path:
    """Where a part's results go."""
    return output / "parts" / part.name
