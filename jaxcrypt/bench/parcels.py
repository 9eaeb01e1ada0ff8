"""Sealed pictures for measuring transport: their files open, their pixels are noise, and no System works."""

from __future__ import annotations

import io
import math
import struct

import numpy as np

from jaxcrypt.crypto import pngwriter, sealed
from jaxcrypt.sealing.keys import Keys
from jaxcrypt.systems import catalog

_COPIES = 2  # of the samples: as pixels and in the file


def picture_file(seed: int, side: int = 24) -> bytes:
    """A PNG of noise, ``side`` × ``side``, that differs with ``seed``."""
    pixels = np.random.default_rng(seed).integers(0, 256, (side, side, 3), np.uint8)
    file = io.BytesIO()
    pngwriter.write(file, pixels)
    return file.getvalue()


def side_for(size: int) -> int:
    """The side of the picture that makes about ``size`` bytes sealed."""
    return max(8, math.isqrt(size // (3 * _COPIES)))


def seal(keys: Keys, data: bytes, name: str) -> bytes:
    """Seal the file of :func:`picture_file`: whoever opens it gets the very file."""
    height, width = struct.unpack(">16xII", data[:24])
    key = keys.keyring.new_file_key(data, catalog.DEFAULT, ())
    noise = np.random.default_rng().integers(0, 256, (height, width, 3), np.uint8)
    how = {"system": catalog.DEFAULT, "options": (), "original": noise.shape, "name": name, "file": data}
    file = io.BytesIO()
    sealed.seal(key, pixels=noise, **how).write(file)
    return file.getvalue()
