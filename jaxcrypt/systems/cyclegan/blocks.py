"""One picture's blocks on the host: the nets over them window by window, and which coefficients travel."""

from __future__ import annotations

from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxcrypt.functional.block_transform import BLOCK, PLANE, analyse
from jaxcrypt.systems.cyclegan import code
from jaxcrypt.systems.drivers.windows import map_windows

_WINDOW, _REACH = 40, 4  # blocks: of windows, and of what nets see around a position


@cache
def _programs(nets) -> dict[str, Any]:
    """The jitted parts, compiled once for each shape of window in the life of the process."""

    def put(picture):
        return jnp.broadcast_to(picture.astype(jnp.float32), (*picture.shape[:3], 3))

    def coefficients(picture, mean):
        return analyse(put(picture) - mean[:, None, None])

    return {
        "analyse": jax.jit(coefficients),
        "digits": jax.jit(lambda params, c: nets.encoder.apply({"params": params["encoder"]}, c)),
        "scales": jax.jit(
            lambda params, d: nets.encoder.apply({"params": params["encoder"]}, d, method="scales")
        ),
        "restore": jax.jit(lambda params, got: code.restore(nets.denoiser, nets.context, params, got)),
    }


class Blocks:
    """The blocks of a picture of ``planes`` planes, 1 or 3, and the nets over them."""

    def __init__(self, nets, params, planes: int):
        self._run, self._params, self._planes = _programs(nets), params, planes

    def analyse(self, picture: np.ndarray, mean: np.ndarray) -> np.ndarray:
        """``[16h, 16w, 1 or 3]`` to coefficients ``[h, w, 256·planes]``."""

        def one(window):
            return np.asarray(self._run["analyse"](window, mean[None]))[..., : self._planes * PLANE]

        return map_windows(one, (picture,), (BLOCK, 1), _WINDOW, 0)

    def digits(self, coefficients: np.ndarray) -> np.ndarray:
        """Coefficients ``[h, w, 256·planes]`` to digits, float32 ``[h, w, 6]``."""
        rest = ((0, 0),) * 3 + ((0, (3 - self._planes) * PLANE),)

        def one(window):
            return self._run["digits"](self._params, np.pad(window, rest))

        return map_windows(one, (coefficients,), (1, 1), _WINDOW, _REACH)

    def scales(self, digits: np.ndarray) -> np.ndarray:
        """int16 ``[h, w, 256·planes]``, which sorts fast."""

        def one(window):
            return np.asarray(self._run["scales"](self._params, window))[..., : self._planes * PLANE]

        return map_windows(one, (digits,), (1, 1), _WINDOW, 0).astype(np.int16)

    def restore(self, coefficients, there, scales, level, mean) -> np.ndarray:
        """The decrypting generator: float32 ``[16h, 16w, 3]``, grey levels.

        Args: as :class:`~jaxcrypt.systems.cyclegan.code.Received` takes them, without the batch axis.
        """

        def one(coefficients, there, scales, level):
            got = code.Received(coefficients, there, scales.astype(np.float32), level, mean[None])
            return self._run["restore"](self._params, got)

        return map_windows(one, (coefficients, there, scales, level), (1, BLOCK), _WINDOW, _REACH)


class Symbols:
    """Which coefficients of a picture are symbols, in the order of mixing tiles.

    Args:
      scales: int16 ``[h, w, 256·planes]``.
    """

    def __init__(self, scales: np.ndarray, plan: code.Plan):
        order = np.argsort(-scales.reshape(-1), kind="stable")[: plan.symbols[-1]]
        self.place = np.sort(order)[plan.order()]
        self.scales = scales
        self.weight = np.exp2(-0.5 / code.OCTAVE * scales.reshape(-1)[self.place]).astype(np.float32)

    def take(self, coefficients: np.ndarray) -> np.ndarray:
        """Weighed symbols, float32 ``[k]``."""
        return coefficients.reshape(-1)[self.place] * self.weight

    def put(self, weighed: np.ndarray) -> np.ndarray:
        """The inverse of :meth:`take`: coefficients, zero where there is no symbol."""
        return self.spread_out(weighed / self.weight)

    def spread_out(self, values: np.ndarray) -> np.ndarray:
        """Values ``[k]`` at their coefficients, zero elsewhere."""
        flat = np.zeros(self.scales.size, np.float32)
        flat[self.place] = values
        return flat.reshape(self.scales.shape)
