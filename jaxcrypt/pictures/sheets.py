"""Many pictures of one size as one sheet, row by row, and back."""

from __future__ import annotations

import numpy as np

from jaxcrypt.errors import Refusal


def sheet(pictures: np.ndarray, columns: int | None = None) -> np.ndarray:
    """Pictures uint8 ``[N, H, W, C]`` in rows, the last one filled up with white: uint8 ``[H', W', C]``; as
    square as can be where ``columns`` is not given."""
    columns = columns or int(np.ceil(np.sqrt(len(pictures))))
    count, height, width, channels = pictures.shape
    rows = -(-count // columns)
    grid = np.full((rows * columns, height, width, channels), 255, pictures.dtype)
    grid[:count] = pictures
    grid = grid.reshape(rows, columns, height, width, channels).swapaxes(1, 2)
    return np.ascontiguousarray(grid.reshape(rows * height, columns * width, channels))


def cells(picture: np.ndarray, side: int) -> np.ndarray:
    """The square pictures of a sheet ``[H, W, C]``: ``[N, side, side, C]``.

    Raises:
      Refusal: the sheet's sides are no multiples of theirs.
    """
    height, width, channels = picture.shape
    if height % side or width % side:
        raise Refusal(f"a sheet of {width}×{height}: no whole pictures of {side}×{side}")
    grid = picture.reshape(height // side, side, width // side, side, channels).swapaxes(1, 2)
    return np.ascontiguousarray(grid.reshape(-1, side, side, channels))
