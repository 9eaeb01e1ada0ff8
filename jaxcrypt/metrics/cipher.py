"""What a cipher picture gives away, and what chance alone would give.

Every statistic is a batched JAX function on uint8 pictures ``[B, H, W, C]``; beside it stands what a picture
of independent uniform bytes of the same size has, so that a number can be judged: :class:`Chance` is that
distribution, normal by the central limit theorem, and a picture is *outside* where the p-value is below α.
How many of many pictures may be outside is a binomial question: :func:`pooled_p`.

NPCR and UACI compare two **ciphers**: of a picture, and of the same with one pixel changed. With N samples
and F = 255 the acceptance intervals are those of Wu, Noonan and Agaian, "NPCR and UACI Randomness Tests for
Image Encryption" (2011):

    NPCR:  mean F/(F+1),            variance F / ((F+1)² N)
    UACI:  mean (F+2)/(3F+3),       variance (F+2)(F²+2F+3) / (18 (F+1)² F N)
"""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from scipy import stats

LEVELS = 256
BLOCK = 8
DIRECTIONS = {"horizontal": (0, 1), "vertical": (1, 0), "diagonal": (1, 1)}


@dataclass(frozen=True)
class Chance:
    """What a statistic is on pictures of independent uniform bytes: normal, or ``degrees`` of a chi-square.

    ``one_sided`` statistics are suspicious only below (``'low'``): NPCR cannot be too high.
    """

    mean: float
    deviation: float
    one_sided: bool = False
    degrees: int | None = None

    def p_value(self, value: float) -> float:
        """How probable a value at least as extreme is by chance."""
        if self.degrees is not None:
            upper = float(stats.chi2.sf(value, self.degrees))
            return min(1.0, 2 * min(upper, 1 - upper))
        z = (value - self.mean) / self.deviation
        return float(stats.norm.cdf(z)) if self.one_sided else float(2 * stats.norm.sf(abs(z)))

    def interval(self, alpha: float = 0.01) -> tuple[float, float]:
        """The values that are accepted at ``alpha``."""
        if self.degrees is not None:
            return tuple(float(stats.chi2.ppf(q, self.degrees)) for q in (alpha / 2, 1 - alpha / 2))
        if self.one_sided:
            return self.mean + float(stats.norm.ppf(alpha)) * self.deviation, float("inf")
        half = float(stats.norm.ppf(1 - alpha / 2)) * self.deviation
        return self.mean - half, self.mean + half


def pooled_p(p_values: np.ndarray, alpha: float = 0.01) -> float:
    """How probable it is by chance that at least as many pictures have a p-value below ``alpha``."""
    outside = int(np.sum(np.asarray(p_values) < alpha))
    return float(stats.binom.sf(outside - 1, len(p_values), alpha))


def histogram(images: jax.Array) -> jax.Array:
    """Counts of the byte values over all channels: int32 ``[B, 256]``."""
    return jax.vmap(lambda image: jnp.bincount(image.reshape(-1).astype(jnp.int32), length=LEVELS))(images)


def entropy(images: jax.Array) -> jax.Array:
    """Shannon entropy of the byte values in bits, float32 ``[B]``."""
    counts = histogram(images).astype(jnp.float32)
    share = counts / counts.sum(axis=1, keepdims=True)
    return -jnp.sum(jnp.where(share > 0, share * jnp.log2(jnp.where(share > 0, share, 1.0)), 0.0), axis=1)


def chi_square(images: jax.Array) -> jax.Array:
    """Pearson's statistic of the byte values against the uniform distribution, float32 ``[B]``."""
    counts = histogram(images).astype(jnp.float32)
    expected = counts.sum(axis=1, keepdims=True) / LEVELS
    return jnp.sum(jnp.square(counts - expected) / expected, axis=1)


def adjacent_correlation(images: jax.Array, direction: str) -> jax.Array:
    """Correlation of neighbouring samples of one channel, pooled over channels, float32 ``[B]``.

    ``direction`` is a key of :data:`DIRECTIONS`. A direction without neighbours gives 0.
    """
    down, right = DIRECTIONS[direction]
    height, width = images.shape[1:3]
    if height <= down or width <= right:
        return jnp.zeros(images.shape[0], jnp.float32)
    x = images.astype(jnp.float32)
    return _correlation(x[:, : height - down, : width - right], x[:, down:, right:])


def npcr(first: jax.Array, second: jax.Array) -> jax.Array:
    """Share of samples in which two ciphers differ, float32 ``[B]`` in [0, 1]."""
    return jnp.mean((first != second).astype(jnp.float32), axis=(1, 2, 3))


