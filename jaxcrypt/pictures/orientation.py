"""How EXIF says that a picture is to be turned, and masks of the upright picture as it is stored."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

_ORIENTATION = 0x112  # TIFF 6.0
_TURN = Image.Transpose
# What turns the upright picture into the stored one (EXIF 2.32, 4.6.4).
_BACK = {
    2: _TURN.FLIP_LEFT_RIGHT,
    3: _TURN.ROTATE_180,
    4: _TURN.FLIP_TOP_BOTTOM,
    5: _TURN.TRANSPOSE,
    6: _TURN.ROTATE_90,
    7: _TURN.TRANSVERSE,
    8: _TURN.ROTATE_270,
}


def orientation(data: bytes) -> int:
    """Of a picture's file, 1 to 8; 1 where it says nothing that can be read."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            said = image.getexif().get(_ORIENTATION, 1)
    except Exception:  # Pillow's parsers raise nearly anything on hostile bytes
        return 1
    return said if said in _BACK else 1


def as_stored(mask: np.ndarray, turned: int) -> np.ndarray:
    """A mask of the upright picture, bool ``[H, W]``, over the samples as the file holds them."""
    if turned == 1:
        return mask
    return np.asarray(Image.fromarray(mask.astype(np.uint8)).transpose(_BACK[turned])).astype(bool)
