"""Keyed mixing: a keyed orthogonal map that turns any picture into white Gaussian noise, and its inverse.

Each of two rounds takes a run of n samples through

    z <- B P S z,      S: keyed signs,  P: a keyed permutation of [0, n),  B: orthonormal Hadamard blocks.

One round leaks sparse, flat and two-tone pictures; after two, every output is a sum over thousands of inputs.
Blocks hold b samples; where b does not divide n, a last block of the last b samples follows, with signs of
its own, overlapping the one before: B stays orthogonal and covers every sample for every n >= b.

Being orthogonal, the map spreads whatever happens to its output (rounding, re-encoding, loss) evenly over the
input as white noise. Samples known in advance, the *pilots*, measure that noise: :func:`noise_level`.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from jaxcrypt.functional import hadamard
from jaxcrypt.functional.keyed import Purpose, bits, draw, gaussians
from jaxcrypt.functional.permutation import KEY_WORDS, indices

ROUNDS = 2
MAX_BLOCK = 1 << 14  # 128×128: a lone bright pixel still meets thousands of others in the second round


def block_size(size: int) -> int:
    """Samples in a Hadamard block of a static array of ``size`` (a power of two, at least 4)."""
    return min(size // 4, MAX_BLOCK)


class Material(NamedTuple):
    """What the key decides for one tile of static size S with blocks of b samples.

    Attributes:
      signs: bool ``[ROUNDS, S]``, true where a sample changes its sign.
      end_signs: bool ``[ROUNDS, b]``, the same for the overlapping last block.
      rounds: uint32 ``[ROUNDS, KEY_WORDS]``, keys of the permutations.
      pilots: float32 ``[S]``, standard normal: the values of samples beyond the picture's.
      dither: float32 ``[S]``, standard normal, for the companding.
    """

    signs: jax.Array
    end_signs: jax.Array
    rounds: jax.Array
    pilots: jax.Array
    dither: jax.Array


def material(subkey: jax.Array, tile: jax.Array, size: int) -> Material:
    """Expand ``subkey`` (uint32 ``[8]``) for tile number ``tile`` of static ``size``, at least 32."""
    block = block_size(size)
    sign_words = ROUNDS * (size + block) // 32 + 1
    signs, rounds, pilots, dither = draw(
        [
            (subkey, Purpose.SIGNS, tile, sign_words),
            (subkey, Purpose.ROUNDS, tile, ROUNDS * KEY_WORDS),
            (subkey, Purpose.PADS, tile, size // 2),
            (subkey, Purpose.DITHER, tile, size // 2),
        ]
    )
    signs = bits(signs)
    ends = signs[ROUNDS * size : ROUNDS * (size + block)]
    return Material(
        signs[: ROUNDS * size].reshape(ROUNDS, size),
        ends.reshape(ROUNDS, block),
        rounds.reshape(ROUNDS, KEY_WORDS),
        gaussians(pilots),
        gaussians(dither),
    )


def _flip(z, signs):
    return jnp.where(signs, -z, z)


def _whole_blocks(z, length, block):
    rows = z.reshape(-1, block)
    whole = jnp.arange(rows.shape[0])[:, None] < length // block
    return jnp.where(whole, hadamard.transform(rows), rows).reshape(-1)


def _last_block(z, length, end_signs, inverse):
    block = end_signs.shape[0]
    start = jnp.maximum(length - block, 0)
    end = lax.dynamic_slice(z, (start,), (block,))
    if inverse:
        mixed = _flip(hadamard.transform(end[None])[0], end_signs)
    else:
        mixed = hadamard.transform(_flip(end, end_signs)[None])[0]
    return lax.dynamic_update_slice(z, jnp.where(length % block == 0, end, mixed), (start,))


def mix(z: jax.Array, length: jax.Array, keyed: Material) -> jax.Array:
    """The keyed orthogonal map.

    Args:
      z: float32 ``[S]``, S a power of two; length: scalar n, a quarter of S <= n <= S, may be traced; samples
        from n on stay where they are, with signs changed.

    Returns:
      float32 ``[S]``.
    """

    def one(z, key):
        signs, end_signs, rounds = key
        z = _flip(z, signs)[indices(rounds, length, z.shape[0])]
        return _last_block(_whole_blocks(z, length, end_signs.shape[0]), length, end_signs, False), None

    return lax.scan(one, z, keyed[:3])[0]


def unmix(y: jax.Array, length: jax.Array, keyed: Material) -> jax.Array:
    """The inverse, which is also the transpose, of :func:`mix`."""

    def one(y, key):
        signs, end_signs, rounds = key
        y = _whole_blocks(_last_block(y, length, end_signs, True), length, end_signs.shape[0])
        return _flip(y[indices(rounds, length, y.shape[0], inverse=True)], signs), None

    return lax.scan(one, y, keyed[:3], reverse=True)[0]


def unmix_weighted(y: jax.Array, weights: jax.Array, length: jax.Array, keyed: Material) -> jax.Array:
    """Un-mix where some samples are worth less than others.

    A lost sample has weight 0: it is left out instead of being believed. Dividing by the mean weight makes
    the estimate unbiased, x + noise, which is what a denoiser told the noise level wants; for weights of 0
    and 1 with a share p of ones, that noise has the variance (1 - p) / p of the signal's.

    Args:
      y: float32 ``[S]``; weights: float32 ``[S]`` in [0, 1]; length: scalar n; only the first n count.

    Returns:
      float32 ``[S]``; all zero where every weight is.
    """
    inside = jnp.arange(y.shape[0]) < length
    share = jnp.sum(jnp.where(inside, weights, 0.0)) / jnp.maximum(length, 1)
    return unmix(y * weights, length, keyed) / jnp.maximum(share, 1e-6)


def noise_level(z: jax.Array, pilots: jax.Array, is_pilot: jax.Array) -> jax.Array:
    """Root mean square error of the pilots, in units of the standardised samples.

    Args:
      z: float32 ``[S]`` as un-mixed; pilots: float32 ``[S]``, what they were; is_pilot: bool ``[S]``.

    Returns:
      float32 scalar, 0 where there is no pilot. Its own relative error is about 1 / sqrt(2·pilots).
    """
    count = jnp.maximum(jnp.sum(is_pilot), 1)
    return jnp.sqrt(jnp.sum(jnp.where(is_pilot, (z - pilots) ** 2, 0.0)) / count)
