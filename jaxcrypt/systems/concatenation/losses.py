"""What the ablation is trained for.

Over photos x, keys k and k', and uniform noise pictures u, both generators together minimise

    log |D(E(x, k), k) - x|^2                                            cycle, in nepers
    + a ([D1(E(x, k)) - 1]^2 + [D2(D(E(x, k), k)) - 1]^2)                adversarial (Mao et al. 2017)
    + i (|E(u, k) - u| + |D(x, k) - x|)                                  identity (Zhu et al. 2017)
    + w max(0, 1 - |D(E(x, k), k') - x|^2 / var x)                       wrong key
    + v max(0, 1 - |Eve(E(x, k)) - x|^2 / var x)                         Eve

against D1 (uniform noise or cipher?), D2 (photo or decrypted?) and Eve, as in
:mod:`jaxcrypt.systems.cyclegan.losses`. Grey pictures go in as three equal planes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp

from jaxcrypt.functional.levels import to_levels, unit
from jaxcrypt.functional.rng import streams
from jaxcrypt.systems.concatenation.nets import Nets, decrypt_unit, encrypt_levels, key_planes
from jaxcrypt.systems.cyclegan.losses import hinge

FEW = 2  # photos of a batch that identity and wrong keys see


@dataclass(frozen=True)
class Weights:
    """Of the generators' losses beside the cycle's."""

    adversarial: float = 0.3
    identity: float = 0.1
    wrong_key: float = 1.0
    eve: float = 2.0


def _draw(batch: Any, rng: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Photos and fresh key planes in [-1, 1], and the subkeys of the planes."""
    photo = unit(batch["image"].astype(jnp.float32))
    subkey = jax.random.bits(rng, (photo.shape[0], 8), jnp.uint32)
    return photo, unit(key_planes(subkey, photo.shape[1:3]).astype(jnp.float32)), subkey


def _identity(nets: Nets, params: Any, photo: jax.Array, planes: jax.Array, rng: jax.Array) -> jax.Array:
    noise = jax.random.randint(rng, photo.shape, 0, 256).astype(jnp.float32)
    kept = encrypt_levels(nets, params, unit(noise), planes) - noise
    left = decrypt_unit(nets, params, to_levels(photo), planes) - photo
    return jnp.mean(jnp.abs(kept)) / 127.5 + jnp.mean(jnp.abs(left))


def generating(nets: Nets, weights: Weights) -> Callable:
    """The loss of both generators."""

    def loss(params, extra, batch, rng):
        key_rng, noise_rng = streams(rng, "subkeys", "noise")
        photo, planes, subkey = _draw(batch, key_rng)
        cipher = encrypt_levels(nets, params, photo, planes)
        back = decrypt_unit(nets, params, cipher, planes)
        error = jnp.mean(jnp.square(127.5 * (back - photo)), axis=(1, 2, 3))
        cycle = jnp.mean(jnp.log(error + 0.05))
        judged = (("critic_cipher", unit(cipher)), ("critic_photo", back))
        fooled = [jnp.mean(jnp.square(nets.apply(params, name, x) - 1)) for name, x in judged]
        few = slice(FEW)
        other = unit(key_planes(jnp.roll(subkey[few], 1, axis=1), photo.shape[1:3]).astype(jnp.float32))
        wrong = hinge(to_levels(decrypt_unit(nets, params, cipher[few], other)), to_levels(photo[few]))
        caught = hinge(to_levels(nets.apply(params, "eve", unit(cipher))), to_levels(photo))
        same = _identity(nets, params, photo[few], planes[few], noise_rng)
        total = cycle + weights.adversarial * sum(fooled) + weights.identity * same
        total += weights.wrong_key * wrong + weights.eve * caught
        metrics = {"psnr": 20 * jnp.log10(255.0) - cycle * 10 / jnp.log(10.0), "identity": same}
        metrics |= {"fooled_cipher": fooled[0], "fooled_photo": fooled[1], "wrong_key": wrong, "eve": caught}
        return total, (extra, metrics)

    return loss


def discriminating(nets: Nets) -> Callable:
    """The loss of both discriminators."""

    def loss(params, extra, batch, rng):
        key_rng, noise_rng = streams(rng, "subkeys", "noise")
        photo, planes, _ = _draw(batch, key_rng)
        cipher = encrypt_levels(nets, params, photo, planes)
        noise = jax.random.randint(noise_rng, photo.shape, 0, 256).astype(jnp.float32)
        pairs = {
            "critic_cipher": (unit(noise), unit(cipher)),
            "critic_photo": (photo, decrypt_unit(nets, params, cipher, planes)),
        }
        total, metrics = 0.0, {}
        for name, (real, made) in pairs.items():
            real, made = (nets.apply(params, name, jax.lax.stop_gradient(x)) for x in (real, made))
            total += jnp.mean(jnp.square(real - 1)) + jnp.mean(jnp.square(made))
            metrics |= {f"{name}_real": jnp.mean(real), f"{name}_made": jnp.mean(made)}
        return total, (extra, metrics)

    return loss


def eavesdropping(nets: Nets) -> Callable:
    """Eve's loss: her squared error."""

    def loss(params, extra, batch, rng):
        photo, planes, _ = _draw(batch, rng)
        cipher = jax.lax.stop_gradient(encrypt_levels(nets, params, photo, planes))
        error = jnp.mean(jnp.square(nets.apply(params, "eve", unit(cipher)) - photo))
        return error, (extra, {"psnr": 10 * jnp.log10(4 / error)})

    return loss
