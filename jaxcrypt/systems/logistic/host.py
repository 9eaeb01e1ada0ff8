"""The cipher of :mod:`jaxcrypt.systems.logistic` on CPUs: NumPy or numba, and OpenSSL's ChaCha20.

Every function has its twin in :mod:`.tiles` or :mod:`jaxcrypt.functional`, which explains the maths; the bits
are the same. Tiles go to as many threads as there are processors. Words are uint32 ``[S]``, a subkey eight.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from types import ModuleType
from typing import Any

import numpy as np

from jaxcrypt.functional.purposes import Purpose
from jaxcrypt.record import Outcome, Progress, Sealed, Shape
from jaxcrypt.systems.drivers import host
from jaxcrypt.systems.logistic import kernels
from jaxcrypt.systems.logistic.layout import WORD, layout

_SUMS, _ROWS = 8, 1024  # of the universal hash
_STEPS = 64  # of orbits that give keys
_KEY_WORDS = 16  # of a permutation
_MOST_THREADS = 16


def encrypt(
    pictures: Sequence[np.ndarray],
    keys: Sequence[bytes],
    progress: Progress = None,
    arithmetic: ModuleType = kernels,
) -> list[Sealed]:
    """Encrypt pictures uint8 ``[H, W, C]``, each under its subkey of 32 bytes.

    Args:
      arithmetic: :mod:`.kernels` or :mod:`.compiled`.
    """
    run = _Run(arithmetic, progress)
    plain = [
        _Picture(np.ascontiguousarray(picture), host.words(key), run.kernels)
        for picture, key in zip(pictures, keys, strict=True)
    ]
    digests = _digests(run, plain, (0.0, 0.25))
    streams = [one.stream_key(digest) for one, digest in zip(plain, digests, strict=True)]
    ciphers = run.through(plain, _Picture.seal, streams, (0.25, 1.0))
    return [
        Sealed(cipher.reshape(one.shape), {"digest": digest})
        for cipher, one, digest in zip(ciphers, plain, digests, strict=True)
    ]


def decrypt(
    sealed: Sequence[Sealed],
    keys: Sequence[bytes],
    shape: Shape,
    progress: Progress = None,
    arithmetic: ModuleType = kernels,
) -> list[Outcome]:
    """Undo :func:`encrypt`; ``shape`` is the plain pictures' ``(H, W, C)``.

    Raises:
      Refusal: a cipher picture, shape or side array that no encryption gives.
    """
    host.check_sealed(sealed, shape)
    for one in sealed:
        host.check_shape(one.pixels, shape)
    digests = [host.side_array(one.side, "digest", (4,), np.uint32) for one in sealed]
    run = _Run(arithmetic, progress)
    ciphers = [
        _Picture(np.ascontiguousarray(one.pixels), host.words(key), run.kernels)
        for one, key in zip(sealed, keys, strict=True)
    ]
    streams = [one.stream_key(digest) for one, digest in zip(ciphers, digests, strict=True)]
    flats = run.through(ciphers, _Picture.unseal, streams, (0.0, 0.75))
    plain = [
        _Picture(flat.reshape(shape), one.subkey, run.kernels)
        for flat, one in zip(flats, ciphers, strict=True)
    ]
    again = _digests(run, plain, (0.75, 1.0))
    return [
        Outcome([one.flat.reshape(shape)], report={"intact": np.asarray(np.array_equal(found, digest))})
        for one, found, digest in zip(plain, again, digests, strict=True)
    ]


@dataclass(frozen=True)
class _Run:
    """Work on the tiles of pictures, with the arithmetic of ``kernels``."""

    kernels: Any
    progress: Progress

    def each(self, pictures: Sequence[_Picture], work: Callable[[int, int], None], part: tuple[float, float]):
        """``work(picture, tile)`` of every tile, on all processors; progress goes through ``part``."""
        jobs = [(which, index) for which, one in enumerate(pictures) for index in range(one.layout.count)]
        threads = min(len(jobs), _processors())
        if threads == 1:
            for job in jobs:
                work(*job)
            self._tell(part[1])
            return
        with ThreadPoolExecutor(threads) as pool:
            for done, _ in enumerate(pool.map(lambda job: work(*job), jobs), 1):
                self._tell(part[0] + (part[1] - part[0]) * done / len(jobs))

    def through(
        self,
        pictures: Sequence[_Picture],
        tile: Callable[..., np.ndarray],
        streams: Sequence[np.ndarray],
        part: tuple[float, float],
    ) -> list[np.ndarray]:
        """What ``tile(picture, index, stream)`` makes of every tile: each picture's bytes, uint8 ``[n]``."""
        made = [np.empty(one.flat.size, np.uint8) for one in pictures]

        def work(which: int, index: int) -> None:
            start, end = pictures[which].bounds(index)
            made[which][start:end] = tile(pictures[which], index, streams[which])[: end - start]

        self.each(pictures, work, part)
        return made

    def _tell(self, share: float) -> None:
        if self.progress is not None:
            self.progress(share)


