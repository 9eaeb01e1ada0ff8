"""One picture's blocks on the host: the nets over them, window by window."""

from __future__ import annotations

from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxcrypt.functional.block_transform import BLOCK, PLANE, analyse
from jaxcrypt.models.cyclegan import OCTAVE
from jaxcrypt.record import Progress
from jaxcrypt.systems.cyclegan import code
from jaxcrypt.systems.cyclegan.symbols import Symbols
from jaxcrypt.systems.drivers.windows import Window, kept, over_windows, read, sampled

_WINDOW, _REACH = 56, 4  # blocks: of windows, and of what nets see around a position
_TOGETHER = 1600  # blocks whose scales one call computes
_APART = 3  # blocks, of those whose expected error is looked at
_SMALL, _NEAR, _OF = 20, 2, 8  # blocks of smaller windows, of which one in so many tells how nets react


@cache
def _programs(nets) -> dict[str, Any]:
    """The jitted parts, compiled once for each shape of window in the life of the process."""

    def coefficients(picture, mean):
        colour = jnp.broadcast_to(picture.astype(jnp.float32), (*picture.shape[:3], 3))
        return analyse(colour - mean[:, None, None])

    def digits(params, picture, mean):
        return nets.encoder.apply({"params": params["encoder"]}, coefficients(picture, mean))

    def restore(params, got, noisy):
        clean = code.restore(nets.denoiser, nets.context, params, got)
        return code.near(clean, got) if noisy else clean

    return {
        "analyse": jax.jit(coefficients),
        "digits": jax.jit(digits),
        "scales": jax.jit(
            lambda params, d: nets.encoder.apply({"params": params["encoder"]}, d, method="scales")
        ),
        "restore": jax.jit(restore, static_argnums=2),
    }


class Blocks:
    """The blocks of a picture of ``planes`` planes, 1 or 3, and the nets over them.

    Args:
      mean: float32 ``[3]``, of the picture.
    """

    def __init__(self, nets, params, planes: int, mean: np.ndarray):
        self._run, self._params, self._planes, self._mean = _programs(nets), params, planes, mean[None]

    def digits(self, picture: np.ndarray) -> np.ndarray:
        """``[16h, 16w, 1 or 3]`` to digits, float32 ``[h, w, 6]``."""

        def one(seen: Window):
            return np.asarray(self._run["digits"](self._params, _cut(picture, seen), self._mean))[0]

        return over_windows(one, _sides(picture), 1, _WINDOW, _REACH)

    def scales(self, digits: np.ndarray) -> np.ndarray:
        """Of digits ``[n, 6]``: int16 ``[n, 256·planes]``."""
        made = np.empty((len(digits), self._planes * PLANE), np.int16)
        for start in range(0, len(digits), _TOGETHER):
            some = digits[start : start + _TOGETHER]
            whole = np.pad(some, ((0, _TOGETHER - len(some)), (0, 0)))[None, None]  # one shape, one program
            scales = np.asarray(self._run["scales"](self._params, whole))[0, 0]
            made[start : start + len(some)] = scales[: len(some), : self._planes * PLANE]
        return made

    def take(self, picture: np.ndarray, symbols: Symbols) -> np.ndarray:
        """The weighed symbols of ``[16h, 16w, 1 or 3]``, float32 ``[k]``."""
        taken = np.empty(symbols.plan.symbols[-1], np.float32)

        def one(seen: Window):
            self._take(_cut(picture, seen), seen, symbols, taken)
            return _NOTHING

        over_windows(one, _sides(picture), 0, _WINDOW, 0)
        return taken

    def _take(self, window: np.ndarray, seen: Window, symbols: Symbols, taken: np.ndarray) -> None:
        """Put a window's weighed symbols into ``taken``; ``window`` is ``[1, 16r, 16c, 1 or 3]``."""
        coefficients = np.asarray(self._run["analyse"](window, self._mean))[0]
        symbols.window(seen).take(coefficients[..., : self._planes * PLANE], taken)

    def restore(
        self,
        weighed: np.ndarray,
        levels: np.ndarray,
        symbols: Symbols,
        dtype: Any,
        noisy: bool,
        progress: Progress = None,
    ) -> tuple[np.ndarray, float]:
        """The decrypting generator: ``[16h, 16w, 3]``, grey levels; uint8 are rounded, float32 are not. And
        the error that Wiener's estimate, where it starts from, is expected to have, in grey levels.

        Args:
          weighed: symbols, float32 ``[k]``; levels: of their errors by mixing tile, float32 ``[t]``.
          noisy: the errors may be larger than the nets know: :func:`code.near` holds them.
        """
        errors: list[float] = []

        def one(seen: Window):
            picture, error = self._restored(seen, weighed, levels, symbols, noisy)
            errors.append(error)
            return np.clip(np.rint(picture), 0, 255).astype(np.uint8) if dtype == np.uint8 else picture

        plan = symbols.plan
        picture = over_windows(one, (plan.rows, plan.columns), BLOCK, _WINDOW, _REACH, progress)
        return picture, float(np.sqrt(np.mean(errors)))

    def _restored(self, seen: Window, weighed, levels, symbols: Symbols, noisy: bool):
        """A window's picture, float32 ``[16r, 16c, 3]``, and the mean square of its expected error."""
        part = symbols.window(seen)
        own = part.put(weighed), part.there, part.scales.astype(np.float32), part.by_tile(levels)
        got = code.Received(*(array[None] for array in own), self._mean)
        return np.asarray(self._run["restore"](self._params, got, noisy))[0], _expected(*own[1:])

    def some(self, weighed: np.ndarray, levels: np.ndarray, symbols: Symbols) -> np.ndarray:
        """What :meth:`take` has of :meth:`restore`, in some windows: float32 ``[k]``, NaN elsewhere."""
        plan, taken = symbols.plan, np.full(weighed.shape, np.nan, np.float32)
        for axes in sampled((plan.rows, plan.columns), _SMALL, _NEAR, _OF):
            picture, _ = self._restored(read(axes), weighed, levels, symbols, True)
            core = tuple(slice(span.start, span.stop) for span in axes)
            self._take(picture[kept(axes, BLOCK)][None], core, symbols, taken)
        return taken


def _expected(there: np.ndarray, scales: np.ndarray, levels: np.ndarray) -> float:
    """Mean square error of :func:`code.estimate` in some of a window's blocks."""
    there, scales, levels = (array[::_APART, ::_APART] for array in (there, scales, levels))
    scale, noise = np.exp2(scales / OCTAVE), np.square(levels)
    variance = np.square(scale) * np.where(there, noise / (scale + noise), 1)
    return float(variance.sum() / (variance.shape[0] * variance.shape[1] * 3 * PLANE))


_NOTHING = np.empty((0, 0, 0), np.uint8)


def _sides(picture: np.ndarray) -> tuple[int, int]:
    return picture.shape[0] // BLOCK, picture.shape[1] // BLOCK


def _cut(picture: np.ndarray, seen: Window) -> np.ndarray:
    rows, columns = (slice(BLOCK * part.start, BLOCK * part.stop) for part in seen)
    return picture[rows, columns][None]
