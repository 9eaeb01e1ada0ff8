"""The net of the learned attacks: from a cipher picture, how the photo differs from the mean photo.

Every sample goes in as its eight bits (±1) and as the normal quantile of its value, so that XOR and
companding are both linear to it. Three readings are added up:

* ``place``: linear in the samples at the same place, each place with weights of its own (stream ciphers);
* ``whole``: linear in the values of all samples, and a hidden layer over their bits and values (orthogonal
  maps, permutations);
* ``near``: residual blocks of convolutions (whatever shows through locally, at any place).

All of them start at zero: the attack starts as the mean photo.
"""

from __future__ import annotations

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxcrypt.functional.companding import CENTROIDS
from jaxcrypt.models.layers import ResidualBlock

_PLACE_GAIN = 8.0  # a place has few weights, that must grow large within few steps


def features(cipher: jax.Array) -> jax.Array:
    """uint8 ``[B, H, W, C]`` to float32 ``[B, H, W, 9 C]``: bits as ±1, and normal quantiles."""
    bits = (cipher[..., None] >> jnp.arange(8, dtype=jnp.uint8)) & 1
    signs = bits.astype(jnp.float32).reshape(*cipher.shape[:-1], -1) * 2 - 1
    return jnp.concatenate([signs, jnp.asarray(CENTROIDS)[cipher]], axis=-1)


def _laid_over(x: jax.Array, height: int, width: int) -> jax.Array:
    """``x`` at the photo's places: cut where it is a little longer, else by the nearest place."""
    for axis, length in ((1, height), (2, width)):
        if length <= x.shape[axis] < 2 * length:
            x = jax.lax.slice_in_dim(x, 0, length, axis=axis)
        else:
            x = jnp.take(x, jnp.arange(length) * x.shape[axis] // length, axis=axis)
    return x


class Reader(nn.Module):
    """See above.

    Attributes:
      shape: the photo's ``(H, W, C)``.
      hidden: units of the hidden layer of ``whole``; 0 leaves ``whole`` out.
      width, blocks: channels and residual blocks of ``near``; 0 blocks leave it out.
    """

    shape: tuple[int, int, int]
    hidden: int
    width: int
    blocks: int

    @nn.compact
    def __call__(self, cipher: jax.Array) -> jax.Array:
        """uint8 ``[B, H', W', C']`` to float32 ``[B, H, W, C]``: photo less mean photo, both in [0, 1]."""
        height, width, channels = self.shape
        zeros = nn.initializers.zeros
        x = features(cipher)
        over = _laid_over(x, height, width)
        weights = self.param("place", zeros, (height, width, over.shape[-1], channels))
        out = _PLACE_GAIN * jnp.einsum("bhwf,hwfc->bhwc", over, weights)
        if self.hidden:
            flat = x.reshape(x.shape[0], -1)
            units = nn.gelu(nn.Dense(self.hidden)(flat))
            count = height * width * channels
            values = x[..., -cipher.shape[-1] :].reshape(x.shape[0], -1)
            whole = nn.Dense(count, kernel_init=zeros)(values) + nn.Dense(count, kernel_init=zeros)(units)
            out = out + whole.reshape(out.shape)
        if self.blocks:
            h = nn.Conv(self.width, (3, 3))(over)
            for _ in range(self.blocks):
                h = ResidualBlock(self.width)(h)
            out = out + nn.Conv(channels, (3, 3), kernel_init=zeros)(h)
        return out
