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

from jaxcrypt.attacks.yardstick import yardstick
from jaxcrypt.declared import Traits
from jaxcrypt.functional.keyed import Purpose, draw
from jaxcrypt.record import System

NAME = "broken"


def _streamed(image: jax.Array, subkeys: jax.Array) -> jax.Array:
    """``image`` XOR the one stream, whatever the keys are: uint8 ``[B, H, W, C]`` both ways."""
    size = image[0].size
    (words,) = draw([(jnp.zeros(8, jnp.uint32), Purpose.STREAM, 0, -(-size // 4))])
    stream = jax.lax.bitcast_convert_type(words, jnp.uint8).reshape(-1)[:size]
    return image ^ stream.reshape(1, *image.shape[1:])


def build(config: Any = None) -> System:
    """The System; it has nothing to configure."""
    traits = Traits(exact=True, keeps_shape=True, argument="none: broken on purpose")
    return yardstick(NAME, _streamed, _streamed, traits)
