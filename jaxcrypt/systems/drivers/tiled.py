"""Pictures of any size through a System: the driver of the commands.

Tiled Systems (:mod:`jaxcrypt.systems.drivers.tiles`) get their pictures tile by tile from preallocated host
arrays.
So a handful of compiled programs serves every shape, and a picture of 100 megapixels needs little more memory
than itself and its cipher. Systems without tiles run whole (:mod:`jaxcrypt.systems.drivers.whole`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import numpy as np

from jaxcrypt.record import System
from jaxcrypt.systems.drivers import whole
from jaxcrypt.systems.drivers.tiles import Layout, Shape, Tiles, over_tiles, split_side

_GROUP_BYTES = 1 << 24  # of samples in one call of an accelerator
_THREADS = 2  # one call computes on one core of a CPU


@dataclass(frozen=True)
class _Job:
    """One tile of one picture."""

    picture: int
    index: int


_PROGRAMS: dict[Tiles, dict[str, Callable]] = {}
_COMPILED: set[tuple] = set()


def _programs(tiles: Tiles) -> dict[str, Callable]:
    """The jitted programs of a System, kept for the life of the process."""
    if tiles not in _PROGRAMS:
        stacked = {"seal": tiles.seal, "open": tiles.open, "summary": tiles.summary}
        single = {"head": tiles.head, "unfold": tiles.unfold}
        programs = {name: jax.jit(partial(over_tiles, f)) for name, f in stacked.items() if f}
        _PROGRAMS[tiles] = programs | {name: jax.jit(f) for name, f in single.items() if f}
    return _PROGRAMS[tiles]


def _gather(
    flats: Sequence[np.ndarray], bounds: Sequence[int], size: int, group: Sequence[_Job]
) -> np.ndarray:
    data = np.zeros((len(group), size), flats[0].dtype)
    for row, job in zip(data, group, strict=True):
        start, end = bounds[job.index], bounds[job.index + 1]
        row[: end - start] = flats[job.picture][start:end]
    return data


def _tile(
    layout: Layout, group: Sequence[_Job], data: dict, shared: Sequence[dict], own: Sequence[dict] = ()
):
    """The stack of a group's tiles; ``shared`` and ``own`` (arrays ``[k, …]``) are dicts by picture."""
    tile = dict(data)
    index = np.array([job.index for job in group])
    tile["index"] = index.astype(np.uint32)
    for name, bounds in (("plain_length", layout.plain), ("cipher_length", layout.cipher)):
        tile[name] = np.diff(bounds)[index].astype(np.int32)
    for name in shared[0]:
        tile[name] = np.stack([shared[job.picture][name] for job in group])
    if own:
        for name in own[0]:
            tile[name] = np.stack([own[job.picture][name][job.index] for job in group])
    return tile


