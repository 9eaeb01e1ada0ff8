"""A normal variable of which only the bin is known that it fell into: its mean and variance, in closed form.

With z ~ N(m, s^2) in [a, b], alpha = (a - m) / s, beta = (b - m) / s and Z = Phi(beta) - Phi(alpha),

    E z = m + s (phi(alpha) - phi(beta)) / Z,
    Var z = s^2 (1 + (alpha phi(alpha) - beta phi(beta)) / Z - ((phi(alpha) - phi(beta)) / Z)^2).

Narrow bins, where these are differences of nearly equal numbers, take the first terms of the series in the
width; bins that the prior holds to be next to impossible take the end that lies nearer to it.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import ndtr

_NARROW = 0.15
_FAR = 5.0


def moments(low: jax.Array, high: jax.Array, mean: jax.Array, deviation) -> tuple[jax.Array, jax.Array]:
    """Mean and variance of N(mean, deviation^2) inside [low, high].

    Args:
      low, high, mean: float32 of one shape, low < high, finite; deviation: float32, scalar or of that shape.

    Returns:
      Two float32 of that shape.
    """
    alpha, beta = (low - mean) / deviation, (high - mean) / deviation
    centre, width = (alpha + beta) / 2, beta - alpha
    # Mirrored, so that both tails are small numbers and keep their digits.
    sign = jnp.where(centre > 0, -1.0, 1.0)
    a, b = jnp.minimum(sign * alpha, sign * beta), jnp.maximum(sign * alpha, sign * beta)
    inside = jnp.maximum(ndtr(b) - ndtr(a), 1e-30)
    first = (_density(a) - _density(b)) / inside
    second = 1 + (a * _density(a) - b * _density(b)) / inside - first**2
    narrow = width < _NARROW
    first = jnp.where(narrow, sign * centre * (1 - width**2 / 12), first)
    second = jnp.where(narrow, width**2 / 12, second)
    far = b < -_FAR
    first = jnp.where(far, b - jnp.minimum(width / 2, 1 / jnp.maximum(-b, 1.0)), first)
    second = jnp.where(far, jnp.minimum(width**2 / 12, 1 / jnp.square(jnp.minimum(b, -1.0))), second)
    return mean + deviation * sign * first, deviation**2 * jnp.maximum(second, 1e-12)


def _density(x: jax.Array) -> jax.Array:
    return np.float32((2 * np.pi) ** -0.5) * jnp.exp(-0.5 * jnp.square(x))
