"""Plots of results: PNG files from numbers by name."""

from __future__ import annotations

import io
import math
import textwrap
from collections.abc import Mapping, Sequence

_WIDTH, _HEIGHT, _DPI = 9.0, 4.8, 110  # inches, inches, pixels an inch
_BESIDE = 8  # groups that stand beside each other; more of them, or longer names, stand below each other
_SHORT, _LONG = 16, 48  # letters of a line of a group's name, beside and below


def bars(groups: Mapping[str, Mapping[str, float]], unit: str) -> bytes:
    """A group of bars for each outer name, one for each inner name; what is infinite is marked "exact", what
    is NaN is left out. Many groups, or long names, become rows of a plot as high as they need."""
    names = list(dict.fromkeys(name for group in groups.values() for name in group))
    finite = [v for group in groups.values() for v in group.values() if math.isfinite(v)]
    top, thick = 1.15 * max(finite, default=1.0), 0.8 / max(len(names), 1)
    level = len(groups) > _BESIDE or any(len(name) > 2 * _SHORT for name in groups)
    labels = [textwrap.fill(name, _LONG if level else _SHORT) for name in groups]
    lines = [max(label.count("\n") + 1, len(names)) for label in labels]
    figure, axes = _figure(max(_HEIGHT, 1 + 0.19 * sum(lines)) if level else _HEIGHT)
    for place, name in enumerate(names):
        heights = [group.get(name, math.nan) for group in groups.values()]
        middle = [index + (place - (len(names) - 1) / 2) * thick for index in range(len(groups))]
        drawn = [top if math.isinf(h) else 0 if math.isnan(h) else h for h in heights]
        (axes.barh if level else axes.bar)(middle, drawn, thick, label=name)
        for at, height in zip(middle, heights, strict=True):
            if math.isinf(height):
                _mark_exact(axes, at, top, level)
    _label(axes, labels, unit, level)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(fontsize=8)
    return _png(figure)


def _mark_exact(axes, at: float, top: float, level: bool) -> None:
    style = {"fontsize": 7, "color": "white"}
    if level:
        axes.text(top, at, "exact ", ha="right", va="center", **style)
    else:
        axes.text(at, top, "exact", rotation=90, ha="center", va="top", **style)


def _label(axes, labels: Sequence[str], unit: str, level: bool) -> None:
    if level:
        axes.set_yticks(range(len(labels)), labels, fontsize=8)
        axes.invert_yaxis()
        axes.set_xlabel(unit)
    else:
        axes.set_xticks(range(len(labels)), labels, fontsize=8)
        axes.set_ylabel(unit)


def curves(lines: Mapping[str, tuple[Sequence[float], Sequence[float]]], across: str, up: str) -> bytes:
    """One line with dots for each name, given as ``(x, y)``; what is not finite is left out."""
    figure, axes = _figure(_HEIGHT)
    for name, (xs, ys) in lines.items():
        points = [(x, y) for x, y in zip(xs, ys, strict=True) if math.isfinite(x) and math.isfinite(y)]
        if points:
            axes.plot(*zip(*points, strict=True), marker="o", markersize=4, label=name)
    axes.set_xlabel(across)
    axes.set_ylabel(up)
    axes.grid(alpha=0.3)
    if axes.lines:
        axes.legend(fontsize=8)
    return _png(figure)


def _figure(height: float):
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(_WIDTH, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.subplots()


def _png(figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=_DPI)
    return buffer.getvalue()
