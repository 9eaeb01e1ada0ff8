"""How close two pictures are.

    MSE  = mean (x - y)^2
    PSNR = 10 log10(255^2 / MSE), after both were rounded to 8 bits; infinite where they are then equal
    SSIM = mean over windows of (2 m_x m_y + C1) (2 s_xy + C2) / ((m_x^2 + m_y^2 + C1) (s_x^2 + s_y^2 + C2))

SSIM is that of Wang, Bovik, Sheikh and Simoncelli (2004) as scikit-image computes it: windows wholly inside
the picture, C1 = (0.01 R)^2, C2 = (0.03 R)^2, averaged over channels.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

UNIFORM_WINDOW = 7
_GAUSSIAN_SIGMA, _GAUSSIAN_RADIUS = 1.5, 5


def picture_means(values: jax.Array) -> jax.Array:
    """Mean of each picture ``[B, H, W, C]`` -> ``[B]``, one axis after another: float32 sums stay short."""
    return values.astype(jnp.float32).mean(axis=3).mean(axis=2).mean(axis=1)


def _check(image: jax.Array, reference: jax.Array) -> None:
    if image.ndim != 4 or image.shape != reference.shape:
        raise ValueError(f"two batches [B, H, W, C] of one shape, got {image.shape} and {reference.shape}")


def mse(image: jax.Array, reference: jax.Array) -> jax.Array:
    """Mean squared error of each picture, over pixels and channels: ``[B, H, W, C]`` -> float32 [B]."""
    _check(image, reference)
    return picture_means(jnp.square(image.astype(jnp.float32) - reference.astype(jnp.float32)))


def to_bytes(image: jax.Array) -> jax.Array:
    """A picture in [0, 1] as an 8-bit file holds it: float32 whole numbers 0 to 255."""
    return jnp.round(jnp.clip(image.astype(jnp.float32), 0, 1) * 255)


def psnr(image: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Peak signal-to-noise ratio in dB of the 8-bit pictures; infinite where they are equal.

    Args:
      image, reference: ``[…, H, W, C]`` of one shape: uint8, or floats in [0, 1], which are rounded first.

    Returns:
      float64 ``[…]``.
    """
    if image.shape != reference.shape or image.ndim < 3:
        raise ValueError(f"two pictures [..., H, W, C] of one shape, got {image.shape} and {reference.shape}")
    error = _eight_bits(image) - _eight_bits(reference)
    return decibels(np.mean(np.square(error), axis=(-3, -2, -1)))


def decibels(error: np.ndarray | float) -> np.ndarray:
    """PSNR of a mean squared error in 8-bit levels: float64, infinite where there is none."""
    with np.errstate(divide="ignore"):
        return 10 * np.log10(255.0**2 / np.asarray(error, np.float64))


def _eight_bits(image: np.ndarray) -> np.ndarray:
    image = np.asarray(image)
    if image.dtype == np.uint8:
        return image.astype(np.float64)
    return np.round(np.clip(image.astype(np.float64), 0, 1) * 255)


def words(psnr: float) -> str:
    """One PSNR for a table: ``exact`` or ``45.60 dB``."""
    return "exact" if math.isinf(psnr) else f"{psnr:.2f} dB"


@dataclass(frozen=True)
class Mean:
    """PSNR of several pictures: those that came back exactly have no finite one, and are counted instead.

    Attributes:
      psnr, lowest: mean and least over the others, in dB; infinite where all are exact, NaN of none.
      exact, count: how many came back exactly, of how many.
    """

    psnr: float
    lowest: float
    exact: int
    count: int

    @property
    def words(self) -> str:
        """For a table: ``exact``; ``45.60 (41.0)``; ``45.60 (41.0), 3 of 24 exact``."""
        if self.count and self.exact == self.count:
            return "exact"
        mean = f"{self.psnr:.2f} ({self.lowest:.1f})"
        return mean + (f", {self.exact} of {self.count} exact" if self.exact else "")


def mean(values: Sequence[float]) -> Mean:
    """Means over pictures of PSNR in dB; NaN (a picture that has none) is left out."""
    known = [float(value) for value in values if not math.isnan(value)]
    finite = [value for value in known if math.isfinite(value)]
    if finite:
        return Mean(float(np.mean(finite)), min(finite), len(known) - len(finite), len(known))
    alike = math.inf if known else math.nan
    return Mean(alike, alike, len(known), len(known))


def ssim(
    image: jax.Array,
    reference: jax.Array,
    data_range: float = 1.0,
    gaussian: bool = False,
    sample_covariance: bool = True,
) -> jax.Array:
    """Structural similarity, equal to ``skimage.metrics.structural_similarity(..., channel_axis=-1)``.

    Args:
      image, reference: ``[B, H, W, C]`` in [0, data_range]; H and W at least :func:`window_size`.
      gaussian: a Gaussian window (σ 1.5, 11×11) instead of the uniform 7×7 one.
      sample_covariance: covariances over n - 1; Wang et al. take n, with the Gaussian window.

    Returns:
      float32 [B].
    """
    _check(image, reference)
    weights = _window(gaussian)
    if min(image.shape[1:3]) < len(weights):
        raise ValueError(f"SSIM needs {len(weights)}×{len(weights)} pixels, got {image.shape[1:3]}")
    # Moments are taken about mid-grey: float32 would lose the small variances of bright flat areas.
    x, y = (a.astype(jnp.float32) / data_range - 0.5 for a in (image, reference))
    mean_x, mean_y = _blur(x, weights), _blur(y, weights)
    correction = len(weights) ** 2 / (len(weights) ** 2 - 1) if sample_covariance else 1.0
    var_x, var_y, cov = (
        correction * (_blur(p * q, weights) - m * n)
        for p, q, m, n in ((x, x, mean_x, mean_x), (y, y, mean_y, mean_y), (x, y, mean_x, mean_y))
    )
    mean_x, mean_y, c1, c2 = mean_x + 0.5, mean_y + 0.5, 0.01**2, 0.03**2
    luminance = (2 * mean_x * mean_y + c1) / (mean_x**2 + mean_y**2 + c1)
    return picture_means(luminance * (2 * cov + c2) / (var_x + var_y + c2))


def window_size(gaussian: bool = False) -> int:
    """Side of the SSIM window: the smallest picture that has an SSIM."""
    return 2 * _GAUSSIAN_RADIUS + 1 if gaussian else UNIFORM_WINDOW


def _window(gaussian: bool) -> np.ndarray:
    size = window_size(gaussian)
    if not gaussian:
        return np.full(size, 1 / size)
    weights = np.exp(-0.5 * (np.arange(size) - _GAUSSIAN_RADIUS) ** 2 / _GAUSSIAN_SIGMA**2)
    return weights / weights.sum()


def _blur(image: jax.Array, weights: np.ndarray) -> jax.Array:
    """Separable filter, windows inside. Shifted sums: a GPU may convolve in lower precision."""
    height, width = (side - len(weights) + 1 for side in image.shape[1:3])
    rows = sum(float(w) * image[:, i : i + height] for i, w in enumerate(weights))
    return sum(float(w) * rows[:, :, i : i + width] for i, w in enumerate(weights))


def flat_mean(image: np.ndarray) -> np.ndarray:
    """Each picture ``[…, H, W, C]`` replaced by its own mean over all samples, as it is stored: what one
    knows who knows nothing else. Same shape and dtype."""
    image = np.asarray(image)
    level = image.mean(axis=(-3, -2, -1), keepdims=True, dtype=np.float64)
    level = np.rint(level) if image.dtype == np.uint8 else level
    return np.broadcast_to(level.astype(image.dtype), image.shape)
