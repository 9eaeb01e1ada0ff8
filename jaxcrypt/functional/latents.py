"""Bits as latents that are exactly standard normal, and latents back to bits.

A symbol s of k bits chooses one of 2^k bins of equal probability, a dither u, uniform in (0, 1) and known to
the receiver, the place inside the bin:

    z = Phi^-1((s + u) / 2^k),        s = the whole number nearest to 2^k Phi(z) - u

With s and u uniform, z is N(0, 1): no lattice, no bin is left empty, and whoever lacks the dither sees
nothing else than a normal value. With the dither known, the 2^k possible values of z lie a whole bin apart.

How sure a symbol is, is the log likelihood ratio of the nearest to the second value under an error of z of
standard deviation sigma; a bin is ``w = 1 / (2^k phi(z))`` wide there, and e is the rounding error above:

    llr = (1 - 2 |e|) w^2 / (2 sigma^2)

Each function is one program: op by op, Phi^-1 alone is a hundred, compiled one after another.
"""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
from jax.scipy.special import ndtr, ndtri

MAX_BITS = 10  # a symbol and its dither fit a float32
DITHER_BITS = 13
_LOG_ROOT_2_PI = 0.9189385332


@jax.jit
def dithers(words: jax.Array) -> jax.Array:
    """Uniform values in (0, 1) from uint32 words: float32 of the same shape, multiples of 2^-14."""
    return ((words >> (32 - DITHER_BITS)).astype(jnp.float32) + 0.5) / 2**DITHER_BITS


@jax.jit
def share(z: jax.Array) -> jax.Array:
    """``Phi``, float32: the share of normal values below ``z``."""
    return ndtr(z)


@jax.jit
def normal(share: jax.Array) -> jax.Array:
    """``Phi^-1``, float32: as exact in the upper tail as in the lower one."""
    lower = jnp.minimum(share, 1 - share)
    return jnp.where(share < 0.5, ndtri(lower), -ndtri(lower))


@functools.partial(jax.jit, static_argnames="bits")
def embed(symbols: jax.Array, dither: jax.Array, bits: int) -> jax.Array:
    """The latents of symbols.

    Args:
      symbols: int ``[...]`` in 0 .. 2^bits - 1; dither: float32 ``[...]`` in (0, 1).

    Returns:
      float32 ``[...]``.
    """
    return normal((symbols.astype(jnp.float32) + dither) * (0.5**bits))


@functools.partial(jax.jit, static_argnames="bits")
def extract(z: jax.Array, sigma: jax.Array, dither: jax.Array, bits: int) -> tuple[jax.Array, jax.Array]:
    """The likeliest symbols, int32 ``[...]``, and how sure each is: its log likelihood ratio, float32.

    Args:
      z: estimates, float32 ``[...]``; sigma: standard deviation of their errors, above 0.
    """
    place = share(z) * 2.0**bits - dither
    symbols = jnp.clip(jnp.round(place), 0, 2**bits - 1)
    error = jnp.minimum(jnp.abs(place - symbols), 0.5)
    log_width = 0.5 * z**2 + _LOG_ROOT_2_PI - bits * jnp.log(2.0)
    ratio = (1 - 2 * error) * jnp.exp(2 * jnp.minimum(log_width, 10.0)) / (2 * sigma**2)
    return symbols.astype(jnp.int32), ratio
