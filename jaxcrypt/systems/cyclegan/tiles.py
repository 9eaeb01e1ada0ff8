"""Symbols to the bytes of a cipher picture and back, mixing tile by mixing tile."""

from __future__ import annotations

from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np

from jaxcrypt.functional import companding, outermost
from jaxcrypt.systems.cyclegan import code
from jaxcrypt.systems.decoding import turbo

_noise = jax.jit(code.noise, static_argnums=1)


def levelled(own: np.ndarray, tile: int, run: turbo.Run, plan: code.Plan) -> tuple[np.ndarray, float]:
    """As :func:`code.levelled`, of one tile's symbols."""
    power = float(np.mean(np.square(own, dtype=np.float64)))
    flat = power < code.FLAT
    if flat:
        own = np.asarray(_noise(run.subkey[None], plan.symbols[-1]))[0, tile :: plan.count]
    size = np.sqrt(np.mean(np.square(own, dtype=np.float64)))
    return own / np.float32(size), 0.0 if flat else float(np.sqrt(power))


def _seal_tile(tile, rounds: int):
    """Symbols of one tile to bytes, and how far beyond the outermost bytes their values lie."""
    mixed, dither = turbo.mix_tile(tile, rounds), turbo.dither_tile(tile, rounds)
    data = companding.compand(mixed, dither)
    return data, outermost.steps(mixed, dither)


def _open_tile(tile, rounds: int):
    """The inverse, ``steps`` being those of the outermost bytes: symbols, and the pilots' error."""
    dither = turbo.dither_tile(tile, rounds)
    values = outermost.expanded(tile["data"], dither, tile["steps"])
    inside = jnp.arange(values.shape[0]) < tile["cipher_length"]
    return turbo.unmix_tile({**tile, "data": jnp.where(inside, values, 0.0)}, rounds)


_seal, _open = turbo.by_tiles(_seal_tile), turbo.by_tiles(_open_tile)


def to_bytes(weighed: np.ndarray, spread: np.ndarray, plan: code.Plan, run: turbo.Run):
    """Weighed symbols ``[k]`` to the bytes of the cipher, ``[M]``, and their step counts.

    ``spread``, ``[t]``, is filled.
    """
    data, beyond = np.empty(plan.cipher[-1], np.uint8), [np.empty(0, np.uint8)] * plan.count

    def work(tile: int) -> None:
        own, spread[tile] = levelled(weighed[tile :: plan.count], tile, run, plan)
        made, steps = (np.asarray(x)[0] for x in _seal(run.tile(tile, own), plan.rounds))
        start, stop = plan.cipher[tile], plan.cipher[tile + 1]
        data[start:stop] = made[: stop - start]
        beyond[tile] = steps[: stop - start][outermost.is_outermost(data[start:stop])]

    run.each(work)
    counts = np.zeros(outermost.capacity(data.size), np.uint8)
    found = np.concatenate(beyond)[: counts.size]
    counts[: found.size] = found
    return data, counts


def expanded(run: turbo.Run, flat: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The inverse, of bytes that nothing happened to: symbols in the order of tiles, and pilots' errors."""
    outer = [outermost.is_outermost(flat[start:stop]) for start, stop in pairwise(run.cipher)]
    first = np.cumsum([0, *(int(own.sum()) for own in outer)])
    symbols, measured = np.empty(run.plain[-1], np.float32), np.empty(run.count, np.float32)

    def work(tile: int) -> None:
        (start, stop), (a, b) = run.cipher[tile : tile + 2], run.plain[tile : tile + 2]
        known = counts[first[tile] : first[tile + 1]]
        steps = np.full((1, run.size), outermost.UNKNOWN, np.uint8)
        steps[0, np.flatnonzero(outer[tile])[: known.size]] = known
        own, error = _open({**run.tile(tile, flat[start:stop]), "steps": steps}, run.rounds)
        symbols[a:b], measured[tile] = np.asarray(own)[0, : b - a], np.asarray(error)[0]

    run.each(work)
    return symbols, measured
