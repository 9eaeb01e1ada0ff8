"""How many bits generated pictures carry: from latents that were drawn, and what was read of them.

A latent z carries k bits as one of 2^k bins of equal probability, placed by a dither that the reader knows
(:mod:`jaxcrypt.functional.latents`). It is read wrong where

    2^k |Phi(estimate) - Phi(z)| > 1/2,

whatever the dither, so one set of readings tells the error of every k.
"""

from __future__ import annotations

import numpy as np

MOST = 12  # bits of a latent that are looked at


def errors(z: np.ndarray, estimate: np.ndarray) -> np.ndarray:
    """Share of wrong symbols, float64 ``[MOST, D]``, at 1 .. MOST bits, of each of the D latents; ``z`` and
    ``estimate`` are float ``[N, D]``."""
    from scipy.stats import norm

    off = np.abs(norm.cdf(np.asarray(estimate, np.float64)) - norm.cdf(np.asarray(z, np.float64)))
    return np.stack([(off * 2.0**bits > 0.5).mean(0) for bits in range(1, MOST + 1)])


def uniform(wrong: np.ndarray, share: float) -> tuple[int, float]:
    """The most bits of every latent alike at which at most ``share`` of all symbols are wrong, times the
    latents; and the share that is. ``(0, 0.0)`` where already one bit is too much."""
    means = wrong.mean(1)
    fitting = np.flatnonzero(means <= share)
    if not len(fitting):
        return 0, 0.0
    return int((fitting[-1] + 1) * wrong.shape[1]), float(means[fitting[-1]])


def allotted(wrong: np.ndarray, share: float) -> int:
    """The most bits of a picture where each latent has its own number of them, and at most ``share`` of its
    symbols are wrong."""
    return int(sum(np.flatnonzero(np.r_[0.0, column] <= share)[-1] for column in wrong.T))


def spread(pictures: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Root mean squared differences, in grey levels, of ``count`` random pairs of pictures: float64
    ``[count]``. Where a generator has collapsed, many are near 0."""
    rng = np.random.default_rng(seed)
    one, other = (rng.integers(0, len(pictures), count) for _ in range(2))
    other = np.where(one == other, (other + 1) % len(pictures), other)
    pairs = zip(np.asarray(one), np.asarray(other), strict=True)
    return np.array([np.sqrt(np.mean((pictures[i].astype(float) - pictures[j]) ** 2)) for i, j in pairs])
