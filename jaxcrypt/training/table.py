"""Several runs side by side: the settings in which they differ, and the best checkpoint of each."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from jaxcrypt.errors import Refusal
from jaxcrypt.training.defaults import flat_names

_WIDEST = 24  # characters of a setting that are shown


def table(folder: Path, metric: str = "", mode: str = "max") -> str:
    """The runs below ``folder`` as a Markdown table, the best first.

    Args:
      metric: what to sort by, as ``validation/psnr``; "": what the runs call best (``config.train.best``).
      mode: which end of it is good, 'max' or 'min'; with ``metric`` only.

    Raises:
      Refusal: there are no runs.
    """
    runs = {path.parent: json.loads(path.read_text()) for path in sorted(folder.rglob("config.json"))}
    runs = {path: config for path, config in runs.items() if "before-restart-" not in str(path)}
    if not runs:
        raise Refusal(f"{folder}: holds no run (no config.json in it)")
    settings_of = {path: flat_names(config) for path, config in runs.items()}
    names = sorted({name for values in settings_of.values() for name in values})
    differing = [
        name for name in names if len({str(values.get(name)) for values in settings_of.values()}) > 1
    ]
    rows = []
    for path, config in runs.items():
        by = metric or config["train"]["best"]
        sign = 1.0 if (mode if metric else config["train"]["best_mode"]) == "max" else -1.0
        step, value = _best(path / "log.jsonl", by, sign)
        shown = "" if step is None else f"{value:.4g}"
        settings = [_short(settings_of[path].get(name, "")) for name in differing]
        key = -math.inf if step is None else sign * value
        rows.append((key, [str(path.relative_to(folder)), *settings, shown, str(step or "")]))
    rows.sort(key=lambda row: -row[0])
    measured = metric or next(iter(runs.values()))["train"]["best"]
    return _markdown(["run", *differing, measured, "step"], [row for _, row in rows])


def _best(log: Path, name: str, sign: float) -> tuple[int | None, float]:
    """Step and value of the best that the log says of ``name``."""
    best: tuple[int | None, float] = (None, math.nan)
    for line in log.read_text().splitlines() if log.exists() else ():
        entry = json.loads(line)
        value = entry.get(name)
        if value is not None and (best[0] is None or sign * value > sign * best[1]):
            best = entry["step"], value
    return best


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= _WIDEST else text[: _WIDEST - 1] + "…"


def _markdown(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    lines = ["| " + " | ".join(row) + " |" for row in (head, *rows)]
    columns = lines[0].count("|") - 1
    return "\n".join([lines[0], "|" + "---|" * columns, *lines[1:]])
