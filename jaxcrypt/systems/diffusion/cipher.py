"""The map of the diffusion cipher on a run of samples: nothing grows, and nothing is learned.

A run of n samples (a region's, a picture's) is cut into even tiles. Of each, the standardised samples and its
*pilots*, known to the key alone, are mixed (:mod:`jaxcrypt.functional.mixing`), diffused with noise of the
key (:mod:`jaxcrypt.functional.diffusion`) and companded. The first n bytes are the cipher's pixels; the
pilots' bytes travel in the header, with mean and spread. So the cipher of a region has exactly the region's
samples.

Back, a symbol m of unit power is known from three things: its byte, which is a bin of

    y = sqrt(a) m + sqrt(1 - a) e,

the noise e, which the key gives, and what is known of m beforehand, which is nothing, N(0, 1). Given e, y is
N(sqrt(1 - a) e, a): that alone tells how far beyond the outermost bytes' edges it lies, and the mean of
that normal variable inside its bin (:mod:`jaxcrypt.functional.truncated`) is a far better inverse than the
algebraic one, which takes the bin's mean under N(0, 1). A first pass is this; turns improve on it.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import jax
import jax.numpy as jnp
import numpy as np

from jaxcrypt.declared import Options, chosen
from jaxcrypt.errors import usage
from jaxcrypt.functional import companding, diffusion, mixing, truncated
from jaxcrypt.functional.keyed import Purpose, draw, gaussians
from jaxcrypt.record import Sealed
from jaxcrypt.systems.catalog import entry
from jaxcrypt.systems.drivers.layout import even_bounds
from jaxcrypt.systems.drivers.tiles import cut, join, over_tiles
from jaxcrypt.systems.mixing.system import keyed_of, standardised

LEAST = 1e-4  # share of a symbol's power that must be left: its byte tells next to nothing of less
KEY_SIDE = 64  # key images are seen by the net at this size
_MAX_TILE = 1 << 18
_PILOTS = 64, 1024  # of a tile, at least and at most
_PILOT_SHARE = 96
_BEYOND = 6.0  # standard deviations: no symbol lies further out
_INNER = [NormalDist().inv_cdf(j / companding.LEVELS) for j in range(1, companding.LEVELS)]
EDGES = np.array([-_BEYOND, *_INNER, _BEYOND], np.float32)


def signal(given: Options) -> float:
    """alpha_bar at the chosen timestep: the share of a symbol's power that is the picture's.

    Raises:
      Refusal: an option or a value that the catalog does not declare, or a timestep that leaves less than
        :data:`LEAST`.
    """
    options = chosen(entry("diffusion").options, given)
    schedule, timestep = options["schedule"], options["timestep"]
    left = diffusion.alpha_bar(schedule)
    if left[timestep] < LEAST:
        most = int(np.argmax(left < LEAST)) - 1
        raise usage(
            f"--timestep {timestep}: nothing comes back from beyond {most} of the {schedule} schedule"
        )
    return float(left[timestep])


@dataclass(frozen=True)
class Layout:
    """How a run of samples is cut.

    Attributes:
      size: of a tile's static array; plain: bounds of the tiles in the run, ``[k + 1]``.
      pilots: symbols of each tile beside its samples.
    """

    size: int
    plain: tuple[int, ...]
    pilots: int

    @property
    def count(self) -> int:
        return len(self.plain) - 1

    @property
    def cipher(self) -> tuple[int, ...]:
        """Bounds of the tiles' symbols, pilots among them."""
        return tuple(bound + i * self.pilots for i, bound in enumerate(self.plain))


