"""The torch twin of ``systems/concatenation``; see there for what it computes, and why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import torch

from jaxcrypt.bench.twins import Loss, Tensors
from jaxcrypt.bench.twins.cyclegan import eve, hinge, judge
from jaxcrypt.bench.twins.layers import conv, depth_to_space, passed, residual, space_to_depth, unit
from jaxcrypt.functional.rng import streams
from jaxcrypt.systems.concatenation.losses import FEW
from jaxcrypt.systems.concatenation.nets import key_planes

PATCH = 4


def prepared(config: Any, batch: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Photos, key planes and noise, as the losses in JAX draw them; Eve's planes are others."""
    image, rng = jnp.asarray(batch["image"]), jax.random.key(0)
    key_rng, noise_rng = streams(rng, "subkeys", "noise")
    shape = image.shape[1:3]
    subkey, of_eve = (jax.random.bits(own, (len(image), 8), jnp.uint32) for own in (key_rng, rng))
    few = image[:FEW].shape
    return {
        "image": image,
        "planes": key_planes(subkey, shape),
        "other": key_planes(jnp.roll(subkey[:FEW], 1, axis=1), shape),
        "eve_planes": key_planes(of_eve, shape),
        "noise": jax.random.randint(noise_rng, image.shape, 0, 256).astype(jnp.float32),
        "few_noise": jax.random.randint(noise_rng, few, 0, 256).astype(jnp.float32),
    }


def losses(config: Any, device: str) -> dict[str, Loss]:
    """By phase the loss of the torch twin."""
    model = config.model
    weights, layers = model.weights, int(model.critic.layers)

    def encrypt(params: Tensors, photo: torch.Tensor, planes: torch.Tensor) -> torch.Tensor:
        made = _generate(params, "encryptor", photo, planes, model.generator.blocks)
        made = (torch.tanh(made) + 1) * 127.5
        return passed(made, torch.round(made))

    def decrypt(params: Tensors, cipher: torch.Tensor, planes: torch.Tensor) -> torch.Tensor:
        return _generate(params, "decryptor", unit(cipher), planes, model.generator.blocks)

    def generators(params: Tensors, batch: Tensors) -> torch.Tensor:
        photo, planes = unit(batch["image"]), unit(batch["planes"])
        cipher = encrypt(params, photo, planes)
        back = decrypt(params, cipher, planes)
        error = torch.mean(torch.square(127.5 * (back - photo)), dim=(1, 2, 3))
        cycle = torch.mean(torch.log(error + 0.05))
        judged = (("critic_cipher", unit(cipher)), ("critic_photo", back))
        fooled = sum(torch.mean(torch.square(judge(params, name, x, layers) - 1)) for name, x in judged)
        few = photo[:FEW]
        wrong = hinge(decrypt(params, cipher[:FEW], unit(batch["other"])), few)
        caught = hinge(eve(params, unit(cipher), model.eve.blocks), photo)
        noise = batch["few_noise"]
        kept = encrypt(params, unit(noise), planes[:FEW]) - noise
        left = decrypt(params, (few + 1) * 127.5, planes[:FEW]) - few
        # |x| with JAX's gradient at 0, which whole numbers meet: 1, where torch's own is 0
        same = torch.mean(torch.where(kept >= 0, kept, -kept)) / 127.5 + torch.mean(torch.abs(left))
        total = cycle + weights.adversarial * fooled + weights.identity * same
        return total + weights.wrong_key * wrong + weights.eve * caught

    def critics(params: Tensors, batch: Tensors) -> torch.Tensor:
        photo, planes = unit(batch["image"]), unit(batch["planes"])
        with torch.no_grad():
            cipher = encrypt(params, photo, planes)
            back = decrypt(params, cipher, planes)
        pairs = {"critic_cipher": (unit(batch["noise"]), unit(cipher)), "critic_photo": (photo, back)}
        total = photo.new_zeros(())
        for name, (real, made) in pairs.items():
            real, made = (judge(params, name, x, layers) for x in (real, made))
            total = total + torch.mean(torch.square(real - 1)) + torch.mean(torch.square(made))
        return total

    def eavesdropping(params: Tensors, batch: Tensors) -> torch.Tensor:
        photo = unit(batch["image"])
        with torch.no_grad():
            cipher = encrypt(params, photo, unit(batch["eve_planes"]))
        return torch.mean(torch.square(eve(params, unit(cipher), model.eve.blocks) - photo))

    return {"generators": generators, "critics": critics, "eve": eavesdropping}


def _generate(params: Tensors, net: str, picture: torch.Tensor, planes: torch.Tensor, blocks: int):
    """``models.cyclegan_concatenation.Generator``."""
    h = conv(params, f"{net}/Conv_0", space_to_depth(torch.cat([picture, planes], dim=-1), PATCH))
    for i in range(blocks):
        h = residual(params, f"{net}/ResidualBlock_{i}", h)
    return depth_to_space(conv(params, f"{net}/Conv_1", h).float(), PATCH)