def _groups(pictures: int, layout: Layout) -> list[list[_Job]]:
    """Jobs in groups of one length, so that each group runs the same program; the last repeats its last job.

    On a CPU every tile is a call of its own: that runs twice as fast as a loop over tiles inside the program.
    """
    jobs = [_Job(p, i) for p in range(pictures) for i in range(layout.count)]
    length = 1
    if jax.default_backend() != "cpu":
        length = min(max(1, _GROUP_BYTES // layout.size), len(jobs))
        length = 1 << (length.bit_length() - 1)  # few lengths: few programs
    jobs += [jobs[-1]] * (-len(jobs) % length)
    return [jobs[i : i + length] for i in range(0, len(jobs), length)]


def _each(
    groups, work: Callable[[list[_Job]], None], progress: Callable[[float], None] | None, part=(0.0, 1.0)
):
    """``work`` of every group, on two threads; the first error is raised."""

    def tell(done: int):
        if progress is not None:
            progress(part[0] + (part[1] - part[0]) * done / len(groups))

    work(groups[0])  # alone: two threads that both need a program not yet compiled would both compile it
    tell(1)
    with ThreadPoolExecutor(_THREADS) as pool:
        for done, _ in enumerate(pool.map(work, groups[1:]), 2):
            tell(done)


def _compile_ahead(tiles: Tiles, layout: Layout, length: int, name: str) -> Future | None:
    """Start compiling the program of the second pass, which takes as long as compiling that of the first.

    A call on zeros compiles it; the second pass waits for the future before it makes its own.
    """
    if tiles.summary is None or (tiles, layout.size, length, name) in _COMPILED:
        return None
    _COMPILED.add((tiles, layout.size, length, name))
    words = layout.size // np.dtype(tiles.word).itemsize
    tile = {"data": np.zeros(words, tiles.word), "subkey": np.zeros(8, np.uint32), "index": np.uint32(0)}
    tile |= {"plain_length": np.int32(0), "cipher_length": np.int32(0)}
    if name != "summary" and tiles.unfold is not None:
        summed = jax.eval_shape(tiles.summary, tile)
        head = jax.eval_shape(tiles.head, tile["subkey"], summed, np.zeros(3, np.int32))
        extra = jax.eval_shape(tiles.unfold, tile["subkey"], head)
        tile |= {key: np.zeros(x.shape, x.dtype) for key, x in extra.items()}
    stack = jax.tree.map(lambda x: np.repeat(x[None], length, axis=0), tile)
    pool = ThreadPoolExecutor(1)
    future = pool.submit(_programs(tiles)[name], stack)
    pool.shutdown(wait=False)
    return future


def _summarise(tiles: Tiles, layout: Layout, flats, keys, shape, groups, progress=None, part=(0.0, 1.0)):
    """Heads of the pictures, from a first pass over their samples."""
    if tiles.summary is None:
        return [{} for _ in flats]
    programs = _programs(tiles)
    parts = [[None] * layout.count for _ in flats]

    def work(group):
        data = _gather(flats, layout.plain, layout.size, group).view(tiles.word)
        tile = _tile(layout, group, {"data": data}, keys)
        for job, row in zip(group, np.asarray(programs["summary"](tile)), strict=True):
            parts[job.picture][job.index] = row

    _each(groups, work, progress, part)
    heads = []
    for key, rows in zip(keys, parts, strict=True):
        summed = np.sum(np.stack(rows), axis=0, dtype=np.uint32)
        heads.append(jax.tree.map(np.asarray, programs["head"](key["subkey"], summed, np.int32(shape))))
    return heads


def _unfold(tiles: Tiles, keys, heads):
    """What every tile of a picture gets: its subkey and what follows from the head."""
    if tiles.unfold is None:
        return keys
    unfold = _programs(tiles)["unfold"]
    return [
        key | jax.tree.map(np.asarray, unfold(key["subkey"], head))
        for key, head in zip(keys, heads, strict=True)
    ]


def _keys(subkeys: Sequence[bytes]) -> list[dict[str, np.ndarray]]:
    return [{"subkey": whole.words(subkey)} for subkey in subkeys]


def encrypt_pictures(
    system: System,
    variables: Any,
    pictures: Sequence[np.ndarray],
    subkeys: Sequence[bytes],
    options: tuple = (),
    progress: Callable[[float], None] | None = None,
) -> list[tuple[np.ndarray, dict[str, np.ndarray]]]:
    """Encrypt pictures of one shape.

    Args:
      pictures: uint8 ``[H, W, C]`` each, all of one shape.
      subkeys: 32 bytes each.
      options: the System's options, as its record says.
      progress: called with the share done, 0 to 1.

    Returns:
      Of each picture its cipher picture, uint8 ``[H', W', C]``, and its ``side`` without the batch axis.
    """
    if system.tiles is None:
        return whole.encrypt_pictures(system, variables, pictures, subkeys, options, progress)
    if not isinstance(system.tiles, Tiles):  # a driver of its own, with these two functions as methods
        return system.tiles.encrypt_pictures(variables, pictures, subkeys, options, progress)
    tiles, shape = system.tiles, pictures[0].shape
    layout, programs, keys = tiles.layout(shape), _programs(tiles), _keys(subkeys)
    flats = [np.ascontiguousarray(picture).reshape(-1) for picture in pictures]
    groups = _groups(len(flats), layout)
    share = 0.25 if tiles.summary is not None else 0.0
    ahead = _compile_ahead(tiles, layout, len(groups[0]), "seal")
    heads = _summarise(tiles, layout, flats, keys, shape, groups, progress, (0.0, share))
    shared = _unfold(tiles, keys, heads)
    ciphers = [np.empty(layout.cipher[-1], np.uint8) for _ in flats]
    own = [[None] * layout.count for _ in flats]

    def work(group):
        data = _gather(flats, layout.plain, layout.size, group).view(tiles.word)
        tile = _tile(layout, group, {"data": data}, shared)
        sealed, sides = jax.tree.map(np.asarray, programs["seal"](tile))
        sealed = sealed.view(np.uint8)
        for row, job in enumerate(group):
            start, end = layout.cipher[job.index], layout.cipher[job.index + 1]
            ciphers[job.picture][start:end] = sealed[row, : end - start]
            own[job.picture][job.index] = {name: value[row] for name, value in sides.items()}

    if ahead is not None:
        ahead.result()
    _each(groups, work, progress, (share, 1.0))
    return [
        (cipher.reshape(layout.cipher_shape), head | _stacked(rows))
        for cipher, head, rows in zip(ciphers, heads, own, strict=True)
    ]


def _stacked(rows: Sequence[dict]) -> dict[str, np.ndarray]:
    return {name: np.stack([row[name] for row in rows]) for name in rows[0]}


def decrypt_pictures(
    system: System,
    variables: Any,
    ciphers: Sequence[np.ndarray],
    sides: Sequence[dict[str, np.ndarray]],
    subkeys: Sequence[bytes],
    options: tuple,
    shape: Shape,
    lost: Sequence[np.ndarray] | None = None,
    progress: Callable[[float], None] | None = None,
) -> list[dict[str, np.ndarray]]:
    """Undo :func:`encrypt_pictures`.

    Args:
      ciphers: uint8 ``[H', W', C]`` each; ``sides``: as encryption gave them.
      shape: the plain pictures' ``(H, W, C)``.
      lost: bool ``[H', W']`` each, cipher pixels known to be lost.

    Returns:
      Of each picture the System's results without the batch axis; ``'image'`` is uint8 ``[H, W, C]``.

    Raises:
      ValueError: the cipher pictures do not have the shape that ``shape`` leads to.
    """
    if system.tiles is None:
        return whole.decrypt_pictures(system, variables, ciphers, sides, subkeys, options, lost, progress)
    if not isinstance(system.tiles, Tiles):
        return system.tiles.decrypt_pictures(
            variables, ciphers, sides, subkeys, options, shape, lost, progress
        )
    tiles = system.tiles
    layout, programs, keys = tiles.layout(shape), _programs(tiles), _keys(subkeys)
    if any(cipher.shape != layout.cipher_shape for cipher in ciphers):
        raise ValueError(f"a picture of {shape} has a cipher picture of {layout.cipher_shape}")
    flats = [np.ascontiguousarray(cipher).reshape(-1) for cipher in ciphers]
    gaps = None if lost is None else [np.repeat(mask.reshape(-1), shape[2]) for mask in lost]
    groups = _groups(len(flats), layout)
    split = [split_side(tiles, side) for side in sides]
    shared = _unfold(tiles, keys, [head for head, _ in split])
    images = [np.empty(layout.plain[-1], np.uint8) for _ in flats]
    found = [[None] * layout.count for _ in flats]
    share = 0.75 if tiles.summary is not None else 1.0
    ahead = _compile_ahead(tiles, layout, len(groups[0]), "summary")

    def work(group):
        data = {"data": _gather(flats, layout.cipher, layout.size, group).view(tiles.word)}
        if gaps is not None:
            data["lost"] = _gather(gaps, layout.cipher, layout.size, group)
        tile = _tile(layout, group, data, shared, [own for _, own in split])
        opened, results = jax.tree.map(np.asarray, programs["open"](tile))
        opened = opened.view(np.uint8)
        for row, job in enumerate(group):
            start, end = layout.plain[job.index], layout.plain[job.index + 1]
            images[job.picture][start:end] = opened[row, : end - start]
            found[job.picture][job.index] = {name: value[row] for name, value in results.items()}

    _each(groups, work, progress, (0.0, share))
    if ahead is not None:
        ahead.result()
    again = _summarise(tiles, layout, images, keys, shape, groups, progress, (share, 1.0))
    return [
        {"image": image.reshape(shape)}
        | jax.tree.map(np.asarray, tiles.report(head, other or None, _stacked(rows)))
        for image, (head, _), other, rows in zip(images, split, again, found, strict=True)
    ]
