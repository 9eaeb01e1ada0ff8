"""Latents from faces: a learned estimate, then Gauss-Newton through the generator itself.

A face is x = G(z) + n with n from rounding to 8 bits or worse. From the extractor E's estimate,

    z <- z + E(x) - E(G(z))                                   a few times: E is nearly G's inverse
    z <- z + (J'J + s^2)^-1 (J'(x - G(z)) - s^2 z),  J = dG/dz     a few times with one J

and again with a new J for the few faces that have not settled by then,

where s is the deviation of n, taken from what is left of x - G(z), and the last term is the prior N(0, 1).
What remains uncertain of each latent follows too: the diagonal of s^2 (J'J + s^2)^-1.

There are 12,288 samples for 100 unknowns, so white rounding errors average out: what is left is far below a
grey level. J is nearly all of the work. It takes every sample: a few hundred of them in patches, from which J
would cost a quarter, leave directions of z unseen, and scattered ones save nothing, since their receptive
fields cover the face. All arithmetic asks for the highest precision that the device has.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxcrypt.functional.levels import to_floats
from jaxcrypt.models.dcgan import SIDE
from jaxcrypt.systems.dcgan.training import Nets
from jaxcrypt.systems.drivers.host import cores

BATCH = 16  # faces that go through the nets at a time
LEVEL = 1 / 127.5  # one grey level
_DIRECTIONS = 25  # of z that go through the generator's derivative at a time: their features fit a cache
_THREADS = 8  # at most, on a CPU: one call computes on little more than one core
_FACES = 4  # that do so on an accelerator at a time
_GUESSES = 6  # corrections by the extractor
_STEPS = 4  # with one Jacobian
_ROUNDS = 3  # Jacobians, at most
_LEAST = LEVEL * 12**-0.5  # deviation of rounding to 8 bits
_FAR = 0.5  # the longest step of a latent
_SETTLED = 0.1  # of a latent's own deviation: a smaller step changes nothing


@dataclass(frozen=True)
class Reading:
    """What faces say of their latents.

    Attributes:
      z, sigma: float32 ``[N, latent]``: estimates, and the standard deviations of their errors.
      other: as ``z``, with the last step computed by the generator in another way, where that is asked for.
      noise: float32 ``[N]``: deviation of the faces from what the generator makes of z, in grey levels.
    """

    z: np.ndarray
    sigma: np.ndarray
    noise: np.ndarray
    other: np.ndarray | None = None


def read(
    of: Nets,
    variables: Any,
    pixels: np.ndarray,
    progress: Callable[[float], None] | None = None,
    batch: int = BATCH,
    twice: bool = False,
) -> Reading:
    """Read the latents of faces, uint8 ``[N, 64, 64, 3]``, ``batch`` at a time; ``twice``: by a second
    computation, too.

    Which faces go together changes what is read by no more than float rounding does.
    """
    parts = []
    for start, faces in batches(pixels, batch):
        count = min(batch, len(pixels) - start)
        parts.append([part[:count] for part in _read(of, variables, to_floats(faces), count, twice)])
        if progress is not None:
            progress(min(1.0, (start + batch) / len(pixels)))
    if not parts:
        return Reading(*(np.zeros(s, np.float32) for s in ((0, of.latent), (0, of.latent), (0,))))
    return Reading(*(np.concatenate(each) for each in zip(*parts, strict=True)))


def batches(rows: np.ndarray, size: int = BATCH) -> Iterator[tuple[int, np.ndarray]]:
    """``(start, rows)`` of ``size`` at a time; the last ones are filled up with copies of the first row, so
    that every program is compiled once."""
    for start in range(0, len(rows), size):
        part = rows[start : start + size]
        yield start, np.concatenate([part, np.repeat(part[:1], size - len(part), axis=0)])


def _read(of: Nets, variables: Any, x: jax.Array, count: int, twice: bool) -> list[np.ndarray]:
    """``z``, ``sigma``, ``noise`` and perhaps ``other``; faces after ``count`` are copies of the first."""
    z, slopes, unsettled = _guess(of, variables, x), None, np.arange(count)
    for _ in range(_ROUNDS):
        slopes = _renewed(of, variables, z, slopes, unsettled, count)
        square = program(_square, of)(slopes)
        for _ in range(_STEPS):
            z, move, sigma, noise = program(_step, of)(variables, x, z, slopes, square)
        moved = np.mean(np.square(np.asarray(move / sigma)), axis=1)[:count]
        unsettled = np.flatnonzero(~(moved < _SETTLED**2))  # what is no number has not settled
        if not len(unsettled):
            break
    read = [z, sigma, noise / LEVEL]
    if twice:
        otherwise = replace(of, generator=of.generator.clone(direct=True))
        read.append(program(_step, otherwise)(variables, x, z, slopes, square)[0])
    return [np.asarray(part) for part in read]


def _guess(of: Nets, variables: Any, x: jax.Array) -> jax.Array:
    """The best of several estimates by the extractor, each corrected by what the one before left."""
    wanted = program(extract, of)(variables, x)
    z, best, least = wanted, wanted, jnp.full(x.shape[:1], jnp.inf)
    for _ in range(_GUESSES):
        z, best, least = program(_correct, of)(variables, x, wanted, z, best, least)
    return best


@functools.cache
def program(function: Callable, of: Nets) -> Callable:
    """``function(of, …)`` compiled, at the highest precision."""

    def run(*args):
        with jax.default_matmul_precision("highest"):
            return function(of, *args)

    return jax.jit(run)


def generate(of: Nets, variables: Any, z: jax.Array) -> jax.Array:
    """float32 ``[B, latent]`` to faces float32 ``[B, 64, 64, 3]`` in [-1, 1]."""
    stored = {"params": variables["params"]["generator"], **variables["extra"]["generator"]}
    return of.generator.apply(stored, z)


def extract(of: Nets, variables: Any, x: jax.Array) -> jax.Array:
    """The extractor's estimate of the latents of faces float32 ``[B, 64, 64, 3]`` in [-1, 1]."""
    return of.extractor.apply({"params": variables["params"]["extractor"]}, x)


