"""The driver of tiled Systems (:mod:`jaxcrypt.systems.drivers.tiles`): pictures of any size, tile by tile.

Tiles come from preallocated host arrays. So a handful of compiled programs serves every shape, and a picture
of 100 megapixels needs little more memory than itself and its cipher.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxcrypt.record import Call, Option, Outcome, Progress, Sealed, Shape, System, chosen
from jaxcrypt.systems.drivers import host
from jaxcrypt.systems.drivers.tiles import Layout, Tiles, decrypt_whole, encrypt_whole, over_tiles, split_side

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
    return [{"subkey": host.words(subkey)} for subkey in subkeys]


def _stacked(rows: Sequence[dict]) -> dict[str, np.ndarray]:
    return {name: np.stack([row[name] for row in rows]) for name in rows[0]}


@dataclass(frozen=True)
class Tiled:
    """The :class:`~jaxcrypt.record.Driver` of a System that works tile by tile.

    Attributes:
      options: that the System declares.
      tiles: the tiles for chosen options, the same object for the same ones.
    """

    options: tuple[Option, ...]
    tiles: Callable[[dict[str, Any]], Tiles]

    def aligns(self, options) -> bool:
        """Never."""
        return False

    def check(self, shape: Shape, options) -> None:
        """Any shape will do."""
        chosen(self.options, options)

    def encrypt(self, call: Call, pictures: Sequence[np.ndarray], keys: Sequence[bytes]) -> list[Sealed]:
        """As :class:`~jaxcrypt.record.Driver` says."""
        self.check(pictures[0].shape, call.options)
        tiles, shape = self.tiles(chosen(self.options, call.options)), pictures[0].shape
        layout, held = tiles.layout(shape), _keys(keys)
        flats = [np.ascontiguousarray(picture).reshape(-1) for picture in pictures]
        groups = _groups(len(flats), layout)
        share = 0.25 if tiles.summary is not None else 0.0
        ahead = _compile_ahead(tiles, layout, len(groups[0]), "seal")
        heads = _summarise(tiles, layout, flats, held, shape, groups, call.progress, (0.0, share))
        shared = _unfold(tiles, held, heads)
        if ahead is not None:
            ahead.result()
        ciphers, own = _seal(tiles, layout, flats, shared, groups, call.progress, (share, 1.0))
        return [
            Sealed(cipher.reshape(layout.cipher_shape), head | _stacked(rows))
            for cipher, head, rows in zip(ciphers, heads, own, strict=True)
        ]

    def decrypt(
        self,
        call: Call,
        sealed: Sequence[Sealed],
        keys: Sequence[bytes],
        shape: Shape,
        lost: Sequence[np.ndarray] | None = None,
    ) -> list[Outcome]:
        """As :class:`~jaxcrypt.record.Driver` says."""
        tiles = self.tiles(chosen(self.options, call.options))
        host.check_sealed(sealed, shape)
        layout, held = tiles.layout(shape), _keys(keys)
        for one in sealed:
            host.check_shape(one.pixels, layout.cipher_shape)
        split = [split_side(tiles, _checked(tiles, layout, one.side)) for one in sealed]
        flats = [np.ascontiguousarray(one.pixels).reshape(-1) for one in sealed]
        gaps = None if lost is None else [np.repeat(mask.reshape(-1), shape[2]) for mask in lost]
        groups = _groups(len(flats), layout)
        shared = _unfold(tiles, held, [head for head, _ in split])
        share = 0.75 if tiles.summary is not None else 1.0
        ahead = _compile_ahead(tiles, layout, len(groups[0]), "summary")
        own = [one for _, one in split]
        images, findings = _open(tiles, layout, flats, gaps, shared, own, groups, call.progress, (0.0, share))
        if ahead is not None:
            ahead.result()
        again = _summarise(tiles, layout, images, held, shape, groups, call.progress, (share, 1.0))
        return [
            _outcome(image.reshape(shape), tiles.report(head, other or None, _stacked(rows)))
            for image, (head, _), other, rows in zip(images, split, again, findings, strict=True)
        ]


def _checked(tiles: Tiles, layout: Layout, side: dict) -> dict[str, np.ndarray]:
    """The side arrays that the System declares. Raises a Refusal where no encryption gives them."""
    front = () if tiles.head is not None else (layout.count,)
    return {name: host.side_array(side, name, (*front, *shape), dtype) for name, shape, dtype in tiles.side}


def _seal(tiles, layout, flats, shared, groups, progress: Progress, part):
    """Flat cipher pictures, and the side arrays of each picture's tiles."""
    seal = _programs(tiles)["seal"]
    ciphers = [np.empty(layout.cipher[-1], np.uint8) for _ in flats]
    own = [[{}] * layout.count for _ in flats]

    def work(group):
        data = _gather(flats, layout.plain, layout.size, group).view(tiles.word)
        sealed, sides = jax.tree.map(np.asarray, seal(_tile(layout, group, {"data": data}, shared)))
        _scatter(sealed, layout.cipher, group, ciphers)
        for row, job in enumerate(group):
            own[job.picture][job.index] = {name: value[row] for name, value in sides.items()}

    _each(groups, work, progress, part)
    return ciphers, own


