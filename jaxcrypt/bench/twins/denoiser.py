"""The torch twin of ``systems/denoiser.py``; see there for what it computes, and why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import torch

from jaxcrypt.bench.twins import Loss, Tensors
from jaxcrypt.bench.twins.layers import conv, depth_to_space, residual, space_to_depth
from jaxcrypt.functional.levels import to_floats
from jaxcrypt.functional.rng import streams


def prepared(config: Any, batch: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Pictures and their noise, as the loss in JAX draws them."""
    level_rng, noise_rng, grey_rng = streams(jax.random.key(0), "level", "noise", "grey")
    clean = to_floats(jnp.asarray(batch["image"]))
    count = clean.shape[0]
    sigma = jax.random.uniform(level_rng, (count,), maxval=float(config.model.sigma))
    noise = jax.random.normal(noise_rng, clean.shape)
    grey = jax.random.bernoulli(grey_rng, 0.12, (count, 1, 1, 1))
    clean = jnp.where(grey, clean.mean(-1, keepdims=True), clean)
    return {"clean": clean, "noise": jnp.where(grey, noise[..., :1], noise), "sigma": sigma}


def losses(config: Any, device: str) -> dict[str, Loss]:
    """By phase the loss of the torch twin."""
    blocks = tuple(config.model.blocks)

    def loss(params: Tensors, batch: Tensors) -> torch.Tensor:
        clean, sigma = batch["clean"], batch["sigma"]
        noisy = clean + (sigma / 127.5)[:, None, None, None] * batch["noise"]
        level = (sigma / 127.5)[:, None, None, None].expand(*noisy.shape[:3], 1)
        out = denoise(params, "denoiser", noisy, level, blocks)
        error = torch.mean(torch.square(out - clean), dim=(1, 2, 3)) * 127.5**2
        return torch.mean(error / (sigma + 2) ** 1.1)

    return {"denoiser": loss}


def denoise(
    params: Tensors,
    net: str,
    noisy: torch.Tensor,
    level: torch.Tensor,
    blocks: tuple[int, ...],
    context: torch.Tensor | None = None,
) -> torch.Tensor:
    """``models.denoiser.Denoiser``; ``level`` is ``[B, H, W, 1]``."""
    plane = torch.mean(space_to_depth(level, 2), dim=-1, keepdim=True)
    h = conv(params, f"{net}/enter", torch.cat([space_to_depth(noisy, 2), plane], -1))
    h = h if context is None else h + context
    skips = []
    for k, count in enumerate(blocks[:-1]):
        for i in range(count):
            h = residual(params, f"{net}/down{k}_{i}", h)
        skips.append(h)
        h = conv(params, f"{net}/shrink{k}", space_to_depth(h, 2))
    for i in range(blocks[-1]):
        h = residual(params, f"{net}/bottom_{i}", h)
    for k in reversed(range(len(skips))):
        h = depth_to_space(conv(params, f"{net}/grow{k}", h), 2) + skips[k]
        for i in range(blocks[k]):
            h = residual(params, f"{net}/up{k}_{i}", h)
    return noisy - level * depth_to_space(conv(params, f"{net}/leave", h), 2)
