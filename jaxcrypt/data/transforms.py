"""What happens to a decoded picture, and to its mask with it: box, resize, window, flip, grey.

:func:`scale` is the same in every epoch (and is what is kept in memory); :class:`Cut` draws a window and a
flip. Each geometric step is done to picture and mask alike; the mask takes the nearest pixel. Arrays are
numpy on the host: pictures uint8 ``[H, W, C]``, masks bool ``[H, W]``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from jaxcrypt.errors import Refusal

_FILTERS = {"area": Image.Resampling.BOX, "bicubic": Image.Resampling.BICUBIC}
_LUMA = np.array([299, 587, 114])  # ITU-R BT.601, in thousandths


@dataclass(frozen=True)
class Geometry:
    """How pictures come to ``size`` (height, width): the settings of the same names in ``config.data``."""

    size: tuple[int, int]
    box: tuple[int, ...] = ()
    fit: str = "crop"
    filter: str = "area"

    def scaled(self, height: int, width: int) -> tuple[int, int]:
        """Height and width after :func:`scale`; never below ``size``."""
        rows, columns = self.size
        if self.fit == "resize":
            return self.size
        factor = max(rows / height, columns / width)
        if self.fit == "crop" and factor <= 1:
            return height, width
        return max(rows, round(height * factor)), max(columns, round(width * factor))


def scale(image: np.ndarray, geometry: Geometry, name: str = "picture") -> np.ndarray:
    """The box of a picture, or of a mask (bool), at the size that windows are cut from.

    Args:
      image: uint8 ``[H, W, C]`` or bool ``[H, W]``.
      name: what to call it in a message.

    Returns:
      The same kind of array, of at least ``geometry.size``.

    Raises:
      Refusal: the box reaches beyond the picture.
    """
    if geometry.box:
        top, left, bottom, right = geometry.box
        if bottom > image.shape[0] or right > image.shape[1]:
            size = f"{image.shape[1]}×{image.shape[0]}"
            raise Refusal(f"{name}: is {size}, and config.data.box={geometry.box} reaches beyond it")
        image = image[top:bottom, left:right]
    size = geometry.scaled(*image.shape[:2])
    return image if image.shape[:2] == size else resize(image, size, geometry.filter)


def resize(image: np.ndarray, size: tuple[int, int], method: str) -> np.ndarray:
    """``image`` at ``size`` (height, width): by area or bicubic, a mask (bool) by its nearest pixel."""
    mask = image.dtype == bool
    pixels = image.astype(np.uint8) * 255 if mask else image
    flat = pixels[..., 0] if pixels.ndim == 3 and pixels.shape[2] == 1 else pixels
    kernel = Image.Resampling.NEAREST if mask else _FILTERS[method]
    out = np.asarray(Image.fromarray(np.ascontiguousarray(flat)).resize(size[::-1], kernel))
    return out > 127 if mask else out.reshape(*size, -1)


@dataclass(frozen=True)
class Cut:
    """A window of a scaled picture, perhaps flipped, perhaps grey.

    Attributes:
      size: (height, width) of the window.
      random: the window lies anywhere; else at the centre.
      flip: left and right are swapped in half of the cuts.
      grey: share of the cuts whose three colours become their luma.
    """

    size: tuple[int, int]
    random: bool = False
    flip: bool = False
    grey: float = 0.0

    def __call__(self, example: Mapping[str, Any], rng: np.random.Generator) -> dict[str, Any]:
        """Cut ``image`` uint8 ``[H, W, C]`` and, where there is one, ``mask`` bool ``[H, W]`` alike."""
        height, width = example["image"].shape[:2]
        rows, columns = self.size
        top, left = (height - rows) // 2, (width - columns) // 2
        if self.random:
            top, left = (int(rng.integers(n + 1)) for n in (height - rows, width - columns))
        flipped = self.flip and rng.random() < 0.5
        made_grey = self.grey > 0 and rng.random() < self.grey
        out = dict(example)
        for name in ("image", "mask"):
            if name in example:
                window = example[name][top : top + rows, left : left + columns]
                out[name] = window[:, ::-1] if flipped else window
        if made_grey:
            out["image"] = to_grey(out["image"])
        return out


def to_grey(image: np.ndarray) -> np.ndarray:
    """The luma of uint8 ``[H, W, C]`` in the first three channels; without three it stays as it is."""
    if image.shape[2] < 3:
        return image
    luma = ((image[..., :3].astype(np.int32) @ _LUMA + 500) // 1000).astype(np.uint8)
    return np.concatenate([np.repeat(luma[..., None], 3, axis=2), image[..., 3:]], axis=2)
