"""The tests of NIST SP 800-22 rev. 1a that compare blocks with a table of probabilities; see ``sp800_22``."""

from __future__ import annotations

import numpy as np
from scipy.special import erfc, gammaincc

# 2.4: smallest n -> (block size, shortest and longest class, probabilities)
_LONGEST_RUN = (
    (750_000, 10_000, 10, 16, (0.0882, 0.2092, 0.2483, 0.1933, 0.1208, 0.0675, 0.0727)),
    (6_272, 128, 4, 9, (0.1174, 0.2430, 0.2493, 0.1752, 0.1027, 0.1124)),
    (128, 8, 1, 4, (0.2148, 0.3672, 0.2305, 0.1875)),
)
# 2.9: smallest n -> (L, expected value, variance)
_UNIVERSAL = (
    (1_342_400, 8, 7.1836656, 3.238),
    (904_960, 7, 6.1962507, 3.125),
    (387_840, 6, 5.2177052, 2.954),
)
# The published program still has other numbers in two places: 0.01047 for the first class of linear
# complexity, and for overlapping templates those before Hamano and Kaneko's correction (2007).
_OVERLAPPING = (0.364091, 0.185659, 0.139381, 0.100571, 0.070432, 0.139865)  # 3.8, for m = 9, M = 1032
_LINEAR = (0.010417, 0.03125, 0.125, 0.5, 0.25, 0.0625, 0.020833)  # 3.10


