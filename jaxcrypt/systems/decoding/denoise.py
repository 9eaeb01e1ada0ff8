"""A denoiser over pictures of any size and kind: overlapping windows, any channels, any run of samples.

Grey planes, alpha among them, go in as three equal planes, as in training. Windows overlap by more than what
a position sees in practice, so no seams show; the noise level may differ from position to position.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import jax
import jax.numpy as jnp
import numpy as np

from jaxcrypt.models.denoiser import Denoiser
from jaxcrypt.systems.drivers.windows import map_windows

_UNIT = 8
_WINDOW, _REACH = 40, 4  # units: windows of 320 pixels that share 64


@cache
def _program(net: Denoiser):
    """The jitted net, compiled once for each shape of window in the life of the process."""
    return jax.jit(lambda params, noisy, sigma: net.apply({"params": params}, noisy, sigma))


class WindowedDenoiser:
    """``denoise(picture, sigma)`` for host arrays, in grey levels."""

    def __init__(self, net: Denoiser, params):
        if _UNIT % net.multiple:
            raise ValueError(
                f"windows of whole {_UNIT} pixels do not suit a net with {len(net.widths)} scales"
            )
        run, params = _program(net), jax.tree.map(jnp.asarray, params)
        self._run = lambda noisy, sigma: np.asarray(run(params, noisy, sigma))

    def __call__(self, picture: np.ndarray, sigma: np.ndarray) -> np.ndarray:
        """Denoise float32 ``[H, W, C]``, C 1 to 4, told ``sigma``, float32 ``[H, W]``."""
        groups = {1: [[0]], 2: [[0], [1]], 3: [[0, 1, 2]], 4: [[0, 1, 2], [3]]}[picture.shape[2]]
        parts = []
        for group in groups:
            planes = picture[..., group]
            if len(group) == 1:
                clean = self._colour(np.repeat(planes, 3, axis=2), sigma).mean(axis=2, keepdims=True)
            else:
                clean = self._colour(planes, sigma)
            parts.append(clean)
        return np.concatenate(parts, axis=2)

    def _colour(self, picture: np.ndarray, sigma: np.ndarray) -> np.ndarray:
        height, width, _ = picture.shape
        pad = (0, -height % _UNIT), (0, -width % _UNIT)
        noisy = np.pad(picture / np.float32(127.5) - 1, (*pad, (0, 0)), mode="edge")
        level = np.pad(sigma / np.float32(127.5), pad, mode="edge")
        clean = map_windows(self._run, (noisy, level), (_UNIT, _UNIT), _WINDOW, _REACH)
        return (clean[:height, :width] + 1) * np.float32(127.5)

    def of_run(self, shape, start: int, end: int) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
        """``(samples [n], levels [n]) -> samples`` of the flat part ``start..end`` of a picture of ``shape``.

        What a first or last row lacks is borrowed from the row beside it.
        """
        row = shape[1] * shape[2]
        first, last = start // row, -(-end // row)
        head, tail = start - first * row, last * row - end

        def spread_out(values):
            rows = np.concatenate([np.zeros(head, np.float32), values, np.zeros(tail, np.float32)])
            rows = rows.reshape(last - first, row)
            if last - first > 1:
                rows[0, :head] = rows[1, :head]
                rows[-1, row - tail :] = rows[-2, row - tail :]
            else:
                rows[0, :head], rows[0, row - tail :] = values[0], values[-1]
            return rows.reshape(last - first, shape[1], shape[2])

        def denoise(samples: np.ndarray, levels: np.ndarray) -> np.ndarray:
            clean = self(spread_out(samples), spread_out(levels).mean(axis=2)).reshape(-1)
            return clean[head : clean.size - tail]

        return denoise
