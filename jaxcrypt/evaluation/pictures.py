"""The pictures that something is measured on, and the keys that belong to them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from jaxcrypt.errors import Refusal
from jaxcrypt.pictures.files import MODES, load_picture, picture_size

_BATCH_SAMPLES = 1 << 22


@dataclass(frozen=True)
class Named:
    """A picture and what to call it: ``pixels`` uint8 ``[H, W, C]``."""

    name: str
    pixels: np.ndarray

    @property
    def mode(self) -> str:
        return MODES[self.pixels.shape[2]]


def centre(pixels: np.ndarray, side: int | None, name: str) -> np.ndarray:
    """The centre ``side`` × ``side`` of a picture; the whole picture where ``side`` is None.

    Raises:
      Refusal: the picture is smaller.
    """
    if side is None:
        return pixels
    height, width = pixels.shape[:2]
    if min(height, width) < side:
        raise Refusal(f"{name}: {width}×{height} is smaller than --crop {side}")
    top, left = (height - side) // 2, (width - side) // 2
    return np.ascontiguousarray(pixels[top : top + side, left : left + side])


def load(path: Path, crop: int | None) -> Named:
    """One picture, or its centre."""
    return Named(path.name, centre(load_picture(path).pixels, crop, str(path)))


def load_colour(paths: Sequence[Path], crop: int | None) -> list[Named]:
    """Pictures as RGB, uint8 ``[H, W, 3]``: grey is repeated, alpha is dropped."""
    return [Named(named.name, colour(named.pixels)) for named in (load(path, crop) for path in paths)]


def colour(pixels: np.ndarray) -> np.ndarray:
    """uint8 ``[H, W, C]`` of any kind as ``[H, W, 3]``."""
    colours = pixels[..., :1] if pixels.shape[2] < 3 else pixels[..., :3]
    return np.ascontiguousarray(np.broadcast_to(colours, (*pixels.shape[:2], 3)))


def batches(paths: Sequence[Path], crop: int | None) -> Iterator[list[Named]]:
    """The pictures, read as they are wanted: neighbours of one shape together, as many as fit a batch."""
    batch: list[Named] = []
    for path in sorted(paths, key=lambda path: picture_size(path) or (0, 0)):
        one = load(path, crop)
        full = (len(batch) + 1) * one.pixels.size > _BATCH_SAMPLES
        if batch and (batch[0].pixels.shape != one.pixels.shape or full):
            yield batch
            batch = []
        batch.append(one)
    if batch:
        yield batch


def draw(seed: int, purpose: str, name: str) -> bytes:
    """32 bytes that depend on nothing but the arguments: keys and positions of a run that can be repeated."""
    text = f"jaxcrypt evaluate\0{seed}\0{purpose}\0{name}"
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()  # names of files are any bytes


def draw_number(seed: int, purpose: str, name: str, below: int) -> int:
    """A number in [0, below)."""
    return int.from_bytes(draw(seed, purpose, name), "little") % below
