"""Pixels of 8 bits whose coefficients stay near their lattice: projections onto convex sets (Youla and
Webb 1982).

Pixels must lie in 0..255, coefficients that carry digits near their multiples; the others are free to
take what clipping leaves. Projecting onto the two sets by turns, and beyond the first, finds a picture
in both where there is one. Macroblocks are independent of each other.
"""

from __future__ import annotations

import numpy as np

from jaxcrypt.travel import planes

_TURNS = 25
_BEYOND = np.float32(1.3)  # over-relaxation
_MANY = 2048


def to_pixels(target: np.ndarray, margins: np.ndarray) -> np.ndarray:
    """Macroblocks of pixels.

    Args:
      target: float32 [n, 384]; margins: float32 [384], how far from it each coefficient may be.

    Returns:
      uint8 [n, 16, 16, 3].
    """
    pixels = np.empty((len(target), planes.SIDE, planes.SIDE, 3), np.uint8)
    for start in range(0, len(target), _MANY):
        part = target[start : start + _MANY]
        pixels[start : start + _MANY] = np.clip(np.rint(_projected(part, margins)), 0, 255)
    return pixels


def _projected(target: np.ndarray, margins: np.ndarray) -> np.ndarray:
    pixels = planes.synthesise(target)
    for _ in range(_TURNS):
        bad = np.nonzero(((pixels < -0.5) | (pixels > 255.5)).any(axis=(1, 2, 3)))[0]
        if not len(bad):
            break
        own = pixels[bad]
        own -= _BEYOND * (own - np.clip(own, 0, 255))
        wanted = target[bad]
        moved = np.clip(planes.analyse(own) - wanted, -margins, margins)
        pixels[bad] = planes.synthesise(wanted + moved)
    return pixels
