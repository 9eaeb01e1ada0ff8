"""What chance gives: p-values and acceptance intervals of the statistics of a random 8-bit picture.

For a picture of N independent uniform bytes, at level α, with F = 255:

    chi-square   chi2 with 255 degrees of freedom, two-sided
    entropy      2 N ln 2 (8 - H) / q ~ chi2(255), two-sided: H is 8 - chi2 / (2 N ln 2);
                 q = 1 + 257 / (6 N) (Williams, 1976)
    correlation  over n pairs: r sqrt((n - 2) / (1 - r^2)) ~ Student's t with n - 2 degrees, two-sided;
                 about N(0, 1 / n)
    NPCR         mean F / (F + 1), variance F / ((F + 1)^2 N); rejected below (Wu et al., 2011)
    UACI         mean (F + 2) / (3 F + 3), variance (F + 2) (F^2 + 2 F + 3) / (18 (F + 1)^2 N F), two-sided

Over many pictures the number outside is binomial (n, α): :func:`pool` gives the probability of so many or
more. On the host, in double precision; NaN (a statistic that a picture has not) is left out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

ALPHA = 0.01
FLOOR = 1e-4  # a pooled count is what chance gives while its binomial p is above this
_DEGREES = 255
_PEAK = 255


def _two_sided(lower, upper) -> np.ndarray:
    return np.minimum(1.0, 2 * np.minimum(lower, upper))


def chi_square_p(value, samples: int) -> np.ndarray:
    """Two-sided p-value of a histogram chi-square; ``samples`` does not matter to it."""
    return _two_sided(stats.chi2.cdf(value, _DEGREES), stats.chi2.sf(value, _DEGREES))


def chi_square_interval(samples: int, alpha: float = ALPHA) -> tuple[float, float]:
    """Where chi-square of a random picture's histogram lies with probability 1 - ``alpha``."""
    return tuple(float(stats.chi2.ppf(q, _DEGREES)) for q in (alpha / 2, 1 - alpha / 2))


def _per_bit(samples: int) -> float:
    """What one unit of chi-square takes off the entropy."""
    return (1 + (_PEAK + 2) / (6 * samples)) / (2 * samples * np.log(2))


def entropy_p(deficit, samples: int) -> np.ndarray:
    """Two-sided p-value of 8 - entropy (see :func:`jaxcrypt.metrics.cipher.entropy_deficit`)."""
    return chi_square_p(np.asarray(deficit, float) / _per_bit(samples), samples)


def entropy_interval(samples: int, alpha: float = ALPHA) -> tuple[float, float]:
    """Where the byte entropy of ``samples`` random samples lies with probability 1 - ``alpha``, in bits."""
    low, high = chi_square_interval(samples, alpha)
    return 8 - high * _per_bit(samples), 8 - low * _per_bit(samples)


def correlation_p(value, pairs: int) -> np.ndarray:
    """Two-sided p-value of a correlation over ``pairs`` pairs; NaN below three pairs."""
    value = np.asarray(value, float)
    if pairs < 3:
        return np.full(value.shape, np.nan)
    with np.errstate(divide="ignore"):
        t = value * np.sqrt((pairs - 2) / np.maximum(1 - value**2, 0))
    return 2 * stats.t.sf(np.abs(t), pairs - 2)


def correlation_interval(pairs: int, alpha: float = ALPHA) -> tuple[float, float]:
    """Where the correlation of ``pairs`` random pairs lies, probability 1 - ``alpha``; NaN below three."""
    if pairs < 3:
        return np.nan, np.nan
    t = stats.t.ppf(1 - alpha / 2, pairs - 2)
    edge = float(t / np.sqrt(pairs - 2 + t**2))
    return -edge, edge


def _npcr_moments(samples: int) -> tuple[float, float]:
    return _PEAK / (_PEAK + 1), float(np.sqrt(_PEAK / samples) / (_PEAK + 1))


def npcr_p(value, samples: int) -> np.ndarray:
    """One-sided p-value of NPCR: too few samples differ."""
    return stats.norm.cdf(value, *_npcr_moments(samples))


def npcr_interval(samples: int, alpha: float = ALPHA) -> tuple[float, float]:
    """``(N*_α, 1)``: Wu et al., table of critical values."""
    return float(stats.norm.ppf(alpha, *_npcr_moments(samples))), 1.0


def _uaci_moments(samples: int) -> tuple[float, float]:
    f = _PEAK
    variance = (f + 2) * (f * f + 2 * f + 3) / (18 * (f + 1) ** 2 * samples * f)
    return (f + 2) / (3 * f + 3), float(np.sqrt(variance))


def uaci_p(value, samples: int) -> np.ndarray:
    """Two-sided p-value of UACI."""
    mean, deviation = _uaci_moments(samples)
    return 2 * stats.norm.sf(np.abs(np.asarray(value, float) - mean) / deviation)


def uaci_interval(samples: int, alpha: float = ALPHA) -> tuple[float, float]:
    """``(U*-_α, U*+_α)``: Wu et al., table of critical values."""
    return tuple(float(stats.norm.ppf(q, *_uaci_moments(samples))) for q in (alpha / 2, 1 - alpha / 2))


def drawn_p(value: float, draws) -> float:
    """Two-sided p-value of a statistic whose law is known by a few independent draws of it only.

    Student's: with m and s the mean and standard deviation of K draws of a normal law,
    (value - m) / (s sqrt(1 + 1 / K)) ~ t(K - 1). NaN where ``value`` or a draw is.
    """
    draws = np.asarray(draws, float)
    spread = draws.std(ddof=1) * np.sqrt(1 + 1 / len(draws))
    if spread == 0:
        return float(value == draws[0])
    return float(2 * stats.t.sf(abs(value - draws.mean()) / spread, len(draws) - 1))


def drawn_interval(draws, alpha: float = ALPHA) -> tuple[float, float]:
    """Where one more draw lies with probability 1 - ``alpha``."""
    draws = np.asarray(draws, float)
    edge = stats.t.ppf(1 - alpha / 2, len(draws) - 1) * draws.std(ddof=1) * np.sqrt(1 + 1 / len(draws))
    return float(draws.mean() - edge), float(draws.mean() + edge)


@dataclass(frozen=True)
class Pooled:
    """Of ``count`` pictures with the statistic ``outside`` stand out; ``p``: of so many or more."""

    count: int
    outside: int
    p: float

    @property
    def by_chance(self) -> bool:
        return self.p > FLOOR


def pool(p_values, alpha: float = ALPHA) -> Pooled:
    """The count of p-values below ``alpha`` against the binomial that independent pictures would give."""
    values = np.asarray(p_values, float)
    values = values[~np.isnan(values)]
    outside = int(np.sum(values < alpha))
    p = float(stats.binom.sf(outside - 1, len(values), alpha)) if len(values) else 1.0
    return Pooled(len(values), outside, p)


def sign_test(differences) -> Pooled:
    """How many differences are above zero, against one half; zeros and NaN are left out.

    For two pictures that are alike in distribution unless something leaks, whatever that distribution is.
    """
    values = np.asarray(differences, float)
    values = values[~np.isnan(values) & (values != 0)]
    above = int(np.sum(values > 0))
    p = float(stats.binom.sf(above - 1, len(values), 0.5)) if len(values) else 1.0
    return Pooled(len(values), above, p)
