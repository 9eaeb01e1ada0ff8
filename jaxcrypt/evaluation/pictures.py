"""The pictures that something is measured on, and the keys that belong to them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from jaxcrypt.cli.jobs import batched_by_shape
from jaxcrypt.errors import Refusal, usage
from jaxcrypt.pictures.files import MODES, SUFFIXES, load_picture, picture_size

_BATCH_SAMPLES = 1 << 22


@dataclass(frozen=True)
class Named:
    """A picture and what to call it: ``pixels`` uint8 ``[H, W, C]``."""

    name: str
    pixels: np.ndarray

    @property
    def mode(self) -> str:
        return MODES[self.pixels.shape[2]]


def find_pictures(folders: Sequence[str], limit: int | None = None) -> list[Path]:
    """The picture files of the folders, by name; the first ``limit`` of each folder.

    Raises:
      Refusal: a folder that is none, or has no pictures.
    """
    found = []
    for folder in map(Path, folders):
        if not folder.is_dir():
            raise usage(f"--data {folder}: not a folder")
        files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
        if not files:
            raise Refusal(f"--data {folder}: no pictures in this folder")
        found += files[:limit]
    return found


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


def batches(paths: Sequence[Path], crop: int | None) -> Iterator[list[Named]]:
    """The pictures, read as they are wanted, those of one shape together."""
    ordered = sorted(paths, key=lambda path: picture_size(path) or (0, 0))
    pictures = (Named(path.name, centre(load_picture(path).pixels, crop, str(path))) for path in ordered)
    return batched_by_shape(pictures, lambda picture: picture.pixels.shape, _BATCH_SAMPLES)


def draw(seed: int, purpose: str, name: str) -> bytes:
    """32 bytes that depend on nothing but the arguments: keys and positions of a run that can be repeated."""
    return hashlib.sha256(f"jaxcrypt evaluate\0{seed}\0{purpose}\0{name}".encode()).digest()


def draw_number(seed: int, purpose: str, name: str, below: int) -> int:
    """A number in [0, below)."""
    return int.from_bytes(draw(seed, purpose, name), "little") % below
