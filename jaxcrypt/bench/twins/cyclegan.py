"""The torch twin of the nets of ``systems/cyclegan``.

The keyed mixing between the two generators is integer arithmetic and sorting, which no net computes. So the
twin trains all nets side by side, each on what reaches it: ciphers are made once, beforehand, by the System
itself, and damaged by noise. :func:`stage` is that training in JAX: the encrypting generator's likelihood and
the losses of the others as in :mod:`jaxcrypt.systems.cyclegan.losses`, at full rate.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import torch
import torch.nn.functional as F

from jaxcrypt.bench.twins import Loss, Tensors
from jaxcrypt.bench.twins.denoiser import denoise
from jaxcrypt.bench.twins.layers import conv, depth_to_space, passed, residual, space_to_depth, unit
from jaxcrypt.functional import levels
from jaxcrypt.functional.block_transform import BLOCK, COLOURS, DCT, PLANE
from jaxcrypt.functional.rng import streams
from jaxcrypt.models.cyclegan import DIGITS, LEAST, LEVELS, OCTAVE, UNIT
from jaxcrypt.record import Phase, Stage
from jaxcrypt.systems.cyclegan import code
from jaxcrypt.systems.cyclegan import losses as own
from jaxcrypt.systems.cyclegan.system import nets_of

_NOISE = 0.1  # of the symbols, whose power is 1


def prepared(config: Any, batch: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Photos, and of each what the decrypting generator, the discriminators and Eve get."""
    nets = nets_of(config)
    params = jax.jit(nets.init)(jax.random.key(0))
    photo = jnp.asarray(batch["image"]).astype(jnp.float32)
    key_rng, noise_rng = streams(jax.random.key(0), "subkeys", "noise")
    subkey = jax.random.bits(key_rng, (len(photo), 8), jnp.uint32)

    def sent(photo, subkey):
        sent = own.send(nets, params, photo, subkey, 1)
        noise = jax.random.normal(noise_rng, sent.symbols.shape)
        scales = sent.described.scales
        received = sent.symbols + _NOISE * noise
        coefficients, there = code.from_symbols(received, sent.spread, sent.chosen, scales)
        tall = ((0, 0), (0, photo.shape[1] - sent.cipher.shape[1]), (0, 0), (0, 0))
        return {
            "photo": photo,
            "cipher": jnp.pad(sent.cipher, tall, constant_values=127.5),
            "coefficients": coefficients,
            "there": there,
            "scales": scales,
            "level": _NOISE * sent.spread,
            "mean": sent.described.mean,
        }

    return jax.jit(sent)(photo, subkey)


def stage(config: Any) -> Stage:
    """All nets' training on what :func:`prepared` gives."""
    nets = nets_of(config)
    weight = float(config.model.weights.adversarial)

    def phase(names: tuple[str, ...], value: Callable) -> Phase:
        return Phase(names, lambda params, extra, batch, rng: (value(params, batch), (extra, {})))

    def judged(params, name, pictures):
        return getattr(nets, name).apply({"params": params[name]}, levels.unit(pictures))

    def encrypt(params, batch):
        return own.likelihood(code.describe(nets.encoder, params["encoder"], batch["photo"]))

    def restored(params, batch):
        got = code.Received(*(batch[name] for name in code.Received._fields))
        return code.restore(nets.denoiser, nets.context, params, got)

    def decrypt(params, batch):
        back = restored(params, batch)
        error = jnp.mean(jnp.log(jnp.mean(jnp.square(back - batch["photo"]), axis=(1, 2, 3)) + 0.05))
        return error + weight * jnp.mean(jnp.square(judged(params, "critic_photo", back) - 1))

    def critics(params, batch):
        back = jax.lax.stop_gradient(restored(params, batch))
        pairs = {"critic_cipher": (batch["photo"], batch["cipher"]), "critic_photo": (batch["photo"], back)}
        total = 0.0
        for name, (real, made) in pairs.items():
            real, made = (judged(params, name, x) for x in (real, made))
            total += jnp.mean(jnp.square(real - 1)) + jnp.mean(jnp.square(made))
        return total

    def eavesdrop(params, batch):
        guess = nets.eve.apply({"params": params["eve"]}, levels.unit(batch["cipher"]))
        return jnp.mean(jnp.square(guess - levels.unit(batch["photo"])))

    phases = {
        "encrypt": phase(("encoder",), encrypt),
        "decrypt": phase(("denoiser", "context"), decrypt),
        "critics": phase(("critic_cipher", "critic_photo"), critics),
        "eve": phase(("eve",), eavesdrop),
    }
    return Stage(phases, int(config.train.steps))


