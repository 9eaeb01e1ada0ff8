"""What JPEG does to noise, and what it still says about it.

A baseline JPEG (ITU-T T.81) turns RGB into Y, Cb, Cr (JFIF), each 8×8 block into DCT coefficients, and rounds
coefficient f of plane p to a multiple of the step q[p, f]. A cipher picture is noise, so nearly no
coefficient is rounded to zero, and the multiples stand out: :func:`find_quality` reads the steps from the
pixels alone, among the tables that libjpeg scales by its quality (Annex K). Knowing the steps, a coefficient
is known to lie in its cell, which is worth far more than "the picture is noisy": fine cells count, coarse
ones nearly do not.
"""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import log_ndtr, ndtr

from jaxcrypt.functional import dct

# fmt: off
LUMA = np.array([
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55,
    14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51, 87, 80, 62,
    18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92,
    49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
])
CHROMA = np.array([
    17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99,
    24, 26, 56, 99, 99, 99, 99, 99, 47, 66, 99, 99, 99, 99, 99, 99,
    *[99] * 32,
])
# fmt: on
TO_YCC = np.array(
    [[0.299, 0.587, 0.114], [-0.168735892, -0.331264108, 0.5], [0.5, -0.418687589, -0.081312411]], np.float32
)
_QUALITIES = range(5, 98)
_EVIDENCE = 1.0  # summed over 64 or 192 coefficients; noise that met no JPEG stays below 0.2


