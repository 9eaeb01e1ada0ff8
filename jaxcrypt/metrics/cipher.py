"""What a cipher picture looks like to statistics. Batched, uint8 ``[B, H, W, C]`` -> float32 [B].

With n_i the count of byte i among the N samples of a picture (all channels together) and E = N / 256:

    chi-square  = sum (n_i - E)^2 / E
    entropy     = 8 - D,  D = (1/256) sum (n_i / E) log2(n_i / E)      bits a sample (Shannon)
    correlation = Pearson's, over all pairs of neighbours, or over 8×8 block means
    NPCR        = share of samples that differ between two ciphers
    UACI        = mean |c1 - c2| / 255

NPCR and UACI as in Wu, Noonan and Agaian, "NPCR and UACI Randomness Tests for Image Encryption" (2011). What
a random picture has is in :mod:`jaxcrypt.metrics.chance`.
"""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp

from jaxcrypt.metrics.image import picture_means

LEVELS = 256
BLOCK = 8
DIRECTIONS = {"horizontal": (0, 1), "vertical": (1, 0), "diagonal": (1, 1)}


@jax.jit
def histogram(cipher: jax.Array) -> jax.Array:
    """Counts of the 256 byte values: uint8 ``[B, H, W, C]`` -> int32 ``[B, 256]``."""
    return jax.vmap(lambda row: jnp.bincount(row, length=LEVELS))(cipher.reshape(cipher.shape[0], -1))


def _deviation(cipher: jax.Array) -> jax.Array:
    """(n_i - E) / E, float32 ``[B, 256]``."""
    expected = cipher[0].size / LEVELS
    return histogram(cipher) / expected - 1


@jax.jit
def chi_square(cipher: jax.Array) -> jax.Array:
    """Histogram chi-square against equal counts: uint8 ``[B, H, W, C]`` -> float32 [B]."""
    return cipher[0].size / LEVELS * jnp.sum(_deviation(cipher) ** 2, axis=1)


@jax.jit
def entropy_deficit(cipher: jax.Array) -> jax.Array:
    """8 - entropy, in bits a sample, from the small deviations themselves: float32 [B].

    8 - entropy in float32 would keep two digits of what tells a random picture from a slightly uneven one.
    """
    deviation = _deviation(cipher)
    share = 1 + deviation
    # sum(deviation) is 0, so it may be taken off: the terms are then all small and positive.
    terms = jnp.where(share > 0, share * jnp.log1p(jnp.maximum(deviation, -0.999999)), 0) - deviation
    return jnp.mean(terms, axis=1) / jnp.log(2.0)


@jax.jit
def entropy(cipher: jax.Array) -> jax.Array:
    """Shannon entropy of the samples in bits, 0 to 8: uint8 ``[B, H, W, C]`` -> float32 [B]."""
    return 8 - entropy_deficit(cipher)


@jax.jit
def correlation(first: jax.Array, second: jax.Array) -> jax.Array:
    """Pearson's correlation of two batches ``[B, H, W, C]`` -> float32 [B]; NaN where one of them is flat."""
    first, second = (x.astype(jnp.float32) - picture_means(x)[:, None, None, None] for x in (first, second))
    scale = jnp.sqrt(picture_means(first * first) * picture_means(second * second))
    return jnp.where(scale > 0, picture_means(first * second) / scale, jnp.nan)


def adjacent_pairs(image: jax.Array, direction: str) -> tuple[jax.Array, jax.Array]:
    """All samples that have a neighbour in ``direction``, and those neighbours (same channel)."""
    down, right = DIRECTIONS[direction]
    height, width = image.shape[1:3]
    return image[:, : height - down, : width - right], image[:, down:, right:]


@functools.partial(jax.jit, static_argnames="direction")
def adjacent_correlation(cipher: jax.Array, direction: str) -> jax.Array:
    """Correlation of ``horizontal``, ``vertical`` or ``diagonal`` neighbours, NaN without: float32 [B]."""
    first, second = adjacent_pairs(cipher, direction)
    if first.size == 0:
        return jnp.full(cipher.shape[0], jnp.nan)
    return correlation(first, second)


def block_means(image: jax.Array) -> jax.Array:
    """Means of the whole 8×8 blocks: ``[B, H, W, C]`` -> float32 ``[B, H // 8, W // 8, C]``."""
    batch, height, width, channels = image.shape
    rows, columns = height // BLOCK, width // BLOCK
    blocks = image[:, : rows * BLOCK, : columns * BLOCK].astype(jnp.float32)
    return blocks.reshape(batch, rows, BLOCK, columns, BLOCK, channels).mean(axis=(2, 4))


@jax.jit
def block_correlation(cipher: jax.Array, plain: jax.Array) -> jax.Array:
    """Correlation of 8×8 block means of cipher and plain picture: the leakage that an eye would see.

    The part that both pictures have is compared; NaN below 8×8 pixels, and where the plain picture is flat.

    Args:
      cipher, plain: uint8 ``[B, H', W', C]`` and ``[B, H, W, C]``.
    """
    height, width = (min(a, b) for a, b in zip(cipher.shape[1:3], plain.shape[1:3], strict=True))
    if min(height, width) < BLOCK:
        return jnp.full(cipher.shape[0], jnp.nan)
    return correlation(*(block_means(image[:, :height, :width]) for image in (cipher, plain)))


@jax.jit
def npcr(first: jax.Array, second: jax.Array) -> jax.Array:
    """Share of samples that differ between two ciphers of one shape, in [0, 1]: float32 [B]."""
    return picture_means(first != second)


@jax.jit
def uaci(first: jax.Array, second: jax.Array) -> jax.Array:
    """Mean absolute difference of two ciphers of one shape over 255, in [0, 1]: float32 [B]."""
    return picture_means(jnp.abs(first.astype(jnp.int32) - second.astype(jnp.int32))) / 255
