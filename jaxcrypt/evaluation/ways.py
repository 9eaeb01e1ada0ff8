"""Ways that a picture may go: what messengers, forums and other people do to it, by name.

The encoders but Pillow's are those of the package ``jpeglib`` (extra ``jpeg``).
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Callable, Sequence
from importlib import util
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from jaxcrypt.errors import usage
from jaxcrypt.pictures import damages

Way = Callable[[Image.Image], bytes]
PILLOW = "Pillow"
LIBJPEGS = ("6b", "turbo210", "mozjpeg403", "9e")
QUALITIES = (95, 90, 80, 75, 60, 50, 30)
_HALVED, _FULL = "4:2:0", "4:4:4"
_THIRD = (0.21, 0.18, 0.787, 0.757)  # left, top, right, bottom: a third of the area
_DAMAGES = ("noise=8", "blocks=0.1")


def chosen(quality: int, every_encoder: bool, only: Sequence[str]) -> dict[str, Way]:
    """The ways by name.

    Args:
      quality: the JPEG that the pictures are made for.
      every_encoder: each encoder at each quality, with both kinds of chroma; else each at that quality.
      only: ways whose name has one of these in it; empty: all.

    Raises:
      Refusal: none is left.
    """
    every = {**_jpegs(quality, every_encoder), **_others(not every_encoder)}
    ways = {name: way for name, way in every.items() if not only or any(text in name for text in only)}
    if not ways:
        raise usage(f"--only {', '.join(only)}: no way has that in its name")
    return ways


def _jpegs(quality: int, every_encoder: bool) -> dict[str, Way]:
    encoders = (PILLOW, *LIBJPEGS) if util.find_spec("jpeglib") else (PILLOW,)
    steps = sorted({*QUALITIES, quality}, reverse=True)
    if every_encoder:
        wanted = [(step, chroma, one) for step in steps for chroma in (_HALVED, _FULL) for one in encoders]
    else:
        wanted = [(step, _HALVED, PILLOW) for step in steps] + [(quality, _FULL, PILLOW)]
        wanted += [(quality, _HALVED, one) for one in encoders[1:]]
    return {
        f"JPEG {step}, {chroma}, {encoder}": _encoding(encoder, step, chroma)
        for step, chroma, encoder in wanted
    }


def _encoding(encoder: str, quality: int, chroma: str) -> Way:
    if encoder == PILLOW:
        return lambda image: jpeg(image, quality, 2 if chroma == _HALVED else 0)
    return lambda image: _libjpeg(image, encoder, quality, chroma)


def _others(damaged: bool) -> dict[str, Way]:
    ways: dict[str, Way] = {"none": lambda image: _saved(image, "PNG")}
    ways["WebP 80"] = lambda image: _saved(image, "WEBP", quality=80)
    ways["a third of it, JPEG 80"] = lambda image: jpeg(_cut(image), 80)
    ways["×2, JPEG 80"] = lambda image: jpeg(_resized(image, 2.0), 80)
    ways["×0.7 by Lanczos, JPEG 80"] = lambda image: jpeg(_resized(image, 0.7), 80)
    ways["×0.5 by Lanczos, JPEG 80"] = lambda image: jpeg(_resized(image, 0.5), 80)
    for text in _DAMAGES if damaged else ():
        damage = damages.parse(text)
        ways[damage.words] = lambda image, damage=damage: _damaged(image, damage)
    return ways


def _damaged(image: Image.Image, damage: damages.Damage) -> bytes:
    received = damage(np.asarray(image), np.random.default_rng(0))
    return _saved(Image.fromarray(received.pixels), "PNG")


def _saved(image: Image.Image, kind: str, **how: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **how)
    return file.getvalue()


def jpeg(image: Image.Image, quality: int, subsampling: int = 2) -> bytes:
    """A JPEG file by Pillow."""
    return _saved(image, "JPEG", quality=quality, subsampling=subsampling)


def _libjpeg(image: Image.Image, version: str, quality: int, chroma: str) -> bytes:
    """By one of jpeglib's libjpegs, in a file since it writes nowhere else."""
    import jpeglib

    with tempfile.TemporaryDirectory() as folder, jpeglib.version(version):
        picture = jpeglib.from_spatial(np.asarray(image))
        picture.samp_factor = ((2, 2), (1, 1), (1, 1)) if chroma == _HALVED else ((1, 1),) * 3
        picture.write_spatial(f"{folder}/x.jpg", qt=quality)
        return Path(folder, "x.jpg").read_bytes()


def _cut(image: Image.Image) -> Image.Image:
    left, top, right, bottom = _THIRD
    corner = int(left * image.width) | 1, int(top * image.height) | 1  # on no grid
    return image.crop((*corner, int(right * image.width), int(bottom * image.height)))


def _resized(image: Image.Image, scale: float) -> Image.Image:
    kind = Image.Resampling.NEAREST if scale == round(scale) else Image.Resampling.LANCZOS
    return image.resize((round(image.width * scale), round(image.height * scale)), kind)
