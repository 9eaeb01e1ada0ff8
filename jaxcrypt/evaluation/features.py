"""Inception's features of sets of pictures: what FID and KID compare."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from jaxcrypt.evaluation.setting import progress
from jaxcrypt.metrics import fid, inception

_BATCH = 64  # pictures at a time


def inception_features(
    sets: Mapping[str, np.ndarray], weights: str | None
) -> tuple[dict[str, np.ndarray], str]:
    """Features float32 ``[N, 2048]`` of sets of pictures uint8 ``[N, H, W, 3]``, and the weights' digest.

    Args:
      weights: the file of Inception's weights; None finds it (:func:`jaxcrypt.metrics.inception.find`).
    """
    file = inception.find(weights)
    digest, layers = inception.digest(file), inception.load(file)
    return {name: _features(layers, digest, pictures, name) for name, pictures in sets.items()}, digest


def _features(layers: Any, digest: str, pictures: np.ndarray, name: str) -> np.ndarray:
    """Of one set, kept in the user's cache: real pictures are measured against again and again."""

    def batches() -> Iterator[np.ndarray]:
        parts = [[start] for start in range(0, len(pictures), _BATCH)]
        for (start,) in progress(parts, len(parts), f"batches of {name} pictures"):
            yield pictures[start : start + _BATCH]

    def compute() -> np.ndarray:
        return fid.features_of(lambda batch: np.asarray(inception.features(layers, batch)), batches())

    return fid.kept(pictures, digest, compute)