def _processors() -> int:
    affinity = getattr(os, "sched_getaffinity", None)
    return min(len(affinity(0)) if affinity else os.cpu_count() or 1, _MOST_THREADS)


@dataclass(frozen=True)
class _Picture:
    """A plain or cipher picture uint8 ``[H, W, C]``, contiguous, and its subkey."""

    pixels: np.ndarray
    subkey: np.ndarray
    kernels: Any

    @property
    def shape(self) -> Shape:
        return self.pixels.shape

    @property
    def flat(self) -> np.ndarray:
        return self.pixels.reshape(-1)

    @cached_property
    def layout(self):
        return layout(self.shape)

    def bounds(self, index: int) -> tuple[int, int]:
        """Where a tile's samples are."""
        return self.layout.plain[index], self.layout.plain[index + 1]

    def stream_key(self, digest: np.ndarray) -> np.ndarray:
        return _prf(self.subkey, Purpose.STREAM_KEY, digest)[:8]

    def seal(self, index: int, stream_key: np.ndarray) -> np.ndarray:
        """A tile's cipher, uint8 ``[4 · S]``."""
        words, count = self._words(index)
        words = self.kernels.seal(words, *self._keys(index, len(words)), count)
        words ^= host.draw(stream_key, Purpose.STREAM, index, len(words))
        return words.astype("<u4", copy=False).view(np.uint8)

    def unseal(self, index: int, stream_key: np.ndarray) -> np.ndarray:
        """A tile's plain samples, uint8 ``[4 · S]``, garbage beyond its end."""
        words, count = self._words(index)
        words ^= host.draw(stream_key, Purpose.STREAM, index, len(words))
        words = self.kernels.unseal(words, *self._keys(index, len(words)), count)
        return words.astype("<u4", copy=False).view(np.uint8)

    @cached_property
    def _columns(self) -> tuple[int, np.ndarray]:
        """Rows of a tile's hash, and the keys that all tiles share."""
        rows = min(_ROWS, self.layout.size // WORD)
        keys = host.draw(self.subkey, Purpose.HASH_COLUMN, 0, 2 * (rows + _SUMS)).reshape(2, -1)
        return rows, self.kernels.columns(keys, rows)

    def hash(self, index: int) -> np.ndarray:
        """A tile's part of the picture's hash, uint32 ``[8]``."""
        rows, keys = self._columns
        words, _ = self._words(index)
        width = len(words) // rows
        first = self.kernels.sums(words.reshape(rows, width), keys).reshape(-1, 1)
        own = host.draw(self.subkey, Purpose.HASH_TILE, index, 2 * _SUMS * (width + 1)).reshape(2, -1)
        return self.kernels.sums(first, self.kernels.columns(own, len(first)))[:, 0]

    def _words(self, index: int) -> tuple[np.ndarray, int]:
        """A tile's words, zero beyond its end, and how many of them are whole."""
        start, end = self.bounds(index)
        tile = np.zeros(self.layout.size, np.uint8)
        tile[: end - start] = self.flat[start:end]
        return tile.view("<u4").astype(np.uint32, copy=False), (end - start) // WORD

    def _keys(self, index: int, words: int) -> tuple[np.ndarray, np.ndarray]:
        """Feistel keys and permutation key of a tile."""
        seeds = host.draw(self.subkey, Purpose.ORBITS, index, 2 * words // _STEPS).reshape(2, -1)
        return self.kernels.orbits(seeds), host.draw(self.subkey, Purpose.ROUNDS, index, _KEY_WORDS)


def _digests(run: _Run, pictures: Sequence[_Picture], part: tuple[float, float]) -> list[np.ndarray]:
    """Of each picture, uint32 ``[4]``."""
    found = [np.zeros((one.layout.count, _SUMS), np.uint32) for one in pictures]

    def work(which: int, index: int) -> None:
        found[which][index] = pictures[which].hash(index)

    run.each(pictures, work, part)
    return [
        _prf(one.subkey, Purpose.DIGEST, rows.sum(axis=0, dtype=np.uint32), np.uint32([*one.shape, 0]))[8:12]
        for one, rows in zip(pictures, found, strict=True)
    ]


def _prf(subkey: np.ndarray, purpose: Purpose, *rows: np.ndarray) -> np.ndarray:
    """uint32 ``[16]``, see :func:`jaxcrypt.functional.keyed.prf`."""
    data = np.concatenate([[int(purpose), 0, 0, 0], *rows]).reshape(-1, 4)
    block = subkey
    for row in data:
        block = host.blocks(block[:8], row, 1)[0]
    return block