def _correct(of: Nets, variables: Any, x, wanted, z, best, least):
    made = generate(of, variables, z)
    error = jnp.mean(jnp.square(x - made), axis=(1, 2, 3))
    better = error < least
    best, least = jnp.where(better[:, None], z, best), jnp.where(better, error, least)
    return z + wanted - extract(of, variables, made), best, least


def _renewed(of: Nets, variables: Any, z: jax.Array, slopes: Any, faces: np.ndarray, count: int) -> jax.Array:
    """dG/dz at ``[B, latent]``, float32 ``[B, latent, 64 * 64 * 3]``: anew at the faces named (first all),
    the others as they are; those after ``count`` are copies of the first."""
    if jax.default_backend() != "cpu":  # as many at once as keep an accelerator busy
        new = program(slopes_of_all, of)(variables, z)
        chosen = np.isin(np.arange(len(z)), faces)[:, None, None]
        return new if slopes is None else jnp.where(chosen, new, slopes)
    rows = [None] * count if slopes is None else list(slopes[:count])
    rows[faces[0]] = slopes_at(of, variables, z[faces[0]])  # alone: the first may have to compile
    with ThreadPoolExecutor(min(_THREADS, cores())) as pool:
        others = pool.map(lambda index: slopes_at(of, variables, z[index]), faces[1:])
        for index, row in zip(faces[1:], others, strict=True):
            rows[index] = row
    return jnp.stack(rows + rows[:1] * (len(z) - count))


def slopes_at(of: Nets, variables: Any, z: jax.Array) -> jax.Array:
    """dG/dz at one ``[latent]``: float32 ``[latent, 64 * 64 * 3]``."""
    parts = [
        program(_slopes, of)(variables, z, rows)
        for _, rows in batches(np.eye(of.latent, dtype=np.float32), _DIRECTIONS)
    ]
    return jnp.concatenate(parts)[: of.latent]


def slopes_of_all(of: Nets, variables: Any, z: jax.Array) -> jax.Array:
    """As :func:`slopes_at` at each of ``[B, latent]``, a few faces at a time."""
    every = jnp.eye(of.latent)
    return jax.lax.map(lambda one: _slopes(of, variables, one, every), z, batch_size=_FACES)


def _slopes(of: Nets, variables: Any, z: jax.Array, directions: jax.Array) -> jax.Array:
    """The derivative at one ``[latent]`` along ``[D, latent]``: float32 ``[D, 64 * 64 * 3]``."""
    _, tangent = jax.linearize(lambda z: generate(of, variables, z[None])[0].reshape(-1), z)
    return jax.vmap(tangent)(directions)


def _square(of: Nets, slopes: jax.Array) -> jax.Array:
    """J'J of each face: float32 ``[B, latent, latent]``."""
    return jnp.einsum("bdn,ben->bde", slopes, slopes)


def _step(of: Nets, variables: Any, x, z, slopes, square):
    """The latents after a step, the step, the deviations of their errors, and of the faces from what was
    there before."""
    left = (x - generate(of, variables, z)).reshape(x.shape[0], -1)
    noise = jnp.sqrt(jnp.sum(left**2, axis=1) / (SIDE * SIDE * 3 - of.latent))
    power = jnp.maximum(noise, _LEAST)[:, None] ** 2
    inverse = jnp.linalg.inv(square + power[..., None] * jnp.eye(of.latent))
    move = jnp.einsum("bde,be->bd", inverse, jnp.einsum("bdn,bn->bd", slopes, left) - power * z)
    sigma = jnp.sqrt(power * jnp.diagonal(inverse, axis1=1, axis2=2))
    return z + jnp.clip(move, -_FAR, _FAR), move, sigma, noise
