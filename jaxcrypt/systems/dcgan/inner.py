"""The small file that faces carry: a picture as AVIF, or as lossless WebP, by Pillow."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from jaxcrypt.errors import Refusal, usage
from jaxcrypt.record import Shape

EXACT = 100  # the quality that stands for no loss
_MODES = {1: "L", 3: "RGB"}


def pack(picture: np.ndarray, quality: int) -> bytes:
    """uint8 ``[H, W, C]``, C 1 or 3, as a file of AVIF's ``quality``, or an exact one."""
    image, file = Image.fromarray(picture.squeeze(2) if picture.shape[2] == 1 else picture), io.BytesIO()
    try:
        if quality == EXACT:
            image.save(file, "WEBP", lossless=True, quality=100, method=6)
        else:
            image.save(file, "AVIF", quality=quality, speed=4)
    except (OSError, KeyError, ValueError) as error:
        raise usage(f"the picture cannot be compressed here ({error})") from None
    return file.getvalue()


def unpack(data: bytes, shape: Shape) -> np.ndarray:
    """The picture of :func:`pack`'s file.

    Raises:
      Refusal: no such file, or of another size.
    """
    return unpack_any(data, shape[2], shape[:2])


def unpack_any(data: bytes, channels: int, size: tuple[int, int] | None = None) -> np.ndarray:
    """The same, of whatever size the file has where none is demanded."""
    try:
        with Image.open(io.BytesIO(data), formats=("AVIF", "WEBP")) as image:
            if size is not None and (image.height, image.width) != size:  # before anything is decoded
                wanted = f"not of {size[1]}×{size[0]}"
                raise Refusal(f"the faces carry a picture of {image.width}×{image.height}, {wanted}")
            pixels = np.asarray(image.convert(_MODES[channels]))
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise Refusal(f"the faces carry no picture that can be read ({error})") from None
    return pixels.reshape(*pixels.shape[:2], channels)
