"""The torch twin of ``systems/diffusion``: its net, and the loss of ``systems/diffusion/losses.py``."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import torch
import torch.nn.functional as F

from jaxcrypt.bench.twins import Loss, Tensors
from jaxcrypt.bench.twins.layers import conv, dense, depth_to_space, space_to_depth
from jaxcrypt.functional.rng import streams
from jaxcrypt.models.unet import HIGHEST, LOWEST, POSITIONS
from jaxcrypt.systems.diffusion import losses as own
from jaxcrypt.systems.diffusion.estimate import FLOOR


def prepared(config: Any, batch: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Clean pictures, their scene, and the second noise level, as the loss in JAX draws them."""
    scene_rng, ratio_rng = streams(jax.random.key(0), "scene", "ratio")
    bounds = tuple(config.model.levels)
    clean, scene, sigma = own.training_scene({k: jnp.asarray(v) for k, v in batch.items()}, scene_rng, bounds)
    key_image = scene.key_image if config.model.key_image else jnp.zeros_like(scene.key_image)
    ratio = jax.random.uniform(ratio_rng, (max(clean.shape[0] // 2, 1),), minval=0.05)
    made = scene._replace(key_image=key_image)._asdict()
    return {"clean": clean, "sigma": sigma, "ratio": ratio, **made}


def losses(config: Any, device: str) -> dict[str, Loss]:
    """By phase the loss of the torch twin."""
    net = _Net(config.model)

    def loss(params: Tensors, batch: Tensors) -> torch.Tensor:
        clean, sigma, ratio = batch["clean"], batch["sigma"], batch["ratio"]
        half = len(ratio)
        few = {name: batch[name][:half] for name in ("received", "level", "mask", "key_image")}
        once = _estimate(net, params, batch["received"], torch.ones_like(sigma), batch)
        before = once[:half].detach()
        moved = before + ratio[:, None, None, None] * (few["received"] - before)
        again = _estimate(net, params, moved, ratio, few)
        first = torch.log(_error(once, clean, batch["mask"]) + sigma**2 / 100)
        second = torch.log(_error(again, clean[:half], few["mask"]) + sigma[:half] ** 2 / 100)
        return (torch.mean(first) + torch.mean(second)) / 2

    return {"unet": loss}


def _error(denoised: torch.Tensor, clean: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    square = torch.square(denoised - clean).mean(dim=-1) * mask
    inside = torch.clamp_min(mask.sum(dim=(1, 2)), 1.0)
    return torch.clamp_min(127.5**2 * square.sum(dim=(1, 2)) / inside, 1e-6)


def _estimate(net: _Net, params: Tensors, picture: torch.Tensor, ratio: torch.Tensor, scene: Tensors):
    """``systems.diffusion.estimate.estimate``."""
    inside = torch.clamp_min(scene["mask"].sum(dim=(1, 2)), 1.0)
    level = (scene["level"] * scene["mask"]).sum(dim=(1, 2)) / inside
    seen = _features(picture, scene, ratio, level)
    received = _features(scene["received"], scene, torch.ones_like(ratio), level)
    levels = torch.stack([ratio * level, level], dim=-1)
    noise = net(params, seen, received, levels, scene["key_image"]).float()
    return picture - (ratio[:, None, None] * scene["level"])[..., None] * noise


def _features(picture: torch.Tensor, scene: Tensors, ratio: torch.Tensor, level: torch.Tensor):
    mean = torch.clamp_min(ratio * level, FLOOR)[:, None, None, None]
    padded = F.pad(picture.permute(0, 3, 1, 2), (1, 1, 1, 1), mode="replicate")
    local = F.avg_pool2d(padded, 3, stride=1).permute(0, 2, 3, 1)
    plane = (ratio[:, None, None] * scene["level"])[..., None]
    detail = torch.asinh((picture - local) / mean)
    return torch.cat([picture, detail, scene["mask"][..., None], plane], dim=-1)


class _Net:
    """``models.unet.ResUNet``."""

    def __init__(self, model: Any):
        self._blocks, self._attention = tuple(model.blocks), tuple(model.attention)
        self._heads, self._time_size = int(model.get("heads", 4)), int(model.get("time", 128))

    def __call__(self, params: Tensors, seen, received, levels, key_image) -> torch.Tensor:
        last = len(self._blocks) - 1
        time = self._time(params, levels)
        key = conv(params, "unet/key/enter", space_to_depth(key_image, 4))
        for i in range(2):
            key = _modulated(params, f"unet/key/block{i}", key, time)
        time = time + dense(params, "unet/key_to_time", key.mean(dim=(1, 2)))
        first = conv(params, "unet/enter", seen)
        h = conv(params, "unet/shrink0", space_to_depth(first, 2))
        beside = conv(params, "unet/received", space_to_depth(received, 2))
        h = h + _modulated(params, "unet/received0", beside, time)
        skips = []
        for k in range(1, last):
            h = self._at(params, h, time, k, "down")
            skips.append(h)
            h = conv(params, f"unet/shrink{k}", space_to_depth(h, 2))
        h = self._at(params, h, time, last, "bottom", key)
        for k in reversed(range(1, last)):
            h = depth_to_space(conv(params, f"unet/grow{k}", h), 2) + skips[k - 1]
            h = self._at(params, h, time, k, "up")
        h = depth_to_space(conv(params, "unet/grow0", h), 2)
        h = self._at(params, conv(params, "unet/join", torch.cat([h, first], -1)), time, 0, "up")
        return conv(params, "unet/leave", h)

    def _time(self, params: Tensors, levels: torch.Tensor) -> torch.Tensor:
        span, half = math.log(HIGHEST / LOWEST), self._time_size // 2
        time = 1000 * (torch.log(torch.clamp(levels, LOWEST, HIGHEST)) - math.log(LOWEST)) / span
        rate = torch.exp(torch.arange(half, device=levels.device) * (-math.log(10_000.0) / half))
        angle = time[..., None] * rate
        both = torch.cat([torch.sin(angle), torch.cos(angle)], dim=-1).flatten(1)
        h = F.relu(dense(params, "unet/time0", both))
        return F.relu(dense(params, "unet/time1", h))

    def _at(self, params: Tensors, h, time, k: int, way: str, key=None) -> torch.Tensor:
        for i in range(self._blocks[k]):
            h = _modulated(params, f"unet/{way}{k}_{i}", h, time)
            if i == 0 and k in self._attention:
                h = _attend(params, f"unet/attend_{way}{k}", h, h, self._heads)
            if i == 0 and key is not None:
                h = _attend(params, "unet/attend_key", h, key, self._heads)
        return h


def _modulated(params: Tensors, net: str, x: torch.Tensor, time: torch.Tensor) -> torch.Tensor:
    h = conv(params, f"{net}/first", x)
    scale, shift = dense(params, f"{net}/modulate", time)[:, None, None].chunk(2, dim=-1)
    return x + conv(params, f"{net}/second", F.relu(h * (1 + scale) + shift))


def _attend(params: Tensors, net: str, x: torch.Tensor, source: torch.Tensor, heads: int) -> torch.Tensor:
    b, h, w, c = x.shape

    def normed(tokens: torch.Tensor, name: str) -> torch.Tensor:
        flat = tokens.reshape(b, -1, tokens.shape[-1])
        return F.rms_norm(flat, flat.shape[-1:], params[f"{net}/{name}/scale"], eps=1e-6)

    def by_head(tokens: torch.Tensor, name: str) -> torch.Tensor:
        made = dense(params, f"{net}/{name}", tokens)
        return made.reshape(b, -1, heads, c // heads).transpose(1, 2)

    answering = normed(source, "answering")
    query = by_head(normed(x, "asking"), "query")
    key, value = by_head(answering, "key"), by_head(answering, "value")
    scale = (c // heads) ** -0.5 * math.log(key.shape[2] + 1) / math.log(POSITIONS + 1)
    mixed = F.scaled_dot_product_attention(query, key, value, scale=scale)
    return x + dense(params, f"{net}/out", mixed.transpose(1, 2).reshape(b, h, w, c))