def losses(config: Any, device: str) -> dict[str, Loss]:
    """By phase the loss of the torch twin."""
    model, blocks = config.model, _Blocks(device)
    layers, weight = int(model.critic.layers), float(model.weights.adversarial)

    def encrypt(params: Tensors, batch: Tensors) -> torch.Tensor:
        photo = batch["photo"]
        mean = torch.round(photo.mean(dim=(1, 2)) * code.MEAN_STEPS) / code.MEAN_STEPS
        seen = blocks.analyse(photo - mean[:, None, None])
        log = _scales(params, _digits(params, seen, model.encoder.blocks)) / OCTAVE
        spread = 0.5 * (torch.square(seen) + 0.08) * torch.exp(-2 * np.log(2.0) * log)
        return torch.mean(log * np.log(2.0) + spread)

    def restored(params: Tensors, batch: Tensors) -> torch.Tensor:
        picture, doubt, error, spread = blocks.estimate(batch)
        tall = (0.25 * spread).repeat_interleave(BLOCK // 2, 1).repeat_interleave(BLOCK // 2, 2)
        seen = torch.cat([space_to_depth(doubt, 2), tall], dim=-1)
        context = conv(params, "context/Conv_1", F.relu(conv(params, "context/Conv_0", seen)))
        level = (error / 127.5)[..., None]
        clean = denoise(params, "denoiser", unit(picture), level, tuple(model.blocks), context)
        return (clean + 1) * 127.5

    def decrypt(params: Tensors, batch: Tensors) -> torch.Tensor:
        back = restored(params, batch)
        error = torch.mean(torch.square(back - batch["photo"]), dim=(1, 2, 3))
        fooled = torch.mean(torch.square(judge(params, "critic_photo", unit(back), layers) - 1))
        return torch.mean(torch.log(error + 0.05)) + weight * fooled

    def critics(params: Tensors, batch: Tensors) -> torch.Tensor:
        with torch.no_grad():
            back = restored(params, batch)
        made = {"critic_cipher": batch["cipher"], "critic_photo": back}
        total = back.new_zeros(())
        for name, fake in made.items():
            real, fake = (judge(params, name, unit(x), layers) for x in (batch["photo"], fake))
            total = total + torch.mean(torch.square(real - 1)) + torch.mean(torch.square(fake))
        return total

    def eavesdrop(params: Tensors, batch: Tensors) -> torch.Tensor:
        guess = eve(params, unit(batch["cipher"]), model.eve.blocks)
        return torch.mean(torch.square(guess - unit(batch["photo"])))

    return {"encrypt": encrypt, "decrypt": decrypt, "critics": critics, "eve": eavesdrop}


def judge(params: Tensors, net: str, picture: torch.Tensor, layers: int) -> torch.Tensor:
    """``models.cyclegan.Discriminator``."""
    h = picture
    for i in range(layers):
        h = F.leaky_relu(conv(params, f"{net}/Conv_{i}", h, stride=2), 0.2)
    return conv(params, f"{net}/Conv_{layers}", h).float()


def eve(params: Tensors, cipher: torch.Tensor, blocks: int) -> torch.Tensor:
    """``models.cyclegan.Eve``."""
    h = conv(params, "eve/Conv_0", space_to_depth(cipher, 4))
    for i in range(blocks):
        h = residual(params, f"eve/ResidualBlock_{i}", h)
    return depth_to_space(conv(params, "eve/Conv_1", F.relu(h)).float(), 4)


def hinge(estimate: torch.Tensor, photo: torch.Tensor) -> torch.Tensor:
    """``systems.cyclegan.losses.hinge`` of pictures in [-1, 1]."""
    error = 127.5**2 * torch.mean(torch.square(estimate - photo), dim=(1, 2, 3))
    off = photo - photo.mean(dim=(1, 2), keepdim=True)
    variance = 127.5**2 * torch.mean(torch.square(off), dim=(1, 2, 3))
    return torch.mean(F.relu(1 - error / (variance + 1.0)))


def _digits(params: Tensors, seen: torch.Tensor, blocks: int) -> torch.Tensor:
    """``models.cyclegan.Encoder``: whole numbers that describe a block."""
    energy = torch.log2(torch.abs(seen) + 0.25) - UNIT * params["encoder/base"].detach()
    h = conv(params, "encoder/enter", 0.25 * energy)
    for i in range(blocks):
        h = residual(params, f"encoder/residual_{i}", h)
    left = conv(params, "encoder/leave", F.relu(h)).float()
    value = (1 + torch.tanh(left)) * ((LEVELS - 1) / 2)
    return passed(value, torch.round(value))


def _scales(params: Tensors, digits: torch.Tensor) -> torch.Tensor:
    """``models.cyclegan.Encoder.scales``."""
    base, slope = OCTAVE * UNIT * params["encoder/base"], params["encoder/slope"]
    slope = OCTAVE * UNIT / (LEVELS - 1) * slope
    base, slope = (passed(value, torch.round(value)) for value in (base, slope))
    with torch.autocast(digits.device.type, enabled=False):
        scales = base + (2 * digits - (LEVELS - 1)).reshape(-1, DIGITS) @ slope
    scales = passed(scales, torch.round(scales)).reshape(*digits.shape[:3], -1)
    return passed(scales, torch.clamp_min(scales, OCTAVE * LEAST))


class _Blocks:
    """``functional.block_transform``, and Wiener's estimate from ``systems.cyclegan.code``."""

    def __init__(self, device: str):
        self._dct, self._colours = (torch.from_numpy(np.array(x)).to(device) for x in (DCT, COLOURS))
        self._groups = torch.from_numpy(code.groups(3)).to(device)

    def analyse(self, picture: torch.Tensor) -> torch.Tensor:
        """Pictures to coefficients ``[B, h, w, 768]``."""
        b, height, width, planes = picture.shape
        cut = picture.reshape(b, height // BLOCK, BLOCK, width // BLOCK, BLOCK, planes)
        cut = (cut @ self._colours.t()).permute(0, 1, 3, 5, 2, 4)
        mixed = self._dct @ cut @ self._dct.t()
        return mixed.reshape(b, height // BLOCK, width // BLOCK, planes * PLANE)

    def synthesise(self, coefficients: torch.Tensor) -> torch.Tensor:
        """The inverse of :meth:`analyse`."""
        b, rows, columns, _ = coefficients.shape
        cut = coefficients.reshape(b, rows, columns, 3, BLOCK, BLOCK)
        picture = (self._dct.t() @ cut @ self._dct).permute(0, 1, 4, 2, 5, 3) @ self._colours
        return picture.reshape(b, rows * BLOCK, columns * BLOCK, 3)

    def estimate(self, got: Tensors) -> tuple[torch.Tensor, ...]:
        """Picture, doubt, error and spread of ``systems.cyclegan.code.Estimate``."""
        with torch.autocast(got["scales"].device.type, enabled=False):
            scale = torch.exp2(got["scales"] / OCTAVE)
            noise = torch.square(got["level"])[:, None, None, None]
            kept = torch.where(got["there"], scale / (scale + noise), 0.0)
            variance = torch.square(scale) * (1 - kept)
            clean, taken = (self.synthesise(x * got["coefficients"]) for x in (kept, 1 - kept))
            error = torch.sqrt(torch.mean(variance, dim=-1) + 1e-4)
            spread = 0.5 * torch.log2(variance @ self._groups + 4.0**LEAST)
            tall = error.repeat_interleave(BLOCK, 1).repeat_interleave(BLOCK, 2)
            doubt = torch.clamp(taken / tall[..., None], -8, 8)
            return clean + got["mean"][:, None, None], doubt, tall, spread
