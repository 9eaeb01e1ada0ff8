"""How close two pictures are. Batched, NHWC, in [0, 1] unless ``data_range`` says otherwise.

    MSE  = mean (x - y)^2
    PSNR = 10 log10(255^2 / MSE), after both were rounded to 8 bits
    SSIM = mean over windows of (2 m_x m_y + C1) (2 s_xy + C2) / ((m_x^2 + m_y^2 + C1) (s_x^2 + s_y^2 + C2))

SSIM is that of Wang, Bovik, Sheikh and Simoncelli (2004) as scikit-image computes it: windows wholly inside
the picture, C1 = (0.01 R)^2, C2 = (0.03 R)^2, averaged over channels.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

UNIFORM_WINDOW = 7
_GAUSSIAN_SIGMA, _GAUSSIAN_RADIUS = 1.5, 5


def _mean(values: jax.Array) -> jax.Array:
    """Mean of each picture ``[B, H, W, C]`` -> ``[B]``, one axis after another: float32 sums stay short."""
    return values.astype(jnp.float32).mean(axis=3).mean(axis=2).mean(axis=1)


def _check(image: jax.Array, reference: jax.Array) -> None:
    if image.ndim != 4 or image.shape != reference.shape:
        raise ValueError(f"two batches [B, H, W, C] of one shape, got {image.shape} and {reference.shape}")


def mse(image: jax.Array, reference: jax.Array) -> jax.Array:
    """Mean squared error of each picture, over pixels and channels: ``[B, H, W, C]`` -> float32 [B]."""
    _check(image, reference)
    return _mean(jnp.square(image.astype(jnp.float32) - reference.astype(jnp.float32)))


def to_bytes(image: jax.Array, data_range: float = 1.0) -> jax.Array:
    """The picture as an 8-bit file holds it: float32 whole numbers 0 to 255."""
    return jnp.round(jnp.clip(image.astype(jnp.float32) / data_range, 0, 1) * 255)


def psnr(image: jax.Array, reference: jax.Array, data_range: float = 1.0) -> jax.Array:
    """Peak signal-to-noise ratio in dB after rounding both to 8 bits; infinite where they are then equal.

    Args:
      image, reference: ``[B, H, W, C]`` in [0, data_range].

    Returns:
      float32 [B].
    """
    error = mse(to_bytes(image, data_range), to_bytes(reference, data_range))
    return 20 * jnp.log10(255.0) - 10 * jnp.log10(error)


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
    return _mean(luminance * (2 * cov + c2) / (var_x + var_y + c2))


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


def flat_mean(image: jax.Array) -> jax.Array:
    """Each picture replaced by its own mean over all samples: what one knows who knows nothing else."""
    return jnp.broadcast_to(_mean(image)[:, None, None, None], image.shape)
