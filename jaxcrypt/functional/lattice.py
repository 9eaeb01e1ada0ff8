"""Digits written into the low end of samples, each sample moved as little as possible.

A sample c that is to carry the digit t in [0, 2^d) becomes the nearest value of 0..255 that is t modulo 2^d

    s = c + ((t - c + 2^(d-1)) mod 2^d) - 2^(d-1),      t = s mod 2^d

(quantisation index modulation, Chen and Wornell 2001, with the lattice 2^d Z; at distance 2^(d-1) up and
down are equally near, and the next bit of the cover decides). For digits that are all
equally likely the squared error is (4^d + 2) / 12 in the mean: 51.1, 46.4, 40.7, 34.8 dB for d = 1 to 4;
less at the ends of the range, where only one
side is open. Whoever reads needs no cover.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp


def embed(cover: jax.Array, digits: jax.Array, depth: jax.Array) -> jax.Array:
    """Write ``digits`` into ``cover``.

    Args:
      cover: uint8 ``[..., C]``.
      digits: whole numbers ``[..., C]``, ``0 <= t < 2^d``.
      depth: d of each channel, int32 ``[C]``, 0 to 7.

    Returns:
      uint8 ``[..., C]``.
    """
    c, t = cover.astype(jnp.int32), digits.astype(jnp.int32)
    modulus = 1 << depth
    up = (t - c) & (modulus - 1)
    down = up - modulus
    tie = (c >> depth) & 1
    move = jnp.where(2 * up + tie > modulus, down, up)
    move = jnp.where(c + move > 255, down, jnp.where(c + move < 0, up, move))
    return (c + move).astype(jnp.uint8)


def extract(stego: jax.Array, depth: jax.Array) -> jax.Array:
    """The digits, int32 ``[..., C]``, that :func:`embed` wrote."""
    return stego.astype(jnp.int32) & ((1 << depth) - 1)