def layout(samples: int) -> Layout:
    """Even tiles, each with its pilots, in arrays of a power of two; ``samples`` at least 1."""
    count = -(-samples // (_MAX_TILE - _PILOTS[1]))
    pilots = min(max(samples // count // _PILOT_SHARE, _PILOTS[0]), _PILOTS[1])
    longest = -(-samples // count) + pilots
    return Layout(1 << (longest - 1).bit_length(), even_bounds(samples, count), pilots)


def noise_tile(tile: dict[str, jax.Array]) -> jax.Array:
    """The noise of the forward process that the key gives one tile: float32 ``[S]``, standard normal."""
    size = tile["data"].shape[0]
    (words,) = draw([(tile["subkey"], Purpose.DIFFUSION, tile["index"], size // 2)])
    return gaussians(words)


def seal_tile(tile: dict[str, jax.Array], left: float) -> tuple[jax.Array, dict[str, jax.Array]]:
    """Bytes uint8 ``[S]`` of one tile, the pilots' behind the samples', and its mean and spread."""
    keyed = keyed_of(tile)
    standard, mean, spread = standardised(tile, keyed)
    mixed = mixing.mix(standard, tile["cipher_length"], keyed)
    diffused = diffusion.diffuse(mixed, noise_tile(tile), left)
    return companding.compand(diffused, keyed.dither), {"mean": mean, "spread": spread}


def open_tile(tile: dict[str, jax.Array], left: float) -> dict[str, jax.Array]:
    """One tile by the bins of its bytes: samples float32 ``[S]`` in grey levels and their noise level."""
    size = tile["data"].shape[0]
    keyed = keyed_of(tile)
    position = jnp.arange(size, dtype=jnp.int32)
    inside = position < tile["cipher_length"]
    symbols, error = symbols_of(tile["data"], keyed.dither, noise_tile(tile), jnp.zeros(size), 1.0, left)
    standard = mixing.unmix(jnp.where(inside, symbols, 0.0), tile["cipher_length"], keyed)
    claimed = jnp.sum(jnp.where(inside, error, 0.0)) / tile["cipher_length"]
    is_pilot = inside & (position >= tile["plain_length"])
    measured = mixing.noise_level(standard, keyed.pilots, is_pilot)
    level = jnp.maximum(jnp.sqrt(claimed), measured) * tile["spread"]
    return {"samples": tile["mean"] + tile["spread"] * standard, "level": level}


def symbols_of(data, dither, noise, prior, variance, left: float) -> tuple[jax.Array, jax.Array]:
    """Posterior mean and variance of symbols from their bytes.

    Args:
      data: uint8; dither, noise: float32, of the key; prior: float32, mean of what is known of the symbols
        beforehand, of scalar ``variance``; all ``[n]``. left: alpha_bar of the forward process.

    Returns:
      Two float32 ``[n]``.
    """
    mean = companding.dithered(diffusion.diffuse(prior, noise, left), dither)
    gain = np.float32((companding.KEPT * left) ** 0.5)
    edges, data = jnp.asarray(EDGES), data.astype(jnp.int32)
    value, error = truncated.moments(edges[data], edges[data + 1], mean, gain * jnp.sqrt(variance))
    symbol = diffusion.undiffuse(companding.undithered(value, dither), noise, left)
    return symbol, error / gain**2


def stack(tiling: Layout, data, subkey) -> dict[str, jax.Array]:
    """The stack ``[B * k, …]`` of a batch's tiles: ``data`` ``[B, k, S]``, ``subkey`` uint32 ``[B, 8]``."""
    batch = subkey.shape[0]
    return {
        "data": data.reshape(batch * tiling.count, tiling.size),
        "subkey": jnp.repeat(subkey, tiling.count, axis=0),
        "index": np.tile(np.arange(tiling.count, dtype=np.uint32), batch),
        "plain_length": np.tile(np.diff(tiling.plain).astype(np.int32), batch),
        "cipher_length": np.tile(np.diff(tiling.cipher).astype(np.int32), batch),
    }


def seal_stack(tiles: dict[str, jax.Array], left: float):
    """:func:`seal_tile` of a stack."""
    return over_tiles(lambda one: seal_tile(one, left), tiles)


def encrypt_runs(runs: jax.Array, subkey: jax.Array, left: float) -> tuple[jax.Array, dict[str, jax.Array]]:
    """Encrypt runs of samples: jittable.

    Args:
      runs: uint8 ``[B, n]``; subkey: uint32 ``[B, 8]``; left: alpha_bar.

    Returns:
      uint8 ``[B, n]``, and the side: ``mean`` and ``spread`` float32 ``[B, k]``, ``pilots`` uint8
      ``[B, k, p]``.
    """
    batch, count = runs.shape
    tiling = layout(count)
    tile = stack(tiling, cut(runs, tiling.plain, tiling.size), subkey)
    data, side = seal_stack(tile, left)
    rows = data.reshape(batch, tiling.count, tiling.size)
    lengths = np.diff(tiling.plain)
    pilots = jnp.stack([rows[:, i, n : n + tiling.pilots] for i, n in enumerate(lengths)], axis=1)
    side = {name: x.reshape(batch, tiling.count) for name, x in side.items()}
    return join(rows, tiling.plain), side | {"pilots": pilots}


def with_pilots(tiling: Layout, data, pilots):
    """The flat symbols' bytes, ``[B, n + k p]``, of the runs' ``[B, n]`` and the pilots' ``[B, k, p]``."""
    parts = [
        part
        for i in range(tiling.count)
        for part in (data[:, tiling.plain[i] : tiling.plain[i + 1]], pilots[:, i])
    ]
    return jnp.concatenate(parts, axis=1)


def decrypt_runs(data: jax.Array, side: dict[str, jax.Array], subkey: jax.Array, left: float):
    """The runs with white noise, by the bins of their bytes: jittable.

    Args:
      data: uint8 ``[B, n]``; side, subkey, left: as of :func:`encrypt_runs`.

    Returns:
      Samples float32 ``[B, n]`` in grey levels, and their noise level, the same shape and unit.
    """
    batch, count = data.shape
    tiling = layout(count)
    flat = with_pilots(tiling, data, side["pilots"])
    tile = stack(tiling, cut(flat, tiling.cipher, tiling.size), subkey)
    tile |= {name: jnp.asarray(side[name]).reshape(-1) for name in ("mean", "spread")}
    opened = over_tiles(lambda one: open_tile(one, left), tile)
    samples = join(opened["samples"].reshape(batch, tiling.count, tiling.size), tiling.plain)
    levels = jnp.broadcast_to(
        opened["level"].reshape(batch, tiling.count, 1), (batch, tiling.count, tiling.size)
    )
    levels = join(levels, tiling.plain)
    return samples, levels


def encrypt_whole(image: jax.Array, subkey: jax.Array, given: Options) -> Sealed:
    """Whole pictures, uint8 ``[B, H, W, C]``, whose ciphers have the same shape."""
    data, side = encrypt_runs(image.reshape(image.shape[0], -1), subkey, signal(given))
    return Sealed(data.reshape(image.shape), side)


def decrypt_whole(sealed: Sealed, subkey: jax.Array, given: Options) -> tuple[jax.Array, jax.Array]:
    """Whole pictures with noise, float32 ``[B, H, W, C]`` in grey levels, and its level ``[B, H, W]``."""
    pixels = jnp.asarray(sealed.pixels)
    data = pixels.reshape(pixels.shape[0], -1)
    samples, levels = decrypt_runs(data, sealed.side, subkey, signal(given))
    return samples.reshape(pixels.shape), levels.reshape(pixels.shape).mean(axis=-1)
