"""The fifteen tests of NIST SP 800-22 rev. 1a on sequences of bits: p-values, with numpy and scipy.

Every test takes ``bits``, uint8 ``[n]`` of zeros and ones, and returns its p-value, or several by name.
Section numbers are those of the document. :func:`run_all` runs them with its parameters for 10^6 bits and
leaves out what does not apply to a sequence (random excursions below 500 cycles, anything too short);
:func:`proportions` pools several sequences.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import erfc, gammaincc
from scipy.stats import norm

from jaxcrypt.metrics import sp800_22_blocks as blocks
from jaxcrypt.metrics.sp800_22_blocks import windows

ALPHA = 0.01
MIN_BITS = 1_000_000  # what run_all's parameters are made for
MIN_CYCLES = 500


def frequency(bits: np.ndarray) -> float:
    """2.1: as many ones as zeros."""
    total = 2 * int(bits.sum()) - len(bits)
    return float(erfc(abs(total) / np.sqrt(2 * len(bits))))


def block_frequency(bits: np.ndarray, size: int = 128) -> float:
    """2.2: the same within blocks of ``size`` bits."""
    shares = blocks.cut(bits, size).mean(axis=1)
    return float(gammaincc(len(shares) / 2, 2 * size * np.sum((shares - 0.5) ** 2)))


def runs(bits: np.ndarray) -> float:
    """2.3: the number of runs; 0 where the frequency test makes it pointless."""
    n, share = len(bits), float(bits.mean())
    if abs(share - 0.5) >= 2 / np.sqrt(n):
        return 0.0
    count = 1 + int(np.count_nonzero(bits[1:] != bits[:-1]))
    middle = 2 * n * share * (1 - share)
    return float(erfc(abs(count - middle) / (2 * np.sqrt(2 * n) * share * (1 - share))))


def spectral(bits: np.ndarray) -> float:
    """2.6: peaks of the discrete Fourier transform above the 95% threshold."""
    n = len(bits)
    peaks = np.abs(np.fft.rfft(2.0 * bits - 1))[: n // 2]
    below = np.count_nonzero(peaks < np.sqrt(np.log(1 / 0.05) * n))
    deviation = (below - 0.95 * n / 2) / np.sqrt(n * 0.95 * 0.05 / 4)
    return float(erfc(abs(deviation) / np.sqrt(2)))


def _pattern_counts(bits: np.ndarray, length: int) -> np.ndarray:
    """Counts of all overlapping patterns of ``length`` bits, the sequence continued at its start."""
    return np.bincount(windows(np.concatenate([bits, bits[: length - 1]]), length), minlength=1 << length)


def serial(bits: np.ndarray, length: int = 16) -> dict[str, float]:
    """2.11: all patterns of ``length`` bits equally often; two p-values."""
    n = len(bits)

    def psi(m: int) -> float:
        return float(np.sum(_pattern_counts(bits, m).astype(float) ** 2) * 2**m / n - n) if m > 0 else 0.0

    first, second, third = (psi(length - i) for i in range(3))
    return {
        "1": float(gammaincc(2.0 ** (length - 2), (first - second) / 2)),
        "2": float(gammaincc(2.0 ** (length - 3), (first - 2 * second + third) / 2)),
    }


def approximate_entropy(bits: np.ndarray, length: int = 10) -> float:
    """2.12: frequencies of overlapping patterns of ``length`` and ``length + 1`` bits."""
    n = len(bits)

    def phi(m: int) -> float:
        shares = _pattern_counts(bits, m) / n
        shares = shares[shares > 0]
        return float(np.sum(shares * np.log(shares)))

    chi = 2 * n * (np.log(2) - (phi(length) - phi(length + 1)))
    return float(gammaincc(2.0 ** (length - 1), chi / 2))


def cumulative_sums(bits: np.ndarray) -> dict[str, float]:
    """2.13: the largest excursion of the random walk, forward and backward."""
    return {"forward": _largest_excursion(bits), "backward": _largest_excursion(bits[::-1])}


def _largest_excursion(bits: np.ndarray) -> float:
    n = len(bits)
    largest = int(np.abs(_walk(bits)).max())
    root = np.sqrt(n)

    def terms(start: float, first: int, second: int) -> float:
        k = np.arange(int(start), int((n / largest - 1) / 4) + 1)
        return float(
            np.sum(norm.cdf((4 * k + first) * largest / root) - norm.cdf((4 * k + second) * largest / root))
        )

    return 1 - terms((-n / largest + 1) / 4, 1, -1) + terms((-n / largest - 3) / 4, 3, 1)


def _walk(bits: np.ndarray) -> np.ndarray:
    return np.cumsum(2 * bits.astype(np.int32) - 1)


def _excursions(bits: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    """The walk, the cycle that each of its steps belongs to, and the number of cycles."""
    walk = np.concatenate([_walk(bits), [0]]) if bits.sum() * 2 != len(bits) else _walk(bits)
    ends = walk == 0
    cycle = np.cumsum(ends) - ends
    return walk, cycle, int(ends.sum())


def cycles(bits: np.ndarray) -> int:
    """Zero crossings of the walk: both excursion tests want 500 of them, and 0.005 sqrt(n)."""
    return _excursions(bits)[2]


def random_excursions(bits: np.ndarray) -> dict[str, float]:
    """2.14: visits of the walk to the states -4 to 4 within its cycles; eight p-values."""
    walk, cycle, count = _excursions(bits)
    p_values = {}
    for state in (-4, -3, -2, -1, 1, 2, 3, 4):
        visits = np.bincount(cycle[walk == state], minlength=count)
        seen = np.bincount(np.minimum(visits, 5), minlength=6)
        away = 1 - 1 / (2 * abs(state))
        shares = [away, *(away ** (k - 1) * (1 - away) ** 2 for k in range(1, 5)), away**4 * (1 - away)]
        p_values[f"{state:+d}"] = blocks.chi_square_p(seen, np.array(shares) * count)
    return p_values


def random_excursions_variant(bits: np.ndarray) -> dict[str, float]:
    """2.15: visits of the walk to the states -9 to 9 in all; eighteen p-values."""
    walk, _, count = _excursions(bits)
    p_values = {}
    for state in (*range(-9, 0), *range(1, 10)):
        visits = int(np.count_nonzero(walk == state))
        p_values[f"{state:+d}"] = float(erfc(abs(visits - count) / np.sqrt(2 * count * (4 * abs(state) - 2))))
    return p_values


def run_all(bits: np.ndarray) -> dict[str, float]:
    """All tests that apply to a sequence of at least 10^6 bits, with the parameters of the document.

    Args:
      bits: uint8 ``[n]`` of zeros and ones, n >= :data:`MIN_BITS`.

    Returns:
      p-values by name; tests of several p-values as ``"serial 1"``.

    Raises:
      ValueError: fewer bits.
    """
    if len(bits) < MIN_BITS:
        raise ValueError(f"SP 800-22 needs {MIN_BITS} bits here, got {len(bits)}")
    several = {
        "cumulative sums": cumulative_sums(bits),
        "non-overlapping template": blocks.non_overlapping_templates(bits),
        "serial": serial(bits),
    }
    if cycles(bits) >= max(MIN_CYCLES, 0.005 * np.sqrt(len(bits))):
        several["random excursions"] = random_excursions(bits)
        several["random excursions variant"] = random_excursions_variant(bits)
    p_values = {
        "frequency": frequency(bits),
        "block frequency": block_frequency(bits),
        "runs": runs(bits),
        "longest run": blocks.longest_run(bits),
        "rank": blocks.rank(bits),
        "spectral": spectral(bits),
        "overlapping template": blocks.overlapping_template(bits),
        "universal": blocks.universal(bits),
        "approximate entropy": approximate_entropy(bits),
        "linear complexity": blocks.linear_complexity(bits),
    }
    return p_values | {f"{test} {part}": p for test, parts in several.items() for part, p in parts.items()}


@dataclass(frozen=True)
class Proportion:
    """How many of the sequences that a test applies to passed it, and how many must (section 4.2.1)."""

    passed: int
    applicable: int

    @property
    def needed(self) -> int:
        """0.99 - 3 sqrt(0.99 0.01 / n) of n sequences: 8 of 10."""
        share = 1 - ALPHA - 3 * np.sqrt(ALPHA * (1 - ALPHA) / self.applicable)
        return int(np.floor(share * self.applicable))

    @property
    def enough(self) -> bool:
        return self.passed >= self.needed


def proportions(results: Sequence[dict[str, float]]) -> dict[str, Proportion]:
    """Of every test's p-values in the results of :func:`run_all`: how many are at least α = 0.01."""
    names = dict.fromkeys(name for result in results for name in result)
    values = {name: [result[name] for result in results if name in result] for name in names}
    return {name: Proportion(sum(p >= ALPHA for p in ps), len(ps)) for name, ps in values.items()}
