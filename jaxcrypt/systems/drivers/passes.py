"""Passes over the tiles of pictures in host memory, for :mod:`jaxcrypt.systems.drivers.tiled`.

Tiles come from preallocated arrays in groups of one length, so that few programs serve every shape. On a CPU
every tile is a call of its own, on all cores.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import jax
import numpy as np

from jaxcrypt.record import Progress
from jaxcrypt.systems.drivers import host
from jaxcrypt.systems.drivers.layout import Layout
from jaxcrypt.systems.drivers.tiles import Draw, Tiles, over_tiles

_GROUP_BYTES = 1 << 24  # of samples in one call of an accelerator
_MOST_THREADS = 16


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


def _function(tiles: Tiles, name: str, flats: Sequence[np.ndarray], whole: bool = True) -> Callable:
    """What does ``seal`` or ``open`` of the tiles of these pictures, ``whole`` or with gaps."""
    if tiles.on_host is not None and whole and jax.default_backend() == "cpu":
        here = tiles.on_host(sum(flat.size for flat in flats))
        if here is not None:
            return here[name]
    return _programs(tiles)[name]


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
    tile["index"] = np.array([job.index for job in group], np.uint32)
    for name, bounds in (("plain_length", layout.plain), ("cipher_length", layout.cipher)):
        tile[name] = np.array([bounds[job.index + 1] - bounds[job.index] for job in group], np.int32)
    for name in shared[0]:
        tile[name] = _stacked([shared[job.picture][name] for job in group])
    if own:
        for name in own[0]:
            tile[name] = _stacked([own[job.picture][name][job.index] for job in group])
    return tile


def _stacked(rows: Sequence[np.ndarray]) -> np.ndarray:
    """``np.stack``, which copies, but for a single row."""
    return np.asarray(rows[0])[None] if len(rows) == 1 else np.stack(rows)


def with_drawn(draws: Sequence[Draw], tile: dict, kept: dict | None = None) -> dict:
    """A stack of tiles with its streams, where a CPU would draw them: OpenSSL is faster at that.

    ``kept`` has the streams that the tiles of a picture share, as long as a pass goes on.
    """
    if not draws or jax.default_backend() != "cpu":
        return tile
    drawn = {one.purpose.name: _stacked(_rows(one, tile, kept)) for one in draws}
    return {**tile, "drawn": drawn}


def _rows(one: Draw, tile: dict, kept: dict | None) -> list[np.ndarray]:
    """A stream's words for each tile of a stack."""
    rows = []
    for key, index in zip(tile[one.key], tile["index"], strict=True):
        if not one.shared:
            rows.append(host.draw(key, one.purpose, int(index), one.words))
            continue
        name = one.purpose, key.tobytes()
        found = None if kept is None else kept.get(name)
        if found is None:
            found = host.draw(key, one.purpose, 0, one.words)
            if kept is not None:
                kept[name] = found
        rows.append(found)
    return rows


def _drawn(tiles: Tiles, layout: Layout, stage: str, tile: dict, kept: dict | None = None) -> dict:
    return with_drawn(() if tiles.draws is None else tiles.draws(layout.size, stage), tile, kept)


def groups_of(pictures: int, layout: Layout) -> list[list[_Job]]:
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
    """``work`` of every group on some threads; the first error is raised.

    One call computes on one core of a CPU. One thread more than those, since they wait when JAX hands over.
    """
    threads = min(host.cores() + 1, _MOST_THREADS) if jax.default_backend() == "cpu" else 2

    def tell(done: int):
        if progress is not None:
            progress(part[0] + (part[1] - part[0]) * done / len(groups))

    work(groups[0])  # alone: two threads that both need a program not yet compiled would both compile it
    tell(1)
    with ThreadPoolExecutor(threads) as pool:
        for done, _ in enumerate(pool.map(work, groups[1:]), 2):
            tell(done)


def compile_ahead(tiles: Tiles, layout: Layout, length: int, name: str) -> Future | None:
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
    stack = _drawn(tiles, layout, name, stack)
    pool = ThreadPoolExecutor(1)
    future = pool.submit(_programs(tiles)[name], stack)
    pool.shutdown(wait=False)
    return future


