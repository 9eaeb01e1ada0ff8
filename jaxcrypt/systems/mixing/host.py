"""Tiles of keyed mixing on a CPU where numba is: what :mod:`.system` does, without JAX between.

The bytes are the same but where rounding falls to the other side, which is one in fifty thousand.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from jaxcrypt.functional import keyed
from jaxcrypt.functional.companding import CENTROIDS
from jaxcrypt.functional.mixing import PILOT_CHUNK, ROUNDS
from jaxcrypt.functional.permutation import KEY_WORDS
from jaxcrypt.functional.purposes import Purpose
from jaxcrypt.systems.drivers import host
from jaxcrypt.systems.mixing import compiled

Tile = dict[str, Any]


def seal(stack: Tile):
    """Cipher samples uint8 ``[k, S]`` and side arrays of a stack of tiles with their streams ``drawn``."""
    return _stacked(_seal, stack)


def unseal(stack: Tile):
    """Plain samples uint8 ``[k, S]`` and findings, likewise; of tiles without gaps."""
    return _stacked(_open, stack)


def _stacked(work: Callable[[Tile], tuple[np.ndarray, dict]], stack: Tile):
    """``work`` of each tile, its results stacked again."""
    made = []
    for index in range(len(stack["data"])):
        tile = {name: value[index] for name, value in stack.items() if name != "drawn"}
        made.append(work(tile | {name: value[index] for name, value in stack["drawn"].items()}))
    samples, sides = zip(*made, strict=True)
    return np.stack(samples), {name: np.stack([side[name] for side in sides]) for name in sides[0]}


def _seal(tile: Tile):
    plain, length = int(tile["plain_length"]), int(tile["cipher_length"])
    z, mean, spread = compiled.standardised(tile["data"], plain, tile["FILL"])
    z[plain:length] = _pilots(tile, plain, length)
    mixed = compiled.mix(z, length, tile["SIGNS"], tile["ROUNDS"].reshape(ROUNDS, KEY_WORDS))
    cipher = compiled.shown(mixed, tile["DITHER"], keyed.normal_table(), length)
    return cipher, {"mean": np.float32(mean), "spread": np.float32(spread)}


def _open(tile: Tile):
    plain, length = int(tile["plain_length"]), int(tile["cipher_length"])
    mixed = compiled.received(tile["data"], tile["DITHER"], keyed.normal_table(), CENTROIDS, length)
    z = compiled.unmix(mixed, length, tile["SIGNS"], tile["ROUNDS"].reshape(ROUNDS, KEY_WORDS))
    errors = z[plain:length] - _pilots(tile, plain, length)
    noise = np.sqrt(np.mean(np.square(errors))) if errors.size else np.float32(0)
    return compiled.recovered(z, plain, tile["mean"], tile["spread"]), {"noise": noise * tile["spread"]}


def _pilots(tile: Tile, plain: int, length: int) -> np.ndarray:
    """The pilots in ``[plain, length)``, drawn in the chunks that lie there."""
    chunk = min(tile["data"].size, PILOT_CHUNK)
    blocks, first = chunk // 32, plain // chunk
    drawn = []
    for index in range(first, -(-length // chunk)):
        start = [index * blocks, int(Purpose.PADS), int(tile["index"]), 0]
        words = host.blocks(tile["subkey"], start, blocks).T.reshape(-1)
        drawn.append(keyed.normal_table()[np.concatenate([words & 0xFFFF, words >> 16])])
    return np.concatenate(drawn)[plain - first * chunk : length - first * chunk] if drawn else np.zeros(0)
