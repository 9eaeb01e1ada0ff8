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
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from jaxcrypt.functional import mixing
from jaxcrypt.systems.drivers.tiles import over_tiles
from jaxcrypt.systems.mixing import keyed_of

_CLAIM = (
    0.05  # relative error of the noise level that a pass claims; pilots measure it with 1 / sqrt(2 pilots)
)

_DIVERGED = 1.1  # a pass with that many times the noise power of the one before is not taken


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

    def tiles(self, data: np.ndarray, bounds: tuple[int, ...]) -> dict[str, np.ndarray]:
        count = len(bounds) - 1
        cut = np.zeros((count, self.size), np.float32)
        for row, start, end in zip(cut, bounds, bounds[1:], strict=False):
            row[: end - start] = data[start:end]
        return {
            "data": cut,
            "subkey": np.broadcast_to(self.subkey, (count, 8)),
            "index": np.arange(self.first, self.first + count, dtype=np.uint32),
            "plain_length": np.diff(self.plain).astype(np.int32),
            "cipher_length": np.diff(self.cipher).astype(np.int32),
            "flat": np.asarray(self.spread) == 0,
        }

    def join(self, cut, bounds: tuple[int, ...]) -> np.ndarray:
        rows = np.asarray(cut)
        return np.concatenate([row[: b - a] for row, a, b in zip(rows, bounds, bounds[1:], strict=False)])

    def by_sample(self, values: np.ndarray) -> np.ndarray:
        """``[k]`` to one value for each sample."""
        return np.repeat(np.asarray(values, np.float32), np.diff(self.plain))

    def standard(self, samples: np.ndarray) -> np.ndarray:
        return (samples - self.by_sample(self.mean)) / np.maximum(self.by_sample(self.spread), 1e-3)

    def plain_of(self, standard: np.ndarray) -> np.ndarray:
        return self.by_sample(self.mean) + self.by_sample(self.spread) * standard

    def mix(self, standard: np.ndarray) -> np.ndarray:
        """Standardised samples to mixed symbols; the pilots are put in."""
        return self.join(_mix(self.tiles(standard, self.plain), self.rounds), self.cipher)

    def unmix(self, symbols: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Symbols to standardised samples, and the pilots' mean square error, ``[k]``."""
        samples, errors = _unmix(self.tiles(symbols, self.cipher), self.rounds)
        return self.join(samples, self.plain), np.asarray(errors)

    def dither(self) -> np.ndarray:
        empty = self.tiles(np.zeros(0, np.float32), (0,) * len(self.plain))
        return self.join(_dither(empty, self.rounds), self.cipher)

    @property
    def pilots(self) -> np.ndarray:
        return np.diff(self.cipher) - np.diff(self.plain)


def mix_tile(tile, rounds: int):
    """Standardised samples of one tile to mixed symbols; its pilots are put in, and its fill if it is
    ``flat``."""
    keyed = keyed_of(tile, rounds)
    position = jnp.arange(tile["data"].shape[0], dtype=jnp.int32)
    samples = jnp.where(tile["flat"], keyed.fill, tile["data"]) if "flat" in tile else tile["data"]
    samples = jnp.where(position < tile["plain_length"], samples, keyed.pilots)
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


def _over_tiles(function):
    return jax.jit(
        lambda tiles, rounds: over_tiles(partial(function, rounds=rounds), tiles), static_argnums=1
    )


_mix, _unmix, _dither = map(_over_tiles, (mix_tile, unmix_tile, dither_tile))


def level(claimed: float, measured: np.ndarray, pilots: np.ndarray) -> np.ndarray:
    """Standard deviation of the noise by tile, ``[k]``: the claimed variance and the pilots', weighed."""
    trust = 2 * pilots / (2 * pilots + _CLAIM**-2)
    return np.sqrt(np.maximum((1 - trust) * claimed + trust * measured, 1e-9))


def decode(
    run: Run,
    receive: Callable[[np.ndarray, float], tuple[np.ndarray, float]],
    denoise: Callable[[np.ndarray, np.ndarray], np.ndarray],
    passes: int,
    progress: Callable[[float], None] | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Decode by turns.

    Args:
      receive: ``(prior mean [m], prior variance) -> (symbols [m], variance)``, extrinsic; the prior of the
        start
        is the standard normal.
      denoise: ``(samples [n], levels [n]) -> samples [n]``, in grey levels.

    Returns:
      Clean samples, noisy samples of the last pass (both float32 ``[n]``, grey levels), and the noise level
      of those by tile, ``[k]``, in grey levels.
    """
    prior, variance = np.zeros(run.cipher[-1], np.float32), 1.0
    best = None
    for turn in range(passes):
        symbols, claimed = receive(prior, variance)
        standard, measured = run.unmix(symbols)
        sigma = level(claimed, measured, run.pilots)
        if best is not None and np.mean(sigma**2) > _DIVERGED * np.mean(best[2] ** 2):
            break  # what the denoiser made of so much noise helped no further
        noisy = run.plain_of(standard)
        levels = run.by_sample(sigma * run.spread)
        clean = denoise(noisy, levels)
        best = clean, noisy, sigma
        if turn + 1 < passes:
            slope = _slope(run, denoise, noisy, levels, clean, turn)
            ours = run.by_sample(slope)
            prior = run.mix(run.standard((clean - ours * noisy) / (1 - ours)))
            variance = float(np.mean(sigma**2 * slope / (1 - slope)))
        if progress is not None:
            progress((turn + 1) / passes)
    clean, noisy, sigma = best
    return clean, noisy, sigma * run.spread


def _slope(run: Run, denoise, noisy, levels, clean, turn: int) -> np.ndarray:
    """Mean derivative of the denoiser by tile, from one random probe (Ramani, Blu and Unser 2008)."""
    probe = np.random.default_rng(turn).choice(np.float32([-1, 1]), size=noisy.shape)
    size = np.maximum(0.1 * levels, 0.05)
    moved = (denoise(noisy + size * probe, levels) - clean) * probe / size
    slopes = np.add.reduceat(moved, run.plain[:-1]) / np.diff(run.plain)
    return np.clip(slopes, 0.005, 0.95)
