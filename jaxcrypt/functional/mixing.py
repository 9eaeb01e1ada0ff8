"""Keyed mixing: a keyed orthogonal map that turns any picture into white Gaussian noise, and its inverse.

Each of three rounds takes a run of n samples through

    z <- B P S z,      S: keyed signs,  P: a keyed permutation of [0, n),  B: orthonormal Hadamard blocks.

B keeps the energy of every block of b samples, and that is what such a map can show: what comes out under a
fresh key is close to spherical within a block, and sensing with a fresh spherical map hides all but the
energy (Bianchi, Bioglio and Magli, *Analysis of one-time random projections for privacy preserving compressed
sensing*, 2016). P deals samples of kurtosis k among the blocks, whose energies then vary, relative to those
of Gaussian samples, by

    (k - 1) / 2,       and out of B come samples of kurtosis 3 (1 + (k - 1) / b).

So one round leaks sparse, flat and two-tone pictures; two rounds leave 1 + 1.5 (k - 1) / b, which is up to 25
where a tile holds a single dot (k = n, n / b = 16); three leave less than 1.005 for every picture with b of
16,384. Two rounds were those of pictures sealed before version 3 of the format.

Blocks hold b samples; where b does not divide n, a last block of the last b samples follows, with signs of
its own, overlapping the one before: B stays orthogonal and covers every sample for every n >= b.

Being orthogonal, the map spreads whatever happens to its output (rounding, re-encoding, loss) evenly over the
input as white noise. Samples known in advance, the *pilots*, measure that noise: :func:`noise_level`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from jaxcrypt.functional import chacha20, hadamard
from jaxcrypt.functional.keyed import Purpose, bits, draw, gaussians, nonce
from jaxcrypt.functional.permutation import KEY_WORDS, indices

ROUNDS = 3
OLD_ROUNDS = 2  # of pictures sealed before version 3 of the format
MAX_BLOCK = 1 << 14
MAX_TILE = 1 << 18
_MIN_TILE = 32
PILOT_CHUNK = 1 << 12  # pilots drawn together


def array_size(total: int) -> int:
    """Samples of the static arrays in which the even tiles of a cipher of ``total`` samples lie."""
    return min(max(1 << (total - 1).bit_length(), _MIN_TILE), MAX_TILE)


def block_size(size: int) -> int:
    """Samples in a Hadamard block of a static array of ``size`` (a power of two, at least 4)."""
    return min(size // 4, MAX_BLOCK)


class Material(NamedTuple):
    """What the key decides for one tile of static size S with blocks of b samples and R rounds.

    Attributes:
      signs: bool ``[R, S]``, true where a sample changes its sign.
      end_signs: bool ``[R, b]``, the same for the overlapping last block.
      rounds: uint32 ``[R, KEY_WORDS]``, keys of the permutations.
      pilots: float32 ``[S]``, standard normal: the values of samples beyond the picture's.
      fill: float32 ``[S]``, of unit power: the values of the picture's samples where those are all equal.
        Were that power left to chance, it would tell flat tiles.
      dither: float32 ``[S]``, standard normal, for the companding.
    """

    signs: jax.Array
    end_signs: jax.Array
    rounds: jax.Array
    pilots: jax.Array
    fill: jax.Array
    dither: jax.Array


def streams(size: int, rounds: int = ROUNDS) -> tuple[tuple[Purpose, int], ...]:
    """Which streams :func:`material` draws for a tile, and words of each."""
    filling = (Purpose.PADS, size // 2) if rounds == OLD_ROUNDS else (Purpose.FILL, size // 32)
    signs = rounds * (size + block_size(size)) // 32 + 1
    return (
        (Purpose.SIGNS, signs),
        (Purpose.ROUNDS, rounds * KEY_WORDS),
        filling,
        (Purpose.DITHER, size // 2),
    )


def material(
    subkey: jax.Array,
    tile: jax.Array,
    size: int,
    plain: jax.Array,
    length: jax.Array,
    rounds: int = ROUNDS,
    given: Mapping[str, jax.Array] | None = None,
) -> Material:
    """Expand a key for one tile.

    Args:
      subkey: uint32 ``[8]``; tile: its number; size: static, at least 32.
      plain, length: scalars, may be traced: how many samples are the picture's, and how many there are with
        the pilots.
      rounds: static, :data:`ROUNDS` or :data:`OLD_ROUNDS`.
      given: as :func:`~jaxcrypt.functional.keyed.draw` takes it.
    """
    block = block_size(size)
    wanted = [(subkey, purpose, tile, words) for purpose, words in streams(size, rounds)]
    signs, keys, filling, dither = draw(wanted, given)
    if rounds == OLD_ROUNDS:
        pilots, fill = _old_pads(gaussians(filling), plain)
    else:
        pilots = _pilots(subkey, tile, size, plain, length)
        fill = jnp.where(bits(filling), -1.0, 1.0).astype(jnp.float32)
    signs = bits(signs)
    ends = signs[rounds * size : rounds * (size + block)]
    return Material(
        signs[: rounds * size].reshape(rounds, size),
        ends.reshape(rounds, block),
        keys.reshape(rounds, KEY_WORDS),
        pilots,
        fill,
        gaussians(dither),
    )


def _old_pads(pilots: jax.Array, plain: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Pilots of two rounds, and the same with the power of a picture's samples."""
    inside = jnp.arange(pilots.size) < plain
    power = jnp.sum(jnp.where(inside, jnp.square(pilots), 0.0)) / plain
    return pilots, pilots / jnp.sqrt(jnp.maximum(power, 1e-6))


def _pilots(subkey, tile, size: int, plain, length) -> jax.Array:
    """Pilots in the chunks that [plain, length) touches, 0 in all others: float32 ``[size]``."""
    chunk = min(size, PILOT_CHUNK)
    blocks = chunk // 32  # two values a word, sixteen words a block

    def one(index, pilots):
        states = chacha20.states(subkey, nonce(Purpose.PADS, tile), blocks, index * blocks)
        drawn = gaussians(chacha20.permute(states).reshape(-1))
        return lax.dynamic_update_slice(pilots, drawn, (index * chunk,))

    plain, length = jnp.asarray(plain, jnp.int32), jnp.asarray(length, jnp.int32)
    return lax.fori_loop(plain // chunk, -(-length // chunk), one, jnp.zeros(size, jnp.float32))


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


def _looked_up(y, places):
    """``y[places]``, in two halves: what a loop reads is a finished array, which is three times as fast.
    Without it a compiler folds the transform before into the look-up, and does it again for each sample."""
    return lax.map(lambda half: y[half], places.reshape(2, -1)).reshape(-1)


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
        places = indices(rounds, length, y.shape[0], inverse=True)
        return _flip(_looked_up(y, places), signs), None

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
