"""Telling generated pictures that carry data from plain samples of the same generator.

Three detectors, each of which learns on some pictures and is tried on others:

* a small convolutional network (:mod:`jaxcrypt.attacks.steganalysis`);
* rich models and an ensemble (:mod:`jaxcrypt.attacks.srm`);
* one that inverts the generator, as the receiver does, and looks at the latents z. Of plain samples they
  are independent and N(0, 1), and the phase exp(2 pi i 2^k Phi(z)) is uniform for every k. Of each picture
  it takes :func:`statistics`, and a regularised linear discriminant decides.

Its control carries the same data at the middles of the bins, without a dither: a lattice.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import stats

from jaxcrypt.attacks.srm import Detected

_FINEST = 10  # bits of a latent whose lattice is looked for
_LAGS = 3
_RIDGE = 1e-3


def statistics(z: np.ndarray) -> np.ndarray:
    """What the latents of each picture show against N(0, 1): float64 ``[N, n]`` of float ``[N, D]``.

    Four moments; products of neighbours at lags of 1 to 3; the distance of Kolmogorov and Smirnov; and for
    every k up to 10 Rayleigh's statistic D |mean exp(2 pi i 2^k Phi(z))|^2, which is near 1 without a lattice
    of 2^k bins.
    """
    z = np.asarray(z, np.float64)
    size, share = z.shape[1], stats.norm.cdf(z)
    moments = [np.mean(z**power, axis=1) for power in (1, 2, 3, 4)]
    products = [np.mean(z[:, :-lag] * z[:, lag:], axis=1) for lag in range(1, _LAGS + 1)]
    ranks = np.arange(size) / size
    ordered = np.sort(share, axis=1)
    distance = np.maximum(ordered - ranks, ranks + 1 / size - ordered).max(axis=1)
    phases = (np.exp(2j * np.pi * 2.0**bits * share).mean(axis=1) for bits in range(_FINEST + 1))
    return np.stack([*moments, *products, distance, *(size * np.abs(phase) ** 2 for phase in phases)], 1)


def by_latents(learnt: Sequence[np.ndarray], tested: Sequence[np.ndarray]) -> Detected:
    """The linear rule on :func:`statistics`.

    Args:
      learnt, tested: latents that were read of plain and of carrying pictures, float ``[N, D]`` both.
    """
    plain, carrying = map(statistics, learnt)
    both = np.concatenate([plain, carrying])
    mean, spread = both.mean(0), both.std(0) + 1e-12
    centres = [(part.mean(0) - mean) / spread for part in (plain, carrying)]
    inside = np.concatenate([(part - part.mean(0)) / spread for part in (plain, carrying)])
    scatter = inside.T @ inside / len(inside) + _RIDGE * np.eye(len(mean))
    weights = np.linalg.solve(scatter, centres[1] - centres[0])
    middle = (centres[0] + centres[1]) @ weights / 2
    return decided(*[((statistics(part) - mean) / spread) @ weights - middle for part in tested])


def decided(plain: np.ndarray, carrying: np.ndarray) -> Detected:
    """What margins of pictures give, positive where they are called carrying: float ``[N]`` both."""
    right = int(np.sum(plain < 0) + np.sum(carrying > 0))
    count = len(plain) + len(carrying)
    pairs = float(np.mean(carrying > plain))
    return Detected(right / count, pairs, float(stats.binom.sf(right - 1, count, 0.5)))


def whole(z: np.ndarray) -> dict[str, float]:
    """p-values of all latents float ``[N, D]`` together, were they independent and N(0, 1): ``values``
    (Kolmogorov and Smirnov), ``lengths`` (|z|^2 is chi-square of D degrees), ``dimensions`` (the largest
    correlation of two of them, by Bonferroni)."""
    z = np.asarray(z, np.float64)
    count, size = z.shape
    between = np.corrcoef(z.T)[np.triu_indices(size, 1)]
    deviates = np.abs(np.arctanh(between)) * np.sqrt(count - 3)
    return {
        "values": float(stats.kstest(z.ravel(), "norm").pvalue),
        "lengths": float(stats.kstest((z**2).sum(1), "chi2", args=(size,)).pvalue),
        "dimensions": float(min(1.0, 2 * stats.norm.sf(deviates.max()) * len(between))),
    }
