"""The torch twin of ``systems/stego``: of its networks, of the invertible one, and of both codes.

Damage that training does to stego pictures has no twin: run ``--config.model.distortions=()``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import torch
import torch.nn.functional as F

from jaxcrypt.bench.twins import Loss, Tensors
from jaxcrypt.bench.twins import autoencoder as code
from jaxcrypt.bench.twins.layers import conv, haar, hadamard_on, inverse_haar, passed, rounded, unit
from jaxcrypt.errors import usage
from jaxcrypt.functional.rng import streams
from jaxcrypt.functional.scramble import scramble
from jaxcrypt.systems.stego import coefficients, networks


def prepared(config: Any, batch: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Covers and secrets as the nets see them; of the robust code, which bits of its indices are flipped."""
    model, rng = config.model, jax.random.key(0)
    cover, secrets = jnp.asarray(batch["cover"]), jnp.asarray(batch["secrets"])
    if model.kind in networks.KINDS:
        if model.keyed:
            key_rng, _ = streams(rng, "subkeys", "damage")
            subkeys = jax.random.bits(key_rng, (cover.shape[0], 8), jnp.uint32)
            secrets = jax.vmap(scramble)(secrets, subkeys)
        return {"cover": cover, "secrets": networks.flatten(secrets)}
    both = jnp.concatenate([cover[:, None], secrets], axis=1)
    made = {"image": both.reshape(-1, *cover.shape[1:])}
    if model.kind == "robust":
        hider = coefficients.learned(model, int(model.secrets))
        patches = tuple(side // code.PATCH for side in cover.shape[1:3])
        shape = (len(made["image"]), *patches, sum(hider.net.widths))
        made["flips"] = hider.flipped(rng, shape)
    return made


def losses(config: Any, device: str) -> dict[str, Loss]:
    """By phase the loss of the torch twin."""
    model = config.model
    if model.kind not in networks.KINDS:
        return {"stego": _of_code(model[model.kind], device)}
    if model.distortions:
        raise usage("the torch twin damages nothing: --config.model.distortions=()")
    nets = {"networks": _Networks, "invertible": _Invertible}[model.kind](model, device)
    return {"stego": _hiding(nets, float(model.beta))}


def _hiding(nets: Any, beta: float) -> Loss:
    def loss(params: Tensors, batch: Tensors) -> torch.Tensor:
        cover, wanted = unit(batch["cover"]), unit(batch["secrets"])
        stego = rounded(nets.hide(params, cover, wanted))
        estimate = nets.reveal(params, stego)
        errors = torch.mean(torch.square(stego - cover)), torch.mean(torch.square(estimate - wanted))
        return errors[0] + beta * errors[1]

    return loss


def _of_code(model: Any, device: str) -> Loss:
    levels = code.levels_of(model.bits, device)

    def loss(params: Tensors, batch: Tensors) -> torch.Tensor:
        x = unit(batch["image"])
        y = code.encode(params, "stego/encoder", x, model.encoder_blocks)
        index = code.indices(y, levels)
        if "flips" in batch:
            index = (index.int() ^ batch["flips"]).float()
        sent = passed(y, (2 * index + 1) / levels - 1)
        back = code.decode(params, "stego/decoder", sent, model.decoder_blocks)
        return torch.mean(torch.square(back - x))

    return loss


class _Networks:
    """``models.steganography.Networks``."""

    def __init__(self, model: Any, device: str):
        self._secrets, own = int(model.secrets), model.networks
        self._levels, self._layers = own.levels, own.layers
        depth = 3 * 4**own.levels
        self._gains = torch.where(torch.arange(depth) < 3, 0.25, 4.0).to(device)
        self._hadamard = hadamard_on(device)

    def hide(self, params: Tensors, cover: torch.Tensor, secrets: torch.Tensor) -> torch.Tensor:
        seen, half = [self._coefficients(cover)], max(self._layers // 2, 1)
        for i, part in enumerate(secrets.split(3, dim=-1)):
            seen.append(_stack(params, f"stego/preparation_{i}", self._coefficients(part), half))
        made = _stack(params, "stego/hiding", torch.cat(seen, -1), self._layers)
        return cover + inverse_haar(made, self._levels, self._hadamard)

    def reveal(self, params: Tensors, stego: torch.Tensor) -> torch.Tensor:
        seen = self._coefficients(stego)
        made = (_stack(params, f"stego/revealing_{i}", seen, self._layers) for i in range(self._secrets))
        return torch.cat([inverse_haar(one, self._levels, self._hadamard) for one in made], -1)

    def _coefficients(self, x: torch.Tensor) -> torch.Tensor:
        return haar(x, self._levels, self._hadamard) * self._gains


def _stack(params: Tensors, net: str, x: torch.Tensor, layers: int) -> torch.Tensor:
    """``models.steganography.Stack``."""
    x = conv(params, f"{net}/Conv_0", x)
    for i in range(layers):
        x = x + conv(params, f"{net}/Conv_{i + 1}", F.leaky_relu(x, 0.2))
    return conv(params, f"{net}/Conv_{layers + 1}", F.leaky_relu(x, 0.2)).float()


class _Invertible:
    """``models.invertible.Invertible``."""

    def __init__(self, model: Any, device: str):
        self._secrets, own = int(model.secrets), model.invertible
        self._levels, self._blocks, self._bound = own.levels, own.blocks, own.bound
        self._hadamard = hadamard_on(device)

    def hide(self, params: Tensors, cover: torch.Tensor, secrets: torch.Tensor) -> torch.Tensor:
        x, y = (haar(one, self._levels, self._hadamard) for one in (cover, secrets))
        for i in range(self._blocks):
            x = x + self._net(params, i, "phi", y)
            log_scale, shift = self._scale_shift(params, i, x)
            y = y * torch.exp(log_scale) + shift
        return inverse_haar(x, self._levels, self._hadamard)

    def reveal(self, params: Tensors, stego: torch.Tensor) -> torch.Tensor:
        x = haar(stego, self._levels, self._hadamard)
        y = x.new_zeros((*x.shape[:3], self._secrets * x.shape[3]))
        for i in reversed(range(self._blocks)):
            log_scale, shift = self._scale_shift(params, i, x)
            y = (y - shift) * torch.exp(-log_scale)
            x = x - self._net(params, i, "phi", y)
        return inverse_haar(y, self._levels, self._hadamard)

    def _scale_shift(self, params: Tensors, i: int, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        rho, eta = self._net(params, i, "rho_eta", x).chunk(2, dim=-1)
        return self._bound * torch.tanh(rho / self._bound), eta

    def _net(self, params: Tensors, i: int, name: str, x: torch.Tensor) -> torch.Tensor:
        path = f"stego/couplings_{i}/{name}"
        for layer in range(2):
            x = F.leaky_relu(conv(params, f"{path}_{layer}", x), 0.2)
        return conv(params, f"{path}_2", x).float()
