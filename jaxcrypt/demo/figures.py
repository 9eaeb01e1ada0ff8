"""Pictures and histograms as HTML that carries its own bytes: nothing that is shown lies in a file."""

from __future__ import annotations

import base64
import io
import math
from html import escape

import numpy as np
from PIL import Image

SIDE = 560
_COLOURS = ("#d33", "#2a2", "#36d")
_WIDTH, _HEIGHT = 256, 84


def picture(pixels: np.ndarray | None, caption: str, *, noise: bool = False) -> str:
    """A picture, uint8 ``[H, W, C]``, with words below; None shows an empty frame.

    Args:
      noise: shrink by leaving pixels out, since their mean would look grey.
    """
    words = f"<figcaption>{escape(caption)}</figcaption>"
    if pixels is None:
        return f'<figure class="jc"><div class="none">nothing</div>{words}</figure>'
    image = Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
    filter = Image.Resampling.NEAREST if noise else Image.Resampling.LANCZOS
    image.thumbnail((SIDE, SIDE), filter, reducing_gap=None if noise else 3.0)
    return f'<figure class="jc"><img src="{_uri(image)}" alt="{escape(caption)}">{words}</figure>'


def row(*figures: str) -> str:
    """Figures side by side."""
    return f'<div class="jcrow">{"".join(figures)}</div>'


def histogram(pixels: np.ndarray, caption: str) -> str:
    """How often each level occurs in each channel of uint8 ``[H, W, C]``, as SVG."""
    channels = pixels.shape[2] if pixels.shape[2] in (1, 3) else pixels.shape[2] - 1
    counts = [np.bincount(pixels[..., channel].ravel(), minlength=256) for channel in range(channels)]
    top = max(count.max() for count in counts) or 1
    lines = []
    for count, colour in zip(counts, _COLOURS if channels == 3 else ("#666",), strict=True):
        points = " ".join(f"{x},{_HEIGHT - _HEIGHT * y / top:.1f}" for x, y in enumerate(count))
        lines.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1"/>')
    entropy = float(np.mean([_entropy(count) for count in counts]))
    box = f'viewBox="0 0 {_WIDTH} {_HEIGHT}" preserveAspectRatio="none" role="img"'
    words = f"<figcaption>{escape(caption)}: {entropy:.3f} bits a sample</figcaption>"
    return f'<figure class="jc"><svg {box}>{"".join(lines)}</svg>{words}</figure>'


def download(name: str, data: bytes, kind: str, words: str) -> str:
    """A link that saves bytes under a name."""
    uri = f"data:{kind};base64,{base64.b64encode(data).decode()}"
    return f'<a class="jcsave" download="{escape(name)}" href="{uri}">{escape(words)}</a>'


def note(text: str, kind: str = "good") -> str:
    """A line that says how it went: ``good``, ``bad`` or ``quiet``."""
    return f'<p class="jcnote {kind}">{escape(text)}</p>'


def decibels(value: float) -> str:
    """A PSNR in words."""
    return "exact, every sample" if math.isinf(value) else f"{value:.1f} dB"


def _entropy(count: np.ndarray) -> float:
    share = count[count > 0] / count.sum()
    return float(-(share * np.log2(share)).sum())


def _uri(image: Image.Image) -> str:
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=1)
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"
