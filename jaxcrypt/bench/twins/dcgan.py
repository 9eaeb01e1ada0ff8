"""The torch twin of ``systems/dcgan/training.py``: the plain game of generator and discriminator.

Run it with ``--config.model.legible=0.0 --config.model.discriminator.dropout=0.0``: what is random in the
game besides the latents would differ.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import numpy as np
import torch
import torch.nn.functional as F

from jaxcrypt.bench.twins import Loss, Tensors
from jaxcrypt.bench.twins.layers import conv, dense, unit
from jaxcrypt.errors import usage
from jaxcrypt.functional.rng import streams


def prepared(config: Any, batch: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Faces and latents, as the losses in JAX draw them."""
    (rng,) = streams(jax.random.key(0), "latents")
    z = jax.random.normal(rng, (len(batch["image"]), config.model.generator.latent))
    return {"image": batch["image"], "z": z}


def losses(config: Any, device: str) -> dict[str, Loss]:
    """By phase the loss of the torch twin."""
    model = config.model
    if model.legible or model.discriminator.dropout:
        off = "--config.model.legible=0.0 --config.model.discriminator.dropout=0.0"
        raise usage(f"the torch twin plays the plain game only: {off}")

    def discriminator(params: Tensors, batch: Tensors) -> torch.Tensor:
        real = unit(batch["image"]).requires_grad_()
        with torch.no_grad():
            fake = _generate(params, model, batch["z"])
        of_real, of_fake = (_judge(params, model, x) for x in (real, fake))
        (slope,) = torch.autograd.grad(of_real.sum(), real, create_graph=True)
        penalty = slope.square().sum((1, 2, 3)).mean()
        return (F.softplus(-of_real) + F.softplus(of_fake)).mean() + model.penalty / 2 * penalty

    def generator(params: Tensors, batch: Tensors) -> torch.Tensor:
        fake = _generate(params, model, batch["z"])
        return F.softplus(-_judge(params, model, fake)).mean()

    return {"discriminator": discriminator, "generator": generator}


def _generate(params: Tensors, model: Any, z: torch.Tensor) -> torch.Tensor:
    """Faces, NHWC."""
    widths = tuple(model.generator.widths)
    side = 64 >> len(widths)
    x = dense(params, "generator/dense", z)
    x = x.reshape(-1, side, side, model.generator.start).permute(0, 3, 1, 2)
    for index in range(len(widths)):
        # JAX's transposed convolution is a convolution of the spread input; torch's a convolution's gradient.
        kernel = params[f"generator/up{index}/kernel"].flip((2, 3)).transpose(0, 1)
        bias = params[f"generator/up{index}/bias"]
        x = F.leaky_relu(F.conv_transpose2d(x, kernel, bias, stride=2, padding=1), 0.2)
    return torch.tanh(conv(params, "generator/image", x.permute(0, 2, 3, 1))).float()


def _judge(params: Tensors, model: Any, faces: torch.Tensor) -> torch.Tensor:
    """Logits of faces, NHWC."""
    x = faces
    for index in range(len(model.discriminator.widths)):
        x = F.leaky_relu(conv(params, f"discriminator/down{index}/conv", x, stride=2), 0.2)
    return dense(params, "discriminator/dense", x.flatten(1))[:, 0].float()
