"""FID and KID: how far the features of one set of pictures lie from those of another.

    FID = |m1 - m2|^2 + tr(C1 + C2 - 2 (C1^1/2 C2 C1^1/2)^1/2)        (Heusel et al. 2017, arXiv:1706.08500)
    KID = unbiased MMD^2 with the kernel (x.y / 2048 + 1)^3, mean over subsets   (Binkowski et al. 2018)

over Inception features (:mod:`jaxcrypt.metrics.inception`). C is singular for fewer pictures than features: a
FID of fewer than 2,048 says nothing, and is refused.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np

from jaxcrypt.caches import cache_folder
from jaxcrypt.errors import usage

LEAST = 2048  # pictures of each set


class Distance(NamedTuple):
    """What two sets of features give: ``fid``, and ``kid`` with its standard error over subsets."""

    fid: float
    kid: float
    kid_error: float


def distance(one: np.ndarray, other: np.ndarray, seed: int = 0) -> Distance:
    """FID and KID of two sets of features, float ``[N, D]`` and ``[M, D]``.

    Raises:
      Refusal: fewer pictures than a FID needs.
    """
    for features in (one, other):
        if len(features) < LEAST:
            raise usage(f"FID needs at least {LEAST} pictures of each set, got {len(features)}")
    mean, error = kid(one, other, seed)
    return Distance(frechet(moments(one), moments(other)), mean, error)


def moments(features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean ``[D]`` and covariance ``[D, D]``, float64."""
    wide = np.asarray(features, np.float64)
    return wide.mean(0), np.cov(wide, rowvar=False)


def frechet(one: tuple[np.ndarray, np.ndarray], other: tuple[np.ndarray, np.ndarray]) -> float:
    """The squared Frechet distance of two normal distributions, each mean and covariance."""
    values, vectors = np.linalg.eigh(one[1])
    root = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    cross = np.linalg.eigvalsh(root @ other[1] @ root)
    spread = np.trace(one[1]) + np.trace(other[1]) - 2 * np.sum(np.sqrt(np.maximum(cross, 0)))
    return float(np.sum((one[0] - other[0]) ** 2) + spread)


def kid(
    one: np.ndarray, other: np.ndarray, seed: int = 0, subsets: int = 100, size: int = 1000
) -> tuple[float, float]:
    """Mean over random subsets of ``size`` pictures of each set, and its standard error."""
    rng = np.random.default_rng(seed)
    size = min(size, len(one), len(other))
    estimates = []
    for _ in range(subsets):
        x, y = (part[rng.choice(len(part), size, replace=False)].astype(np.float64) for part in (one, other))
        same = sum(_kernel(part, part, diagonal=False).sum() for part in (x, y)) / (size * (size - 1))
        estimates.append(same - 2 * _kernel(x, y).mean())
    return float(np.mean(estimates)), float(np.std(estimates, ddof=1) / np.sqrt(subsets))


def _kernel(x: np.ndarray, y: np.ndarray, diagonal: bool = True) -> np.ndarray:
    values = (x @ y.T / x.shape[1] + 1) ** 3
    if not diagonal:
        np.fill_diagonal(values, 0)
    return values


def features_of(extract: Callable[[np.ndarray], np.ndarray], batches: Iterable[np.ndarray]) -> np.ndarray:
    """Features float32 ``[N, D]`` of pictures that come in batches uint8 ``[B, H, W, 3]``, all of one shape;
    a shorter last one is filled up, so that ``extract`` is compiled once."""
    features, size = [], 0
    for batch in batches:
        size = max(size, len(batch))
        full = np.concatenate([batch, np.repeat(batch[:1], size - len(batch), axis=0)])
        features.append(np.asarray(extract(full))[: len(batch)])
    return np.concatenate(features)


def kept(pictures: np.ndarray, of: str, compute: Callable[[], np.ndarray]) -> np.ndarray:
    """Features of uint8 ``[N, H, W, 3]`` that an earlier call left in the user's cache, or else computed and
    left there; where that cannot be written, only computed.

    Args:
      of: what computes them, such as the digest of its weights.
    """
    digest = hashlib.sha256(f"{of} {pictures.shape} ".encode())
    digest.update(np.ascontiguousarray(pictures).data)
    folder = cache_folder() / "features"
    path = folder / f"{digest.hexdigest()}.npy"
    with contextlib.suppress(OSError, ValueError):  # none, or a damaged one: computed anew
        stored = np.load(path, allow_pickle=False)
        if len(stored) == len(pictures):
            return stored
    features, part = compute(), path.with_suffix(f".{secrets.token_hex(8)}")
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            np.save(file, features)
        os.replace(part, path)
    return features
