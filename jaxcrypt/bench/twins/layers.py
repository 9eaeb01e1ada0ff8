"""What the torch twins share: the layers of ``models/layers.py``, NHWC in and out.

A permuted view of a contiguous NHWC tensor is torch's channels_last. Parameters are looked up by path.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from jaxcrypt.bench.twins import Tensors
from jaxcrypt.functional.wavelet import HADAMARD


def conv(params: Tensors, path: str, x: torch.Tensor, stride: int = 1) -> torch.Tensor:
    """A convolution with Flax's SAME padding: sides are multiples of ``stride``."""
    kernel = params[f"{path}/kernel"]
    padding = (kernel.shape[-1] - stride + 1) // 2
    out = F.conv2d(x.permute(0, 3, 1, 2), kernel, params[f"{path}/bias"], stride=stride, padding=padding)
    return out.permute(0, 2, 3, 1)


def dense(params: Tensors, path: str, x: torch.Tensor) -> torch.Tensor:
    """A product, with its bias where it has one."""
    bias = params.get(f"{path}/bias")
    return F.linear(x, params[f"{path}/kernel"].t(), bias)


def residual(params: Tensors, path: str, x: torch.Tensor) -> torch.Tensor:
    """``models.layers.ResidualBlock``."""
    h = conv(params, f"{path}/Conv_0", x)
    return x + conv(params, f"{path}/Conv_1", F.relu(h))


def space_to_depth(x: torch.Tensor, factor: int) -> torch.Tensor:
    """``models.layers.space_to_depth``."""
    b, h, w, c = x.shape
    x = x.reshape(b, h // factor, factor, w // factor, factor, c).permute(0, 1, 3, 2, 4, 5)
    return x.reshape(b, h // factor, w // factor, factor * factor * c)


def depth_to_space(x: torch.Tensor, factor: int) -> torch.Tensor:
    """``models.layers.depth_to_space``."""
    b, h, w, d = x.shape
    c = d // (factor * factor)
    x = x.reshape(b, h, w, factor, factor, c).permute(0, 1, 3, 2, 4, 5)
    return x.reshape(b, h * factor, w * factor, c)


def haar(x: torch.Tensor, levels: int, hadamard: torch.Tensor) -> torch.Tensor:
    """``functional.wavelet.haar``; ``hadamard`` as :func:`hadamard_on` gives it."""
    for _ in range(levels):
        b, h, w, c = x.shape
        x = space_to_depth(x, 2).reshape(b, h // 2, w // 2, 4, c)
        x = (hadamard @ x).reshape(b, h // 2, w // 2, 4 * c)
    return x


def inverse_haar(x: torch.Tensor, levels: int, hadamard: torch.Tensor) -> torch.Tensor:
    """``functional.wavelet.inverse_haar``."""
    for _ in range(levels):
        b, h, w, d = x.shape
        x = depth_to_space((hadamard @ x.reshape(b, h, w, 4, d // 4)).reshape(b, h, w, d), 2)
    return x


@functools.cache
def hadamard_on(device: str) -> torch.Tensor:
    """The matrix of one level of the Haar transform."""
    return torch.from_numpy(np.array(HADAMARD)).to(device)


def passed(value: torch.Tensor, shown: torch.Tensor) -> torch.Tensor:
    """``shown``, with the gradient of ``value``."""
    return value + (shown - value).detach()


def unit(levels: torch.Tensor) -> torch.Tensor:
    """Grey levels to [-1, 1]."""
    return levels.float() / 127.5 - 1


class _Rounded(torch.autograd.Function):
    """See ``systems.stego.networks.rounded``."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(x)
        return unit(torch.clamp(torch.round((x + 1) * 127.5), 0, 255))

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:
        (x,) = ctx.saved_tensors
        outwards = ((x > 1) & (gradient < 0)) | ((x < -1) & (gradient > 0))
        return torch.where(outwards, 0, gradient)


def rounded(x: torch.Tensor) -> torch.Tensor:
    """What an 8-bit picture keeps of ``x`` in [-1, 1]; its gradient takes what is clipped no further out."""
    return _Rounded.apply(x)