def cut(bits: np.ndarray, size: int) -> np.ndarray:
    """The whole blocks of ``size`` bits: ``[n // size, size]``; what remains is left out."""
    return bits[: len(bits) // size * size].reshape(-1, size)


def windows(bits: np.ndarray, length: int) -> np.ndarray:
    """All overlapping windows of ``length`` bits as numbers, first bit highest: int32 ``[..., k]``."""
    count = bits.shape[-1] - length + 1
    value = np.zeros((*bits.shape[:-1], count), np.int32)
    for i in range(length):
        value = (value << 1) | bits[..., i : i + count]
    return value


def chi_square_p(seen: np.ndarray, expected: np.ndarray) -> float:
    """Upper tail of chi-square with one degree less than there are classes."""
    chi = np.sum((seen - expected) ** 2 / expected)
    return float(gammaincc((len(seen) - 1) / 2, chi / 2))


def longest_run(bits: np.ndarray) -> float:
    """2.4: the longest run of ones within blocks; n >= 128."""
    size, low, high, shares = next(row[1:] for row in _LONGEST_RUN if len(bits) >= row[0])
    groups = cut(bits, size)
    current = np.zeros(len(groups), np.int32)
    longest = current.copy()
    for column in groups.T:
        current = (current + 1) * column
        longest = np.maximum(longest, current)
    seen = np.bincount(np.clip(longest, low, high) - low, minlength=len(shares))
    return chi_square_p(seen, np.array(shares) * len(groups))


def matrix_ranks(matrices: np.ndarray) -> np.ndarray:
    """Ranks over GF(2) of ``[count, size, size]`` matrices of zeros and ones, all at once."""
    rows = matrices.astype(bool).copy()
    count, size, _ = rows.shape
    every, ranks = np.arange(count), np.zeros(count, int)
    for column in range(size):
        candidates = rows[:, :, column] & (np.arange(size) >= ranks[:, None])
        has, pivot = candidates.any(axis=1), candidates.argmax(axis=1)
        target = np.minimum(ranks, size - 1)
        source = np.where(has, pivot, target)
        rows[every, target], rows[every, source] = rows[every, source], rows[every, target]
        below = rows[:, :, column] & (np.arange(size) > target[:, None]) & has[:, None]
        rows ^= below[:, :, None] & rows[every, target][:, None, :]
        ranks += has
    return ranks


def rank_share(rank: int, size: int) -> float:
    """3.5: the share of random ``size`` × ``size`` matrices over GF(2) that have this rank."""
    i = np.arange(rank)
    product = np.prod((1 - 2.0 ** (i - size)) ** 2 / (1 - 2.0 ** (i - rank)))
    return float(2.0 ** (rank * (2 * size - rank) - size * size) * product)


def rank(bits: np.ndarray, size: int = 32) -> float:
    """2.5: ranks of square matrices made of the bits."""
    matrices = cut(bits, size * size).reshape(-1, size, size)
    ranks, count = matrix_ranks(matrices), len(matrices)
    seen = np.array([np.sum(ranks == size), np.sum(ranks == size - 1), np.sum(ranks < size - 1)])
    full, almost = rank_share(size, size), rank_share(size - 1, size)
    return chi_square_p(seen, np.array([full, almost, 1 - full - almost]) * count)


def aperiodic_templates(length: int = 9) -> np.ndarray:
    """All patterns of ``length`` bits that no shift of themselves overlaps, as numbers: 148 for nine bits."""
    values = np.arange(1 << length)
    periodic = np.zeros(len(values), bool)
    for shift in range(1, length):
        periodic |= values >> shift == values & ((1 << (length - shift)) - 1)
    return values[~periodic]


def non_overlapping_templates(
    bits: np.ndarray, length: int = 9, count: int = 8, templates: np.ndarray | None = None
) -> dict[str, float]:
    """2.7: how often aperiodic patterns occur in each of ``count`` blocks; one p-value for each pattern.

    An aperiodic pattern cannot overlap itself, so counting all windows is what the document counts.
    """
    size = len(bits) // count
    patterns = windows(bits[: size * count].reshape(count, size), length)
    seen = np.stack([np.bincount(row, minlength=1 << length) for row in patterns])
    mean = (size - length + 1) / 2**length
    variance = size * (1 / 2**length - (2 * length - 1) / 2 ** (2 * length))
    chosen = aperiodic_templates(length) if templates is None else templates
    chi = np.sum((seen[:, chosen] - mean) ** 2 / variance, axis=0)
    return {f"{t:0{length}b}": float(p) for t, p in zip(chosen, gammaincc(count / 2, chi / 2), strict=True)}


def overlapping_template(bits: np.ndarray, length: int = 9, size: int = 1032) -> float:
    """2.8: how often nine ones in a row occur in blocks."""
    groups = cut(bits, size)
    hits = np.sum(windows(groups, length) == (1 << length) - 1, axis=1)
    seen = np.bincount(np.minimum(hits, 5), minlength=6)
    return chi_square_p(seen, np.array(_OVERLAPPING) * len(groups))


def distance_sum(bits: np.ndarray, length: int, first: int) -> tuple[float, int]:
    """2.9: sum of log2 of the distances to the same block's last occurrence, over the blocks after ``first``.

    Returns:
      The sum, and the number of blocks it runs over.
    """
    values = windows(cut(bits, length), length)[:, 0]
    order = np.argsort(values, kind="stable")
    before = np.full(len(values), -1)
    same = values[order[1:]] == values[order[:-1]]
    before[order[1:][same]] = order[:-1][same]
    distance = np.arange(len(values)) - before
    return float(np.log2(distance[first:]).sum()), len(values) - first


def universal(bits: np.ndarray) -> float:
    """2.9: Maurer's test; n >= 387,840."""
    length, mean, variance = next(row[1:] for row in _UNIVERSAL if len(bits) >= row[0])
    total, count = distance_sum(bits, length, 10 << length)
    c = 0.7 - 0.8 / length + (4 + 32 / length) * count ** (-3 / length) / 15
    return float(erfc(abs(total / count - mean) / (np.sqrt(2 * variance / count) * c)))


def linear_complexities(groups: np.ndarray) -> np.ndarray:
    """Shortest linear feedback register of each row of bits: Berlekamp-Massey on all rows at once.

    The polynomials C and B and the bits seen so far, newest first, are bit strings in 64-bit words; B is kept
    multiplied by x to the number of steps since it was taken, so that every step shifts all rows alike.

    Args:
      groups: uint8 ``[count, size]``.
    """
    count, size = groups.shape
    current = np.zeros((count, size // 64 + 1), np.uint64)
    current[:, 0] = 1
    older, seen = current.copy(), np.zeros_like(current)
    length = np.zeros(count, int)
    for n, column in enumerate(groups.T.astype(np.uint64)):
        older = _times_x(older)
        seen = _times_x(seen)
        seen[:, 0] |= column
        odd = (np.bitwise_count(current & seen).sum(axis=1) & 1).astype(bool)
        grows = odd & (2 * length <= n)
        previous = current
        current = np.where(odd[:, None], current ^ older, current)
        older = np.where(grows[:, None], previous, older)
        length = np.where(grows, n + 1 - length, length)
    return length


def _times_x(words: np.ndarray) -> np.ndarray:
    shifted = words << np.uint64(1)
    shifted[:, 1:] |= words[:, :-1] >> np.uint64(63)
    return shifted


def linear_complexity(bits: np.ndarray, size: int = 500) -> float:
    """2.10: linear complexities of blocks against their mean."""
    lengths = linear_complexities(cut(bits, size))
    sign = 1 if size % 2 == 0 else -1
    mean = size / 2 + (9 - sign) / 36 - (size / 3 + 2 / 9) / 2.0**size
    deviation = sign * (lengths - mean) + 2 / 9
    classes = np.clip(np.floor(deviation + 3.5).astype(int), 0, 6)
    return chi_square_p(np.bincount(classes, minlength=7), np.array(_LINEAR) * len(lengths))
