"""What a suite found: facts for a JSON file, a table made of them, a plot."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

EXACT = "exact"  # in JSON, the PSNR of equal pictures


@dataclass(frozen=True)
class Result:
    """What a suite found.

    Attributes:
      facts: everything by name, as JSON can hold it; the suite's ``table`` makes its table of them.
      plot: a PNG file.
    """

    facts: dict[str, Any]
    plot: bytes


def to_json(facts: Any) -> bytes:
    """Strict JSON: the infinite PSNR of equal pictures is "exact", what is no number at all is null."""
    text = json.dumps(plain(facts), indent=1, allow_nan=False, ensure_ascii=False) + "\n"
    return text.encode("utf-8", "backslashreplace")  # names of files need not be UTF-8; JSON escapes so, too


def plain(value: Any) -> Any:
    """The same of JSON's own types."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [plain(item) for item in value]
    if isinstance(value, float | np.floating):
        if math.isfinite(value):
            return float(value)
        return EXACT if value > 0 else None
    return value.item() if isinstance(value, np.generic) else value


def number(value: Any) -> float:
    """A :func:`plain` number as a float again: "exact" is infinite, null is NaN."""
    return {EXACT: math.inf, None: math.nan}[value] if value is None or value == EXACT else float(value)


def numbers(values: Iterable[Any]) -> np.ndarray:
    """:func:`number` of each, float64."""
    return np.array([number(value) for value in values], np.float64)


def markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table, aligned to be read as text too."""
    lines = [[str(cell) for cell in line] for line in (head, *rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    lines.insert(1, ["-" * width for width in widths])
    return "\n".join(
        f"| {' | '.join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))} |"
        for line in lines
    )


def measured(count: int, crop: int | None, seed: int) -> str:
    """On what: ``24 pictures, centre 256×256, seed 0``."""
    where = f"centre {crop}×{crop}" if crop else "whole"
    return f"{count} picture{'s' * (count != 1)}, {where}, seed {seed}"
