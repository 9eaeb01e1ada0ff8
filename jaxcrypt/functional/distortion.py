"""Damage that pictures meet, as functions with gradients: to train what must outlive it.

Pictures are float32 ``[B, H, W, 3]`` in [-1, 1], sides multiples of 16; what comes out is neither clipped nor
rounded to 8 bits. Each function is a pure function of arrays, for jit and vmap; :func:`distort` picks one at
random.

JPEG rounds colours, whose gradient passes straight through, and DCT coefficients, for which the backward pass
takes

    d round(x) / dx  ~  3 (x - round(x))^2

(Shin and Song, *JPEG-resistant adversarial images*, 2017): a coefficient that rounds to zero from near zero
gets next to no gradient, so that a net learns not to write where JPEG erases. All else is linear.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import numpy as np

from jaxcrypt.errors import usage
from jaxcrypt.functional.jpeg import CHROMA, LUMA, TO_YCC, blocks, unblocks
from jaxcrypt.functional.rng import streams

_LEVEL = 1 / 127.5  # one grey level
_RADIUS = 4  # of the blur's window
_SCALES = (0.5, 0.625, 0.75, 0.875)
_FROM_YCC = np.linalg.inv(TO_YCC).astype(np.float32)


def jpeg(x: jax.Array, quality: jax.Array) -> jax.Array:
    """A baseline JPEG at 4:2:0, as libjpeg writes and reads it, of every picture.

    Args:
      x: the pictures.
      quality: int32 scalar, 1 to 100; may be traced.
    """
    planes = jnp.einsum("pc,...c->...p", TO_YCC, x / _LEVEL - 0.5, precision="highest")
    planes = planes + jax.lax.stop_gradient(jnp.round(planes) - planes)
    luma, chroma = planes[..., :1], planes[..., 1:]
    steps = _tables(quality)
    luma = _quantised(luma, steps[:1])
    chroma = _quantised(_halve(_halve(chroma, 1), 2), steps[1:])
    planes = jnp.concatenate([luma, _grow(_grow(chroma, 1), 2)], axis=-1)
    return (jnp.einsum("cp,...p->...c", _FROM_YCC, planes, precision="highest") + 0.5) * _LEVEL


def _tables(quality: jax.Array) -> jax.Array:
    """:func:`jaxcrypt.functional.jpeg.tables` of a quality that may be traced: float32 ``[3, 64]``."""
    quality = jnp.asarray(quality, jnp.int32)
    scale = jnp.where(quality < 50, 5000 // quality, 200 - 2 * quality)
    return jnp.clip((np.stack([LUMA, CHROMA, CHROMA]) * scale + 50) // 100, 1, 255).astype(jnp.float32)


def _quantised(planes: jax.Array, steps: jax.Array) -> jax.Array:
    """Planes ``[B, H, W, P]`` about 0, in grey levels, after rounding of their coefficients; sides that are
    no multiples of 8 are continued by their last samples."""
    _, height, width, depth = planes.shape
    padded = jnp.pad(planes, ((0, 0), (0, -height % 8), (0, -width % 8), (0, 0)), mode="edge")
    shape = (*padded.shape[1:3], depth)
    rounded = jax.vmap(lambda one: unblocks(soft_round(blocks(one) / steps) * steps, shape))(padded)
    return jnp.clip(rounded[:, :height, :width], -128, 127)


@jax.custom_jvp
def soft_round(x: jax.Array) -> jax.Array:
    """The nearest whole number, with the derivative ``3 (x - round(x))^2``."""
    return jnp.round(x)


@soft_round.defjvp
def _soft_round_jvp(primals, tangents):
    (x,), (dx,) = primals, tangents
    nearest = jnp.round(x)
    return nearest, 3 * jnp.square(x - nearest) * dx


def _halve(x: jax.Array, axis: int) -> jax.Array:
    """Means of two neighbours along an axis of even length."""
    shape = (*x.shape[:axis], x.shape[axis] // 2, 2, *x.shape[axis + 1 :])
    return x.reshape(shape).mean(axis + 1)


def _grow(x: jax.Array, axis: int) -> jax.Array:
    """Twice as long along an axis, weights 3/4 and 1/4, as libjpeg does."""
    left, right = _shifted(x, 1, axis), _shifted(x, -1, axis)
    both = jnp.stack([3 * x + left, 3 * x + right], axis=axis + 1) / 4
    return both.reshape(*x.shape[:axis], 2 * x.shape[axis], *x.shape[axis + 1 :])


def _shifted(x: jax.Array, by: int, axis: int) -> jax.Array:
    """``out[i] = x[i - by]`` along an axis; the ends are continued."""
    places = jnp.clip(jnp.arange(x.shape[axis]) - by, 0, x.shape[axis] - 1)
    return jnp.take(x, places, axis=axis)


def noise(x: jax.Array, rng: jax.Array, levels: jax.Array) -> jax.Array:
    """White Gaussian noise of a standard deviation of ``levels`` grey levels."""
    return x + levels * _LEVEL * jax.random.normal(rng, x.shape)


def blur(x: jax.Array, sigma: jax.Array) -> jax.Array:
    """A Gaussian blur of ``sigma`` pixels, above 0 and up to 2; the borders are continued."""
    weights = jnp.exp(-0.5 * jnp.square(jnp.arange(_RADIUS + 1) / sigma))
    weights = weights / (weights[0] + 2 * weights[1:].sum())
    for axis in (1, 2):
        around = [_shifted(x, by, axis) + _shifted(x, -by, axis) for by in range(1, _RADIUS + 1)]
        x = weights[0] * x + sum(w * pair for w, pair in zip(weights[1:], around, strict=True))
    return x


def resize(x: jax.Array, scale: float) -> jax.Array:
    """Resized to ``scale`` (static, below 1) of its sides and back, bicubic."""
    return _along_sides(x, _down_and_back(x.shape[1], scale), _down_and_back(x.shape[2], scale))


def _down_and_back(side: int, scale: float) -> jax.Array:
    """What resizing there and back does to one axis: float32 ``[side, side]``."""
    small = max(int(side * scale), 1)
    down = jax.image.resize(jnp.eye(side), (small, side), "cubic")
    return jnp.matmul(jax.image.resize(jnp.eye(small), (side, small), "cubic"), down, precision="highest")


def _along_sides(x: jax.Array, rows: jax.Array, columns: jax.Array) -> jax.Array:
    return jnp.einsum("ij,bjkc,lk->bilc", rows, x, columns, precision="highest")


def crop(x: jax.Array, rng: jax.Array, share: float) -> jax.Array:
    """All but a rectangle, of ``share`` of each side and at a random place of each picture, turns grey."""
    batch, height, width, _ = x.shape
    starts = jax.random.uniform(rng, (2, batch, 1)) * (1 - share)
    inside = [
        (places >= start) & (places < start + share)
        for start, places in zip(starts, ((np.arange(n) + 0.5) / n for n in (height, width)), strict=True)
    ]
    return jnp.where(inside[0][:, :, None, None] & inside[1][:, None, :, None], x, 0.0)


def dropout(x: jax.Array, cover: jax.Array, rng: jax.Array, share: jax.Array) -> jax.Array:
    """A random ``share`` of the pixels are those of ``cover``."""
    return jnp.where(jax.random.bernoulli(rng, share, x.shape[:3])[..., None], cover, x)


# What training draws, by kind, from and to; strengths mean what they mean in jaxcrypt.pictures.damages.
STRENGTHS: dict[str, tuple[float, float]] = {
    "jpeg": (50, 95),
    "noise": (0.0, 8.0),
    "blur": (0.3, 1.0),
    "resize": (_SCALES[0], _SCALES[-1]),
    "crop": (0.75, 1.0),
    "dropout": (0.0, 0.1),
}


def _strength(rng: jax.Array, kind: str) -> jax.Array:
    return jax.random.uniform(rng, (), jnp.float32, *STRENGTHS[kind])


def _some_jpeg(x, cover, rng, draw):
    low, high = STRENGTHS["jpeg"]
    return jpeg(x, jax.random.randint(draw, (), low, high + 1))


def _some_resize(x, cover, rng, draw):
    index = jax.random.randint(draw, (), 0, len(_SCALES))
    rows, columns = (jnp.stack([_down_and_back(n, s) for s in _SCALES])[index] for n in x.shape[1:3])
    return _along_sides(x, rows, columns)


Distortion = Callable[[jax.Array, jax.Array, jax.Array, jax.Array], jax.Array]
KINDS: dict[str, Distortion] = {
    "none": lambda x, cover, rng, draw: x,
    "jpeg": _some_jpeg,
    "noise": lambda x, cover, rng, draw: noise(x, rng, _strength(draw, "noise")),
    "blur": lambda x, cover, rng, draw: blur(x, _strength(draw, "blur")),
    "resize": _some_resize,
    "crop": lambda x, cover, rng, draw: crop(x, rng, _strength(draw, "crop")),
    "dropout": lambda x, cover, rng, draw: dropout(x, cover, rng, _strength(draw, "dropout")),
}


def check_names(names: Sequence[str]) -> None:
    """Refuse the first name that is none of :data:`KINDS`."""
    for name in names:
        if name not in KINDS:
            raise usage(f"config.model.distortions={name}: unknown; choose of {', '.join(KINDS)}")


def distort(x: jax.Array, cover: jax.Array, rng: jax.Array, names: Sequence[str]) -> jax.Array:
    """One of the named kinds of damage, of a random strength, to the whole batch.

    Strengths are even over :data:`STRENGTHS`; resizing is to 4, 5, 6 or 7 eighths.

    Args:
      x, cover: the pictures, and those that they were made from.
      rng: one key.
      names: one or more of :data:`KINDS`, static; one that stands there twice is twice as likely.
    """
    which, draw, own = streams(rng, "which", "strength", "noise")
    index = jax.random.randint(which, (), 0, len(names))
    return jax.lax.switch(index, [KINDS[name] for name in names], x, cover, own, draw)
