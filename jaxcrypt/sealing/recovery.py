"""Reading what is left of a sealed picture, for ``decrypt --recover``.

Nothing authenticates the results, except where :func:`verified` says that the pixels are those that were
sealed after all: their MAC is over decoded samples, so a lost payload or another file format leaves it whole.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from jaxcrypt.crypto import pngpixels, pngreader
from jaxcrypt.crypto.bundle import File
from jaxcrypt.crypto.sealed import Opened
from jaxcrypt.errors import Refusal, tampered
from jaxcrypt.pictures.files import load_picture, picture_size

Shape = tuple[int, int, int]
Mask = str | Path | bytes | np.ndarray | None
_LEAST_SIDE, _DEVIATIONS = 16, 4
_CLOSE = 255**2 / 10**3  # mean squared error at 30 dB


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
        """Whatever is left of the pixels, as it lies in the file.

        Args:
          sealed: the shape ``(H, W, C)`` that was sealed. Sizes are compared before anything is decoded, so a
            small file cannot ask for much memory.
          any_size: take another size too: the System finds the place of what was cut or enlarged.

        Returns:
          uint8 ``[H, W, C]`` and bool ``[H]``, the rows that are missing.

        Raises:
          Refusal: another size than was sealed; nothing that a picture can be made of.
        """
        # A viewer may have stored the picture lying on its side; decoding turns it upright.
        if not any_size and sorted(self.size) != sorted(sealed[:2]):
            raise _resized(self.name, sealed, self.size)
        if self.container is None:
            pixels = load_picture(self._data, self.name).pixels
            missing = np.zeros(pixels.shape[0], bool)
        else:
            pixels, missing = self.container.decode_damaged()
        return pixels, missing

    def fitted(self, pixels: np.ndarray, sealed: Shape, any_size: bool) -> np.ndarray:
        """Decoded pixels in the shape that was sealed, unless the System takes another too.

        Raises:
          Refusal: a size or channels that they cannot be brought to.
        """
        return pixels if any_size else _fitted(pixels, sealed, self.name)


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
            height, width, _ = load_picture(data, name).pixels.shape  # or its Refusal, which says more
            size = width, height
        return Damaged(name, (size[1], size[0]), None, data)
    height, width, _ = container.shape
    return Damaged(name, (height, width), container)


def open_files(opened: Opened, damaged: Damaged) -> list[File]:
    """The exact files, if their payload is whole although the pixels are not; else none."""
    if damaged.container is None or not opened.header.payload:
        return []
    try:
        return opened.open_files(damaged.container.payload)
    except Refusal:
        return []


def verified(opened: Opened, pixels: np.ndarray) -> np.ndarray | None:
    """The very pixels that were sealed, uint8 ``[H, W, C]``, if the pixel MAC says so, else None.

    A lossless copy that was turned or mirrored is turned back.
    """
    whole = pngpixels.with_channels(pixels, opened.header.shape[2])
    if whole is None:
        return None
    for mirrored in (whole, whole[:, ::-1]):
        for turns in range(4):
            turned = np.ascontiguousarray(np.rot90(mirrored, turns))
            if opened.verify_pixels(turned):
                return turned
    return None


def quality(noise: float | None) -> float | None:
    """PSNR in dB of a picture with white noise of that standard deviation, in grey levels."""
    return None if noise is None else 20 * math.log10(255 / max(noise, 1 / 255))


def is_noise(picture: np.ndarray) -> bool:
    """Whether neighbouring samples of uint8 ``[H, W, C]`` differ as any two do: nothing is to be seen.

    The ratio E(x_i − x_j)² / 2 Var(x) over neighbours i, j is 1 for white noise, with a standard deviation of
    1 / √(2HWC), and well below for whatever shows a picture.
    """
    height, width, _ = picture.shape
    if min(height, width) < _LEAST_SIDE:
        return False
    samples = picture.astype(np.float32)
    variance = samples.var(axis=(0, 1)).mean()
    down, right = (np.square(np.diff(samples, axis=axis)).mean() for axis in (0, 1))
    chance = 1 - _DEVIATIONS / math.sqrt(2 * picture.size)
    return bool(variance and (down + right) / 4 / variance > chance)


def alike(decoded: np.ndarray, plain: np.ndarray, exact: bool) -> bool:
    """Whether pixels decode to the picture that they shall show, both uint8 ``[H, W, C]``.

    What a lossy System gives back must have at most half of the error of a flat picture, or 30 dB.
    """
    if exact or decoded.shape != plain.shape:
        return decoded.shape == plain.shape and np.array_equal(decoded, plain)
    error = np.square(decoded.astype(np.float32) - plain).mean()
    flat = plain.astype(np.float32).var(axis=(0, 1)).mean()
    return bool(error <= max(flat / 2, _CLOSE))


def lost_pixels(missing: np.ndarray, shape: Shape, mask: Mask) -> np.ndarray | None:
    """Which pixels are known to be lost.

    Args:
      missing: bool ``[H]``, rows that the file lacks, or ``[H, W]``; shape: of the pixels at hand.
      mask: a picture of that size, as a path or bytes, white where pixels are lost; or bool ``[H, W]``.

    Returns:
      bool ``[H, W]``, or None where none is lost.
    """
    lost = np.zeros(shape[:2], bool)
    lost |= missing if missing.ndim > 1 else missing[:, None]
    if mask is not None:
        given = mask if isinstance(mask, np.ndarray) else _read_mask(mask)
        if given.shape != lost.shape:
            where = "--lost" if isinstance(mask, np.ndarray | bytes) else f"--lost {mask}"
            raise Refusal(f"{where}: must have the cipher picture's size, {lost.shape[1]}×{lost.shape[0]}")
        lost |= given
    return lost if lost.any() else None


def _read_mask(mask: str | Path | bytes) -> np.ndarray:
    return load_picture(mask).pixels[..., 0] > 127


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
    if tuple(has[:2]) == tuple(sealed[1::-1]):
        return tampered(f"{name}: {change}: turned by 90°; turn it back, then recover it")
    return tampered(f"{name}: {change}: resized or cropped, which cannot be recovered")
