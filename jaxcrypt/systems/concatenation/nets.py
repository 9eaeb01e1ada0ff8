"""The nets of the ablation, and pictures through them with their key planes."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any

import jax
import jax.numpy as jnp

from jaxcrypt.functional.keyed import Purpose, draw
from jaxcrypt.functional.levels import to_levels, unit
from jaxcrypt.models.cyclegan import Discriminator, Eve
from jaxcrypt.models.cyclegan_concatenation import Generator
from jaxcrypt.systems.cyclegan.channel import passed
from jaxcrypt.systems.drivers.windows import UNIT

GENERATORS = ("encryptor", "decryptor")


@dataclass(frozen=True)
class Nets:
    """All nets by the names of their parameters."""

    encryptor: Generator
    decryptor: Generator
    critic_cipher: Discriminator
    critic_photo: Discriminator
    eve: Eve

    def apply(self, params: Any, name: str, *args: jax.Array) -> jax.Array:
        """The net called ``name``."""
        return getattr(self, name).apply({"params": params[name]}, *args)

    def init(self, rng: jax.Array) -> dict[str, Any]:
        picture, made = jnp.zeros((1, UNIT, UNIT, 3)), {}
        for own, field in zip(jax.random.split(rng, 5), fields(self), strict=True):
            args = (picture, picture) if field.name in GENERATORS else (picture,)
            made[field.name] = getattr(self, field.name).init(own, *args)["params"]
        return made


def key_planes(subkey: jax.Array, shape: tuple[int, int]) -> jax.Array:
    """Uniform key stream, uint8 ``[B, H, W, 3]``, of subkeys uint32 ``[B, 8]``."""
    count = 3 * math.prod(shape)
    drawn = jax.vmap(lambda key: draw([(key, Purpose.PLANES, 0, -(-count // 4))])[0])(subkey)
    data = jax.lax.bitcast_convert_type(drawn, jnp.uint8).reshape(drawn.shape[0], -1)
    return data[:, :count].reshape(-1, *shape, 3)


def encrypt_levels(nets: Nets, params: Any, photo: jax.Array, planes: jax.Array) -> jax.Array:
    """The cipher of a ``photo`` in [-1, 1], in whole grey levels 0..255 with a gradient, float32."""
    made = to_levels(jnp.tanh(nets.apply(params, "encryptor", photo, planes)))
    return passed(made, jnp.round(made))


def decrypt_unit(nets: Nets, params: Any, cipher: jax.Array, planes: jax.Array) -> jax.Array:
    """The photo of a ``cipher`` in grey levels, in [-1, 1] where decryption is right."""
    return nets.apply(params, "decryptor", unit(cipher), planes)


def nets_of(model: Any) -> Nets:
    """The nets that ``config.model`` describes."""
    critics = (Discriminator(**dict(model.get("critic", {}))) for _ in range(2))
    generators = (Generator(**dict(model.get("generator", {}))) for _ in range(2))
    return Nets(*generators, *critics, Eve(**dict(model.get("eve", {}))))
