"""A deliberately broken System, to see that every attack can succeed.

    cipher = picture XOR stream,    one stream for all keys, pictures and nonces

It ignores its key and has no nonce, as its public ancestors did (a learned cipher with fixed weights). No
command offers it. It is also the weakened cipher that proves a learned attack works where a System resists
even without its nonce.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from jaxcrypt.declared import Traits
from jaxcrypt.functional.keyed import Purpose, draw
from jaxcrypt.record import Sealed, System
from jaxcrypt.systems.drivers.whole import driven

NAME = "broken"


def _streamed(image: jax.Array) -> jax.Array:
    """``image`` XOR the one stream: uint8 ``[B, H, W, C]`` both ways."""
    size = image[0].size
    (words,) = draw([(jnp.zeros(8, jnp.uint32), Purpose.STREAM, 0, -(-size // 4))])
    stream = jax.lax.bitcast_convert_type(words, jnp.uint8).reshape(-1)[:size]
    return jnp.asarray(image) ^ stream.reshape(1, *image.shape[1:])


def _encrypt(variables, inputs, subkey, options) -> Sealed:
    return Sealed(_streamed(inputs["image"]))


def _decrypt(variables, sealed, inputs, subkey, options) -> dict[str, Any]:
    return {"image": _streamed(sealed.pixels)}


def _outputs(variables, batch, rng) -> dict[str, Any]:
    image = jnp.asarray(batch["image"])
    cipher = _streamed(image)
    pictures = {"image": image, "cipher": cipher, "decrypted": _streamed(cipher)}
    return {name: x.astype(jnp.float32) / 255 for name, x in pictures.items()}


def build(config: Any = None) -> System:
    """The System; it has nothing to configure."""
    system = System(
        init=lambda rng, batch: ({}, {}),
        batch=lambda config: {"image": jax.ShapeDtypeStruct((1, 64, 64, 3), jnp.uint8)},
        stages=(),
        encrypt=_encrypt,
        decrypt=_decrypt,
        outputs=_outputs,
        name=NAME,
        traits=Traits(exact=True, keeps_shape=True, argument="none: broken on purpose"),
    )
    return driven(system)
