"""Ciphers to set others beside, as Systems: two functions of pictures and subkeys, nothing learned."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from jaxcrypt.declared import Traits
from jaxcrypt.record import Sealed, System
from jaxcrypt.systems.drivers.whole import driven

Change = Callable[[jax.Array, jax.Array], jax.Array]


def yardstick(name: str, hide: Change, show: Change, traits: Traits) -> System:
    """The System whose cipher is ``hide(pictures, subkeys)`` and whose inverse is ``show``.

    Args:
      hide, show: of uint8 ``[B, H, W, C]`` and uint32 ``[B, 8]`` to uint8 ``[B, H, W, C]``; jittable.
    """

    def encrypt(variables, inputs, subkey, options) -> Sealed:
        return Sealed(hide(jnp.asarray(inputs["image"]), subkey))

    def decrypt(variables, sealed, inputs, subkey, options) -> dict[str, Any]:
        return {"image": show(jnp.asarray(sealed.pixels), subkey)}

    def outputs(variables, batch, rng) -> dict[str, Any]:
        image = jnp.asarray(batch["image"])
        subkey = jax.random.bits(rng, (len(image), 8), jnp.uint32)
        cipher = hide(image, subkey)
        pictures = {"image": image, "cipher": cipher, "decrypted": show(cipher, subkey)}
        return {key: x.astype(jnp.float32) / 255 for key, x in pictures.items()}

    system = System(
        init=lambda rng, batch: ({}, {}),
        batch=lambda config: {"image": jax.ShapeDtypeStruct((1, 64, 64, 3), jnp.uint8)},
        stages=(),
        encrypt=encrypt,
        decrypt=decrypt,
        outputs=outputs,
        name=name,
        traits=traits,
    )
    return driven(system)
