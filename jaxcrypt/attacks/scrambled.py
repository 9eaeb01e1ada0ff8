"""Block scrambling, as published for Encryption-then-Compression: a yardstick, and known to fall.

Kurihara, Shiota, Kiya, "An encryption-then-compression system for JPEG standard" (PCS 2015): the picture is
cut into blocks of 16×16, and a key

    permutes the blocks, turns and mirrors each (one of eight), makes some negative (255 − p), and swaps the
    colour components of each (one of six).

JPEG compresses the result nearly as the photo, and decrypting its copy undoes all of it. But a block is still
a block of the photo: jigsaw solvers put them together (:mod:`jaxcrypt.attacks.jigsaw`). No command offers it.
"""

from __future__ import annotations

from functools import partial
from itertools import permutations
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxcrypt.attacks.yardstick import yardstick
from jaxcrypt.declared import Traits
from jaxcrypt.errors import Refusal
from jaxcrypt.functional.keyed import Purpose, draw
from jaxcrypt.record import System

NAME = "scrambled"
BLOCK = 16
COLOURS = np.array(list(permutations(range(3))))  # [6, 3]
_BACK = np.argsort(COLOURS, axis=1)


def cut(pictures: jax.Array) -> jax.Array:
    """``[B, H, W, C]`` of whole blocks to ``[B, n, 16, 16, C]``, row by row."""
    count, height, width, channels = pictures.shape
    shape = count, height // BLOCK, BLOCK, width // BLOCK, BLOCK, channels
    return pictures.reshape(shape).swapaxes(2, 3).reshape(count, -1, BLOCK, BLOCK, channels)


def join(blocks: jax.Array, height: int, width: int) -> jax.Array:
    """The inverse of :func:`cut`."""
    count, channels = len(blocks), blocks.shape[-1]
    shape = count, height // BLOCK, width // BLOCK, BLOCK, BLOCK, channels
    return blocks.reshape(shape).swapaxes(2, 3).reshape(count, height, width, channels)


def _turned(block: jax.Array, turn: jax.Array) -> jax.Array:
    """A block turned by ``turn % 4`` quarters, mirrored before that from 4 on."""
    block = jnp.where(turn >= 4, block[:, ::-1], block)
    return jax.lax.switch(turn % 4, [lambda x, k=k: jnp.rot90(x, k) for k in range(4)], block)


def _undone(block: jax.Array, turn: jax.Array) -> jax.Array:
    block = jax.lax.switch(turn % 4, [lambda x, k=k: jnp.rot90(x, -k) for k in range(4)], block)
    return jnp.where(turn >= 4, block[:, ::-1], block)


def _drawn(subkey: jax.Array, count: int) -> tuple[jax.Array, ...]:
    """Of a key uint32 ``[8]``: the blocks' order, turns, signs and colours, int32 ``[n]`` each."""
    (words,) = draw([(subkey, Purpose.STREAM, 0, 4 * count)])
    order, turn, negative, colour = words.reshape(4, count)
    rest = (
        (turn >> 29).astype(jnp.int32),
        (negative >> 31).astype(jnp.int32),
        (colour % 6).astype(jnp.int32),
    )
    return jnp.argsort(order), *rest


def _scrambled(blocks: jax.Array, subkey: jax.Array) -> jax.Array:
    order, turn, negative, colour = _drawn(subkey, len(blocks))
    blocks = jax.vmap(_turned)(blocks[order], turn)
    blocks = jnp.where(negative[:, None, None, None] > 0, 255 - blocks, blocks)
    return jnp.take_along_axis(blocks, jnp.asarray(COLOURS)[colour][:, None, None], axis=3)


def _restored(blocks: jax.Array, subkey: jax.Array) -> jax.Array:
    order, turn, negative, colour = _drawn(subkey, len(blocks))
    blocks = jnp.take_along_axis(blocks, jnp.asarray(_BACK)[colour][:, None, None], axis=3)
    blocks = jnp.where(negative[:, None, None, None] > 0, 255 - blocks, blocks)
    return jax.vmap(_undone)(blocks, turn)[jnp.argsort(order)]


def _applied(change: Any, pictures: jax.Array, subkeys: jax.Array) -> jax.Array:
    height, width = pictures.shape[1:3]
    if height % BLOCK or width % BLOCK or pictures.shape[3] != 3:
        raise Refusal(f"block scrambling takes RGB pictures whose sides are multiples of {BLOCK}")
    return join(jax.vmap(change)(cut(pictures), jnp.asarray(subkeys)), height, width)


def build(config: Any = None) -> System:
    """The System; it has nothing to configure."""
    traits = Traits(exact=True, channels=(3,), keeps_shape=True, argument="none: jigsaw solvers undo it")
    return yardstick(NAME, partial(_applied, _scrambled), partial(_applied, _restored), traits)
