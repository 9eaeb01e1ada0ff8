"""A net that hides or reveals, over large pictures: window by window, in bounded memory, without seams.

How far such a net sees is not written down but found out: a NaN in the middle of a picture spreads to all
that depends on it, and no further. Windows overlap by that much.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np

from jaxcrypt.systems.drivers.windows import map_windows

UNIT = 16  # pixels: of the grid that windows lie on, a multiple of every net's own
_CORE = 48  # units on a side of what a window computes: with its surroundings about a megapixel
_TRIALS = (17, 33, 65)  # units, odd: pictures in which a NaN may spread


def map_picture(
    run: Callable[[Any, np.ndarray], Any],
    see: Callable[[Any, Any], Any],
    params: Any,
    picture: np.ndarray,
    progress: Callable[[float], None] | None = None,
) -> np.ndarray:
    """``run(params, picture)``, in windows where the picture is large and the net sees less than it all.

    Args:
      run: uint8 ``[1, H, W, C]`` to uint8 ``[1, H, W, C']``.
      see: the same net in floats.
      picture: uint8 ``[H, W, C]``, sides multiples of 16.

    Returns:
      uint8 ``[H, W, C']``.
    """
    around = reach(see, params, picture.shape[2]) if max(picture.shape[:2]) > _CORE * UNIT else None
    if around is None:
        return np.array(run(params, picture[None])[0])
    size = _CORE + 2 * around
    return map_windows(lambda window: run(params, window), (picture,), (UNIT, UNIT), size, around, progress)


def reach(see: Callable[[Any, Any], Any], params: Any, channels: int) -> int | None:
    """How many units around one the outputs there depend on; None where that has no end in sight."""
    for side in _TRIALS:
        middle = side // 2
        x = np.zeros((1, side * UNIT, side * UNIT, channels), np.float32)
        inside = slice(middle * UNIT, (middle + 1) * UNIT)
        x[:, inside, inside] = np.nan
        seen = np.asarray(jnp.isnan(see(params, x)).any((0, 3)))
        units = np.concatenate([np.flatnonzero(seen.any(axis)) for axis in (0, 1)]) // UNIT
        found = int(np.abs(units - middle).max())
        if found < middle:
            return found
    return None