def summarise(tiles: Tiles, layout: Layout, flats, keys, shape, groups, progress=None, part=(0.0, 1.0)):
    """Heads of the pictures, from a first pass over their samples."""
    if tiles.summary is None:
        return [{} for _ in flats]
    programs, kept = _programs(tiles), {}
    parts = [[None] * layout.count for _ in flats]

    def work(group):
        data = _gather(flats, layout.plain, layout.size, group).view(tiles.word)
        tile = _drawn(tiles, layout, "summary", _tile(layout, group, {"data": data}, keys), kept)
        for job, row in zip(group, np.asarray(programs["summary"](tile)), strict=True):
            parts[job.picture][job.index] = row

    _each(groups, work, progress, part)
    heads = []
    for key, rows in zip(keys, parts, strict=True):
        summed = np.sum(np.stack(rows), axis=0, dtype=np.uint32)
        heads.append(jax.tree.map(np.asarray, programs["head"](key["subkey"], summed, np.int32(shape))))
    return heads


def unfold(tiles: Tiles, keys, heads):
    """What every tile of a picture gets: its subkey and what follows from the head."""
    if tiles.unfold is None:
        return keys
    unfold = _programs(tiles)["unfold"]
    return [
        key | jax.tree.map(np.asarray, unfold(key["subkey"], head))
        for key, head in zip(keys, heads, strict=True)
    ]


def keys_of(subkeys: Sequence[bytes]) -> list[dict[str, np.ndarray]]:
    """What every tile of each picture gets of its 32-byte subkey."""
    return [{"subkey": host.words(subkey)} for subkey in subkeys]


def stacked(rows: Sequence[dict]) -> dict[str, np.ndarray]:
    """Dicts of arrays, one for each tile, as one dict of arrays ``[k, …]``."""
    return {name: np.stack([row[name] for row in rows]) for name in rows[0]}


def seal(tiles, layout, flats, shared, groups, progress: Progress, part):
    """Flat cipher pictures, and the side arrays of each picture's tiles."""
    seal = _function(tiles, "seal", flats)
    ciphers = [np.empty(layout.cipher[-1], np.uint8) for _ in flats]
    own = [[{}] * layout.count for _ in flats]

    def work(group):
        data = _gather(flats, layout.plain, layout.size, group).view(tiles.word)
        tile = _drawn(tiles, layout, "seal", _tile(layout, group, {"data": data}, shared))
        sealed, sides = jax.tree.map(np.asarray, seal(tile))
        _scatter(sealed, layout.cipher, group, ciphers)
        for row, job in enumerate(group):
            own[job.picture][job.index] = {name: value[row] for name, value in sides.items()}

    _each(groups, work, progress, part)
    return ciphers, own


def open_tiles(tiles, layout, flats, gaps, shared, own, groups, progress: Progress, part):
    """Flat plain pictures, and what the System found out about each one's tiles."""
    opening = _function(tiles, "open", flats, gaps is None)
    images = [np.empty(layout.plain[-1], np.uint8) for _ in flats]
    findings = [[{}] * layout.count for _ in flats]

    def work(group):
        data = {"data": _gather(flats, layout.cipher, layout.size, group).view(tiles.word)}
        if gaps is not None:
            data["lost"] = _gather(gaps, layout.cipher, layout.size, group)
        tile = _drawn(tiles, layout, "open", _tile(layout, group, data, shared, own))
        opened, results = jax.tree.map(np.asarray, opening(tile))
        _scatter(opened, layout.plain, group, images)
        for row, job in enumerate(group):
            findings[job.picture][job.index] = {name: value[row] for name, value in results.items()}

    _each(groups, work, progress, part)
    return images, findings


def _scatter(made: np.ndarray, bounds: Sequence[int], group: Sequence[_Job], out: Sequence[np.ndarray]):
    """Tiles' samples to their places in the flat pictures."""
    for row, job in zip(made.view(np.uint8), group, strict=True):
        start, end = bounds[job.index], bounds[job.index + 1]
        out[job.picture][start:end] = row[: end - start]
