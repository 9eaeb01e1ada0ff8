"""Tables and plots of what was measured of regions (:mod:`jaxcrypt.evaluation.suites.regions`)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from jaxcrypt.evaluation.plots import bars
from jaxcrypt.evaluation.report import markdown, number, numbers
from jaxcrypt.evaluation.setting import title
from jaxcrypt.metrics.image import mean

REGION, ALGEBRA, ALONE = "region", "plain inversion", "as a picture of its own"
SQUARE = 64  # pixels of a side: what FID is measured on
_CHANCE = 2.576  # 99% of a normal variable lie within so many standard deviations


def table(facts: Mapping[str, Any]) -> str:
    """Mean (lowest) PSNR inside the regions as Markdown, and what wrong keys gave."""
    head = title(facts, [f"{facts['label']}: PSNR in dB inside the region, mean (lowest)"])
    measured = [columns for by_damage in facts["values"].values() for columns in by_damage.values()]
    rows, names = [], [name for name in (REGION, ALGEBRA, ALONE) if any(name in one for one in measured)]
    for kind, by_damage in facts["values"].items():
        for damage, columns in by_damage.items():
            cells = [mean(numbers(columns[name])).words if name in columns else "" for name in names]
            count = max(map(len, columns.values()), default=0)
            rows.append([kind.replace("=", " "), str(count), damage, *cells])
    parts = [head, markdown(["region", "of", "damage", *names], rows), _wrong_keys(facts)]
    for name, told in facts.get("fid", {}).items():
        words = (
            f"FID {number(told['fid']):.2f}, KID {number(told['kid']):.4f} ± {number(told['kid_error']):.4f}"
        )
        parts.append(f"Squares of {SQUARE}×{SQUARE}, {name}, against the photos': {words}.")
    return "\n\n".join(parts)


def beside(results: Sequence[Mapping[str, Any]]) -> str:
    """Several results as one table: a column for each System, its results on several folders joined, and for
    what plain inversion gives of it; then what wrong keys gave."""
    joined: dict[str, dict[str, Any]] = {}
    for facts in results:
        joined[facts["label"]] = _joined(joined[facts["label"]], facts) if facts["label"] in joined else facts
    columns = [
        (label, name)
        for label, facts in joined.items()
        for name in (REGION, ALGEBRA)
        if any(name in one for by_damage in facts["values"].values() for one in by_damage.values())
    ]
    lines = []
    for kind in _keys(facts["values"] for facts in joined.values()):
        for damage in _keys(facts["values"].get(kind, {}) for facts in joined.values()):
            cells = [
                _cell(joined[label]["values"].get(kind, {}).get(damage, {}), name) for label, name in columns
            ]
            lines.append([kind.replace("=", " "), damage, *cells])
    head = [label if name == REGION else f"{label}, {name}" for label, name in columns]
    parts = [markdown(["region", "damage", *head], lines)]
    parts += [f"{label}: {_wrong_keys(facts)}" for label, facts in joined.items()]
    return "\n\n".join(["PSNR in dB inside the region, mean (lowest) of so many.", *parts])


def _keys(several: Iterable[Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(name for one in several for name in one))


def _cell(columns: Mapping[str, Any], name: str) -> str:
    return f"{mean(numbers(columns[name])).words} of {len(columns[name])}" if columns.get(name) else ""


def _joined(one: Any, other: Any) -> Any:
    """Results of two runs: lists one after the other, numbers of regions added, all else the first's."""
    if isinstance(one, list) and isinstance(other, list):
        return [*one, *other]
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        made = {**other, **{name: _joined(value, other.get(name)) for name, value in one.items()}}
        return made | ({"wanted": one["wanted"] + other["wanted"]} if "wanted" in one else {})
    return one


def _wrong_keys(facts: Mapping[str, Any]) -> str:
    keys = {name: numbers(values) for name, values in facts["keys"].items()}
    over = {name: float((keys[name] - keys["flat"]).max()) for name in ("wrong", "flipped")}
    slowest = max(facts["seconds"])
    beside = f", {facts['threads']} at a time" if facts.get("threads", 1) > 1 else ""
    count, wanted = len(facts["seconds"]), facts.get("wanted", 0)
    short = f" Stopped after {count} of {wanted} regions." if count < wanted else ""
    return (
        f"Beside the region's own mean, a wrong key gives {over['wrong']:+.2f} dB and one flipped bit "
        f"{over['flipped']:+.2f} dB. {_blocks(keys['blocks'])} "
        f"Slowest decryption: {slowest:.1f} s{beside}.{short}"
    )


def _blocks(found: np.ndarray) -> str:
    """How block means under wrong keys go with the photos': in standard deviations of what white noise has.

    A smooth picture's blocks are alike, and go with any other's by chance more than noise does, up or down:
    so their mean over regions tells.
    """
    found = found[np.isfinite(found)]
    outside = f"{(np.abs(found) > _CHANCE).sum()} of {len(found)} outside the 99% of white noise"
    if len(found) < 3:
        return f"Block means under wrong keys: {outside}."
    error = found.std(ddof=1) / len(found) ** 0.5
    return (
        f"Block means under wrong keys: {outside}; correlation {found.mean():+.2f} ± {error:.2f} in its unit."
    )


def plot(facts: Mapping[str, Any]) -> bytes:
    """Bars of mean PSNR, by kind of region and damage."""
    groups = {
        f"{kind} {damage}": {name: mean(numbers(values)).psnr for name, values in columns.items()}
        for kind, by_damage in facts["values"].items()
        for damage, columns in by_damage.items()
    }
    return bars(groups, "PSNR, dB")
