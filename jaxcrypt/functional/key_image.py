"""Keys that depend on a picture besides: one changed sample changes everything that is drawn from them."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from jaxcrypt.functional import universal_hash
from jaxcrypt.functional.keyed import Purpose, prf


@jax.jit
def with_key_image(subkey: jax.Array, key_image: jax.Array) -> jax.Array:
    """Subkeys uint32 ``[B, 8]`` that depend on every sample of the key images, uint8 ``[B, H, W, C]``.

    A keyed universal hash of the samples, and the pseudo-random function of it and of the shape.
    """
    shape = key_image.shape[1:]
    flat = jnp.asarray(key_image).reshape(key_image.shape[0], -1)
    words = 1 << (-(-flat.shape[1] // 4) - 1).bit_length()
    flat = jnp.pad(flat, ((0, 0), (0, 4 * words - flat.shape[1])))
    packed = jax.lax.bitcast_convert_type(flat.reshape(flat.shape[0], words, 4), jnp.uint32)

    def one(key, data):
        tags = universal_hash.tile_hash(key, jnp.uint32(0), data).reshape(2, 4)
        head = jnp.array([[Purpose.KEY_IMAGE, *shape]], jnp.uint32)
        return prf(key, jnp.concatenate([head, tags]))[:8]

    return jax.vmap(one)(subkey, packed)
