"""A photo with what was found drawn on it, to look at before anything is encrypted."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from jaxcrypt.regions import things
from jaxcrypt.regions.request import Region

_HIDDEN, _SPARED = (230, 40, 40), (40, 170, 60)
_TINT = 0.35


def preview(picture: np.ndarray, region: Region | None) -> np.ndarray:
    """A picture, uint8 ``[H, W, C]``, as uint8 ``[H, W, 3]``: its region in red, spared things in green.

    Without a region all of it is red.
    """
    colours = picture[..., :3] if picture.shape[2] > 2 else np.repeat(picture[..., :1], 3, axis=2)
    mask = np.ones(picture.shape[:2], bool) if region is None else region.mask
    shown = colours.copy()
    shown[mask] = (1 - _TINT) * shown[mask] + _TINT * np.array(_HIDDEN)
    shown[mask & ~_inner(mask)] = _HIDDEN
    image = Image.fromarray(shown)
    draw = ImageDraw.Draw(image)
    wide = max(1, round(max(picture.shape[:2]) / 500))
    for thing in () if region is None else region.spared:
        left, top, right, bottom = thing.box
        draw.rectangle((left, top, right - 1, bottom - 1), outline=_SPARED, width=wide)
    for thing in () if region is None else (*region.things, *region.spared):
        if thing.label:
            draw.text((thing.left + wide, thing.top + wide), f"{thing.label} {thing.score:.2f}", (255,) * 3)
    return np.asarray(image)


def _inner(mask: np.ndarray) -> np.ndarray:
    """A mask without its rim, which is drawn as its outline."""
    return ~things.dilate(~mask, max(1, round(max(mask.shape) / 500)))
