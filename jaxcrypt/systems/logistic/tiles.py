"""The cipher of :mod:`jaxcrypt.systems.logistic` tile by tile, as array code for any device."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import lax

from jaxcrypt.functional import logistic_map, universal_hash
from jaxcrypt.functional.keyed import Purpose, draw, prf
from jaxcrypt.functional.permutation import KEY_WORDS, indices
from jaxcrypt.systems.catalog import entry
from jaxcrypt.systems.drivers.tiled import Tiled, tiled_system
from jaxcrypt.systems.drivers.tiles import Draw, Tiles
from jaxcrypt.systems.logistic.layout import ROUNDS, WORD, layout


def _draws(size: int, stage: str) -> tuple[Draw, ...]:
    """The streams of a tile of ``size`` bytes."""
    words = size // WORD
    if stage == "summary":
        column, own = universal_hash.streams(words)
        return Draw("subkey", *column, shared=True), Draw("subkey", *own)
    return (
        Draw("stream_key", Purpose.STREAM, words),
        Draw("subkey", Purpose.ORBITS, 2 * words // logistic_map.MAX_STEPS),
        Draw("subkey", Purpose.ROUNDS, KEY_WORDS),
    )


def _material(tile: dict[str, jax.Array], words: int):
    """Keystream ``[words]``, Feistel keys ``[2, words / 2]`` and permutation key of one tile."""
    lanes = words // logistic_map.MAX_STEPS
    wanted = [(tile[one.key], one.purpose, tile["index"], one.words) for one in _draws(words * WORD, "seal")]
    stream, seeds, rounds = draw(wanted, tile.get("drawn"))
    orbits = logistic_map.orbits(seeds[:lanes], seeds[lanes:], logistic_map.MAX_STEPS)
    return stream, orbits.reshape(2, -1), rounds


def _feistel(left, right, keys, paired, inverse: bool):
    """Three rounds between the words of each pair; an unpaired left word meets a right word held at zero."""

    def one(i, state):
        target, source = state
        # Each round has keys of its own: the orbit's words, moved by a multiple of an odd constant.
        moved = keys[0] + jnp.asarray(i, jnp.uint32) * jnp.uint32(0x6A09E667)
        mixed = target ^ logistic_map.round_function(source, moved, keys[1])
        mixed = jnp.where(paired | (jnp.asarray(i) % 2 == 0), mixed, target)
        return source, mixed

    # The rounds change left, right, left; an odd number of them, so both orders begin and end with left.
    steps = jnp.arange(ROUNDS)[::-1] if inverse else jnp.arange(ROUNDS)
    (a, b), _ = lax.scan(lambda state, i: (one(i, state), None), (left, right), steps)
    return b, a


def _pairs(words: jax.Array, length) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Even words, odd words (zero where they belong to no pair), and where pairs are whole."""
    grid = words.reshape(-1, 2)
    paired = 2 * jnp.arange(grid.shape[0], dtype=jnp.int32) + 1 < length
    return grid[:, 0], jnp.where(paired, grid[:, 1], 0), paired


def _seal(tile: dict[str, jax.Array]):
    words = tile["data"]
    size, length = words.shape[0], tile["plain_length"] // WORD
    stream, keys, rounds = _material(tile, size)
    left, right, paired = _pairs(words[indices(rounds, length, size)], length)
    left, right = _feistel(left, right, keys, paired, inverse=False)
    mixed = jnp.stack([left, right], axis=1).reshape(-1)
    # The bytes after the last whole word are streamed only.
    return jnp.where(jnp.arange(size, dtype=jnp.int32) < length, mixed, words) ^ stream, {}


def _open(tile: dict[str, jax.Array]):
    size, length = tile["data"].shape[0], tile["plain_length"] // WORD
    stream, keys, rounds = _material(tile, size)
    words = tile["data"] ^ stream
    left, right, paired = _pairs(words, length)
    left, right = _feistel(left, right, keys, paired, inverse=True)
    source = indices(rounds, length, size, inverse=True)
    plain = jnp.stack([left, right], axis=1).reshape(-1)[source]
    inside = jnp.arange(size, dtype=jnp.int32) < length
    return _without_rest(jnp.where(inside, plain, words), tile["plain_length"]), {}


def _without_rest(words: jax.Array, length) -> jax.Array:
    """Zeros for whatever lies beyond ``length`` bytes, as the hash wants it."""
    kept = jnp.clip(length - WORD * jnp.arange(words.shape[0], dtype=jnp.int32), 0, WORD)
    masks = jnp.asarray([0, 0xFF, 0xFFFF, 0xFFFFFF, 0xFFFFFFFF], jnp.uint32)
    return words & masks[kept]


def _summary(tile: dict[str, jax.Array]) -> jax.Array:
    return universal_hash.tile_hash(tile["subkey"], tile["index"], tile["data"], tile.get("drawn"))


def _purposed(purpose: Purpose, *rows: jax.Array) -> jax.Array:
    first = jnp.zeros(4, jnp.uint32).at[0].set(int(purpose))
    return jnp.concatenate([first, *(row.astype(jnp.uint32) for row in rows)]).reshape(-1, 4)


def _head(subkey: jax.Array, summed: jax.Array, shape: jax.Array) -> dict[str, jax.Array]:
    data = _purposed(Purpose.DIGEST, summed, jnp.pad(shape, (0, 1)))
    return {"digest": prf(subkey, data)[8:12]}


def _unfold(subkey: jax.Array, side: dict[str, jax.Array]) -> dict[str, jax.Array]:
    return {"stream_key": prf(subkey, _purposed(Purpose.STREAM_KEY, side["digest"]))[:8]}


def _report(head, again, findings) -> dict[str, jax.Array]:
    return {"intact": (jnp.asarray(head["digest"]) == again["digest"]).all()}


TILES = Tiles(
    word=jnp.uint32,
    layout=layout,
    seal=_seal,
    open=_open,
    report=_report,
    side=(("digest", (4,), "uint32"),),
    summary=_summary,
    head=_head,
    unfold=_unfold,
    draws=_draws,
)

SYSTEM = tiled_system(entry("logistic").declared(), lambda options: TILES, tuple, tuple)
DRIVER = Tiled(SYSTEM.options, lambda options: TILES)
