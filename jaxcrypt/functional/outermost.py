"""How far beyond the outermost bytes lie the values behind them: four bits each, beside the bytes.

Of the error that :mod:`jaxcrypt.functional.companding` makes, six sevenths come from two bytes: 0 and 255
stand for all that lies beyond 2.66 standard deviations. One byte in 128 is such a one; a step count for each,

    n = min(15, floor((|m| - 2.66) / 0.1)),      m the dithered value,

takes 31.3 dB of signal to noise to 39.5, for a 256th of the bytes. There is room for four standard deviations
more such bytes than the mean; what is beyond that goes without.
"""

from __future__ import annotations

from statistics import NormalDist

import jax
import jax.numpy as jnp
import numpy as np

from jaxcrypt.functional.companding import CENTROIDS, KEPT, LEVELS, dithered, undithered

EDGE = -NormalDist().inv_cdf(1 / LEVELS)
STEP = 0.1
COUNTS = 16
UNKNOWN = 255  # in the place of a step count: there is none


def capacity(total: int) -> int:
    """Room for step counts beside ``total`` bytes, an even number."""
    mean = 2 * total / LEVELS
    return 2 * round((mean + 4 * mean**0.5) / 2 + 0.5)


def _places(data: jax.Array, room: int) -> jax.Array:
    """Where the first ``room`` outermost bytes of ``[M]`` are; M where there are no more."""
    return jnp.nonzero(is_outermost(data), size=room, fill_value=data.shape[0])[0]


def is_outermost(data):
    """Which bytes are the outermost: uint8 to bool of that shape, jax or numpy."""
    return (data == 0) | (data == LEVELS - 1)


def steps(values: jax.Array, dither: jax.Array) -> jax.Array:
    """The step count of every value, were its byte an outermost one: float32 to uint8 of one shape."""
    beyond = jnp.abs(dithered(values, dither)) - EDGE
    return jnp.clip(jnp.floor(beyond / STEP), 0, COUNTS - 1).astype(jnp.uint8)


def expanded(data: jax.Array, dither: jax.Array, counts: jax.Array) -> jax.Array:
    """As :func:`companding.expand`, told the step count of each byte, :data:`UNKNOWN` where there is none."""
    far = EDGE + STEP * (counts.astype(jnp.float32) + 0.5)
    value = jnp.where(counts == UNKNOWN, jnp.asarray(CENTROIDS)[data], jnp.where(data == 0, -far, far))
    return undithered(value, dither)


def measure(values: jax.Array, dither: jax.Array, data: jax.Array) -> jax.Array:
    """Step counts of the outermost bytes.

    Args:
      values, dither: float32 ``[B, M]`` as :func:`companding.compand` took them; data: uint8 ``[B, M]`` as it
        made them.

    Returns:
      uint8 ``[B, capacity(M)]`` below 16, zero beyond the last.
    """
    room = capacity(data.shape[1])
    taken = jax.vmap(lambda x, d: x.at[_places(d, room)].get(mode="fill", fill_value=0))
    return taken(steps(values, dither), data)


def expand(data: jax.Array, dither: jax.Array, counts: jax.Array) -> jax.Array:
    """As :func:`companding.expand`, told the counts that :func:`measure` gave for the very same bytes."""

    def one(data, counts):
        far = EDGE + STEP * (counts.astype(jnp.float32) + 0.5)
        places = _places(data, counts.shape[0])
        sign = jnp.where(data.at[places].get(mode="fill", fill_value=0) == 0, -1.0, 1.0)
        return jnp.asarray(CENTROIDS)[data].at[places].set(sign * far, mode="drop")

    return undithered(jax.vmap(one)(data, counts), dither)


def error() -> float:
    """Mean square error of :func:`expand` in units of the values' variance."""
    normal = NormalDist()
    edges = np.array([normal.inv_cdf(j / LEVELS) for j in range(1, LEVELS)])
    density = np.array([normal.pdf(x) for x in edges])
    moment = edges * density
    inner = 1 / LEVELS - np.diff(moment) - LEVELS * np.diff(density) ** 2
    return float((inner.sum() + 2 / LEVELS * STEP**2 / 12) / KEPT)
