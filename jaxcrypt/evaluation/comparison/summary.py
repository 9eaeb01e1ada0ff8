"""One table of all Systems, from what the parts of a comparison found."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from jaxcrypt.evaluation.comparison.running import Done
from jaxcrypt.evaluation.report import markdown, number, numbers
from jaxcrypt.metrics.image import mean

_FALLS = "FALLS"


def summary(parts: Sequence[Done]) -> str:
    """Markdown: a row for each System, and the reference; what did not run is empty."""
    known = [done for done in parts if done.facts is not None]
    together = {done.part.suite: done.facts for done in known if done.part.name == done.part.suite}
    attacks = {done.part.systems[0]: done.facts for done in known if done.part.suite == "attacks"}
    costs, damage = together.get("costs"), together.get("damage")
    names = list((costs or damage or {"values": {}})["values"]) if costs else _columns(damage)
    shown = list(damage["values"]) if damage else []
    head = ["", "pixels give back, dB", "bytes, × the PNG", "seal, s/MP", "unseal, s/MP"]
    head += [*shown, "attacks that found something"]
    rows = []
    for name in dict.fromkeys([*names, *_columns(damage)]):
        row = [name, *_costs(costs, name)]
        row += [_cell(damage["values"][kind].get(name)) for kind in shown] if damage else []
        rows.append([*row, _attacks(attacks.get(name))])
    return markdown(head, rows)


def _columns(damage: Mapping[str, Any] | None) -> list[str]:
    return list(next(iter(damage["values"].values()))) if damage else []


def _costs(facts: Mapping[str, Any] | None, name: str) -> list[str]:
    row = facts["values"].get(name) if facts else None
    if not row:
        return [""] * 4
    sizes = row["pixels_only"] or row["bytes"]
    return [_cell(row["psnr"]), *(_median(values) for values in (sizes, row["seal"], row["unseal"]))]


def _median(values: Sequence[float]) -> str:
    return f"{statistics.median(values):.3g}" if values else ""


def _cell(values: Sequence[Any] | None) -> str:
    known = [value for value in numbers(values or ()) if not math.isnan(value)]
    if not known:
        return "nothing" if values else ""
    return mean(known).words


def _attacks(facts: Mapping[str, Any] | None) -> str:
    if facts is None:
        return ""
    fell = [row for row in facts["rows"] if row["verdict"] == _FALLS]
    worst = min((number(row["p"]) for row in fell), default=1.0)
    return f"{len(fell)} of {len(facts['rows'])}" + (f", least p {worst:.1g}" if fell else "")
