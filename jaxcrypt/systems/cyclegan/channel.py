"""The way of symbols through the keyed mixing into bytes and back, in use and in training.

In training a cipher may be damaged under way. Its rounding, its clipping and the damage pass gradients
straight through (Bengio et al. 2013, arXiv:1308.3432): what they add is noise, whose level alone matters.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import ndtr

from jaxcrypt.functional import companding, jpeg
from jaxcrypt.functional.rng import streams
from jaxcrypt.systems.cyclegan.code import Plan
from jaxcrypt.systems.decoding import turbo
from jaxcrypt.systems.drivers.tiles import cut, join, over_tiles


def _tiles(data: jax.Array, bounds: tuple[int, ...], subkey: jax.Array, plan: Plan) -> dict[str, Any]:
    batch = data.shape[0]
    pieces = cut(data, bounds, plan.size)
    lengths = {"plain_length": plan.symbols, "cipher_length": plan.cipher}
    return {
        "data": pieces.reshape(batch * plan.count, plan.size),
        "subkey": jnp.repeat(subkey, plan.count, axis=0),
        "index": jnp.tile(jnp.arange(plan.count, dtype=jnp.uint32), batch),
    } | {name: jnp.tile(jnp.asarray(np.diff(b), jnp.int32), batch) for name, b in lengths.items()}


def mix(symbols: jax.Array, subkey: jax.Array, plan: Plan) -> tuple[jax.Array, jax.Array]:
    """Symbols float32 ``[B, k]``, subkeys uint32 ``[B, 8]`` to mixed values and the dither for their bytes,
    both float32 ``[B, M]``."""
    tiles = _tiles(symbols[:, plan.order()], plan.symbols, subkey, plan)

    def one(tile):
        return turbo.mix_tile(tile, plan.rounds), turbo.dither_tile(tile, plan.rounds)

    return tuple(
        join(x.reshape(symbols.shape[0], plan.count, -1), plan.cipher) for x in over_tiles(one, tiles)
    )


def unmix(values: jax.Array, subkey: jax.Array, plan: Plan) -> tuple[jax.Array, jax.Array]:
    """The inverse: symbols ``[B, k]``, and the mean square error of the pilots, ``[B]``."""

    def one(tile):
        return turbo.unmix_tile(tile, plan.rounds)

    symbols, errors = over_tiles(one, _tiles(values, plan.cipher, subkey, plan))
    ordered = join(symbols.reshape(values.shape[0], plan.count, -1), plan.symbols)
    errors = jnp.mean(errors.reshape(values.shape[0], plan.count), axis=1)
    return ordered[:, np.argsort(plan.order())], errors


def passed(value: jax.Array, shown: jax.Array) -> jax.Array:
    """``shown``, with the gradient of ``value``."""
    return value + jax.lax.stop_gradient(shown - value)


def to_bytes(values: jax.Array, dither: jax.Array) -> jax.Array:
    """Bytes as float32 in 0..255, with a gradient, that :func:`companding.compand` makes of mixed values."""
    smooth = companding.LEVELS * ndtr(companding.dithered(values, dither)) - 0.5
    return passed(smooth, companding.compand(values, dither).astype(jnp.float32))


def distorted(cipher: jax.Array, rng: jax.Array, share: float) -> jax.Array:
    """A cipher picture float32 ``[B, H', W', 3]`` as it may arrive: whole bytes, damaged with probability
    ``share``, by noise of standard deviation up to 16 or by a JPEG of quality 40 to 95."""
    batch, height, width, _ = cipher.shape
    which, level, seed, grade = streams(rng, "which", "level", "noise", "quality")
    sigma = jax.random.uniform(level, (batch, 1, 1, 1), maxval=16.0)
    noisy = cipher + sigma * jax.random.normal(seed, cipher.shape)
    whole = cipher[:, : height // 8 * 8, : width // 8 * 8]
    qualities = np.arange(40, 96)
    steps = jnp.asarray(np.stack([jpeg.tables(int(q)) for q in qualities]))
    coded = jax.vmap(_jpeg)(whole, steps[jax.random.randint(grade, (batch,), 0, len(qualities))])
    coded = cipher.at[:, : whole.shape[1], : whole.shape[2]].set(coded)
    draw = jax.random.uniform(which, (batch, 1, 1, 1))
    damaged = jnp.where(draw < share / 2, noisy, coded)
    return jnp.where(draw < share, jnp.clip(jnp.round(damaged), 0, 255), cipher)


def _jpeg(pixels: jax.Array, steps: jax.Array) -> jax.Array:
    planes = jpeg.blocks(jpeg.to_planes(pixels))
    back = jpeg.unblocks(steps * jnp.round(planes / steps), pixels.shape)
    return jnp.einsum("cp,...p->...c", np.linalg.inv(jpeg.TO_YCC), back, precision="highest") + 128.0


def expand(cipher: jax.Array, dither: jax.Array, values: jax.Array) -> jax.Array:
    """What bytes ``[B, M]`` say about the mixed values, with the gradient of those values."""
    return passed(values, companding.expand(jnp.round(cipher).astype(jnp.int32), dither))


def gained(received: jax.Array, symbols: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Received symbols scaled to be unbiased, ``[B, k]``, and the standard deviation of their error, ``[B]``.

    Damage shrinks the symbols besides adding noise; in training both are known, in use the pilots tell.
    """
    gain = jnp.sum(received * symbols, axis=1) / jnp.sum(jnp.square(symbols), axis=1)
    gain = jax.lax.stop_gradient(jnp.maximum(gain, 0.05))
    unbiased = received / gain[:, None]
    error = jnp.sqrt(jnp.mean(jnp.square(unbiased - symbols), axis=1) + 1e-6)
    return unbiased, jax.lax.stop_gradient(error)
