"""The orthonormal Haar transform of pictures, as an exact change of layout.

One level maps each 2x2 block ``a b / c d`` of a channel to

    LL = (a + b + c + d) / 2,    HL = (a - b + c - d) / 2,
    LH = (a + b - c - d) / 2,    HH = (a - b - c + d) / 2

at half the size (Mallat, *A theory for multiresolution signal decomposition*, 1989). The map is symmetric
and its own inverse. Further levels are taken of all four bands (a wavelet packet), so that all lie on one
grid.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

HADAMARD = np.array([[1, 1, 1, 1], [1, -1, 1, -1], [1, 1, -1, -1], [1, -1, -1, 1]], np.float32) / 2


def haar(x: jax.Array, levels: int = 1) -> jax.Array:
    """float ``[B, H, W, C]``, sides multiples of ``2^levels``, to ``[B, H/2^l, W/2^l, C*4^l]``; LL comes
    first."""
    for _ in range(levels):
        batch, height, width, channels = x.shape
        x = x.reshape(batch, height // 2, 2, width // 2, 2, channels).transpose(0, 1, 3, 2, 4, 5)
        x = x.reshape(batch, height // 2, width // 2, 4, channels)
        x = jnp.einsum("kj,...jc->...kc", HADAMARD, x, precision="highest")
        x = x.reshape(batch, height // 2, width // 2, 4 * channels)
    return x


def inverse_haar(x: jax.Array, levels: int = 1) -> jax.Array:
    """The inverse of :func:`haar`."""
    for _ in range(levels):
        batch, height, width, depth = x.shape
        x = x.reshape(batch, height, width, 4, depth // 4)
        x = jnp.einsum("kj,...jc->...kc", HADAMARD, x, precision="highest")
        x = x.reshape(batch, height, width, 2, 2, depth // 4).transpose(0, 1, 3, 2, 4, 5)
        x = x.reshape(batch, 2 * height, 2 * width, depth // 4)
    return x
