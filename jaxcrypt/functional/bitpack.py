"""Fields of unequal width, laid end to end without gaps: what a fixed-rate code is made of.

A block of indices ``q_1 … q_K`` with widths ``b_1 … b_K``, ``sum b_k = 8 n``, becomes n bytes: each index
with its most significant bit first, one after the other, cut into bytes.
"""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np


def _places(widths: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """For every bit of a block: the field that it belongs to, and its place value as a shift."""
    if sum(widths) % 8 or min(widths) < 1:
        raise ValueError(f"widths {tuple(widths)}: each at least 1, together whole bytes")
    field = np.repeat(np.arange(len(widths)), widths)
    shift = np.concatenate([np.arange(width)[::-1] for width in widths])
    return field, shift


def pack(indices: jax.Array, widths: Sequence[int]) -> jax.Array:
    """Indices ``[..., K]``, ``0 <= q_k < 2^b_k``, to uint8 ``[..., sum(widths) / 8]``, exactly."""
    field, shift = _places(widths)
    bits = (indices[..., field] >> jnp.asarray(shift, indices.dtype)) & 1
    octets = bits.reshape(*bits.shape[:-1], -1, 8)
    return (octets << jnp.arange(7, -1, -1, dtype=indices.dtype)).sum(-1).astype(jnp.uint8)


def unpack(packed: jax.Array, widths: Sequence[int]) -> jax.Array:
    """The inverse of :func:`pack`: int32 ``[..., K]``. Every byte string is a valid code."""
    _, shift = _places(widths)
    bits = (packed[..., None].astype(jnp.int32) >> jnp.arange(7, -1, -1, dtype=jnp.int32)) & 1
    bits = bits.reshape(*packed.shape[:-1], -1) << jnp.asarray(shift, jnp.int32)
    starts = np.concatenate([[0], np.cumsum(widths)[:-1]])
    return jnp.add.reduceat(bits, starts, axis=-1)
