"""Random regions for training: boxes, ellipses, outlines as of faces and figures, and the whole picture."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from jaxcrypt.functional.rng import streams

_WAVES = 5  # of a figure's outline
_WHOLE = 0.3  # share of the windows that lie in a region altogether


def random_masks(rng: jax.Array, count: int, side: int) -> jax.Array:
    """bool ``[count, side, side]``, never empty, by equal shares of the shapes.

    Centres lie anywhere in the window and sizes go beyond it, as regions do to a window of a larger picture.
    """
    return jax.vmap(lambda own: _mask(own, side))(jax.random.split(rng, count))


def _mask(rng: jax.Array, side: int) -> jax.Array:
    names = "where", "size", "turn", "kind", "outline", "phase", "whole"
    where, size, turn, kind, outline, phase, whole = streams(rng, *names)
    centre = jax.random.uniform(where, (2,), maxval=side - 1)
    half = side * jnp.exp(jax.random.uniform(size, (2,), minval=jnp.log(0.12), maxval=jnp.log(0.8)))
    angle = jax.random.uniform(turn, minval=-0.4, maxval=0.4)
    rows, columns = jnp.mgrid[:side, :side]
    y, x = rows - jnp.round(centre[0]), columns - jnp.round(centre[1])
    box = jnp.maximum(jnp.abs(y) / half[0], jnp.abs(x) / half[1]) <= 1
    v = (y * jnp.cos(angle) - x * jnp.sin(angle)) / half[0]
    u = (y * jnp.sin(angle) + x * jnp.cos(angle)) / half[1]
    radius, theta = jnp.hypot(u, v), jnp.arctan2(v, u)
    wave = jnp.arange(2, 2 + _WAVES)
    size_of = jax.random.normal(outline, (_WAVES,)) * 0.35 / wave
    bend = jnp.sin(wave * theta[..., None] + jax.random.uniform(phase, (_WAVES,), maxval=2 * jnp.pi))
    figure = radius <= jnp.maximum(1 + bend @ size_of, 0.2)
    chosen = jax.random.randint(kind, (), 0, 3)
    mask = jnp.select([chosen == 0, chosen == 1], [box, radius <= 1], figure)
    return mask | jax.random.bernoulli(whole, _WHOLE)
