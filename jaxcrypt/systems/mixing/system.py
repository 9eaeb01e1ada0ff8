"""Keyed mixing alone: the picture becomes noise of eight bits, and comes back with about 45 dB.

Lossy, and the floor for every learned cipher: see :mod:`jaxcrypt.functional.mixing` for the map and
:mod:`jaxcrypt.functional.companding` for the bytes. A tile's samples are standardised by its mean and spread
(in the encrypted header), joined by pilots, mixed, dithered, companded. A flat tile has no spread: key
stream of unit power stands for its samples, and its cipher is pure key stream noise.

The cipher picture is longer than the picture along the longer side (rows where both are equal): by a
96th, at least one, which is at most 3% from 34×34 on; very thin and tiny pictures get up to 16 samples more,
so that there is something to mix with.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import jax
import jax.numpy as jnp

from jaxcrypt.functional import companding, mixing
from jaxcrypt.record import System
from jaxcrypt.systems.catalog import entry
from jaxcrypt.systems.drivers import effort
from jaxcrypt.systems.drivers.layout import Layout, even_bounds
from jaxcrypt.systems.drivers.tiled import tiled_system
from jaxcrypt.systems.drivers.tiles import Draw, Tiles

_PILOT_SHARE = 96
_FEW = 16


def _longer(shape) -> int:
    return 0 if shape[0] >= shape[1] else 1


def _grown(side: int, across: int) -> int:
    return side + max(1, side // _PILOT_SHARE) + _FEW // across


def cipher_shape(shape: tuple[int, int, int]) -> tuple[int, int, int]:
    """``(H', W', C)`` of a picture's cipher."""
    sides, axis = list(shape), _longer(shape)
    sides[axis] = _grown(sides[axis], sides[1 - axis] * shape[2])
    return tuple(sides)


def plain_shape(shape: tuple[int, int, int]) -> tuple[int, int, int]:
    """``(H, W, C)`` of the picture behind a cipher of this shape; ValueError where there is none."""
    axis = 0 if shape[0] > shape[1] else 1
    for side in range(shape[axis] * (_PILOT_SHARE - 1) // _PILOT_SHARE - _FEW - 2, shape[axis]):
        sides = list(shape)
        sides[axis] = side
        if side > 0 and cipher_shape(tuple(sides)) == tuple(shape):
            return tuple(sides)
    raise ValueError(f"no picture has a mixing cipher of shape {tuple(shape)}")


def layout(shape: tuple[int, int, int]) -> Layout:
    """Even tiles in an array of the next power of two."""
    outer = cipher_shape(shape)
    plain, cipher = shape[0] * shape[1] * shape[2], outer[0] * outer[1] * outer[2]
    size = mixing.array_size(cipher)
    count = -(-cipher // size)
    return Layout(outer, size, even_bounds(plain, count), even_bounds(cipher, count))


def _statistics(samples: jax.Array, inside: jax.Array, length: jax.Array):
    """Mean and spread of a tile; exactly 0 for the spread of a flat one."""
    first = samples[0]
    moved = jnp.where(inside, samples - first, 0.0)  # a flat tile gives zeros, whatever its level
    mean = jnp.sum(moved) / length
    spread = jnp.sqrt(jnp.sum(jnp.where(inside, (moved - mean) ** 2, 0.0)) / length)
    return first + mean, spread


def standardised(tile: dict[str, jax.Array], keyed: mixing.Material):
    """What of a tile is mixed, and its statistics.

    Args:
      tile: ``data`` uint8 ``[S]`` of which ``plain_length`` are samples.

    Returns:
      float32 ``[S]``: samples of mean 0 and unit power, pilots behind them; mean; spread. A flat tile, of
      spread 0, is filled with key stream.
    """
    inside = jnp.arange(tile["data"].shape[0], dtype=jnp.int32) < tile["plain_length"]
    samples = tile["data"].astype(jnp.float32)
    mean, spread = _statistics(samples, inside, tile["plain_length"])
    standard = jnp.where(spread > 0, (samples - mean) / jnp.maximum(spread, 1e-6), keyed.fill)
    return jnp.where(inside, standard, keyed.pilots), mean, spread


def keyed_of(tile: dict[str, jax.Array], rounds: int = mixing.ROUNDS) -> mixing.Material:
    """What the key decides for a tile that is mixed in so many rounds."""
    lengths = tile["plain_length"], tile["cipher_length"]
    own = tile["subkey"], tile["index"], tile["data"].shape[0], *lengths
    return mixing.material(*own, rounds, tile.get("drawn"))


def _seal(rounds: int, tile: dict[str, jax.Array]):
    size, keyed = tile["data"].shape[0], keyed_of(tile, rounds)
    standard, mean, spread = standardised(tile, keyed)
    cipher = companding.compand(mixing.mix(standard, tile["cipher_length"], keyed), keyed.dither)
    cipher = jnp.where(jnp.arange(size, dtype=jnp.int32) < tile["cipher_length"], cipher, 0)
    return cipher, {"mean": mean, "spread": spread}


def _open(rounds: int, tile: dict[str, jax.Array]):
    size, keyed = tile["data"].shape[0], keyed_of(tile, rounds)
    position = jnp.arange(size, dtype=jnp.int32)
    values = companding.expand(tile["data"], keyed.dither)
    values = jnp.where(position < tile["cipher_length"], values, 0.0)
    if "lost" in tile:
        weights = 1.0 - tile["lost"].astype(jnp.float32)
        standard = mixing.unmix_weighted(values, weights, tile["cipher_length"], keyed)
    else:
        standard = mixing.unmix(values, tile["cipher_length"], keyed)
    is_pilot = (position >= tile["plain_length"]) & (position < tile["cipher_length"])
    noise = mixing.noise_level(standard, keyed.pilots, is_pilot) * tile["spread"]
    samples = tile["mean"] + tile["spread"] * standard
    plain = jnp.clip(jnp.round(samples), 0, 255).astype(jnp.uint8)
    return jnp.where(position < tile["plain_length"], plain, 0), {"noise": noise}


def _report(head, again, findings) -> dict[str, jax.Array]:
    return {"noise": jnp.sqrt(jnp.mean(jnp.asarray(findings["noise"]) ** 2))}


SIDE = (("mean", (), "float32"), ("spread", (), "float32"))  # of each tile


@cache
def _tiles(rounds: int) -> Tiles:
    seal, opened = partial(_seal, rounds), partial(_open, rounds)
    own = {"draws": lambda size, stage: draws(size, rounds), "on_host": partial(_on_host, rounds)}
    return Tiles(layout, seal, opened, _report, SIDE, **own)


def _on_host(rounds: int, samples: int) -> dict[str, Callable] | None:
    if not effort.has_numba(effort.counted(samples)) or rounds != mixing.ROUNDS:
        return None
    from jaxcrypt.systems.mixing import host

    return {"seal": host.seal, "open": host.unseal}


def draws(size: int, rounds: int) -> tuple[Draw, ...]:
    """What :func:`keyed_of` draws for a tile of ``size``."""
    return tuple(Draw("subkey", purpose, words) for purpose, words in mixing.streams(size, rounds))


SYSTEM = tiled_system(
    entry("mixing").declared(), lambda options: _tiles(options["rounds"]), plain_shape, cipher_shape
)


def build(config: Any = None) -> System:
    """The System; it has nothing to configure."""
    return SYSTEM
