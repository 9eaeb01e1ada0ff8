"""An orthonormal transform of colour pictures: one luminance, two colour differences, DCT of 16×16 blocks.

    c = D (K x) D^T for every block,    K = [1 1 1]/√3, [1 0 -1]/√2, [1 -2 1]/√6,    D the orthonormal DCT-II.

Being orthonormal it keeps squared errors, and white noise stays white. A picture of equal planes has
luminance alone.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from jaxcrypt.functional import dct

BLOCK = 16
PLANE = BLOCK * BLOCK  # coefficients of one plane of a block
COLOURS = np.array([[1, 1, 1], [1, 0, -1], [1, -2, 1]], np.float32)
COLOURS /= np.linalg.norm(COLOURS, axis=1, keepdims=True)


DCT = dct.basis(BLOCK).astype(np.float32)


def analyse(picture: jax.Array) -> jax.Array:
    """float32 ``[B, H, W, 3]``, sides multiples of 16, to coefficients ``[B, H/16, W/16, 768]``: plane by
    plane, rows of vertical frequency."""
    batch, height, width, planes = picture.shape
    cut = picture.reshape(batch, height // BLOCK, BLOCK, width // BLOCK, BLOCK, planes)
    mixed = jnp.einsum("pc,ui,zaibjc,vj->zabpuv", COLOURS, DCT, cut, DCT, precision="highest")
    return mixed.reshape(batch, height // BLOCK, width // BLOCK, planes * PLANE)


def synthesise(coefficients: jax.Array) -> jax.Array:
    """The inverse of :func:`analyse`."""
    batch, rows, columns, depth = coefficients.shape
    planes = depth // PLANE
    cut = coefficients.reshape(batch, rows, columns, planes, BLOCK, BLOCK)
    picture = jnp.einsum("pc,ui,zabpuv,vj->zaibjc", COLOURS, DCT, cut, DCT, precision="highest")
    return picture.reshape(batch, rows * BLOCK, columns * BLOCK, planes)