def uaci(first: jax.Array, second: jax.Array) -> jax.Array:
    """Mean absolute difference of two ciphers over 255, float32 ``[B]`` in [0, 1]."""
    difference = jnp.abs(first.astype(jnp.float32) - second.astype(jnp.float32))
    return jnp.mean(difference, axis=(1, 2, 3)) / (LEVELS - 1)


def correlation(first: jax.Array, second: jax.Array) -> jax.Array:
    """Pearson's correlation of two pictures over all samples, float32 ``[B]``; 0 where one is flat."""
    return _correlation(first.astype(jnp.float32), second.astype(jnp.float32))


def block_mean_correlation(plain: jax.Array, cipher: jax.Array) -> jax.Array:
    """Correlation of the means of 8×8 blocks of plain and cipher picture: what blurring would show.

    The cipher picture may be a few rows larger; blocks that both have are compared, all channels pooled.
    float32 ``[B]``; 0 where a picture has fewer than two blocks or is flat.
    """
    height = min(plain.shape[1], cipher.shape[1]) // BLOCK * BLOCK
    width = min(plain.shape[2], cipher.shape[2]) // BLOCK * BLOCK
    if height * width <= BLOCK * BLOCK:
        return jnp.zeros(plain.shape[0], jnp.float32)
    return _correlation(_block_means(plain[:, :height, :width]), _block_means(cipher[:, :height, :width]))


def _block_means(images: jax.Array) -> jax.Array:
    batch, height, width, channels = images.shape
    rows, columns = height // BLOCK, width // BLOCK
    return images.astype(jnp.float32).reshape(batch, rows, BLOCK, columns, BLOCK, channels).mean(axis=(2, 4))


def _correlation(x: jax.Array, y: jax.Array) -> jax.Array:
    axes = tuple(range(1, x.ndim))
    x = x - x.mean(axis=axes, keepdims=True)
    y = y - y.mean(axis=axes, keepdims=True)
    energy = jnp.sum(x * x, axis=axes) * jnp.sum(y * y, axis=axes)
    scale = jnp.sqrt(jnp.where(energy > 0, energy, 1.0))
    return jnp.where(energy > 0, jnp.sum(x * y, axis=axes) / scale, 0.0)


def chi_square_chance() -> Chance:
    """255 degrees of freedom, whatever the size."""
    return Chance(LEVELS - 1, float(np.sqrt(2 * (LEVELS - 1))), degrees=LEVELS - 1)


def entropy_chance(shape: tuple[int, int, int]) -> Chance:
    """8 − χ² / (2 N ln 2): the first order of the entropy about uniform, with χ²'s mean and deviation."""
    scale = 1 / (2 * np.prod(shape) * np.log(2))
    return Chance(8 - (LEVELS - 1) * scale, float(np.sqrt(2 * (LEVELS - 1))) * scale)


def correlation_chance(pairs: int) -> Chance:
    """The correlation of ``pairs`` independent pairs: mean 0, variance 1 / (pairs − 1)."""
    return Chance(0.0, 1 / float(np.sqrt(max(1, pairs - 1))))


def adjacent_chance(shape: tuple[int, int, int], direction: str) -> Chance:
    """:func:`adjacent_correlation` by chance."""
    down, right = DIRECTIONS[direction]
    return correlation_chance(max(0, shape[0] - down) * max(0, shape[1] - right) * shape[2])


def block_mean_chance(plain: tuple[int, int, int], cipher: tuple[int, int, int]) -> Chance:
    """:func:`block_mean_correlation` by chance."""
    rows, columns = min(plain[0], cipher[0]) // BLOCK, min(plain[1], cipher[1]) // BLOCK
    return correlation_chance(rows * columns * plain[2])


def npcr_chance(shape: tuple[int, int, int]) -> Chance:
    """NPCR of two independent ciphers of ``shape`` (Wu, Noonan, Agaian 2011, eq. 6 to 9): one-sided."""
    f, n = LEVELS - 1, float(np.prod(shape))
    return Chance(f / (f + 1), float(np.sqrt(f / n)) / (f + 1), one_sided=True)


def uaci_chance(shape: tuple[int, int, int]) -> Chance:
    """UACI of two independent ciphers of ``shape`` (Wu, Noonan, Agaian 2011, eq. 13 to 17): two-sided."""
    f, n = LEVELS - 1, float(np.prod(shape))
    variance = (f + 2) * (f * f + 2 * f + 3) / (18 * (f + 1) ** 2 * f * n)
    return Chance((f + 2) / (3 * f + 3), float(np.sqrt(variance)))
