"""The torch twin of ``systems/dcgan/training.py``: the plain game of generator and discriminator.

Run it with ``--config.model.legible=0.0 --config.model.discriminator.dropout=0.0``: what is random in the
game besides the latents would differ. The latents are those of JAX, drawn once: torch is spared the drawing.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import jax
import numpy as np
import torch
import torch.nn.functional as F

from jaxcrypt.errors import usage
from jaxcrypt.functional.rng import streams

Params = Mapping[str, torch.Tensor]


def losses(config: Any) -> dict[str, Callable]:
    """By phase the loss of the torch twin, as :mod:`jaxcrypt.bench.step` calls it."""
    model = config.model
    if model.legible or model.discriminator.dropout:
        off = "--config.model.legible=0.0 --config.model.discriminator.dropout=0.0"
        raise usage(f"the torch twin plays the plain game only: {off}")

    def discriminator(params: Params, batch: Mapping[str, torch.Tensor]) -> torch.Tensor:
        real = (batch["image"].float() / 127.5 - 1).requires_grad_()
        fake = _generate(params, model, _latents(len(real), model.generator.latent)).detach()
        of_real, of_fake = (_judge(params, model, x) for x in (real, fake))
        (slope,) = torch.autograd.grad(of_real.sum(), real, create_graph=True)
        penalty = slope.square().sum((1, 2, 3)).mean()
        return (F.softplus(-of_real) + F.softplus(of_fake)).mean() + model.penalty / 2 * penalty

    def generator(params: Params, batch: Mapping[str, torch.Tensor]) -> torch.Tensor:
        fake = _generate(params, model, _latents(len(batch["image"]), model.generator.latent))
        return F.softplus(-_judge(params, model, fake)).mean()

    return {"discriminator": discriminator, "generator": generator}


@functools.cache
def _latents(count: int, dimensions: int) -> torch.Tensor:
    """What the losses in JAX draw from the benchmark's rng."""
    (rng,) = streams(jax.random.key(0), "latents")
    return torch.from_numpy(np.array(jax.random.normal(rng, (count, dimensions))))


def _generate(params: Params, model: Any, z: torch.Tensor) -> torch.Tensor:
    """Faces, NCHW."""
    widths = tuple(model.generator.widths)
    side = 64 >> len(widths)
    x = z @ params["generator/dense/kernel"] + params["generator/dense/bias"]
    x = x.reshape(-1, side, side, model.generator.start).permute(0, 3, 1, 2)
    for index in range(len(widths)):
        # JAX's transposed convolution is a convolution of the spread input; torch's a convolution's gradient.
        kernel = params[f"generator/up{index}/kernel"].flip((2, 3)).transpose(0, 1)
        bias = params[f"generator/up{index}/bias"]
        x = F.leaky_relu(F.conv_transpose2d(x, kernel, bias, stride=2, padding=1), 0.2)
    kernel = params["generator/image/kernel"]
    bias = params["generator/image/bias"]
    return torch.tanh(F.conv2d(x, kernel, bias, padding=kernel.shape[-1] // 2)).permute(0, 2, 3, 1)


def _judge(params: Params, model: Any, faces: torch.Tensor) -> torch.Tensor:
    """Logits of faces, NHWC."""
    x = faces.permute(0, 3, 1, 2)
    for index in range(len(model.discriminator.widths)):
        kernel, bias = (params[f"discriminator/down{index}/conv/{name}"] for name in ("kernel", "bias"))
        x = F.leaky_relu(F.conv2d(x, kernel, bias, stride=2, padding=1), 0.2)
    x = x.permute(0, 2, 3, 1).flatten(1)
    return (x @ params["discriminator/dense/kernel"] + params["discriminator/dense/bias"])[:, 0]
