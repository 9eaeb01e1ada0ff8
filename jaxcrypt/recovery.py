"""Reading what is left of a sealed picture, for ``decrypt --recover``: nothing authenticates the results."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from jaxcrypt.crypto import pngreader
from jaxcrypt.crypto.bundle import File
from jaxcrypt.crypto.sealed import Opened
from jaxcrypt.errors import Refusal, tampered
from jaxcrypt.imaging import load_picture


@dataclass(frozen=True)
class Damaged:
    """What could be read: ``pixels`` uint8 ``[H, W, C]``, and bool ``[H]``, the rows that are ``missing``."""

    name: str
    pixels: np.ndarray = field(repr=False)
    missing: np.ndarray = field(repr=False)
    container: pngreader.Container | None = None

    def need_header(self) -> bytes:
        """The header that the file still carries."""
        if self.container is None:
            raise Refusal(
                f"{self.name}: carries no header; give the one that --write-header saved with --header FILE"
            )
        return self.container.need_header()

    def fitted(self, shape: tuple[int, int, int]) -> np.ndarray:
        """The pixels, if they have the shape that was sealed; a grey picture saved as RGB is brought back."""
        pixels = self.pixels
        if shape[2] == 1 and pixels.shape[2] == 3:
            pixels = np.rint(pixels.mean(axis=2, keepdims=True)).astype(np.uint8)
        if shape[2] == 3 and pixels.shape[2] == 4:
            pixels = np.ascontiguousarray(pixels[..., :3])
        if pixels.shape != tuple(shape):
            had, has = (
                f"{shape[1]}×{shape[0]}×{shape[2]}",
                f"{pixels.shape[1]}×{pixels.shape[0]}×{pixels.shape[2]}",
            )
            raise tampered(
                f"{self.name}: was {had} and is {has}: resized or cropped, which cannot be recovered"
            )
        return pixels


def read_damaged(data: bytes, name: str) -> Damaged:
    """Whatever a damaged PNG, or a copy in another picture format, still holds.

    Raises:
      Refusal: nothing that a picture can be made of.
    """
    try:
        container = pngreader.read(data, name, lenient=True)
    except Refusal:
        picture = load_picture(data, name)
        return Damaged(name, picture.pixels, np.zeros(picture.pixels.shape[0], bool))
    pixels, missing = container.decode_damaged()
    return Damaged(name, pixels, missing, container)


def open_files(opened: Opened, damaged: Damaged) -> list[File]:
    """The exact files, if their payload is whole although the pixels are not; else none."""
    if damaged.container is None or not opened.header.payload:
        return []
    try:
        return opened.open_files(damaged.container.payload)
    except Refusal:
        return []


def lost_pixels(damaged: Damaged, shape: tuple[int, int, int], mask: str | None) -> np.ndarray | None:
    """bool ``[H, W]``: pixels that the file lacks or that the mask picture (white: lost) names, or None."""
    lost = np.zeros(shape[:2], bool)
    lost[: len(damaged.missing)] |= damaged.missing[: len(lost), None]
    if mask:
        picture = load_picture(mask)
        if picture.pixels.shape[:2] != lost.shape:
            raise Refusal(
                f"--lost {mask}: must have the cipher picture's size, {lost.shape[1]}×{lost.shape[0]}"
            )
        lost |= picture.pixels[..., 0] > 127
    return lost if lost.any() else None
