"""The orthonormal fast Walsh-Hadamard transform: one small matrix product, and butterflies of radix 8.

A Sylvester Hadamard matrix of order b = p·q is H_p ⊗ H_q. The lowest 32 places of a row go through a product
with H_32; then every further factor of up to 8 is a few sums and differences of whole slices, one pass over
memory each. On CPUs that takes a third of the time of two products of order sqrt(b). It is its own inverse.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

_PRODUCT, _RADIX = 32, 8


def matrix(order: int) -> np.ndarray:
    """The Sylvester Hadamard matrix, float32 ``[order, order]`` of ±1; ``order`` is a power of two."""
    if order < 1 or order & (order - 1):
        raise ValueError(f"order {order}: wanted a power of two")
    h = np.ones((1, 1), np.float32)
    while h.shape[0] < order:
        h = np.block([[h, h], [h, -h]])
    return h


def transform(rows: jax.Array) -> jax.Array:
    """Transform every row: float32 ``[n, b]``, b a power of two, to float32 ``[n, b]``."""
    n, b = rows.shape
    inner = min(b, _PRODUCT)
    along = (((1,), (0,)), ((), ()))
    h = jnp.asarray(matrix(inner))
    x = lax.dot_general(rows.reshape(n * b // inner, inner), h, along, precision="highest")
    while inner < b:
        radix = min(b // inner, _RADIX)
        x = _butterflies(x.reshape(-1, radix, inner))
        inner *= radix
    return x.reshape(n, b) * np.float32(b**-0.5)


def _butterflies(x: jax.Array) -> jax.Array:
    """``[m, r, k]`` transformed along the middle axis, without a factor."""
    parts, radix, half = [x[:, i] for i in range(x.shape[1])], x.shape[1], 1
    while half < radix:
        pairs = [(i, i + half) for i in range(radix) if not i & half]
        for i, j in pairs:
            parts[i], parts[j] = parts[i] + parts[j], parts[i] - parts[j]
        half *= 2
    return jnp.stack(parts, axis=1)
