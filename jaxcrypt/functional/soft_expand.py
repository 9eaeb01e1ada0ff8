"""Mixed values behind bytes that were damaged: posterior means instead of one value for each byte.

A mixed value z is normal a priori, N(m, v) once the picture is known better. It became the byte u = 256
Phi(z) - 1/2 (:mod:`jaxcrypt.functional.companding`), which came back with normal noise of variance t, clipped
to 0..255. Taking the inverse of the companding at face value is poor: it blows up noise at both ends of the
scale, where Phi is flat. The posterior mean is the best estimate there is, and its variance says how much it
is worth.

What message passing hands on is the *extrinsic* part: the estimate with the prior divided out again,

    1 / tau = 1 / var - 1 / v,     r = tau (mean / var - m / v),

so that no piece of evidence is counted twice (VAMP: Rangan, Schniter and Fletcher 2019).
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import jax
import numpy as np
from jax.scipy import special

from jaxcrypt.functional.companding import CENTROIDS

_ndtr, _log_ndtr = jax.jit(special.ndtr), jax.jit(special.log_ndtr)


def _cumulative(z: np.ndarray) -> np.ndarray:
    return np.asarray(_ndtr(z))


def _log_tail(z: np.ndarray) -> np.ndarray:
    return np.asarray(_log_ndtr(z))


_Z = np.linspace(-4.4, 4.4, 441).astype(np.float32)
_MEANS = np.linspace(-3.6, 3.6, 73).astype(np.float32)
_GAUSS = np.linspace(-4, 4, 49).astype(np.float32)
_CHUNK = 1 << 17
_THREADS = 2
_STEP = 2.0  # of tables over unclipped observations, which lie within _LOW..-_LOW + 255


@cache
def _bytes() -> np.ndarray:
    """The byte, unrounded, that each of :data:`_Z` becomes."""
    return (256 * _cumulative(_Z) - 0.5).astype(np.float32)


def extrinsic(mean, variance: float, prior_mean, prior_variance: float):
    """``(r, tau)``: the estimate N(mean, variance) with its prior divided out."""
    variance = min(variance, 0.9999 * prior_variance)
    tau = 1 / (1 / variance - 1 / prior_variance)
    return mean * (tau / variance) - prior_mean * (tau / prior_variance), tau


def predict(mean: np.ndarray, variance: float) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance of the byte u, of z ~ N(mean, variance): float32 arrays of the shape of ``mean``."""
    weight = np.exp(-0.5 * _GAUSS**2)
    weight /= weight.sum()
    values = 256 * _cumulative(_MEANS[:, None] + np.sqrt(variance) * _GAUSS) - 0.5
    first = values @ weight
    second = values**2 @ weight - first**2
    made = np.empty((2, *mean.shape), np.float32)

    def work(part: slice) -> None:
        for own, table in zip(made, (first, second), strict=True):
            own[part] = np.interp(mean[part], _MEANS, table)

    _each(work, mean.shape[0])
    return made[0], made[1]


def posterior(
    observed: np.ndarray, noise: float, mean: np.ndarray, variance: float, clipped: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Posterior mean and variance of z.

    Args:
      observed: float32 [n], bytes with noise of variance ``noise``.
      mean: float32 [n], ``variance`` scalar: the prior of z.
      clipped: whether 0 and 255 stand for "that or beyond".

    Returns:
      Two float32 [n].
    """
    grid = np.arange(0.0, 256.0, 1.0) if clipped else np.arange(-96.0, 353.0, _STEP)
    grid = grid.astype(np.float32)
    log = -0.5 * (grid[:, None] - _bytes()) ** 2 / noise
    if clipped:
        log[0] = _log_tail((0.5 - _bytes()) / np.sqrt(noise))
        log[-1] = _log_tail((_bytes() - 254.5) / np.sqrt(noise))
    log = log[None] - 0.5 * ((_Z - _MEANS[:, None]) ** 2 / variance)[:, None]
    log -= log.max(axis=-1, keepdims=True)
    weight = np.exp(log, out=log)
    weight /= weight.sum(axis=-1, keepdims=True)
    first = weight @ _Z
    second = np.maximum(weight @ _Z**2 - first**2, 1e-7)
    table, made = np.stack([first, second], -1), np.empty((2, *mean.shape), np.float32)

    def work(part: slice) -> None:
        made[0, part], made[1, part] = _bilinear(table, mean[part], observed[part], grid)

    _each(work, mean.shape[0])
    return made[0], made[1]


def _each(work: Callable[[slice], None], count: int) -> None:
    """``work`` of every part of ``count`` samples, on two threads: what is interpolated takes many times the
    memory of the samples of a large picture, and NumPy computes on one core."""
    parts = [slice(start, start + _CHUNK) for start in range(0, count, _CHUNK)]
    with ThreadPoolExecutor(_THREADS) as pool:
        for _ in pool.map(work, parts):
            pass


def _bilinear(table: np.ndarray, mean: np.ndarray, observed: np.ndarray, grid: np.ndarray):
    """``table`` [means, grid, 2] at (mean, observed), both float [n]."""
    row = np.clip((mean - _MEANS[0]) / (_MEANS[1] - _MEANS[0]), 0, len(_MEANS) - 1.001).astype(np.float32)
    column = np.clip((observed - grid[0]) / (grid[1] - grid[0]), 0, len(grid) - 1.001).astype(np.float32)
    i, j = row.astype(np.int32), column.astype(np.int32)
    a, b = (row - i)[:, None], (column - j)[:, None]
    upper = table[i, j] * (1 - b) + table[i, j + 1] * b
    lower = table[i + 1, j] * (1 - b) + table[i + 1, j + 1] * b
    bounds = (upper * (1 - a) + lower * a).astype(np.float32)
    return bounds[:, 0], bounds[:, 1]


def byte_noise(error: float) -> float:
    """Variance of the noise on bytes whose plain expansion errs by ``error`` in mean square.

    1/12, the variance of rounding, where ``error`` is no larger than rounding makes it.
    """
    levels = np.geomspace(0.02, 6000, 40)
    return float(np.interp(error, [expansion_error(t) for t in levels], levels + 1 / 12, left=1 / 12))


def expansion_error(noise: float) -> float:
    """Mean square error of the plain expansion of bytes with normal noise of that variance, clipped."""
    weight = np.exp(-0.5 * _GAUSS**2)
    noisy = np.arange(256)[:, None] + np.sqrt(noise) * _GAUSS
    moved = np.interp(np.clip(noisy, 0, 255), np.arange(256), CENTROIDS) - CENTROIDS[:, None]
    rounding = 1 - np.mean(CENTROIDS**2)
    return float(np.average(np.mean(moved**2, axis=0), weights=weight) + rounding)
