"""A picture as it came: its planes, and what its file tells of the way."""

from __future__ import annotations

import io
from dataclasses import dataclass, field, replace

import numpy as np
from PIL import Image

from jaxcrypt.travel import beacon, planes
from jaxcrypt.travel.lattice import Noise, unknown_way, way_of
from jaxcrypt.travel.planes import SIDE

_FAR = 1 << 14  # pixels: no part of a carrier lies further right or down


@dataclass(frozen=True)
class Received:
    """A received picture.

    Attributes:
      planes: Y − 128, Cb, Cr, float32 [H, W, 3].
      missing: bool [H, W]: pixels that are not there.
      smoothed: whether chroma was doubled by the triangle filter; ``sure`` that it is known.
      noise: what the way did to the coefficients, as far as it is known.
    """

    planes: np.ndarray
    missing: np.ndarray
    smoothed: bool = False
    sure: bool = False
    noise: Noise = field(default_factory=unknown_way)


def receive(data: bytes, pixels: np.ndarray) -> Received:
    """A picture's file and its samples, uint8 [H, W, C]; of a JPEG its own planes and steps are taken."""
    missing = np.zeros(pixels.shape[:2], bool)
    with Image.open(io.BytesIO(data)) as image:
        if image.format != "JPEG" or image.mode != "RGB":
            colours = pixels[..., :3] if pixels.shape[2] > 2 else np.repeat(pixels[..., :1], 3, axis=2)
            return Received(planes.to_planes(colours), missing)
        tables = [np.array(image.quantization[i], np.float32) for i in sorted(image.quantization)]
        halved = [layer[1:3] for layer in image.layer] == [(2, 2), (1, 1), (1, 1)]
        image.draft("YCbCr", image.size)
        own = np.asarray(image.convert("YCbCr"), np.float32) - 128
    return Received(own, missing, halved, True, way_of(tables[0], tables[-1], halved))


def aligned(received: Received, place: beacon.Place) -> Received | None:
    """The carrier from its first macroblock on, at its own size, as far as it was received.

    What is not there is missing; what is known of the way holds where nothing was moved. None where the place
    is impossible.
    """
    if place.down == place.across == 1:
        top, left = round(place.top), round(place.left)
        if min(top, left) < -SIDE or max(top, left) > _FAR:
            return None
        return _placed(received, top, left)
    if min(place.top, place.left) < -_FAR or max(place.top, place.left) > _FAR:
        return None
    return _resized(received, place)


def framed(received: Received, height: int, width: int) -> Received:
    """The same cut or filled up to a carrier's size."""
    own = received.planes[:height, :width]
    grow = ((0, height - own.shape[0]), (0, width - own.shape[1]))
    missing = np.pad(received.missing[:height, :width], grow, constant_values=True)
    return replace(received, planes=np.pad(own, (*grow, (0, 0))), missing=missing)


def _placed(received: Received, top: int, left: int) -> Received:
    """Pixels moved down and right; rows and columns above 0 are cut off."""
    own = received.planes[max(-top, 0) :, max(-left, 0) :]
    grow = ((max(top, 0), 0), (max(left, 0), 0))
    moved = replace(
        received,
        planes=np.pad(own, (*grow, (0, 0))),
        missing=np.pad(received.missing[max(-top, 0) :, max(-left, 0) :], grow, constant_values=True),
    )
    on_grid = top % 8 == 0 and left % 8 == 0
    if on_grid and top % SIDE == 0 and left % SIDE == 0:
        return moved
    return replace(moved, noise=unknown_way(), smoothed=received.smoothed and top % 2 == left % 2 == 0)


def _resized(received: Received, place: beacon.Place) -> Received:
    """The carrier's own pixels, by Lanczos resampling of what shows them."""
    height, width = received.planes.shape[:2]
    first = [max(0, int(np.ceil(start))) for start in (place.top, place.left)]
    last = [int(place.top + height / place.down + 0.5), int(place.left + width / place.across + 0.5)]
    box = (
        max(0.0, (first[1] - place.left) * place.across),
        max(0.0, (first[0] - place.top) * place.down),
        min(float(width), (last[1] - place.left) * place.across),
        min(float(height), (last[0] - place.top) * place.down),
    )
    size = last[1] - first[1], last[0] - first[0]
    kind = Image.Resampling.BOX if _whole(place) else Image.Resampling.LANCZOS
    made = [
        np.asarray(Image.fromarray(np.ascontiguousarray(plane), "F").resize(size, kind, box))
        for plane in np.moveaxis(received.planes, -1, 0)
    ]
    grown = replace(
        received,
        planes=np.stack(made, -1),
        missing=np.zeros(size[::-1], bool),
        noise=unknown_way(),
        smoothed=False,
    )
    return _placed(grown, first[0], first[1])


def _whole(place: beacon.Place) -> bool:
    return place.down == place.across and place.down == round(place.down)
