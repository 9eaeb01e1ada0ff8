"""Whether what an attack found could be chance: a permutation test over pictures.

An attack makes an output a_i of every cipher i; the photos are x_i. If ciphers tell nothing of their photos,
every pairing of outputs with photos is as likely as the true one. With centred cosines

    s_ij = <a_i - mean_k a_k, x_j - mean_k x_k> / (|...| |...|)

the statistics sum_i s_ii (a likeness, or a negative) and sum_i s_ii^2 (a likeness whose sign varies) are
set against those of random pairings; p is twice the smaller of their shares (Phipson and Smyth, 2010), so
it is never 0.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from jaxcrypt.metrics.chance import FLOOR

PERMUTATIONS = 40_000
MIN_PICTURES = 12
_CHUNK = 4096


def cosines(outputs: np.ndarray, photos: np.ndarray) -> np.ndarray:
    """``s_ij`` of arrays ``[N, H, W, C]`` of any type: float ``[N, N]``; 0 where one of them is constant."""
    rows = []
    for stack in (outputs, photos):
        flat = np.asarray(stack, np.float32).reshape(len(stack), -1)
        flat = flat - flat.mean(axis=0)
        norm = np.linalg.norm(flat, axis=1, keepdims=True)
        rows.append(np.divide(flat, norm, out=np.zeros_like(flat), where=norm > 1e-6))
    return rows[0] @ rows[1].T


def permutation_p(likeness: Sequence[np.ndarray], seed: int = 0) -> float:
    """The p-value of matrices ``s_ij`` of independent runs together; each run is permuted by itself.

    Args:
      likeness: float ``[N, N]`` each, N at least :data:`MIN_PICTURES`: fewer have too few pairings.
    """
    random = np.random.default_rng([seed, 9])
    totals = [np.zeros(PERMUTATIONS), np.zeros(PERMUTATIONS)]
    seen, means = [0.0, 0.0], [0.0, 0.0]
    for matrix in likeness:
        count = len(matrix)
        if count < MIN_PICTURES:
            raise ValueError(f"a permutation test wants {MIN_PICTURES} pictures, got {count}")
        powers = (matrix.astype(np.float64), matrix.astype(np.float64) ** 2)
        for k, power in enumerate(powers):
            seen[k] += np.trace(power)
            means[k] += power.sum() / count  # what a random pairing has on average
        rows = np.arange(count)
        for start in range(0, PERMUTATIONS, _CHUNK):
            length = min(_CHUNK, PERMUTATIONS - start)
            pairing = random.permuted(np.tile(rows, (length, 1)), axis=1)
            for total, power in zip(totals, powers, strict=True):
                total[start : start + length] += power[rows, pairing].sum(axis=1)
    sign = np.abs(totals[0] - means[0]) >= abs(seen[0] - means[0]) - 1e-12
    square = totals[1] >= seen[1] - 1e-12
    shares = [(1 + np.sum(hit)) / (1 + PERMUTATIONS) for hit in (sign, square)]
    return float(min(1.0, 2 * min(shares)))


def by_chance(p: float) -> bool:
    """Whether chance explains it: p above 10^-4."""
    return p > FLOOR
