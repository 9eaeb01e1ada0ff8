"""Reading what is left of a sealed picture, for ``decrypt --recover``.

Nothing authenticates the results, except where :func:`verified` says that the pixels are those that were
sealed after all: their MAC is over decoded samples, so a lost payload or another file format leaves it whole.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from jaxcrypt.crypto import pngpixels, pngreader
from jaxcrypt.crypto.bundle import File
from jaxcrypt.crypto.sealed import Opened
from jaxcrypt.errors import Refusal, tampered
from jaxcrypt.pictures.files import load_picture, picture_size

Shape = tuple[int, int, int]


@dataclass(frozen=True)
class Damaged:
    """A damaged PNG taken apart, or a copy in another picture format (``container`` None); not yet decoded.

    Attributes:
      size: height and width as the file says them.
    """

    name: str
    size: tuple[int, int]
    container: pngreader.Container | None = None
    _data: bytes = field(default=b"", repr=False)

    def need_header(self) -> bytes:
        """The header that the file still carries."""
        if self.container is None:
            raise Refusal(
                f"{self.name}: carries no header; give the one that --write-header saved with --header FILE"
            )
        return self.container.need_header()

    def decode(self, sealed: Shape, any_size: bool) -> tuple[np.ndarray, np.ndarray]:
        """Whatever is left of the pixels.

        Args:
          sealed: the shape ``(H, W, C)`` that was sealed. Sizes are compared before anything is decoded, so a
            small file cannot ask for much memory.
          any_size: take another size too: the System finds the place of what was cut or enlarged.

        Returns:
          uint8 ``[H, W, C]`` and bool ``[H]``, the rows that are missing.

        Raises:
          Refusal: another size or other channels than were sealed; nothing that a picture can be made of.
        """
        # A viewer may have stored the picture lying on its side; decoding turns it upright.
        if not any_size and sorted(self.size) != sorted(sealed[:2]):
            raise _resized(self.name, sealed, self.size)
        if self.container is None:
            pixels = load_picture(self._data, self.name).pixels
            missing = np.zeros(pixels.shape[0], bool)
        else:
            pixels, missing = self.container.decode_damaged()
        return (pixels if any_size else _fitted(pixels, sealed, self.name)), missing


def take_apart(data: bytes, name: str) -> Damaged:
    """A damaged PNG or any other picture file, without decoding it.

    Raises:
      Refusal: no picture file at all.
    """
    try:
        container = pngreader.read(data, name, lenient=True)
    except Refusal:
        size = picture_size(data)
        if size is None:
            size = load_picture(data, name).pixels.shape[1::-1]  # or its Refusal, which says more
        return Damaged(name, size[::-1], None, data)
    return Damaged(name, container.shape[:2], container)


def open_files(opened: Opened, damaged: Damaged) -> list[File]:
    """The exact files, if their payload is whole although the pixels are not; else none."""
    if damaged.container is None or not opened.header.payload:
        return []
    try:
        return opened.open_files(damaged.container.payload)
    except Refusal:
        return []


def verified(opened: Opened, pixels: np.ndarray) -> np.ndarray | None:
    """The very pixels that were sealed, uint8 ``[H, W, C]``, if the pixel MAC says so, else None."""
    whole = pngpixels.with_channels(pixels, opened.header.shape[2])
    return whole if whole is not None and opened.verify_pixels(whole) else None


def lost_pixels(missing: np.ndarray, shape: Shape, mask: str | None) -> np.ndarray | None:
    """Which pixels are known to be lost.

    Args:
      missing: bool ``[H]``, rows that the file lacks; shape: of the pixels at hand.
      mask: a picture of that size, white where pixels are lost.

    Returns:
      bool ``[H, W]``, or None where none is lost.
    """
    lost = np.zeros(shape[:2], bool)
    lost |= missing[:, None]
    if mask:
        picture = load_picture(mask)
        if picture.pixels.shape[:2] != lost.shape:
            raise Refusal(
                f"--lost {mask}: must have the cipher picture's size, {lost.shape[1]}×{lost.shape[0]}"
            )
        lost |= picture.pixels[..., 0] > 127
    return lost if lost.any() else None


def _fitted(pixels: np.ndarray, sealed: Shape, name: str) -> np.ndarray:
    """The pixels in the channels that were sealed: a grey picture saved as colour is brought back."""
    if pixels.shape[:2] != tuple(sealed[:2]):
        raise _resized(name, sealed, pixels.shape)
    has, had = pixels.shape[2], sealed[2]
    if had == has:
        return pixels
    if had in (1, 3) and has in (had + 1, 4):
        pixels = pixels[..., :-1]  # an alpha channel that another program added
    if had == 1 and pixels.shape[2] == 3:
        return np.rint(pixels.mean(axis=2, keepdims=True)).astype(np.uint8)
    if had == pixels.shape[2]:
        return np.ascontiguousarray(pixels)
    raise tampered(f"{name}: had {had} channels and has {has}, which cannot be recovered")


def _resized(name: str, sealed: Shape, has: tuple[int, ...]) -> Refusal:
    change = f"was {sealed[1]}×{sealed[0]} and is {has[1]}×{has[0]}"
    return tampered(f"{name}: {change}: resized or cropped, which cannot be recovered")