def _open(tiles, layout, flats, gaps, shared, own, groups, progress: Progress, part):
    """Flat plain pictures, and what the System found out about each one's tiles."""
    opening = _programs(tiles)["open"]
    images = [np.empty(layout.plain[-1], np.uint8) for _ in flats]
    findings = [[{}] * layout.count for _ in flats]

    def work(group):
        data = {"data": _gather(flats, layout.cipher, layout.size, group).view(tiles.word)}
        if gaps is not None:
            data["lost"] = _gather(gaps, layout.cipher, layout.size, group)
        opened, results = jax.tree.map(np.asarray, opening(_tile(layout, group, data, shared, own)))
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


def _outcome(image: np.ndarray, report: dict) -> Outcome:
    rest = {name: np.asarray(value) for name, value in report.items()}
    noise = rest.pop("noise", None)
    return Outcome([image], None if noise is None else float(noise), report=rest)


def tiled_system(
    declared: Mapping[str, Any],
    tiles: Callable[[dict[str, Any]], Tiles],
    plain_shape: Callable[[Shape], Shape],
) -> System:
    """The System that tiles make: nothing learned, nothing to configure.

    Args:
      declared: of the System's entry in the catalog, :meth:`~jaxcrypt.systems.catalog.Entry.declared`.
      tiles: those for chosen options.
      plain_shape: the plain picture's ``(H, W, C)`` from its cipher picture's.
    """

    def encrypt(variables, inputs, subkey, options) -> Sealed:
        own = tiles(chosen(declared["options"], options))
        return encrypt_whole(own, jnp.asarray(inputs["image"]), subkey)

    def decrypt(variables, sealed, inputs, subkey, options) -> dict[str, Any]:
        own = tiles(chosen(declared["options"], options))
        shape = plain_shape(sealed.pixels.shape[1:])
        return decrypt_whole(own, sealed, subkey, shape, inputs.get("lost"))

    def outputs(variables, batch, rng) -> dict[str, Any]:
        image = jnp.asarray(batch["image"])
        subkey = jax.random.bits(rng, (image.shape[0], 8), jnp.uint32)
        sealed = encrypt(variables, batch, subkey, ())
        opened = decrypt(variables, sealed, {}, subkey, ())
        pictures = {"image": image, "cipher": sealed.pixels, "decrypted": opened["image"]}
        return {key: x.astype(jnp.float32) / 255 for key, x in pictures.items()}

    def batch(config) -> dict[str, jax.ShapeDtypeStruct]:
        config = dict(config or {})
        shape = (config.get("batch_size", 1), *config.get("image_shape", (64, 64, 3)))
        return {"image": jax.ShapeDtypeStruct(shape, jnp.uint8)}

    return System(
        init=lambda rng, batch: ({}, {}),
        batch=batch,
        stages=(),
        encrypt=encrypt,
        decrypt=decrypt,
        outputs=outputs,
        driver=Tiled(declared["options"], tiles),
        **declared,
    )
