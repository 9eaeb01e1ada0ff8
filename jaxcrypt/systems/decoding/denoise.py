"""A denoiser over pictures of any size and kind: overlapping windows, any channels, any run of samples.

Grey planes, alpha among them, go in as three equal planes, as in training. Windows overlap by more than what
a position sees in practice, so no seams show; the noise level may differ from position to position.
"""

from __future__ import annotations

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np

from jaxcrypt.models.denoiser import Denoiser
from jaxcrypt.record import Shape
from jaxcrypt.systems.drivers.windows import map_windows, spans

_UNIT = 8
_WINDOW, _REACH = 96, 4  # units: windows of 768 pixels that share 64
_NARROW, _NEAR, _OF = (
    16,
    1,
    5,
)  # units of narrower ones, of which one in so many tells how the denoiser reacts


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

    def some(self, picture: np.ndarray, sigma: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """As the call, of some windows, zero elsewhere; and which samples those are, bool ``[H, W, C]``."""
        across = spans(-(-picture.shape[1] // _UNIT), _NARROW, _NEAR)
        chosen = across[min(_OF, len(across)) // 2 :: _OF]
        if len(across) < _OF:
            return self(picture, sigma), np.ones(picture.shape, bool)
        clean, seen = np.zeros_like(picture), np.zeros(picture.shape, bool)
        for span in chosen:
            first, start, stop = (_UNIT * side for side in (span.first, span.start, span.stop))
            window = np.s_[:, first : first + _UNIT * span.size]
            clean[:, start:stop] = self(picture[window], sigma[window])[:, start - first : stop - first]
            seen[:, start:stop] = True
        return clean, seen

    def of_run(self, shape, start: int, end: int) -> RunDenoiser:
        """The denoiser of the flat part ``start..end`` of a picture of ``shape``."""
        return RunDenoiser(self, shape, start, end)


class RunDenoiser:
    """``(samples [n], levels [n]) -> samples`` of the flat part ``start..end`` of a picture of ``shape``.

    What a first or last row lacks is borrowed from the row beside it.
    """

    def __init__(self, windows: WindowedDenoiser, shape: Shape, start: int, end: int):
        row = shape[1] * shape[2]
        first, last = start // row, -(-end // row)
        self._windows, self._shape, self._row = windows, (last - first, *shape[1:]), row
        self._head, self._tail = start - first * row, last * row - end

    def __call__(self, samples: np.ndarray, levels: np.ndarray) -> np.ndarray:
        return self._cut(self._windows(*self._pictures(samples, levels)))

    def some(self, samples: np.ndarray, levels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """As the call, of some samples only; and which, bool ``[n]``."""
        clean, seen = self._windows.some(*self._pictures(samples, levels))
        return self._cut(clean), self._cut(seen)

    def _pictures(self, samples: np.ndarray, levels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return self._spread_out(samples), self._spread_out(levels).mean(axis=2)

    def _spread_out(self, values: np.ndarray) -> np.ndarray:
        head, tail, row = self._head, self._tail, self._row
        rows = np.concatenate([np.zeros(head, np.float32), values, np.zeros(tail, np.float32)])
        rows = rows.reshape(-1, row)
        if len(rows) > 1:
            rows[0, :head] = rows[1, :head]
            rows[-1, row - tail :] = rows[-2, row - tail :]
        else:
            rows[0, :head], rows[0, row - tail :] = values[0], values[-1]
        return rows.reshape(self._shape)

    def _cut(self, picture: np.ndarray) -> np.ndarray:
        flat = picture.reshape(-1)
        return flat[self._head : flat.size - self._tail]
