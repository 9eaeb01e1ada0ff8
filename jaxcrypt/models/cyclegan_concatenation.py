"""The generator of a CycleGAN that takes its key by concatenation (Mirza and Osindero 2014, arXiv:1411.1784).

Picture and key planes lie side by side as channels; an encoder folds patches of 4×4 into one position,
residual blocks follow, a decoder unfolds them (CycleGAN, Zhu et al. 2017, arXiv:1703.10593, without its
normalisation: a picture must keep its own mean and contrast). The same net encrypts and decrypts, with
weights of its own for each.
"""

from __future__ import annotations

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxcrypt.models.layers import Conv, ResidualBlock, depth_to_space, space_to_depth

PATCH = 4  # pixels on a side of one position


class Generator(nn.Module):
    """A picture beside key planes to a picture of the same size."""

    width: int = 64
    blocks: int = 2

    @nn.compact
    def __call__(self, picture: jax.Array, planes: jax.Array) -> jax.Array:
        """``picture`` and ``planes`` float32 ``[B, 4h, 4w, 3]`` in [-1, 1]; gives float32 of that shape,
        unbounded."""
        h = Conv(self.width, (1, 1))(space_to_depth(jnp.concatenate([picture, planes], axis=-1), PATCH))
        for _ in range(self.blocks):
            h = ResidualBlock(self.width)(h)
        return depth_to_space(Conv(3 * PATCH**2, (1, 1))(h).astype(jnp.float32), PATCH)
