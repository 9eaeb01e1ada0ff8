"""What a key opens of a folder: names and small pictures, and whole photos one at a time."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from jaxcrypt.errors import ExitCode, Refusal
from jaxcrypt.pictures.decoders import identify
from jaxcrypt.pictures.files import encode_png, load_picture, read_file
from jaxcrypt.pictures.folders import natural_key
from jaxcrypt.sealing.glance import Glance, glance, small_picture
from jaxcrypt.sealing.keys import Keys
from jaxcrypt.sealing.unseal import Opener

# What browsers show by themselves; anything else is handed over as PNG.
_SHOWN = {"JPEG": "image/jpeg", "MPO": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}
_SHOWN |= {"GIF": "image/gif", "AVIF": "image/avif"}
_QUALITY = 85


@dataclass(frozen=True)
class Shown:
    """Bytes for a browser, and what they are."""

    data: bytes = field(repr=False)
    kind: str


class Album:
    """The pictures of ``files`` that ``keys`` open, by folder and name. May be shared by threads.

    Attributes:
      pictures: what was opened.
      refused: files that were not, and why.
    """

    def __init__(self, files: Iterable[Path], keys: Keys):
        self._keys, self._opener = keys, Opener(keys)
        self._small: dict[int, Shown | None] = {}
        self._one_at_a_time = threading.Lock()  # a whole photo takes memory
        self.pictures: list[Glance] = []
        self.refused: list[tuple[Path, Refusal]] = []
        for file in files:
            try:
                self.pictures.append(glance(file, keys))
            except Refusal as refusal:
                self.refused.append((file, refusal))
        self.pictures.sort(key=lambda seen: [natural_key(part) for part in (*seen.folder, seen.name)])

    def small(self, index: int) -> Shown | None:
        """The small picture: the header's, or one made of the file; None where only pixels travel.

        Raises:
          Refusal: it is damaged.
        """
        if index not in self._small:
            with self._one_at_a_time:
                pixels = small_picture(self.pictures[index], self._keys)
            self._small[index] = None if pixels is None else Shown(_jpeg(pixels), "image/jpeg")
        return self._small[index]

    def whole(self, index: int) -> Shown:
        """The photo's own file, verified; as PNG where browsers do not know its format.

        Raises:
          Refusal: it is damaged, or only its pixels travel.
        """
        path = self.pictures[index].path
        with self._one_at_a_time:
            begun = self._opener.begin(read_file(path), str(path))
            if begun.from_pixels:
                hint = "only its pixels travel; jaxcrypt decrypt gives the picture"
                raise Refusal(f"{path}: {hint}", ExitCode.USAGE)
            name, content = begun.files[0]
            data = bytes(content)
            kind = (identify(data) or ("",))[0]
            if kind in _SHOWN:
                return Shown(data, _SHOWN[kind])
            return Shown(encode_png(load_picture(data, name).pixels), "image/png")


def _jpeg(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=_QUALITY)
    return buffer.getvalue()
