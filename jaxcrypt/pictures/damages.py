"""What may happen to a picture under way: one list, for tables, for training and for tests.

A damage has a *kind* and a *strength*; a person writes ``jpeg=90``, a table says "JPEG 90, 4:2:0":

=========== ============================ ==========================================================
kind        strength                     what happens
=========== ============================ ==========================================================
none                                     nothing
jpeg        quality, 1 to 100            a JPEG file, colour differences at half the sides (4:2:0)
jpeg444     quality, 1 to 100            the same with whole colour differences (4:4:4)
noise       standard deviation, levels   white Gaussian noise on every sample
blur        standard deviation, pixels   a Gaussian blur
resize      share of the sides           resized to that and back, bicubic
crop        share of the sides kept      all but the middle turns grey
dropout     share of the pixels          those are their left neighbours'
blocks      share of the blocks          16×16 blocks turn black, and are known to be lost
=========== ============================ ==========================================================

The kinds with gradients that nets train on stand under the same names in
:mod:`jaxcrypt.functional.distortion`, with strengths of the same meaning. Pictures are uint8 ``[H, W, C]``,
and keep their size.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageFilter

from jaxcrypt.errors import usage

BLOCK = 16
_GREY, _OPAQUE = 128, 255


class Received(NamedTuple):
    """What arrives: uint8 ``[H, W, C]``, and bool ``[H, W]`` where pixels are known to be lost, or None."""

    pixels: np.ndarray
    lost: np.ndarray | None = None


@dataclass(frozen=True)
class Kind:
    """One kind of damage.

    Attributes:
      apply: ``(pixels, strength, rng) -> Received``.
      words: what a table calls it, with ``{}`` for the strength.
      low, high: the strengths that there are.
    """

    apply: Callable[[np.ndarray, float, np.random.Generator], Received]
    words: str
    low: float = 0.0
    high: float = 0.0


@dataclass(frozen=True)
class Damage:
    """A kind of damage at one strength."""

    kind: str
    strength: float = 0.0

    def __call__(self, pixels: np.ndarray, rng: np.random.Generator) -> Received:
        """uint8 ``[H, W, C]`` as it arrives; ``rng`` draws noise and places."""
        return KINDS[self.kind].apply(pixels, self.strength, rng)

    @property
    def words(self) -> str:
        """What a table calls it."""
        percent = self.kind in ("resize", "crop", "dropout", "blocks")
        return KINDS[self.kind].words.format(f"{100 * self.strength if percent else self.strength:g}")


def parse(text: str, flag: str = "--damage") -> Damage:
    """The damage that a person named: ``jpeg=75``.

    Raises:
      Refusal: an unknown kind, or a strength that it has not.
    """
    name, _, number = text.partition("=")
    if name not in KINDS:
        raise usage(f"{flag} {text}: unknown; choose KIND=STRENGTH with one of {', '.join(KINDS)}")
    kind = KINDS[name]
    if kind.low == kind.high == 0:
        return Damage(name)
    try:
        strength = float(number)
    except ValueError:
        strength = float("nan")
    if not kind.low <= strength <= kind.high:
        raise usage(f"{flag} {text}: the strength of {name} is a number from {kind.low:g} to {kind.high:g}")
    return Damage(name, strength)


def through(pixels: np.ndarray, format: str, **options) -> np.ndarray:
    """uint8 ``[H, W, C]`` as it comes back from a file of a picture format, in as many channels."""
    buffer = io.BytesIO()
    _image(pixels).save(buffer, format, **options)
    with Image.open(buffer) as image:
        return np.asarray(image.convert(_image(pixels).mode)).reshape(pixels.shape)


def _image(pixels: np.ndarray) -> Image.Image:
    return Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)


def _colours(pixels: np.ndarray) -> int:
    """How many of the channels are colours: the last of two or four is alpha."""
    return pixels.shape[2] - (pixels.shape[2] % 2 == 0)


def _jpeg(subsampling: str) -> Callable:
    def apply(pixels: np.ndarray, quality: float, rng: np.random.Generator) -> Received:
        colours = np.ascontiguousarray(pixels[..., : _colours(pixels)])
        received = np.full_like(pixels, _OPAQUE)  # JPEG has no alpha
        received[..., : colours.shape[2]] = through(
            colours, "JPEG", quality=int(quality), subsampling=subsampling
        )
        return Received(received)

    return apply


def _noise(pixels: np.ndarray, sigma: float, rng: np.random.Generator) -> Received:
    noisy = pixels + sigma * rng.standard_normal(pixels.shape)
    return Received(np.clip(np.rint(noisy), 0, 255).astype(np.uint8))


def _blur(pixels: np.ndarray, sigma: float, rng: np.random.Generator) -> Received:
    return Received(_filtered(pixels, lambda image: image.filter(ImageFilter.GaussianBlur(sigma))))


def _resize(pixels: np.ndarray, scale: float, rng: np.random.Generator) -> Received:
    def there_and_back(image: Image.Image) -> Image.Image:
        small = max(int(image.width * scale), 1), max(int(image.height * scale), 1)
        return image.resize(small, Image.Resampling.BICUBIC).resize(image.size, Image.Resampling.BICUBIC)

    return Received(_filtered(pixels, there_and_back))


def _filtered(pixels: np.ndarray, change: Callable[[Image.Image], Image.Image]) -> np.ndarray:
    return np.asarray(change(_image(pixels))).reshape(pixels.shape)


def _crop(pixels: np.ndarray, share: float, rng: np.random.Generator) -> Received:
    received = np.full_like(pixels, _GREY)
    height, width = pixels.shape[:2]
    top, left = (round(side * (1 - share) / 2) for side in (height, width))
    inside = np.s_[top : height - top, left : width - left]
    received[inside] = pixels[inside]
    return Received(received)


def _dropout(pixels: np.ndarray, share: float, rng: np.random.Generator) -> Received:
    dropped = rng.random(pixels.shape[:2]) < share
    return Received(np.where(dropped[..., None], np.roll(pixels, 1, axis=1), pixels))


def _blocks(pixels: np.ndarray, share: float, rng: np.random.Generator) -> Received:
    height, width, _ = pixels.shape
    gone = rng.random((-(-height // BLOCK), -(-width // BLOCK))) < share
    lost = np.kron(gone, np.ones((BLOCK, BLOCK), bool))[:height, :width]
    return Received(np.where(lost[..., None], 0, pixels).astype(np.uint8), lost)


KINDS: dict[str, Kind] = {
    "none": Kind(lambda pixels, strength, rng: Received(pixels), "nothing"),
    "jpeg": Kind(_jpeg("4:2:0"), "JPEG {}, 4:2:0", 1, 100),
    "jpeg444": Kind(_jpeg("4:4:4"), "JPEG {}, 4:4:4", 1, 100),
    "noise": Kind(_noise, "noise, σ = {}", 0, 128),
    "blur": Kind(_blur, "blur, σ = {} pixels", 0.1, 2),
    "resize": Kind(_resize, "resizing to {}% and back", 0.01, 1),
    "crop": Kind(_crop, "all but the middle {}% of each side grey", 0.01, 1),
    "dropout": Kind(_dropout, "{}% of the pixels their neighbours'", 0, 1),
    "blocks": Kind(_blocks, "{}% of 16×16 blocks lost", 0, 1),
}

# What tables show: of cipher pictures, and of pictures that hide others.
CIPHER: Sequence[Damage] = (
    Damage("none"),
    *(Damage("jpeg444", quality) for quality in (90, 75, 50)),
    Damage("noise", 8),
    Damage("blocks", 0.1),
)
COVERT: Sequence[Damage] = (
    *(Damage("jpeg", quality) for quality in (95, 90, 75, 50)),
    Damage("noise", 4),
    Damage("blur", 0.6),
    Damage("resize", 0.75),
    Damage("crop", 0.875),
    Damage("dropout", 0.02),
)
