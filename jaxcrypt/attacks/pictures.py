"""Pictures for the attacks: square windows of the pictures of a folder, made small.

A window takes half to all of a picture's short side, so a small picture still shows a scene, and one folder
gives as many as an attack is granted. Windows are drawn picture after picture from a seed.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from jaxcrypt.errors import Refusal
from jaxcrypt.pictures.files import load_picture

_SHORT_SIDE = 256  # pictures are kept at about this size: windows are made much smaller anyway


def split(paths: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """Four fifths for the adversary, every fifth file to be judged on."""
    judged = list(paths[::5])
    return [path for index, path in enumerate(paths) if index % 5], judged


def windows(paths: Sequence[Path], side: int, count: int, channels: int, seed: int) -> np.ndarray:
    """Small pictures: uint8 ``[count, side, side, channels]``, from every file about as many.

    Raises:
      Refusal: a file is no picture, or smaller than ``side``.
    """
    random = np.random.default_rng([seed, side])
    rounds = np.tile(random.permutation(len(paths)), -(-count // len(paths)))[:count]
    wanted: dict[int, list[int]] = {}
    for place, index in enumerate(rounds):
        wanted.setdefault(int(index), []).append(place)
    cut = np.empty((count, side, side, channels), np.uint8)
    for index, places in wanted.items():
        image = _load(paths[index], side, channels)
        for place in places:
            cut[place] = _window(image, side, random).reshape(side, side, channels)
    return cut


def _load(path: Path, side: int, channels: int) -> Image.Image:
    pixels = load_picture(path).pixels
    if min(pixels.shape[:2]) < side:
        raise Refusal(f"{path}: smaller than the {side}×{side} that an attack looks at")
    colours = pixels[..., : 1 if pixels.shape[2] < 3 else 3]
    image = Image.fromarray(colours[..., 0] if colours.shape[2] == 1 else colours)
    image = image.convert("L" if channels == 1 else "RGB")
    factor = min(image.size) // max(side, _SHORT_SIDE)
    return image.reduce(factor) if factor > 1 else image


def _window(image: Image.Image, side: int, random: np.random.Generator) -> np.ndarray:
    short = min(image.size)
    size = int(random.integers(max(side, short // 2), short + 1))
    left, top = (int(random.integers(0, length - size + 1)) for length in image.size)
    window = image.resize((side, side), Image.Resampling.BOX, (left, top, left + size, top + size))
    return np.asarray(window)
