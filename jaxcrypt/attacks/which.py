"""The game "which of two pictures": whether a cipher tells which of two known pictures it was made of.

A keyed orthogonal map keeps energies, so a cipher can show how the energy of its picture lies: in one sample
or in many, in one tile or in all. The adversary knows both pictures, makes as many ciphers of each as he
likes, with keys of his own, and measures on every cipher

* the energies of runs of several lengths, in the tiles and blocks that keyed mixing has, and of runs of 8×8
  blocks: their spread, skewness, kurtosis and extremes; and of the spreads inside single tiles the largest,
  the next and the mean: what is sparse in one tile of many shows there alone;
* its norm, the moments and quantiles of its sorted magnitudes, how evenly bytes occur, and neighbours.

Two rules are learnt on half of the ciphers: the one energy that tells best, and linear discriminant analysis
of everything. What counts is the other half, whose keys he never saw: the *advantage* is the share of one
picture's ciphers that are called that picture's, less the share of the other's; chance gives 0 with a
standard deviation of 1 / sqrt(n) for n ciphers of each in all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy import stats

from jaxcrypt.functional.companding import CENTROIDS
from jaxcrypt.functional.mixing import array_size, block_size
from jaxcrypt.systems.drivers.layout import even_bounds

_POWERS = np.square(CENTROIDS).astype(np.float32)  # of a byte's value
_ORDER = np.argsort(np.abs(CENTROIDS))  # bytes by the magnitude of their values
_SHORTER = (64, 16, 4, 1)  # runs of these parts of a block's length
_SQUARES = (1, 16, 256, 1024)  # 8×8 blocks in a run
_QUANTILES = np.array([0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999])
_RIDGE = 0.1
_TOGETHER = 8  # ciphers that are made at a time


def _shape_of(energies: np.ndarray) -> list[float]:
    """Spread, skewness, kurtosis, least and most of energies relative to their mean."""
    if len(energies) < 2:
        return [0.0] * 5
    x = energies / max(float(energies.mean()), 1e-9)
    spread = float(x.std())
    z = (x - 1) / max(spread, 1e-9)
    moments = float(np.mean(z**3)), float(np.mean(z**4))
    return [float(np.log(spread + 1e-6)), *moments, float(x.min()), float(x.max())]


def _runs(powers: np.ndarray, length: int) -> np.ndarray:
    """Means of whole runs of ``length``."""
    whole = len(powers) // length * length
    return powers[:whole].reshape(-1, length).mean(axis=1, dtype=np.float64)


def _inside(energies: Sequence[np.ndarray], length: int) -> list[float]:
    """Of the variances of runs' energies inside each tile, relative to those of white noise: the largest, the
    next, the mean; as logarithms. 0 where a tile has one run alone."""
    if min(map(len, energies)) < 2:
        return [0.0] * 3
    spreads = [0.5 * length * np.var(one / max(one.mean(), 1e-9), ddof=1) for one in energies]
    largest = np.sort(spreads)[::-1]
    chosen = largest[0], largest[min(1, len(largest) - 1)], largest.mean()
    return [float(x) for x in np.log(np.array(chosen) + 1e-6)]


def powers_of_bytes(cipher: np.ndarray) -> np.ndarray:
    """Squares of the values that bytes stand for, in their order: float32 ``[n]``."""
    return _POWERS[cipher.reshape(-1)]


def energies(cipher: np.ndarray, powers: np.ndarray) -> np.ndarray:
    """How the energy lies in a cipher picture: float64 ``[n]``.

    Args:
      cipher: uint8 ``[H, W, C]``.
      powers: float32 ``[k]``, squares of the mixed values that it carries, in their order.
    """
    size = array_size(powers.size)
    bounds = even_bounds(powers.size, -(-powers.size // size))
    tiles = [powers[a:b] for a, b in pairwise(bounds)]
    features = _shape_of(np.array([tile.mean(dtype=np.float64) for tile in tiles]))
    shorter, runs, found = 1, tiles, []
    for part in _SHORTER:
        length = max(block_size(size) // part, 4)
        runs = [_runs(tile, length // shorter) for tile in runs]  # runs of runs: each sample is added once
        found.append(_shape_of(np.concatenate(runs)) + _inside(runs, length))
        shorter = length
    features += [feature for row in reversed(found) for feature in row]
    squares = _squares(cipher)
    for length in _SQUARES:
        runs = squares[: len(squares) // length * length].reshape(-1, length).mean(axis=1)
        features += _shape_of(runs)
    return np.array(features)


def _squares(cipher: np.ndarray) -> np.ndarray:
    """Variances of the 8×8 blocks, row by row of them."""
    height, width = (side // 8 * 8 for side in cipher.shape[:2])
    grey = cipher[:height, :width].astype(np.float32).mean(axis=2) - 127.5
    return np.square(grey).reshape(height // 8, 8, width // 8, 8).mean(axis=(1, 3)).reshape(-1)


def magnitudes(cipher: np.ndarray) -> np.ndarray:
    """What an orthogonal map keeps, and what bytes show besides: float64 ``[n]``."""
    counts = np.bincount(cipher.reshape(-1), minlength=256)
    share, values = counts / cipher.size, CENTROIDS.astype(np.float64)
    reached = np.searchsorted(np.cumsum(share[_ORDER]), _QUANTILES).clip(max=255)
    planes = cipher.astype(np.float32) - 127.5
    power = float(np.mean(np.square(planes))) + 1e-9
    neighbours = (np.mean(planes[1:] * planes[:-1]), np.mean(planes[:, 1:] * planes[:, :-1]))
    return np.array(
        [
            *(float(share @ values**moment) for moment in (2, 4, 6, 1)),
            np.log(np.mean((256 * share - 1) ** 2) + 1e-12),
            *(float(x) / power for x in neighbours),
            *np.abs(values[_ORDER])[reached],
        ]
    )


def seen(cipher: np.ndarray, powers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What the two rules go by: energies, and the magnitudes; arguments as of :func:`energies`."""
    return energies(cipher, powers), magnitudes(cipher)


