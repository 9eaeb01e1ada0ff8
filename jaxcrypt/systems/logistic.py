"""The logistic-map cipher made sound in its own terms, lossless: permutation and diffusion, keyed and nonced.

The picture is a run of 32-bit words, cut into tiles. With a fresh subkey for every picture (its nonce):

1. T, a keyed universal hash of all words and the shape, through a PRF: the *digest*, 128 bits, in the
   encrypted header. It is a synthetic IV (Rogaway and Shrimpton, 2006): one changed pixel changes the whole
   cipher picture even under one and the same subkey, and tampering shows, since the digest no longer fits.
2. A keyed permutation of the words within the tile.
3. Three Feistel rounds between even and odd words; the round function is three steps of the logistic map, its
   keys are middle bits of logistic orbits. Any damaged word of a pair decodes to noise in both.
4. XOR with ChaCha20 under a key that follows from the subkey and the digest.

The last ``M mod 4`` bytes of a picture of M bytes pass through step 4 only, as does all of a picture below
four.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from jaxcrypt.functional import logistic_map
from jaxcrypt.functional.keyed import Purpose, draw, prf
from jaxcrypt.functional.permutation import KEY_WORDS, indices
from jaxcrypt.functional.universal_hash import tile_hash
from jaxcrypt.record import System
from jaxcrypt.systems.catalog import entry
from jaxcrypt.systems.drivers.tiled import tiled_system
from jaxcrypt.systems.drivers.tiles import Layout, Tiles, even_bounds

_SIZES = (1 << 12, 1 << 15, 1 << 18)  # bytes in a tile's array
_ROUNDS = 3
_WORD = 4


def layout(shape: tuple[int, int, int]) -> Layout:
    """Tiles of whole words; one word of the array stays free for the picture's last bytes."""
    total = shape[0] * shape[1] * shape[2]
    size = next((s for s in _SIZES if total <= s - _WORD), _SIZES[-1])
    count = max(1, -(-total // (size - _WORD)))
    bounds = even_bounds(total, count, _WORD)
    return Layout(tuple(shape), size, bounds, bounds)


def _material(tile: dict[str, jax.Array], words: int):
    """Keystream ``[words]``, Feistel keys ``[2, words / 2]`` and permutation key of one tile."""
    lanes = words // logistic_map.MAX_STEPS
    stream, seeds, rounds = draw(
        [
            (tile["stream_key"], Purpose.STREAM, tile["index"], words),
            (tile["subkey"], Purpose.ORBITS, tile["index"], 2 * lanes),
            (tile["subkey"], Purpose.ROUNDS, tile["index"], KEY_WORDS),
        ]
    )
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
    steps = jnp.arange(_ROUNDS)[::-1] if inverse else jnp.arange(_ROUNDS)
    (a, b), _ = lax.scan(lambda state, i: (one(i, state), None), (left, right), steps)
    return b, a


def _pairs(words: jax.Array, length) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Even words, odd words (zero where they belong to no pair), and where pairs are whole."""
    grid = words.reshape(-1, 2)
    paired = 2 * jnp.arange(grid.shape[0], dtype=jnp.int32) + 1 < length
    return grid[:, 0], jnp.where(paired, grid[:, 1], 0), paired


def _seal(tile: dict[str, jax.Array]):
    words = tile["data"]
    size, length = words.shape[0], tile["plain_length"] // _WORD
    stream, keys, rounds = _material(tile, size)
    left, right, paired = _pairs(words[indices(rounds, length, size)], length)
    left, right = _feistel(left, right, keys, paired, inverse=False)
    mixed = jnp.stack([left, right], axis=1).reshape(-1)
    # The bytes after the last whole word are streamed only.
    return jnp.where(jnp.arange(size, dtype=jnp.int32) < length, mixed, words) ^ stream, {}


def _open(tile: dict[str, jax.Array]):
    size, length = tile["data"].shape[0], tile["plain_length"] // _WORD
    stream, keys, rounds = _material(tile, size)
    words = tile["data"] ^ stream
    left, right, paired = _pairs(words, length)
    left, right = _feistel(left, right, keys, paired, inverse=True)
    source = indices(rounds, length, size, inverse=True)
    plain = jnp.where(source % 2 == 0, left[source // 2], right[source // 2])
    inside = jnp.arange(size, dtype=jnp.int32) < length
    return _without_rest(jnp.where(inside, plain, words), tile["plain_length"]), {}


def _without_rest(words: jax.Array, length) -> jax.Array:
    """Zeros for whatever lies beyond ``length`` bytes, as the hash wants it."""
    kept = jnp.clip(length - _WORD * jnp.arange(words.shape[0], dtype=jnp.int32), 0, _WORD)
    masks = jnp.asarray([0, 0xFF, 0xFFFF, 0xFFFFFF, 0xFFFFFFFF], jnp.uint32)
    return words & masks[kept]


def _summary(tile: dict[str, jax.Array]) -> jax.Array:
    return tile_hash(tile["subkey"], tile["index"], tile["data"])


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
)


SYSTEM = tiled_system(entry("logistic").declared(), lambda options: TILES, tuple, tuple)


def build(config: Any = None) -> System:
    """The System; it has nothing to configure."""
    return SYSTEM
