"""Tiles: how a System takes pictures of any shape piece by piece, and whole pictures made of them.

A tiled System sees a picture as one flat run of samples, cut into tiles that lie in arrays of a few fixed
sizes. :mod:`jaxcrypt.systems.drivers.tiled` feeds tiles from host memory; here whole batches go through the
same functions inside one jittable program. Both give the same bits,
but for rounding where numba computes (:attr:`Tiles.on_host`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxcrypt.functional.purposes import Purpose
from jaxcrypt.record import Sealed, Shape
from jaxcrypt.systems.drivers.layout import Layout


@dataclass(frozen=True)
class Draw:
    """A stream of a tile's, which the host may draw.

    Attributes:
      key: name of the array of the tile that is its key; words: how many.
      shared: it is that of tile 0.
    """

    key: str
    purpose: Purpose
    words: int
    shared: bool = False


@dataclass(frozen=True)
class Tiles:
    """A System tile by tile. All but ``layout`` work on jax arrays and are pure.

    A *tile* is a dict of arrays: ``data`` ``[S]`` of dtype ``word`` (zero beyond its end), ``subkey`` uint32
    ``[8]``, ``index`` uint32, ``plain_length`` and ``cipher_length`` int32, and every array of the picture's
    head by its name; for ``open`` also the tile's own side arrays, and optionally ``lost`` bool ``[S]``.

    Attributes:
      layout: ``(H, W, C) -> Layout``.
      seal: ``tile -> (cipher [S], side dict)``; the tiles' side arrays are stacked in the picture's side.
      open: ``tile -> (plain [S], findings dict)``.
      summary: ``tile -> uint32 [n]``, summed over the picture's tiles mod 2^32; None where there is none.
      head: ``(subkey, summary, shape int32 [3]) -> dict`` of arrays for the picture's side.
      word: dtype of a tile's data: uint8, or uint32 for four samples a word, the first lowest.
      unfold: ``(subkey, side) -> dict`` of arrays that every tile of the picture gets besides (its stream
      key).
      report: ``(side, head of what came out or None, findings stacked over tiles) -> dict`` of results.
      side: name, shape and dtype of the head's arrays, or of each tile's own where there is no head.
      draws: ``(size, "seal", "open" or "summary") -> `` the streams which that function takes from the tile's
        ``drawn``, uint32 arrays by purposes' names, where that is there.
      on_host: ``samples -> `` functions by the names ``seal`` and ``open`` that do the same with stacks of
        tiles on a CPU in less time, ``open`` without ``lost``, given that so many samples come; None where
        JAX is to do it.
    """

    layout: Callable[[Shape], Layout]
    seal: Callable[..., Any]
    open: Callable[..., Any]
    report: Callable[..., Any]
    side: tuple[tuple[str, tuple[int, ...], str], ...]
    summary: Callable[..., Any] | None = None
    head: Callable[..., Any] | None = None
    unfold: Callable[..., Any] | None = None
    word: Any = jnp.uint8
    draws: Callable[[int, str], Sequence[Draw]] | None = None
    on_host: Callable[[int], Mapping[str, Callable] | None] | None = None


def over_tiles(function: Callable, tiles: dict[str, Any]) -> Any:
    """``function`` of every tile: one after another on a CPU, where a tile fits the cache, else side by
    side."""
    if jax.default_backend() == "cpu":
        return jax.lax.map(function, tiles)
    return jax.vmap(function)(tiles)


def cut(flat: jax.Array, bounds: Sequence[int], size: int) -> jax.Array:
    """``[B, M]`` to ``[B, k, size]``."""
    parts = []
    for start, end in pairwise(bounds):
        parts.append(jnp.pad(flat[:, start:end], ((0, 0), (0, size - (end - start)))))
    return jnp.stack(parts, axis=1)


def join(tiles: jax.Array, bounds: Sequence[int]) -> jax.Array:
    """``[B, k, size]`` to ``[B, M]``."""
    lengths = [end - start for start, end in pairwise(bounds)]
    return jnp.concatenate([tiles[:, i, :n] for i, n in enumerate(lengths)], axis=1)


def _to_words(samples: jax.Array, word) -> jax.Array:
    """uint8 ``[…, n]`` to ``word`` ``[…, n / itemsize]``."""
    width = jnp.dtype(word).itemsize
    if width == 1:
        return samples
    return jax.lax.bitcast_convert_type(samples.reshape(*samples.shape[:-1], -1, width), word)


def _to_samples(words: jax.Array) -> jax.Array:
    """Any word type ``[n, S]`` to uint8 ``[n, …]``."""
    return jax.lax.bitcast_convert_type(words, jnp.uint8).reshape(words.shape[0], -1)


def _stack_tiles(layout: Layout, data: dict, shared: dict) -> dict:
    """All tiles of a batch as one stack ``[B * k, …]``; ``shared`` holds arrays ``[B, …]``."""
    k = layout.count
    batch = next(iter(shared.values())).shape[0]
    tile = {name: x.reshape(-1, *x.shape[2:]) for name, x in data.items()}
    tile |= {name: jnp.repeat(x, k, axis=0) for name, x in shared.items()}
    tile["index"] = jnp.tile(jnp.arange(k, dtype=jnp.uint32), batch)
    for name, bounds in (("plain_length", layout.plain), ("cipher_length", layout.cipher)):
        tile[name] = jnp.tile(jnp.asarray(np.diff(bounds), jnp.int32), batch)
    return tile


def _whole_head(tiles: Tiles, tile: dict, subkey, layout: Layout, shape: Shape) -> dict:
    if tiles.summary is None:
        return {}
    summed = (
        over_tiles(tiles.summary, tile).reshape(subkey.shape[0], layout.count, -1).sum(1, dtype=jnp.uint32)
    )
    return jax.vmap(tiles.head, (0, 0, None))(subkey, summed, jnp.asarray(shape, jnp.int32))


def encrypt_whole(tiles: Tiles, image: jax.Array, subkey: jax.Array) -> Sealed:
    """``System.encrypt`` of a tiled System: jittable, uint8 ``[B, H, W, C]`` and uint32 ``[B, 8]``."""
    batch, shape = image.shape[0], image.shape[1:]
    layout = tiles.layout(shape)
    pieces = _to_words(cut(image.reshape(batch, -1), layout.plain, layout.size), tiles.word)
    tile = _stack_tiles(layout, {"data": pieces}, {"subkey": subkey})
    side = _whole_head(tiles, tile, subkey, layout, shape)
    if tiles.unfold is not None:
        extra = jax.vmap(tiles.unfold)(subkey, side)
        tile |= {name: jnp.repeat(x, layout.count, axis=0) for name, x in extra.items()}
    sealed, own = over_tiles(tiles.seal, tile)
    pixels = join(_to_samples(sealed).reshape(batch, layout.count, -1), layout.cipher)
    side |= {name: x.reshape(batch, layout.count, *x.shape[1:]) for name, x in own.items()}
    return Sealed(pixels.reshape(batch, *layout.cipher_shape), side)


def decrypt_whole(tiles: Tiles, sealed: Sealed, subkey: jax.Array, shape: Shape, lost=None) -> dict[str, Any]:
    """``System.decrypt`` of a tiled System; ``shape`` is the plain picture's, ``lost`` bool ``[B, H',
    W']``."""
    batch, layout = sealed.pixels.shape[0], tiles.layout(shape)
    head, own = split_side(tiles, sealed.side)
    pieces = cut(sealed.pixels.reshape(batch, -1), layout.cipher, layout.size)
    data = {"data": _to_words(pieces, tiles.word)} | own
    if lost is not None:
        lost = jnp.repeat(lost[..., None], shape[2], axis=-1).reshape(batch, -1)
        data["lost"] = cut(lost, layout.cipher, layout.size)
    extra = jax.vmap(tiles.unfold)(subkey, head) if tiles.unfold is not None else {}
    tile = _stack_tiles(layout, data, {"subkey": subkey} | extra)
    opened, findings = over_tiles(tiles.open, tile)
    findings = {name: x.reshape(batch, layout.count, *x.shape[1:]) for name, x in findings.items()}
    again = _whole_head(tiles, tile | {"data": opened}, subkey, layout, shape) or None
    image = join(_to_samples(opened).reshape(batch, layout.count, -1), layout.plain).reshape(batch, *shape)
    return {"image": image} | jax.vmap(tiles.report)(head, again, findings)


def split_side(tiles: Tiles, side: dict[str, Any]) -> tuple[dict, dict]:
    """The picture's own part of ``side`` and the part that is stacked by tile."""
    if tiles.head is None:
        return {}, dict(side)
    return dict(side), {}
