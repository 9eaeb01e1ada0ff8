"""Decoding a damaged mixed picture by turns: what the cipher says, what pictures look like, and again.

Keyed mixing is orthogonal, so an estimate of the mixed symbols with independent errors becomes, un-mixed, the
picture plus *white* noise of known level; a denoiser takes that down; mixed again, its result is a prior for
the symbols, with which the damage is worth less: a lost symbol is now known roughly, a coarse JPEG cell
counts next to nothing beside a fine one. Each side hands on the extrinsic part of what it knows only, so
errors stay white:

    y = U^T r,   x = D(y, s),   a = mean dD/dy (by a random probe),   next prior: U (x - a y) / (1 - a), of
    variance s^2 a / (1 - a)

which is vector approximate message passing with a plugged-in denoiser (Rangan, Schniter and Fletcher 2019;
Metzler, Maleki and Baraniuk 2016). One pass is plain un-mixing and denoising.

The pilots measure the noise of ``y``. They are known, but the prior must not know them: it is given them as
wrong as it is about samples, or they would tell of the channel's errors alone, and not of what is left in
``y`` of the prior's own, which is most of it in late turns.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxcrypt.functional import mixing
from jaxcrypt.record import Progress
from jaxcrypt.systems.drivers.passes import with_drawn
from jaxcrypt.systems.drivers.tiles import over_tiles
from jaxcrypt.systems.mixing.system import draws, keyed_of

_CLAIM = 0.05  # relative error of the noise level that a pass claims; of the pilots' it is 1 / sqrt(2 pilots)
_THREADS = 2
_GAIN, _DIVERGED = 0.99, 1.1  # of the noise power before: what leaves more, or makes so much of it, ends
_DEAF = 0.02  # mean derivative of a denoiser that makes nothing of what it is told, if that is mostly noise

Some = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class Run:
    """Neighbouring tiles of one picture and their key.

    Attributes:
      subkey: uint32 ``[8]``; first: number of the first tile; size: of a tile's static array.
      plain, cipher: bounds of the tiles in the run's samples and symbols, ``[k + 1]``, from 0.
      mean, spread: float32 ``[k]``: a tile's samples are ``mean + spread · standard``; a tile of spread 0 is
        flat, and key stream stands for its samples in the mixing.
      rounds: of the mixing.
    """

    subkey: np.ndarray
    first: int
    size: int
    plain: tuple[int, ...]
    cipher: tuple[int, ...]
    mean: np.ndarray
    spread: np.ndarray
    rounds: int = mixing.ROUNDS

    @property
    def count(self) -> int:
        """How many tiles there are."""
        return len(self.plain) - 1

    def tile(self, index: int, data: np.ndarray) -> dict[str, np.ndarray]:
        """One tile with ``data``, ``[n]``, its samples, symbols or bytes: padded, and a stack of one."""
        padded = np.zeros((1, self.size), data.dtype)
        padded[0, : len(data)] = data
        lengths = (bounds[index + 1] - bounds[index] for bounds in (self.plain, self.cipher))
        plain, cipher = (np.array([length], np.int32) for length in lengths)
        tile = {
            "data": padded,
            "subkey": self.subkey[None],
            "index": np.array([self.first + index], np.uint32),
            "plain_length": plain,
            "cipher_length": cipher,
            "flat": np.asarray(self.spread)[index : index + 1] == 0,
        }
        return with_drawn(draws(self.size, self.rounds), tile)

    def each(self, work: Callable[[int], None], progress: Progress = None) -> None:
        """``work`` of every tile's number, on two threads: one call computes on one core of a CPU."""
        if not self.count:
            return
        work(0)  # alone: two threads that both need a program not yet compiled would both compile it
        with ThreadPoolExecutor(_THREADS) as pool:
            for done, _ in enumerate(pool.map(work, range(1, self.count)), 2):
                if progress is not None:
                    progress(done / self.count)

    def _mapped(self, program, data: np.ndarray, read, write, more=None) -> tuple[np.ndarray, np.ndarray]:
        """``program`` of the tiles of ``data``: what it makes of them, joined, and a number of each.

        ``more`` gives further arrays of a tile, by its number.
        """
        made, found = np.empty(write[-1], np.float32), np.zeros(self.count, np.float32)

        def work(index: int) -> None:
            tile = self.tile(index, data[read[index] : read[index + 1]])
            own = program(tile if more is None else tile | more(index), self.rounds)
            samples, number = own if isinstance(own, tuple) else (own, found[index : index + 1])
            start, stop = write[index], write[index + 1]
            made[start:stop] = np.asarray(samples)[0, : stop - start]
            found[index] = np.asarray(number)[0]

        self.each(work)
        return made, found

    def by_sample(self, values: np.ndarray) -> np.ndarray:
        """``[k]`` to one value for each sample."""
        return np.repeat(np.asarray(values, np.float32), np.diff(self.plain))

    def standard(self, samples: np.ndarray) -> np.ndarray:
        return (samples - self.by_sample(self.mean)) / np.maximum(self.by_sample(self.spread), 1e-3)

    def plain_of(self, standard: np.ndarray) -> np.ndarray:
        return self.by_sample(self.mean) + self.by_sample(self.spread) * standard

    def mix(self, standard: np.ndarray) -> np.ndarray:
        """Standardised samples to mixed symbols; the pilots are put in."""
        return self._mapped(_mix, standard, self.plain, self.cipher)[0]

    def prior(self, standard: np.ndarray, variance: np.ndarray) -> np.ndarray:
        """As :meth:`mix`, of samples whose errors have ``variance``, ``[k]``; the pilots are as wrong."""

        def wrong(index: int) -> dict[str, np.ndarray]:
            count, size = self.plain[index + 1] - self.plain[index], np.sqrt(variance[index])
            error = np.zeros((1, self.size), np.float32)
            error[0, count:] = size * np.random.default_rng(index).standard_normal(self.size - count)
            return {"wrong": error}

        return self._mapped(_mix, standard, self.plain, self.cipher, wrong)[0]

    def unmix(self, symbols: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Symbols to standardised samples, and the pilots' mean square error, ``[k]``."""
        return self._mapped(_unmix, symbols, self.cipher, self.plain)

    def dither(self) -> np.ndarray:
        """The dither of all symbols."""
        return self.drawn(_dither)

    def drawn(self, program) -> np.ndarray:
        """What ``program`` (of :func:`by_tiles`) draws from the key alone, float32 ``[m]``."""
        return self._mapped(program, np.zeros(0, np.float32), (0,) * (self.count + 1), self.cipher)[0]

    @property
    def pilots(self) -> np.ndarray:
        return np.diff(self.cipher) - np.diff(self.plain)


def mix_tile(tile, rounds: int):
    """Standardised samples of one tile to mixed symbols; its pilots are put in, ``wrong`` by what is given,
    and its fill if it is ``flat``."""
    keyed = keyed_of(tile, rounds)
    position = jnp.arange(tile["data"].shape[0], dtype=jnp.int32)
    samples = jnp.where(tile["flat"], keyed.fill, tile["data"]) if "flat" in tile else tile["data"]
    pilots = keyed.pilots + tile["wrong"] if "wrong" in tile else keyed.pilots
    samples = jnp.where(position < tile["plain_length"], samples, pilots)
    return mixing.mix(samples, tile["cipher_length"], keyed)


def unmix_tile(tile, rounds: int):
    """One tile's symbols to standardised samples, and its pilots' mean square error."""
    keyed = keyed_of(tile, rounds)
    position = jnp.arange(tile["data"].shape[0], dtype=jnp.int32)
    standard = mixing.unmix(tile["data"], tile["cipher_length"], keyed)
    is_pilot = (position >= tile["plain_length"]) & (position < tile["cipher_length"])
    return standard, mixing.noise_level(standard, keyed.pilots, is_pilot) ** 2


def dither_tile(tile, rounds: int):
    """The dither of one tile."""
    return keyed_of(tile, rounds).dither


def by_tiles(function):
    """The jitted ``function(tile, rounds)`` of stacks of tiles."""
    return jax.jit(
        lambda tiles, rounds: over_tiles(partial(function, rounds=rounds), tiles), static_argnums=1
    )


_mix, _unmix, _dither = map(by_tiles, (mix_tile, unmix_tile, dither_tile))


def level(claimed: float, measured: np.ndarray, pilots: np.ndarray) -> np.ndarray:
    """Standard deviation of the noise by tile, ``[k]``: the claimed variance and the pilots', weighed."""
    trust = 2 * pilots / (2 * pilots + _CLAIM**-2)
    return np.sqrt(np.maximum((1 - trust) * claimed + trust * measured, 1e-9))


class Decoded(NamedTuple):
    """What decoding by turns gives.

    Attributes:
      clean: float32 ``[n]``, grey levels; noisy: the samples of the last turn before the denoiser.
      levels: of the noise in those by tile, ``[k]``.
      error: expected of ``clean``, root mean square.
    """

    clean: np.ndarray
    noisy: np.ndarray
    levels: np.ndarray
    error: float


def _expected(run: Run, clean, noisy, levels: np.ndarray, slope: np.ndarray) -> float:
    """The error that is expected of ``clean``.

    Under white noise the squared error of every best estimate is the noise's times the mean derivative, and
    of any other what Stein's unbiased estimate says (1981), which errs where the level does: the larger one.
    Where it makes nothing of what it is told, what it gives is as far off as a flat picture.
    """
    deaf = (slope < _DEAF) & (levels > run.spread / 2)
    own = np.where(deaf, run.spread**2, levels**2 * slope)
    moved = clean - noisy
    stein = float(moved @ moved) / max(moved.size, 1) + float(np.mean(levels**2 * (2 * slope - 1)))
    return max(float(np.mean(own)), stein) ** 0.5


def decode(
    run: Run,
    receive: Callable[[np.ndarray, float], tuple[np.ndarray, float]],
    denoise: Callable[[np.ndarray, np.ndarray], np.ndarray],
    some: Some | None,
    passes: int,
    progress: Progress = None,
) -> Decoded:
    """Decode by turns.

    Args:
      receive: ``(prior mean [m], prior variance) -> (symbols [m], variance)``, extrinsic; the prior of the
        start is the standard normal.
      denoise: ``(samples [n], levels [n]) -> samples [n]``, in grey levels.
      some: as ``denoise``, of some of the samples, and which those are, bool ``[n]``; None: of all.
      passes: at most so many turns; in a single one, for noise of which nothing can be made, the denoiser is
        not probed, and the error is the noise.
    """
    prior, variance = np.zeros(run.cipher[-1], np.float32), 1.0
    best, least, before = None, math.inf, math.inf
    for turn in range(passes):
        standard, sigma = _told(run, receive, prior, variance)
        power = float(np.mean(sigma**2))
        if power > _DIVERGED * before or _GAIN * before < power <= before:
            break  # what the denoiser made of so much noise helped no further
        if power < least:
            best = None  # of large pictures, whatever is held counts
        noisy = run.plain_of(standard)
        del standard
        levels = run.by_sample(sigma * run.spread)
        clean, spread = denoise(noisy, levels), sigma * run.spread
        if passes == 1:
            return _ended(Decoded(clean, noisy, spread, float(np.sqrt(np.mean(spread**2)))), progress)
        slope = _slope(run, some or _all_of(denoise), noisy, levels, clean, turn)
        del levels
        if power < least:
            error = _expected(run, clean, noisy, spread, slope)
            best, least = Decoded(clean, noisy, spread, error), power
        before = power
        if turn + 1 < passes:
            left = sigma**2 * slope / (1 - slope)
            prior, variance = run.prior(_without(run, clean, noisy, slope), left), float(np.mean(left))
            if progress is not None:
                progress((turn + 1) / passes)
    return _ended(best, progress)


def _ended(decoded: Decoded, progress: Progress) -> Decoded:
    if progress is not None:
        progress(1.0)
    return decoded


def _told(run: Run, receive, prior: np.ndarray, variance: float) -> tuple[np.ndarray, np.ndarray]:
    """Standardised samples of what was received, and the level of their noise by tile."""
    symbols, claimed = receive(prior, variance)
    standard, measured = run.unmix(symbols)
    return standard, level(claimed, measured, run.pilots)


def _without(run: Run, clean: np.ndarray, noisy: np.ndarray, slope: np.ndarray) -> np.ndarray:
    """The extrinsic part of what the denoiser made, standardised."""
    ours = run.by_sample(slope)
    part = clean - ours * noisy
    part /= 1 - ours
    return run.standard(part)


def _all_of(denoise) -> Some:
    return lambda samples, levels: (denoise(samples, levels), np.ones(samples.shape, bool))


def _slope(run: Run, some: Some, noisy, levels, clean, turn: int) -> np.ndarray:
    """Mean derivative of the denoiser by tile, from one random probe (Ramani, Blu and Unser 2008)."""
    probe = np.random.default_rng(turn).integers(0, 2, noisy.shape, np.int8)
    probe += probe - np.int8(1)
    size = np.maximum(np.float32(0.1) * levels, np.float32(0.05))
    made, seen = some(noisy + size * probe, levels)
    moved = made - clean
    moved *= probe
    moved /= size
    moved[~seen] = 0
    counts = np.add.reduceat(seen.astype(np.int64), run.plain[:-1])
    slopes = np.add.reduceat(moved, run.plain[:-1]) / np.maximum(counts, 1)
    return np.clip(np.where(counts > 0, slopes, moved.sum() / counts.sum()), 0.005, 0.95)
