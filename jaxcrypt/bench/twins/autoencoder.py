"""The torch twin of ``systems/autoencoder.py``; see there for what it computes, and why."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
import torch.nn.functional as F

PATCH, COARSE, FINE = 16, 8, 4  # as in models/autoencoder.py
CHANNELS = {"grey": 1, "colour": 3}


def losses(config: Any) -> dict[str, Callable]:
    """By phase the loss of the torch twin, as :mod:`jaxcrypt.bench.step` calls it."""
    return {name: _loss(name, config.model[name]) for name in CHANNELS}


def _loss(name: str, model: Any) -> Callable:
    widths = torch.tensor([2.0 ** int(bits) for bits in model.bits if int(bits)])
    channels, blocks = CHANNELS[name], (model.encoder_blocks, model.decoder_blocks)

    def loss(params: Mapping[str, torch.Tensor], batch: Mapping[str, torch.Tensor]) -> torch.Tensor:
        image = batch["image"].float()
        if channels == 1:
            image = torch.round(image @ torch.tensor([[0.299], [0.587], [0.114]]))
        x = image / 127.5 - 1
        y = _encode(params, f"{name}/encoder", x, blocks[0])
        index = torch.clamp(torch.floor((y + 1) / 2 * widths), torch.zeros(()), widths - 1)
        back = _decode(params, f"{name}/decoder", y + ((2 * index + 1) / widths - 1 - y).detach(), blocks[1])
        return torch.mean(torch.square(back - x))

    return loss


def _encode(params, net, x, blocks):
    u = _space_to_depth(x, PATCH) @ params[f"{net}/linear"] + params[f"{net}/offset"]
    h = _conv(params, f"{net}/Conv_0", _space_to_depth(x, FINE))
    for index in range(blocks):
        h = _residual(params, f"{net}/ResidualBlock_{index}", h)
    h = _conv(params, f"{net}/Conv_1", _space_to_depth(F.relu(h), COARSE // FINE))
    h = _residual(params, f"{net}/ResidualBlock_{blocks}", h)
    h = _space_to_depth(h, PATCH // COARSE)
    h = _conv(params, f"{net}/Conv_2", F.relu(h))
    scale = torch.exp(params[f"{net}/log_scale"])
    u = u + scale * h
    return torch.sign(u) * -torch.expm1(-torch.abs(u) / scale)


def _decode(params, net, y, blocks):
    scale = torch.exp(params[f"{net}/log_scale"])
    u = -scale * torch.sign(y) * torch.log1p(-torch.abs(y))
    draft = _depth_to_space(u @ params[f"{net}/linear"], PATCH)
    h = _depth_to_space(_conv(params, f"{net}/Conv_0", y), PATCH // COARSE)
    for index in range(2):
        h = _residual(params, f"{net}/ResidualBlock_{index}", h)
    h = _depth_to_space(_conv(params, f"{net}/Conv_1", F.relu(h)), COARSE // FINE)
    h = h + _conv(params, f"{net}/Conv_2", _space_to_depth(draft, FINE))
    for index in range(2, 2 + blocks):
        h = _residual(params, f"{net}/ResidualBlock_{index}", h)
    return draft + _depth_to_space(_conv(params, f"{net}/Conv_3", F.relu(h)), FINE)


def _residual(params, net, x):
    h = _conv(params, f"{net}/Conv_0", x)
    return x + _conv(params, f"{net}/Conv_1", F.relu(h))


def _conv(params, net, x):
    """NHWC in and out: a permuted view of a contiguous NHWC tensor is torch's channels_last."""
    kernel = params[f"{net}/kernel"]
    out = F.conv2d(x.permute(0, 3, 1, 2), kernel, params[f"{net}/bias"], padding=kernel.shape[-1] // 2)
    return out.permute(0, 2, 3, 1)


def _space_to_depth(x, factor):
    b, h, w, c = x.shape
    x = x.reshape(b, h // factor, factor, w // factor, factor, c).permute(0, 1, 3, 2, 4, 5)
    return x.reshape(b, h // factor, w // factor, factor * factor * c)


def _depth_to_space(x, factor):
    b, h, w, d = x.shape
    c = d // (factor * factor)
    x = x.reshape(b, h, w, factor, factor, c).permute(0, 1, 3, 2, 4, 5)
    return x.reshape(b, h * factor, w * factor, c)
