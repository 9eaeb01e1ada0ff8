"""The picture sheet: one row a picture, with what the eye can judge."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np

from jaxcrypt.cli.command import one_line
from jaxcrypt.evaluation.measured import Example
from jaxcrypt.metrics.cipher import adjacent_pairs

TITLES = (
    "photo",
    "cipher",
    "right key",
    "wrong key",
    "histograms",
    "neighbours, photo",
    "neighbours, cipher",
)
_DOTS = 3000
_PHOTO, _CIPHER = "#7f7f7f", "#d62728"


def draw_sheet(title: str, examples: Sequence[Example]) -> bytes:
    """A PNG of rows × (photo, cipher, right key, wrong key, histograms, two neighbour scatters)."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(2.5 * len(TITLES), 2.6 * len(examples) + 0.5), layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title)
    axes = figure.subplots(len(examples), len(TITLES), squeeze=False)
    for row, (line, example) in enumerate(zip(axes, examples, strict=True)):
        for ax, pixels in zip(
            line, (example.plain, example.cipher, example.right, example.wrong), strict=False
        ):
            _picture(ax, pixels)
        line[0].set_ylabel(
            f"{one_line(example.name)}\n{_size(example.plain)} → {_size(example.cipher)}", fontsize=8
        )
        _histograms(line[4], example)
        _scatter(line[5], example.plain, _PHOTO)
        _scatter(line[6], example.cipher, _CIPHER)
        if row == 0:
            for ax, text in zip(line, TITLES, strict=True):
                ax.set_title(text, fontsize=10)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    return buffer.getvalue()


def _size(pixels: np.ndarray) -> str:
    return f"{pixels.shape[1]}×{pixels.shape[0]}"


def _picture(ax, pixels: np.ndarray) -> None:
    shown = pixels if pixels.shape[2] in (3, 4) else pixels[..., 0]
    ax.imshow(shown, cmap="gray", vmin=0, vmax=255)
    ax.set_xticks([])
    ax.set_yticks([])


def _histograms(ax, example: Example) -> None:
    """Shares of the 256 values in multiples of an even histogram's."""
    for pixels, colour, words in ((example.plain, _PHOTO, "photo"), (example.cipher, _CIPHER, "cipher")):
        counts = np.bincount(pixels.reshape(-1), minlength=256) * 256 / pixels.size
        ax.plot(counts, color=colour, linewidth=0.8, label=words)
    ax.set_xlim(0, 255)
    ax.set_ylim(0, 5)
    ax.tick_params(labelsize=7)
    ax.set_ylabel("× even", fontsize=7)
    ax.legend(fontsize=7, loc="upper right")


def _scatter(ax, pixels: np.ndarray, colour: str) -> None:
    here, right = (side.reshape(-1) for side in adjacent_pairs(pixels[None], "horizontal"))
    chosen = np.random.default_rng(0).choice(len(here), min(_DOTS, len(here)), replace=False)
    ax.plot(here[chosen], right[chosen], ".", markersize=1, color=colour)
    ax.set(xlim=(0, 255), ylim=(0, 255), aspect="equal")
    ax.set_xlabel("sample", fontsize=7)
    ax.set_ylabel("its right neighbour", fontsize=7)
    ax.tick_params(labelsize=7)
