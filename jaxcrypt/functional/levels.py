"""Grey levels 0..255 and what nets see, [-1, 1]."""

from __future__ import annotations

import jax
import jax.numpy as jnp


def unit(levels: jax.Array) -> jax.Array:
    """Float grey levels 0..255 to [-1, 1]."""
    return levels / 127.5 - 1


def to_levels(x: jax.Array) -> jax.Array:
    """The inverse of :func:`unit`."""
    return (x + 1) * 127.5


def to_floats(image: jax.Array) -> jax.Array:
    """uint8 to float32 in [-1, 1]."""
    return unit(image.astype(jnp.float32))


def to_bytes(x: jax.Array) -> jax.Array:
    """float in [-1, 1], clipped, to uint8."""
    return jnp.clip(jnp.round(to_levels(x)), 0, 255).astype(jnp.uint8)
