"""The interpretability sheet: what hiding changed, what each secret put where, and what strangers see.

One row a secret. What a secret put into the stego picture is the difference to the stego picture that hides
flat grey in its place, under the same key; without a key it lies where the net puts it, with one where the
key sends it.
"""

from __future__ import annotations

import io

import numpy as np

from jaxcrypt.attacks.steganalysis import amplified, reassemble
from jaxcrypt.evaluation.hiding import Hider, alike, order, secrets_of
from jaxcrypt.metrics.image import words

TITLES = (
    "cover",
    "stego picture",
    "change ×10",
    "secret",
    "put by this secret ×10",
    "the same, without a key",
    "revealed",
    "wrong key",
    "no key",
    "no key, jigsaw",
)
_ROWS = 6
_WIDTH, _HEIGHT, _TOP = 2.8, 3.0, 0.9  # inches of a cell and above all: the pictures' own pixels at 100 dpi
_GREY = 128
Cell = tuple[np.ndarray, str]


def draw_sheet(title: str, hider: Hider, covers: np.ndarray) -> bytes:
    """A PNG of the first few covers, uint8 ``[N, H, W, 3]``, and what they hide."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    shown = range(min(max(_ROWS // hider.secrets, 1), len(covers)))
    rows = [row for index in shown for row in _rows(hider, covers, index)]
    size = _WIDTH * len(TITLES), _HEIGHT * len(rows) + _TOP
    figure = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title, fontsize=16)
    axes = figure.subplots(len(rows), len(TITLES), squeeze=False)
    for ax, heading in zip(axes[0], TITLES, strict=True):
        ax.set_title(heading, fontsize=15)
    for line, row in zip(axes, rows, strict=True):
        for ax, cell in zip(line, row, strict=True):
            if cell is None:
                ax.set_axis_off()
            else:
                _show(ax, *cell)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=100)
    return buffer.getvalue()


def _show(ax, pixels: np.ndarray, words: str) -> None:
    ax.imshow(pixels)
    ax.set_xlabel(words, fontsize=13)
    ax.set_xticks([])
    ax.set_yticks([])


def _rows(hider: Hider, covers: np.ndarray, index: int) -> list[list[Cell | None]]:
    """For each secret of a cover its pictures, and what to say of them."""
    cover, secrets = covers[index], secrets_of(covers, index, hider.secrets, order(len(covers), hider.seed))
    stego, plain = (hider.hide(cover, secrets, index, keyed) for keyed in (True, False))
    revealed = hider.reveal(stego, hider.key(index))
    wrong = hider.reveal(stego, hider.key(-1 - index))
    without = hider.reveal(stego, hider.key(index), keyed=False)
    front = [(cover, ""), (stego.pixels, _decibels(stego.pixels, cover)), _change(stego.pixels, cover)]
    rows = []
    for place, secret in enumerate(secrets):
        others = np.array(secrets)
        others[place] = _GREY
        put = [
            _change(made.pixels, hider.hide(cover, others, index, keyed).pixels)
            for made, keyed in ((stego, True), (plain, False))
        ]
        jigsaw = reassemble(without[place])
        row: list[Cell | None] = [*front] if place == 0 else [None] * len(front)
        row += [(secret, ""), *put]
        row.append((revealed[place], _decibels(revealed[place], secret)))
        row += [(seen, _likeness(seen, secret)) for seen in (wrong[place], without[place], jigsaw)]
        rows.append(row)
    return rows


def _change(made: np.ndarray, without: np.ndarray) -> Cell:
    size = np.abs(made.astype(int) - without)
    return amplified(made, without), f"{100 * np.mean(size > 0):.0f}% moved, mean {size.mean():.1f}"


def _decibels(seen: np.ndarray, wanted: np.ndarray) -> str:
    return words(alike(seen[None], wanted[None])[0])


def _likeness(seen: np.ndarray, wanted: np.ndarray) -> str:
    return f"SSIM {alike(seen[None], wanted[None])[1]:.3f}"
