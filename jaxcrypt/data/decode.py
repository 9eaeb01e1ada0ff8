"""Records as examples: random access over decoded pictures, cut to size only where every epoch agrees."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from jaxcrypt.data.records import Records
from jaxcrypt.data.transforms import Geometry, resize, scale
from jaxcrypt.errors import Refusal, usage
from jaxcrypt.pictures.files import MODES

INDEX = "index"
_STORED_LABELS = "attributes"
_MASK_THRESHOLD = 128


@dataclass(frozen=True)
class Wanted:
    """What an example must hold: the geometry and channels of its picture, and what comes with it."""

    geometry: Geometry
    channels: int
    mask: bool = False
    labels: bool = False
    key_size: tuple[int, int] | None = None  # of a key picture that is stored with its picture


class Examples:
    """``examples[i]`` decodes record ``i``: a random-access source for grain.

    An example has ``image`` uint8 ``[H', W', C]`` (scaled, not yet cut), ``index`` and, where wanted,
    ``mask`` bool ``[H', W']``, ``labels`` uint8 ``[40]``, ``key_image`` uint8 ``[H, W, 3]``.
    """

    def __init__(self, records: Records, wanted: Wanted, in_memory: bool = False):
        self.records, self.wanted = records, wanted
        self._kept: dict[int, dict[str, Any]] | None = {} if in_memory else None

    def __len__(self) -> int:
        return len(self.records)

    def __getitem__(self, index: int) -> dict[str, Any]:
        index = int(index) % len(self.records)
        if self._kept is None:
            return self._example(index)
        if index not in self._kept:
            self._kept[index] = self._example(index)
        return self._kept[index]

    def __getstate__(self) -> dict[str, Any]:
        kept = None if self._kept is None else {}  # a worker process decodes for itself
        return {**self.__dict__, "_kept": kept}

    def _example(self, index: int) -> dict[str, Any]:
        record, wanted = self.records.data[index], self.wanted
        name = _text(record["name"])
        pixels = decode(record["image"], wanted.channels)
        example = {INDEX: index, "image": scale(pixels, wanted.geometry, name)}
        if wanted.mask:
            example["mask"] = scale(self._mask(record, name), wanted.geometry, name)
        if wanted.labels:
            if _STORED_LABELS not in record:
                raise usage(f"{self.records.folder}: has no labels; CelebA's attributes are (kind celeba)")
            example["labels"] = np.asarray(record[_STORED_LABELS])
        if wanted.key_size:
            example["key_image"] = whole(record["key_image"], wanted.key_size, wanted.geometry.filter)
        return example

    def _mask(self, record: Mapping[str, Any], name: str) -> np.ndarray:
        if not record.get("mask"):
            raise Refusal(
                f"{self.records.folder}: {name} has no mask; make one with python -m jaxcrypt.roi, or put "
                "NAME.mask.png beside the picture"
            )
        return decode(record["mask"], 1)[..., 0] >= _MASK_THRESHOLD


def decode(data: bytes, channels: int) -> np.ndarray:
    """PNG or JPEG bytes as uint8 ``[H, W, channels]``: 1 grey, 2 grey+alpha, 3 RGB, 4 RGBA.

    Colour becomes grey by ITU-R BT.601; transparency is dropped where the channels have none.
    """
    with Image.open(io.BytesIO(data), formats=("JPEG", "PNG")) as image:
        mode = MODES[channels]
        pixels = np.asarray(image if image.mode == mode else image.convert(mode))
    return pixels[..., None] if pixels.ndim == 2 else pixels


def whole(data: bytes, size: tuple[int, int], method: str) -> np.ndarray:
    """A key picture, all of it, as uint8 ``[*size, 3]``: not cut, since a user gives the picture as it is."""
    pixels = decode(data, 3)
    return pixels if pixels.shape[:2] == size else resize(pixels, size, method)


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
