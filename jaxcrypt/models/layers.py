"""Blocks that several nets share: space-to-depth, depth-to-space and the residual block.

All take and give float arrays NHWC. Convolutions and products compute, and give, in the dtype of
their kernels.
"""

from __future__ import annotations

from typing import Any

import jax
from flax import linen as nn
from jax.ad_checkpoint import checkpoint_name

KEPT = "between blocks"
_LAYOUT = ("NHWC", "HWIO", "NHWC")


def _as_kernel(*arrays: jax.Array | None, dtype: Any = None, inexact: bool = True) -> list[Any]:
    """Inputs, kernel and bias in the kernel's dtype."""
    kernel = arrays[1]
    return [None if array is None else array.astype(kernel.dtype) for array in arrays]


@jax.custom_jvp
def pointwise(x: jax.Array, kernel: jax.Array) -> jax.Array:
    """A 1x1 convolution, NHWC and HWIO, whose derivatives are products: XLA's convolution for the gradient of
    such a kernel takes a CPU up to twenty times as long. What comes out is the convolution's, bit by bit."""
    return jax.lax.conv_general_dilated(x, kernel, (1, 1), "VALID", dimension_numbers=_LAYOUT)


@pointwise.defjvp
def _pointwise_jvp(primals, tangents):
    (x, kernel), (moved, changed) = primals, tangents
    return pointwise(x, kernel), moved @ kernel[0, 0] + x @ changed[0, 0]


def _convolve(x: jax.Array, kernel: jax.Array, strides: Any, padding: Any, **named: Any) -> jax.Array:
    """``lax.conv_general_dilated`` as Flax calls it; by :func:`pointwise` where that is the same, sooner."""
    plain = kernel.ndim == 4 and kernel.shape[:2] == (1, 1) and tuple(strides) == (1, 1)
    plain = plain and padding in ("SAME", "VALID") and kernel.shape[2] == x.shape[-1]
    if plain and jax.default_backend() == "cpu":
        return pointwise(x, kernel)
    return jax.lax.conv_general_dilated(x, kernel, strides, padding, **named)


class Conv(nn.Conv):
    """A convolution in the dtype of its kernel, float32 or bfloat16, whatever comes in.

    Flax would take the wider of the two, and a float32 picture would undo the trainer's ``precision``.
    """

    promote_dtype: Any = _as_kernel
    conv_general_dilated_cls: Any = lambda: _convolve


class Dense(nn.Dense):
    """A product in the dtype of its kernel, as :class:`Conv` is a convolution."""

    promote_dtype: Any = _as_kernel


def space_to_depth(x: jax.Array, factor: int) -> jax.Array:
    """``[B, H, W, C] -> [B, H/f, W/f, f*f*C]``: each ``f x f`` patch becomes one position, row first."""
    batch, height, width, channels = x.shape
    x = x.reshape(batch, height // factor, factor, width // factor, factor, channels)
    x = x.transpose(0, 1, 3, 2, 4, 5)
    return x.reshape(batch, height // factor, width // factor, factor * factor * channels)


def depth_to_space(x: jax.Array, factor: int) -> jax.Array:
    """``[B, H, W, f*f*C] -> [B, H*f, W*f, C]``: the inverse of :func:`space_to_depth`."""
    batch, height, width, depth = x.shape
    channels = depth // (factor * factor)
    x = x.reshape(batch, height, width, factor, factor, channels)
    x = x.transpose(0, 1, 3, 2, 4, 5)
    return x.reshape(batch, height * factor, width * factor, channels)


def kept(x: jax.Array) -> jax.Array:
    """``x`` as what the forward pass keeps under the trainer's ``remat``: the state between two blocks."""
    return checkpoint_name(x, KEPT)


class ResidualBlock(nn.Module):
    """``x + conv(relu(conv(x)))``; the second convolution starts at zero: the block starts as the identity.

    No normalisation: a reconstruction must keep each picture's own mean and contrast.
    """

    features: int

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        h = Conv(self.features, (3, 3))(x)
        h = Conv(self.features, (3, 3), kernel_init=nn.initializers.zeros)(nn.relu(h))
        return kept(x + h)