@dataclass(frozen=True)
class Played:
    """One game of so many ciphers of each picture.

    Attributes:
      energy, trained: the rules' advantages on ciphers that they did not learn from.
      p: how likely chance is to give the better one.
    """

    energy: float
    trained: float
    p: float

    @property
    def words(self) -> str:
        return f"advantage {self.energy:.2f} by one energy, {self.trained:.2f} trained"


def play(first: Sequence, second: Sequence) -> Played:
    """The game on what :func:`seen` gives of ciphers of two pictures, as many of each."""
    both = [[np.stack(part) for part in zip(*side, strict=True)] for side in (first, second)]
    count = len(first) // 2
    energy = _by_one(*(side[0] for side in both), count)
    trained = _by_all(*(np.concatenate(side, axis=1) for side in both), count)
    tested = 2 * (len(first) - count)
    right = round(max(energy, trained) * tested / 2 + tested / 2)
    p = float(stats.binom.sf(right - 1, tested, 0.5))
    return Played(energy, trained, min(1.0, 2 * p))


def _advantage(first: np.ndarray, second: np.ndarray) -> float:
    """Of scores that should be above 0 for the second picture alone."""
    return float(np.mean(second > 0) - np.mean(first > 0))


def _by_one(first: np.ndarray, second: np.ndarray, count: int) -> float:
    """The energy whose means lie farthest apart, against the middle of them."""
    low, high = (side[:count].mean(axis=0) for side in (first, second))
    spread = np.sqrt(0.5 * (first[:count].var(axis=0) + second[:count].var(axis=0))) + 1e-12
    best = int(np.argmax(np.abs(high - low) / spread))
    middle, sign = (low[best] + high[best]) / 2, np.sign(high[best] - low[best])
    return _advantage(*(sign * (side[count:, best] - middle) for side in (first, second)))


def _by_all(first: np.ndarray, second: np.ndarray, count: int) -> float:
    """Linear discriminant analysis of standardised features, regularised."""
    learnt = np.concatenate([first[:count], second[:count]])
    mean, spread = learnt.mean(axis=0), learnt.std(axis=0) + 1e-12
    first, second = ((side - mean) / spread for side in (first, second))
    centres = [side[:count].mean(axis=0) for side in (first, second)]
    inside = np.concatenate([first[:count] - centres[0], second[:count] - centres[1]])
    scatter = inside.T @ inside / len(inside)
    weights = np.linalg.solve(scatter + _RIDGE * np.eye(len(scatter)), centres[1] - centres[0])
    middle = (centres[0] + centres[1]) / 2
    return _advantage(*((side[count:] - middle) @ weights for side in (first, second)))


def ciphers_seen(
    encrypt: Callable[[Sequence[np.ndarray], Sequence[bytes]], Sequence[np.ndarray]],
    picture: np.ndarray,
    trials: int,
    random: np.random.Generator,
    powers: Callable[[np.ndarray], np.ndarray] = powers_of_bytes,
) -> list:
    """What :func:`seen` gives of ``trials`` ciphers of one picture, each under a key of its own; ``powers``
    reads a cipher's."""
    features = []
    for start in range(0, trials, _TOGETHER):
        keys = [random.bytes(32) for _ in range(min(_TOGETHER, trials - start))]
        for cipher in map(np.asarray, encrypt([picture] * len(keys), keys)):
            features.append(seen(cipher, powers(cipher)))
    return features
