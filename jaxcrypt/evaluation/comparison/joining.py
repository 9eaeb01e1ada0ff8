"""Parts of one suite over several Systems, as the suite itself over all of them would have it."""

from __future__ import annotations

import importlib
import shlex
from collections.abc import Sequence
from typing import Any

from jaxcrypt.evaluation.comparison.plan import TOGETHER, Part, together
from jaxcrypt.evaluation.comparison.running import Done

_NAMES = "systems"  # a list in results that has a name for each System


def joined(done: Sequence[Done]) -> list[Done]:
    """What stands in a report: Systems side by side where a suite compares them, else part by part.

    A group's facts are those that ``evaluate`` would give of all its Systems, under that command; what is
    said of no System, such as AES-256-GCM's row, is the first part's. What failed is told beside the rest.
    """
    by_name = {one.part.name: one for one in done}
    groups = ([by_name[part.name] for part in parts] for parts in together([one.part for one in done]))
    return [_join(group) if group[0].part.suite in TOGETHER else group[0] for group in groups]


def _join(group: Sequence[Done]) -> Done:
    suite = group[0].part.suite
    failure = "; ".join(f"{', '.join(one.part.systems)}: {one.failure}" for one in group if one.failure)
    known = [one for one in group if one.facts is not None]
    part = _joint([one.part for one in known or group])
    if not known:
        return Done(part, None, failure=failure)
    facts: Any = {}
    for one in known:
        facts = merged(facts, one.facts)
    facts["command"] = shlex.join(["python", "-m", "jaxcrypt.evaluate", *part.arguments])
    plot = importlib.import_module(f"jaxcrypt.evaluation.suites.{suite}").plot(facts)
    return Done(part, facts, plot, failure)


def _joint(parts: Sequence[Part]) -> Part:
    """One part of all the Systems of ``parts``."""
    first, names = parts[0], [name for part in parts for name in part.systems]
    at = first.arguments.index("--system")
    flags = [text for name in names for text in ("--system", name)]
    arguments = (*first.arguments[:at], *flags, *first.arguments[at + 2 :])
    return Part(first.suite, first.suite, tuple(names), arguments)


def merged(first: Any, second: Any) -> Any:
    """Two results as one: dicts by name, lists of Systems one after the other; of all else the first."""
    if not isinstance(first, dict) or not isinstance(second, dict):
        return first
    both = dict(first)
    for name, value in second.items():
        if name == _NAMES and isinstance(value, list):
            both[name] = list(dict.fromkeys([*both.get(name, []), *value]))
        else:
            both[name] = merged(both[name], value) if name in both else value
    return both
