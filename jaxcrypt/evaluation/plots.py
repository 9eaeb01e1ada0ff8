"""Plots of results: PNG files from numbers by name."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence

_SIZE, _DPI = (9.0, 4.8), 110


def bars(groups: Mapping[str, Mapping[str, float]], unit: str) -> bytes:
    """A group of bars for each outer name, one for each inner name; what is infinite is marked "exact", what
    is NaN is left out."""
    figure, axes = _figure()
    names = list(dict.fromkeys(name for group in groups.values() for name in group))
    finite = [v for group in groups.values() for v in group.values() if math.isfinite(v)]
    top = 1.15 * max(finite, default=1.0)
    width = 0.8 / max(len(names), 1)
    for place, name in enumerate(names):
        heights = [group.get(name, math.nan) for group in groups.values()]
        left = [index + (place - (len(names) - 1) / 2) * width for index in range(len(groups))]
        axes.bar(
            left, [top if math.isinf(h) else 0 if math.isnan(h) else h for h in heights], width, label=name
        )
        for x, height in zip(left, heights, strict=True):
            if math.isinf(height):
                axes.text(x, top, "exact", rotation=90, ha="center", va="top", fontsize=7, color="white")
    axes.set_xticks(range(len(groups)), [_wrapped(name) for name in groups], fontsize=8)
    axes.set_ylabel(unit)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(fontsize=8)
    return _png(figure)


def curves(lines: Mapping[str, tuple[Sequence[float], Sequence[float]]], across: str, up: str) -> bytes:
    """One line with dots for each name, given as ``(x, y)``; what is not finite is left out."""
    figure, axes = _figure()
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


def _figure():
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=_SIZE, layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.subplots()


def _png(figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=_DPI)
    return buffer.getvalue()


def _wrapped(name: str) -> str:
    import textwrap

    return textwrap.fill(name, 16)
