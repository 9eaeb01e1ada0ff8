"""Gaussian companding: standard normal values to bytes that are all equally likely, and back.

    byte = floor(256 · Phi(z)),        z ~ mean of a normal variable within that byte's bin,

the latter being 256 · (phi(a_j) - phi(a_(j+1))) for the bin between the quantiles a_j and a_(j+1).
Keyed dither, known to both sides, z' = sqrt(1 - e^2) z + e g with a standard normal g, keeps pictures whose
mixed values lie on a lattice (flat, one dot, two tones) from showing it in the bytes.
"""

from __future__ import annotations

from statistics import NormalDist

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

LEVELS = 256
DITHER = 0.1  # e; it costs 0.04 dB
KEPT = 1 - DITHER**2  # of a value's variance
_KEEP = np.float32(KEPT**0.5)


def _centroids() -> np.ndarray:
    normal = NormalDist()
    edges = [normal.inv_cdf(j / LEVELS) for j in range(1, LEVELS)]
    density = np.array([0.0, *map(normal.pdf, edges), 0.0])
    return (LEVELS * -np.diff(density)).astype(np.float32)


CENTROIDS = _centroids()


def dithered(z, dither):
    """Standard normal values with their dither: float32 of one shape, jax or numpy."""
    return _KEEP * z + np.float32(DITHER) * dither


def undithered(moved, dither):
    """The inverse of :func:`dithered`."""
    return (moved - np.float32(DITHER) * dither) * np.float32(KEPT**-0.5)


def compand(z: jax.Array, dither: jax.Array) -> jax.Array:
    """Bytes of standard normal values.

    Args:
      z, dither: float32 of one shape.

    Returns:
      uint8 of that shape, uniform where z is normal.
    """
    half = LEVELS // 2  # Phi by erf alone: what that loses in the lower tail is far less than a level
    levels = half + half * lax.erf(np.float32(0.5**0.5) * dithered(z, dither))
    return jnp.clip(jnp.floor(levels), 0, LEVELS - 1).astype(jnp.uint8)


def expand(data: jax.Array, dither: jax.Array) -> jax.Array:
    """Estimates of the values behind bytes: uint8 and float32 to float32, all of one shape."""
    return undithered(jnp.asarray(CENTROIDS)[data], dither)
