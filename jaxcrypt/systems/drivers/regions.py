"""Regions: the driver of a System that takes the inside of a mask as it takes whole pictures.

``Call.inputs`` may hold ``mask``, bool ``[H, W]``. Then the region's pixels, row by row, are a picture of one
row for the driver beneath; its cipher takes their places, and not one sample outside changes. Nothing grows:
what the cipher has more than the region travels in the side as ``rest``, and the mask as ``mask``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from jaxcrypt.errors import Refusal
from jaxcrypt.record import Call, Driver, Outcome, Sealed, Shape
from jaxcrypt.systems.drivers import host, masks

_MASK, _REST = "mask", "rest"


@dataclass(frozen=True)
class Region:
    """Where the samples of a region lie: ``mask`` is bool ``[H, W]``, ``channels`` the picture's."""

    mask: np.ndarray
    channels: int

    @property
    def size(self) -> int:
        """How many samples it has."""
        return int(self.mask.sum()) * self.channels

    @property
    def shape(self) -> Shape:
        """Of its pixels as a picture of one row."""
        return 1, int(self.mask.sum()), self.channels

    def take(self, picture: np.ndarray) -> np.ndarray:
        """The samples ``[n]`` of ``[H, W, C]``, row by row."""
        return picture[self.mask].reshape(-1)

    def put(self, picture: np.ndarray, samples: np.ndarray) -> np.ndarray:
        """A copy of ``[H, W, C]`` with other samples in the region, of the samples' type."""
        changed = picture.astype(samples.dtype)
        changed[self.mask] = samples.reshape(-1, self.channels)
        return changed


def region(mask: np.ndarray | None, shape: Shape) -> Region:
    """The region of a picture of ``shape``; the whole of it without a mask.

    Raises:
      Refusal: a mask of another size, or an empty one.
    """
    if mask is None:
        return Region(np.ones(shape[:2], bool), shape[2])
    if mask.shape != shape[:2]:
        raise Refusal(f"the mask is {mask.shape[1]}×{mask.shape[0]}, the picture {shape[1]}×{shape[0]}")
    if not mask.any():
        raise Refusal("the mask is empty: there is no region to encrypt")
    return Region(mask, shape[2])


def stored(side, shape: Shape) -> Region:
    """The region that a header tells of, as :func:`region`."""
    return region(masks.unpack(side[_MASK], shape[:2]) if _MASK in side else None, shape)


@dataclass(frozen=True)
class Regional:
    """The :class:`~jaxcrypt.record.Driver`.

    Attributes:
      whole: the driver of whole pictures.
      cipher_shape: the cipher picture's shape from the plain one's, ``(H, W, C)`` both.
    """

    whole: Driver
    cipher_shape: Callable[[Shape], Shape]

    def aligns(self, options) -> bool:
        """As the driver of whole pictures."""
        return self.whole.aligns(options)

    def check(self, shape: Shape, options) -> None:
        """As the driver of whole pictures."""
        self.whole.check(shape, options)

    def encrypt(self, call: Call, pictures: Sequence[np.ndarray], keys: Sequence[bytes]) -> list[Sealed]:
        """As :class:`~jaxcrypt.record.Driver` says."""
        if call.inputs.get(_MASK) is None:
            return self.whole.encrypt(call, pictures, keys)
        mask = call.inputs[_MASK]
        inside = region(mask, pictures[0].shape)
        runs = [inside.take(picture).reshape(inside.shape) for picture in pictures]
        made = self.whole.encrypt(_unmasked(call), runs, keys)
        packed = masks.pack(mask)
        return [_in_place(inside, picture, one, packed) for picture, one in zip(pictures, made, strict=True)]

    def decrypt(
        self,
        call: Call,
        sealed: Sequence[Sealed],
        keys: Sequence[bytes],
        shape: Shape,
        lost: Sequence[np.ndarray] | None = None,
    ) -> list[Outcome]:
        """As :class:`~jaxcrypt.record.Driver` says."""
        if not any(_MASK in one.side for one in sealed):
            return self.whole.decrypt(call, sealed, keys, shape, lost)
        host.check_sealed(sealed, shape)
        outcomes = []
        for i, (one, key) in enumerate(zip(sealed, keys, strict=True)):
            host.check_shape(one.pixels, shape)
            inside = stored(one.side, shape)
            run = cipher_run(one, inside, self.cipher_shape(inside.shape))
            gaps = None if lost is None else [lost_run(lost[i], inside, run.pixels.shape)]
            own = replace(_unmasked(call), progress=host.share(call.progress, i, len(sealed)))
            (outcome,) = self.whole.decrypt(own, [run], [key], inside.shape, gaps)
            pictures = [inside.put(one.pixels, picture.reshape(-1)) for picture in outcome.pictures]
            outcomes.append(replace(outcome, pictures=pictures))
        return outcomes


def cipher_run(one: Sealed, inside: Region, shape: Shape) -> Sealed:
    """What the driver of whole pictures made of a region: a cipher picture of ``shape``, and its side."""
    total = shape[0] * shape[1] * shape[2]
    rest = np.zeros(0, np.uint8)
    if total > inside.size:
        rest = host.side_array(one.side, _REST, (total - inside.size,), np.uint8)
    side = {name: array for name, array in one.side.items() if name not in (_MASK, _REST)}
    return Sealed(np.concatenate([inside.take(one.pixels), rest]).reshape(shape), side)


def lost_run(lost: np.ndarray, inside: Region, shape: Shape) -> np.ndarray:
    """bool ``[H', W']``: what of a run's cipher of ``shape`` is lost; its rest, in the header, never is."""
    erased = np.zeros(shape[0] * shape[1], bool)
    pixels = lost[inside.mask]
    erased[: pixels.size] = pixels
    return erased.reshape(shape[:2])


def _in_place(inside: Region, picture: np.ndarray, one: Sealed, packed: np.ndarray) -> Sealed:
    flat = one.pixels.reshape(-1)
    side = one.side | {_MASK: packed}
    if flat.size > inside.size:
        side |= {_REST: flat[inside.size :].copy()}
    return Sealed(inside.put(picture, flat[: inside.size]), side)


def _unmasked(call: Call) -> Call:
    return replace(call, inputs={name: value for name, value in call.inputs.items() if name != _MASK})
