"""The torch twin of ``systems/autoencoder.py``; see there for what it computes, and why."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F

from jaxcrypt.bench.twins import Loss, Tensors
from jaxcrypt.bench.twins.layers import conv, depth_to_space, passed, residual, space_to_depth, unit

PATCH, COARSE, FINE = 16, 8, 4  # as in models/autoencoder.py
CHANNELS = {"grey": 1, "colour": 3}


def losses(config: Any, device: str) -> dict[str, Loss]:
    """By phase the loss of the torch twin."""
    return {name: _loss(name, config.model[name], device) for name in CHANNELS}


def _loss(name: str, model: Any, device: str) -> Loss:
    levels = levels_of(model.bits, device)
    luma = torch.tensor([[0.299], [0.587], [0.114]], device=device)

    def loss(params: Tensors, batch: Tensors) -> torch.Tensor:
        image = batch["image"].float()
        if CHANNELS[name] == 1:
            image = torch.round(image @ luma)
        x = unit(image)
        y = encode(params, f"{name}/encoder", x, model.encoder_blocks)
        back = decode(params, f"{name}/decoder", passed(y, cells(y, levels)), model.decoder_blocks)
        return torch.mean(torch.square(back - x))

    return loss


def levels_of(bits: Any, device: str) -> torch.Tensor:
    """How many values each latent that is coded has."""
    return torch.tensor([2.0 ** int(count, 16) for count in bits if int(count, 16)], device=device)


def indices(y: torch.Tensor, levels: torch.Tensor) -> torch.Tensor:
    """The cell of each latent, whole numbers."""
    index = torch.floor((y + 1) / 2 * levels)
    return torch.minimum(torch.clamp_min(index, 0), levels - 1)


def cells(y: torch.Tensor, levels: torch.Tensor) -> torch.Tensor:
    """Latents in the middle of their cells."""
    return (2 * indices(y, levels) + 1) / levels - 1


def encode(params: Tensors, net: str, x: torch.Tensor, blocks: int) -> torch.Tensor:
    """Companded latents of pictures in [-1, 1]."""
    u = space_to_depth(x, PATCH) @ params[f"{net}/linear"] + params[f"{net}/offset"]
    h = conv(params, f"{net}/Conv_0", space_to_depth(x, FINE))
    for index in range(blocks):
        h = residual(params, f"{net}/ResidualBlock_{index}", h)
    h = conv(params, f"{net}/Conv_1", space_to_depth(F.relu(h), COARSE // FINE))
    h = residual(params, f"{net}/ResidualBlock_{blocks}", h)
    h = space_to_depth(h, PATCH // COARSE)
    h = conv(params, f"{net}/Conv_2", F.relu(h))
    scale = torch.exp(params[f"{net}/log_scale"])
    u = u + scale * h
    return torch.sign(u) * -torch.expm1(-torch.abs(u) / scale)


def decode(params: Tensors, net: str, y: torch.Tensor, blocks: int) -> torch.Tensor:
    """Pictures of companded latents."""
    scale = torch.exp(params[f"{net}/log_scale"])
    u = -scale * torch.sign(y) * torch.log1p(-torch.abs(y))
    draft = depth_to_space(u @ params[f"{net}/linear"], PATCH)
    h = depth_to_space(conv(params, f"{net}/Conv_0", y), PATCH // COARSE)
    for index in range(2):
        h = residual(params, f"{net}/ResidualBlock_{index}", h)
    h = depth_to_space(conv(params, f"{net}/Conv_1", F.relu(h)), COARSE // FINE)
    h = h + conv(params, f"{net}/Conv_2", space_to_depth(draft, FINE))
    for index in range(2, 2 + blocks):
        h = residual(params, f"{net}/ResidualBlock_{index}", h)
    return draft + depth_to_space(conv(params, f"{net}/Conv_3", F.relu(h)), FINE)
