"""Pictures that an adversary would choose: sparse, flat in parts, typed, written; by name.

All are uint8 ``[side, side, channels]``, and follow from the side alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw, ImageFont

WHITE, INK = 255, 20
_WORD = "PIN 4711"
_TEXT = "Dear Sir, the sum of 1,250.00 was paid on the third of May. Yours faithfully, "


def dot(canvas: Image.Image, draw: ImageDraw.ImageDraw) -> None:
    """One white pixel on black."""
    canvas.paste(0, (0, 0, *canvas.size))
    canvas.putpixel((canvas.width // 2, canvas.height // 2), WHITE)


def square(canvas: Image.Image, draw: ImageDraw.ImageDraw) -> None:
    """A white square of 8×8 on black."""
    canvas.paste(0, (0, 0, *canvas.size))
    x, y = canvas.width // 2, canvas.height // 2
    draw.rectangle((x - 4, y - 4, x + 3, y + 3), fill=WHITE)


def lines(canvas: Image.Image, draw: ImageDraw.ImageDraw) -> None:
    """Three thin lines on white: a crossing and a slope."""
    width, height = canvas.size
    for ends in (
        (0, height // 3, width, height // 3),
        (width // 2, 0, width // 2, height),
        (0, 0, width, height),
    ):
        draw.line(ends, fill=INK)


def word(canvas: Image.Image, draw: ImageDraw.ImageDraw) -> None:
    """A white page with one typed word."""
    size = max(8, canvas.width // 40)
    draw.text((canvas.width // 4, canvas.height // 2), _WORD, fill=INK, font=ImageFont.load_default(size))


def page(canvas: Image.Image, draw: ImageDraw.ImageDraw) -> None:
    """A page full of type."""
    size = max(8, canvas.width // 60)
    font, margin = ImageFont.load_default(size), canvas.width // 12
    for number, top in enumerate(range(margin, canvas.height - margin - size, size * 3 // 2)):
        shifted = _TEXT[number * 7 % len(_TEXT) :] + _TEXT * 2
        draw.text((margin, top), shifted[: (canvas.width - 2 * margin) * 2 // size], fill=INK, font=font)


def written(canvas: Image.Image, draw: ImageDraw.ImageDraw) -> None:
    """Lines of a hand's loops."""
    width, height = canvas.size
    step, pen = max(12, height // 14), max(1, width // 400)
    for row, base in enumerate(range(step, height - step // 2, step)):
        across = np.linspace(width / 12, width * 11 / 12, 1500)
        phase = across * (2 * math.pi / (0.8 * step)) + row
        height_of = 0.28 * step * (0.6 + 0.4 * np.sin(phase / 3.7))
        x, y = across + 0.3 * step * np.cos(phase), base + height_of * np.sin(phase)
        draw.line(list(zip(x.tolist(), y.tolist(), strict=True)), fill=INK, width=pen)


def stars(canvas: Image.Image, draw: ImageDraw.ImageDraw) -> None:
    """A night sky: one star for every 28,000 pixels, eight at least."""
    canvas.paste(0, (0, 0, *canvas.size))
    random = np.random.default_rng(4711)
    for _ in range(max(8, canvas.width * canvas.height // 28_000)):
        place = tuple(int(random.integers(0, side)) for side in canvas.size)
        canvas.putpixel(place, int(random.integers(90, 256)))


def specks(canvas: Image.Image, draw: ImageDraw.ImageDraw) -> None:
    """A blank page with 90 specks of the scanner."""
    random = np.random.default_rng(90)
    for _ in range(90):
        canvas.putpixel(tuple(int(random.integers(0, side)) for side in canvas.size), INK)


def half(canvas: Image.Image, draw: ImageDraw.ImageDraw) -> None:
    """Black and white, a half each."""
    draw.rectangle((0, 0, canvas.width // 2 - 1, canvas.height), fill=0)


def blank(canvas: Image.Image, draw: ImageDraw.ImageDraw) -> None:
    """A white page."""


KINDS: dict[str, Callable[[Image.Image, ImageDraw.ImageDraw], None]] = {
    kind.__name__: kind for kind in (dot, square, lines, word, page, written, stars, specks, half, blank)
}


def picture(name: str, side: int, channels: int) -> np.ndarray:
    """The picture called ``name``, one of :data:`KINDS`: uint8 ``[side, side, channels]``."""
    canvas = Image.new("L", (side, side), WHITE)
    KINDS[name](canvas, ImageDraw.Draw(canvas))
    return np.repeat(np.asarray(canvas)[..., None], channels, axis=2)
