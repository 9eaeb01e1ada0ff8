"""TFDS builders whose records are read without TensorFlow: array_record files, pictures as PNG or JPEG bytes.

A builder is made for one listing of files (:mod:`jaxcrypt.data.listing`), and its configuration is named by
the listing's digest: a changed folder is another configuration and is prepared anew, under

    <cache>/<builder>/<digest>/<version>/<builder>-<split>.array_record-…

Records keep the order of the listing. A picture that is a plain 8-bit JPEG or PNG is stored as the file is;
any other (WebP, palette, EXIF orientation, …) as the PNG of its pixels.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import tensorflow_datasets as tfds
from PIL import Image

from jaxcrypt.data.listing import Entry, shorten
from jaxcrypt.errors import Refusal
from jaxcrypt.pictures import png
from jaxcrypt.pictures.files import MODES, encode_png, load_picture, read_file

log = logging.getLogger("jaxcrypt")

_ORIENTATION = 0x0112  # EXIF
ATTRIBUTES = 40


@dataclass(kw_only=True)
class Files(tfds.core.BuilderConfig):
    """The files that one preparation holds: entries by split, and what to do with broken ones."""

    folder: str = ""
    splits: Mapping[str, Sequence[Entry]] = field(default_factory=dict, repr=False)
    broken: str = "skip"


class PictureFolder(tfds.core.GeneratorBasedBuilder):
    """Pictures of a plain folder, each with a mask where it has one."""

    VERSION = tfds.core.Version("1.0.0")
    KEYS = False
    ANNOTATIONS: Mapping[str, Any] = {}

    def _info(self) -> tfds.core.DatasetInfo:
        features = {
            "image": _picture(),
            "name": tfds.features.Text(),
            "mask": _optional(),
            **self.ANNOTATIONS,
        }
        if self.KEYS:
            features["key_image"] = _picture()
        return tfds.core.DatasetInfo(
            builder=self,
            description=str(type(self).__doc__),
            features=tfds.features.FeaturesDict(features),
            disable_shuffling=True,  # the order of the names: "the last N" stay the last
        )

    def _split_generators(self, dl_manager: Any) -> dict[str, Iterator[Any]]:
        del dl_manager  # nothing is downloaded
        return {
            split: self._generate_examples(entries)
            for split, entries in self.builder_config.splits.items()
            if entries
        }

    def _generate_examples(self, entries: Sequence[Entry]) -> Iterator[tuple[int, dict[str, Any]]]:
        broken = []
        for index, entry in enumerate(entries):
            try:
                yield index, self._example(entry)
            except Refusal as refusal:
                if self.builder_config.broken == "refuse":
                    raise
                broken.append(str(refusal))
        folder = self.builder_config.folder
        if broken:
            count = f"{len(broken)} of {len(entries)} pictures skipped"
            if len(broken) == len(entries):
                raise Refusal(f"{folder}: not one of {len(entries)} pictures can be read: {shorten(broken)}")
            log.warning("%s: %s: %s", folder, count, shorten(broken))

    def _example(self, entry: Entry) -> dict[str, Any]:
        picture, size = stored(entry.image)
        example = {"image": picture, "name": _spelled(entry.name), "mask": b"", **entry.annotations}
        if entry.mask:
            mask, mask_size = stored(entry.mask)
            if mask_size != size:
                raise Refusal(f"{entry.mask}: the mask is {_by(mask_size)}, its picture {_by(size)}")
            example["mask"] = mask.getvalue()
        if self.KEYS:
            example["key_image"], _ = stored(entry.key)
        return example


class ImageKey(PictureFolder):
    """Pictures of Images/, each with its key picture of Key/."""

    VERSION = tfds.core.Version("1.0.0")
    KEYS = True


class AlignedFaces(PictureFolder):
    """CelebA's aligned faces with its attributes (0 or 1), box and landmarks (-1: not known)."""

    VERSION = tfds.core.Version("1.0.0")
    ANNOTATIONS = {  # noqa: RUF012
        "attributes": tfds.features.Tensor(shape=(ATTRIBUTES,), dtype=np.uint8),
        "box": tfds.features.Tensor(shape=(4,), dtype=np.int32),  # x, y, width, height, as CelebA has them
        "landmarks": tfds.features.Tensor(shape=(10,), dtype=np.int32),  # x and y of five points
    }


def stored(path: Any) -> tuple[io.BytesIO, tuple[int, int]]:
    """A picture file as it goes into a record, and its height and width.

    Raises:
      Refusal: it cannot be decoded whole.
    """
    data = read_file(path)
    picture = load_picture(data, str(path))
    if data[:8] == png.SIGNATURE:
        data = png.essential(data)  # without text and the like, over which a plain decoder may stumble
    if not _plain(data):
        data = encode_png(picture.pixels)
    return io.BytesIO(data), picture.pixels.shape[:2]


def _plain(data: bytes) -> bool:
    with Image.open(io.BytesIO(data)) as image:
        upright = image.getexif().get(_ORIENTATION, 1) == 1
        known = image.format in ("JPEG", "PNG") and image.mode in MODES.values()
        return known and upright and "transparency" not in image.info


def _picture() -> tfds.features.Image:
    return tfds.features.Image(shape=(None, None, None))


def _optional() -> tfds.features.Text:
    """Bytes of a PNG or JPEG, or none, which an Image feature cannot say."""
    return tfds.features.Text()


def _spelled(name: str) -> str:
    """A file's name as text: what is not UTF-8 in it as ``\\x…``."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _by(size: tuple[int, int]) -> str:
    return f"{size[1]}×{size[0]}"
