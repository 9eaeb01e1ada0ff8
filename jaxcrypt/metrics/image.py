"""How close two pictures are: MSE, PSNR and SSIM, batched and in pure JAX.

Pictures are float32 ``[B, H, W, C]`` in [0, 1]; every function returns float32 ``[B]``. Quality of a cipher
is measured on RGB, after the cipher picture went through 8 bits (:func:`as_8_bits` of the decrypted one).
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

_K1, _K2 = 0.01, 0.03
_WINDOW = 7


def as_8_bits(images: jax.Array) -> jax.Array:
    """[0, 1] rounded to the 256 levels that a file holds."""
    return jnp.round(jnp.clip(images, 0.0, 1.0) * 255.0) / 255.0


def mse(first: jax.Array, second: jax.Array) -> jax.Array:
    """Mean squared error over all samples of each picture."""
    return jnp.mean(jnp.square(first - second), axis=(1, 2, 3))


def psnr(first: jax.Array, second: jax.Array) -> jax.Array:
    """Peak signal-to-noise ratio in dB, −10 log10 MSE with the peak at 1; infinite for equal pictures."""
    return -10.0 * jnp.log10(mse(first, second))


def ssim(first: jax.Array, second: jax.Array) -> jax.Array:
    """Structural similarity (Wang, Bovik, Sheikh, Simoncelli 2004), as scikit-image computes it by default.

    7×7 uniform windows that lie wholly inside, sample covariances (n − 1), mean over windows and channels.

    Raises:
      ValueError: a picture is smaller than the window.
    """
    if min(first.shape[1:3]) < _WINDOW:
        raise ValueError(f"SSIM needs pictures of at least {_WINDOW}×{_WINDOW}")
    n = _WINDOW * _WINDOW
    # Variances as E[x²] − E[x]² cancel in float32: about the picture's mean there is less to cancel.
    centre = jnp.mean(first, axis=(1, 2), keepdims=True)
    x, y = first - centre, second - centre
    mean_x, mean_y = _box(x), _box(y)
    unbiased = n / (n - 1)
    var_x = unbiased * (_box(x * x) - mean_x * mean_x)
    var_y = unbiased * (_box(y * y) - mean_y * mean_y)
    covariance = unbiased * (_box(x * y) - mean_x * mean_y)
    mean_x, mean_y = mean_x + centre, mean_y + centre
    luminance = (2 * mean_x * mean_y + _K1**2) / (mean_x**2 + mean_y**2 + _K1**2)
    structure = (2 * covariance + _K2**2) / (var_x + var_y + _K2**2)
    return jnp.mean(luminance * structure, axis=(1, 2, 3))


def _box(images: jax.Array) -> jax.Array:
    """Means over all 7×7 windows inside, ``[B, H − 6, W − 6, C]``."""
    window = (1, _WINDOW, _WINDOW, 1)
    return jax.lax.reduce_window(images, 0.0, jax.lax.add, window, (1, 1, 1, 1), "VALID") / _WINDOW**2
