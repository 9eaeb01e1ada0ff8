"""Where regions lie in pictures that are measured: boxes and ellipses anywhere, or stored masks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from jaxcrypt.data import listing
from jaxcrypt.errors import Refusal, usage
from jaxcrypt.pictures.files import load_picture

LEAST = 8  # pixels of a side
MASK = "mask"
_WHITE = 127


@dataclass(frozen=True)
class Kind:
    """A kind of region.

    Attributes:
      shape: ``box``, ``ellipse``, or ``mask`` for one that is stored.
      least, most: pixels of the side, drawn for each picture where they differ.
    """

    shape: str
    least: int = 0
    most: int = 0

    def mask(self, size: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
        """bool ``[H, W]``: one of these somewhere in a picture of ``size``."""
        side = self.least if self.least == self.most else int(rng.integers(self.least, self.most + 1))
        sides = [min(side, whole) for whole in size]
        first = [int(rng.integers(whole - side + 1)) for whole, side in zip(size, sides, strict=True)]
        y, x = np.ogrid[: size[0], : size[1]]
        if self.shape == "box":
            return (y >= first[0]) & (y < first[0] + sides[0]) & (x >= first[1]) & (x < first[1] + sides[1])
        v, u = (
            2 * (at - f - (s - 1) / 2) / s for at, f, s in ((y, first[0], sides[0]), (x, first[1], sides[1]))
        )
        return u**2 / 0.75**2 + v**2 <= 1  # higher than wide, as a face


def parse(text: str) -> Kind:
    """The kind that a person named: ``box=96``, ``box=96-256``, ``ellipse=160``, ``mask``.

    Raises:
      Refusal: another shape, or no side.
    """
    if text == MASK:
        return Kind(MASK)
    shape, _, sides = text.partition("=")
    least, dash, most = sides.partition("-")
    bounds = [int(side) for side in (least, most if dash else least) if side.isdecimal()]
    if shape not in ("box", "ellipse") or len(bounds) < 2 or not LEAST <= bounds[0] <= bounds[1]:
        wanted = f"box=N, box=N-M or ellipse=N with N of at least {LEAST} pixels, or mask"
        raise usage(f"--region {text}: must be {wanted}")
    return Kind(shape, *bounds)


def squares(picture: np.ndarray, mask: np.ndarray, side: int) -> np.ndarray:
    """The squares of ``side`` that lie in a region, from the corner of its bounding box on.

    Args:
      picture: uint8 ``[H, W, C]``; mask: bool ``[H, W]``.

    Returns:
      uint8 ``[N, side, side, C]``.
    """
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    found = [
        picture[y : y + side, x : x + side]
        for y in range(rows[0], rows[-1] + 2 - side, side)
        for x in range(columns[0], columns[-1] + 2 - side, side)
        if mask[y : y + side, x : x + side].all()
    ]
    return np.stack(found) if found else np.zeros((0, side, side, picture.shape[2]), np.uint8)


def stored(paths: Sequence[Path], folder: str) -> list[np.ndarray | None]:
    """The masks bool ``[H, W]`` that ``jaxcrypt roi --masks FOLDER`` left, one a picture or None.

    Raises:
      Refusal: no such folder, or no mask of any of them.
    """
    if not Path(folder).is_dir():
        raise usage(f"--masks {folder}: not a folder")
    files = listing.mask_files([path.name for path in paths], folder, folder)
    if not files:
        raise Refusal(f"--masks {folder}: holds no mask of any picture; jaxcrypt roi --masks makes them")
    masks = [load_picture(str(files[path.name])).pixels if path.name in files else None for path in paths]
    return [None if mask is None else mask[..., 0] > _WHITE for mask in masks]
