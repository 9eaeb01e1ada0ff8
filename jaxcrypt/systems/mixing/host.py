"""Tiles of keyed mixing on a CPU where numba is: JAX before and after, :mod:`.compiled` between.

The bytes are those of :mod:`.system` but where rounding falls to the other side: in one of some ten thousand.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Any

import jax
import numpy as np

from jaxcrypt.functional.permutation import KEY_WORDS
from jaxcrypt.systems.drivers.tiles import over_tiles
from jaxcrypt.systems.mixing import compiled, system

Tile = Mapping[str, Any]


@cache
def functions(rounds: int) -> dict[str, Callable]:
    """``seal`` and ``open`` of stacks of tiles with their streams ``drawn``."""
    parts = (_standard, _shown, _received, _recovered, system.open_tile)
    programs = (jax.jit(partial(over_tiles, partial(part, rounds))) for part in parts)
    standard, shown, received, recovered, with_gaps = programs

    def seal(tile: dict[str, Any]):
        samples, mean, spread = standard(tile)
        mixed = _each(compiled.mix, samples, tile, rounds)
        return shown({**tile, "data": mixed}), {"mean": mean, "spread": spread}

    def opened(tile: dict[str, Any]):
        if "lost" in tile:
            return with_gaps(tile)
        return recovered({**tile, "data": _each(compiled.unmix, received(tile), tile, rounds)})

    return {"seal": seal, "open": opened}


def _each(work: Callable, values: Any, tile: Tile, rounds: int) -> np.ndarray:
    """``work`` of every tile of a stack: float32 ``[k, S]`` to the same."""
    signs, keys = (np.asarray(tile["drawn"][name]) for name in ("SIGNS", "ROUNDS"))
    rows = zip(np.asarray(values), tile["cipher_length"], signs, keys, strict=True)
    return np.stack([work(row, int(n), bits, key.reshape(rounds, KEY_WORDS)) for row, n, bits, key in rows])


def _standard(rounds: int, tile: dict[str, jax.Array]):
    return system.standardised(tile, system.keyed_of(tile, rounds))


def _shown(rounds: int, tile: dict[str, jax.Array]):
    return system.shown(tile, tile["data"], system.keyed_of(tile, rounds))


def _received(rounds: int, tile: dict[str, jax.Array]):
    return system.received(tile, system.keyed_of(tile, rounds))


def _recovered(rounds: int, tile: dict[str, jax.Array]):
    return system.recovered(tile, tile["data"], system.keyed_of(tile, rounds))