def tables(quality: int) -> np.ndarray:
    """Steps at libjpeg's ``quality`` (1 to 100): float32 [3, 64], planes Y, Cb, Cr, row by row."""
    scale = 5000 // quality if quality < 50 else 200 - 2 * quality
    scaled = [np.clip((t * scale + 50) // 100, 1, 255) for t in (LUMA, CHROMA, CHROMA)]
    return np.stack(scaled).astype(np.float32)


_DCT = dct.basis(8).astype(np.float32)


@jax.jit
def blocks(plane: jax.Array) -> jax.Array:
    """float32 [H, W, C], H and W multiples of 8, to orthonormal DCT coefficients [H/8·W/8, C, 64]."""
    h, w, c = plane.shape
    cut = plane.reshape(h // 8, 8, w // 8, 8, c)
    return jnp.einsum("ui,aibjc,vj->abcuv", _DCT, cut, _DCT, precision="highest").reshape(-1, c, 64)


@partial(jax.jit, static_argnames="shape")
def unblocks(coefficients: jax.Array, shape: tuple[int, int, int]) -> jax.Array:
    """The inverse of :func:`blocks`; ``shape`` is (H, W, C)."""
    h, w, c = shape
    cut = coefficients.reshape(h // 8, w // 8, c, 8, 8)
    return jnp.einsum("ui,abcuv,vj->aibjc", _DCT, cut, _DCT, precision="highest").reshape(h, w, c)


@jax.jit
def to_planes(pixels: jax.Array) -> jax.Array:
    """RGB float32 [..., 3] in [0, 255] to Y, Cb, Cr less 128 (Cb, Cr centred on 0); grey [..., 1] less
    128."""
    centred = pixels - 128.0
    return (
        centred
        if pixels.shape[-1] == 1
        else jnp.einsum("pc,...c->...p", TO_YCC, centred, precision="highest")
    )


def clip_gain(steps: np.ndarray) -> float:
    """How much clipping to 0..255 shrinks decoded uniform noise: E[v clip(v)] / E[v²], v = byte + rounding
    error.

    Clipping v is g·v plus an error that v does not predict; so the multiples appear at g times the steps.
    """
    back = np.ones((1, 1)) if len(steps) == 1 else np.linalg.inv(TO_YCC)
    error = np.sqrt(np.mean(back**2 @ np.mean(steps**2 / 12, axis=1)))
    v = (np.arange(256) - 127.5)[:, None] + error * np.linspace(-4, 4, 81)
    weight = np.exp(-0.5 * np.linspace(-4, 4, 81) ** 2)
    return float(np.sum(weight * v * np.clip(v, -127.5, 127.5)) / np.sum(weight * v * v))


@jax.jit
def _evidence(c: jax.Array, gain: jax.Array, steps: jax.Array) -> jax.Array:
    """Log likelihood ratio, a scalar, of "blurred multiples of ``steps``" [P, 64] to "normal", of c / gain,
    c [N, P, 64]."""
    c = c / gain
    nearest = steps * jnp.round(c / steps)
    blur = jnp.sqrt(jnp.mean((c - nearest) ** 2, axis=0)) + 0.1
    spread = jnp.sqrt(jnp.mean(c**2, axis=0)) + 0.1
    cell = ndtr((jnp.abs(nearest) + steps / 2) / spread) - ndtr((jnp.abs(nearest) - steps / 2) / spread)
    lattice = jnp.log(cell + 1e-6) - 0.5 * ((c - nearest) / blur) ** 2 - jnp.log(blur)
    normal = -0.5 * (c / spread) ** 2 - jnp.log(spread)
    return jnp.sum(jnp.mean(lattice - normal, axis=0))


@jax.jit
def _spectrum(pixels: jax.Array) -> jax.Array:
    return blocks(to_planes(pixels))


def find_quality(pixels: np.ndarray, clipped: bool = True) -> int | None:
    """libjpeg's quality that a noise picture went through at full chroma, or None.

    Args:
      pixels: uint8 [H, W, C], C 1 or 3, on the 8×8 grid of the JPEG; only whole blocks, and of a large
        picture
        only the first 2,048, are looked at.
      clipped: whether the bytes fill 0..255 evenly, so that what JPEG adds is often clipped.
    """
    h, w = (side // 8 * 8 for side in pixels.shape[:2])
    if h * w < 64 * 16:
        return None
    c = _spectrum(np.asarray(pixels[: min(h, _rows(w)), :w], np.float32))

    def score(quality: int, share: float) -> float:
        steps = tables(quality)[: c.shape[1]]
        gain = clip_gain(steps) ** share if clipped else 1.0
        return float(_evidence(c, gain, steps))

    coarse = {quality: score(quality, 0.9) for quality in _QUALITIES}
    best = max(coarse, key=coarse.get)
    if coarse[best] < _EVIDENCE:
        return None
    # Coarse steps round less than the model of the clipping says; the tables' own rounding tells which.
    near = [q for q in range(best - 4, best + 5) if q in _QUALITIES]
    return max(near, key=lambda q: max(score(q, share) for share in np.arange(0.5, 1.04, 0.03)))


def _rows(width: int) -> int:
    return max(8, 2048 * 64 // width // 8 * 8)


@jax.jit
def in_cell(mean: jax.Array, variance: jax.Array, centre: jax.Array, step: jax.Array):
    """Mean and variance of N(mean, variance) given that the value lies within ``step / 2`` of ``centre``."""
    s = jnp.sqrt(variance)
    a, b = (centre - step / 2 - mean) / s, (centre + step / 2 - mean) / s
    flip = a + b > 0  # work in the lower tail, where log_ndtr is exact
    a, b = jnp.where(flip, -b, a), jnp.where(flip, -a, b)
    log_mass = log_ndtr(b) + jnp.log1p(-jnp.exp(jnp.minimum(log_ndtr(a) - log_ndtr(b), -1e-7)))
    density = lambda t: jnp.exp(-0.5 * t * t - 0.918938533 - log_mass)  # noqa: E731
    pa, pb = density(a), density(b)
    shift = pa - pb
    spread = 1 + a * pa - b * pb - shift**2
    shift = jnp.where(flip, -shift, shift)
    posterior = jnp.clip(mean + s * shift, centre - step / 2, centre + step / 2)
    return posterior, variance * jnp.clip(spread, 1e-4, 1.0)


def cells(pixels: jax.Array, steps: np.ndarray) -> jax.Array:
    """The multiples of ``steps`` [P, 64] that decoded pixels, float32 [H, W, P] in 0..255, came from: [N, P,
    64]."""
    return jnp.asarray(steps) * jnp.round(blocks(to_planes(pixels)) / clip_gain(steps) / steps)


@partial(jax.jit, static_argnames="shape")
def refine(
    mean: jax.Array, variance: jax.Array, centres: jax.Array, steps: jax.Array, shape: tuple[int, int, int]
) -> tuple[jax.Array, jax.Array]:
    """What the cells say about pixels of which N(mean, variance) was known before.

    In every block, coefficient f of the planes is normal a priori and lies within its cell; the cells of the
    three planes together are then a linear observation of the three colours.

    Args:
      mean: float32 [H, W, C], bytes; variance: scalar; centres: from :func:`cells`; steps: [P, 64]; shape:
        (H, W, C).

    Returns:
      float32 [H, W, C] and the scalar variance of its error: the extrinsic estimate.
    """
    mix = jnp.asarray(TO_YCC) if shape[2] == 3 else jnp.ones((1, 1), jnp.float32)
    colours = blocks(mean - 128.0)
    prior = jnp.einsum("pc,ncf->npf", mix, colours, precision="highest")
    spread = (variance * jnp.sum(mix**2, axis=1))[None, :, None]
    value, error = in_cell(prior, spread, centres, steps + 1.0)  # 1: the rounding of pixels and planes
    error = jnp.mean(error, axis=0, keepdims=True)
    noise = 1 / jnp.maximum(1 / error - 1 / spread, 1e-9)
    seen = noise * (value / error - prior / spread)
    weight = 1 / noise[0]
    precision = jnp.eye(shape[2]) / variance + jnp.einsum(
        "pc,pf,pd->fcd", mix, weight, mix, precision="highest"
    )
    covariance = jnp.linalg.inv(precision)
    pull = colours / variance + jnp.einsum("pc,npf,pf->ncf", mix, seen, weight, precision="highest")
    better = unblocks(jnp.einsum("fcd,ndf->ncf", covariance, pull, precision="highest"), shape) + 128.0
    left = jnp.mean(jnp.diagonal(covariance, axis1=1, axis2=2), axis=0)  # by colour
    left = jnp.minimum(left, 0.9999 * variance)
    each = 1 / (1 / left - 1 / variance)
    return each * (better / left - mean / variance), jnp.mean(each)
