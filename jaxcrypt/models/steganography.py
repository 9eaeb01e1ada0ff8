"""Preparation, hiding and reveal networks: each secret has a preparation and a reveal network of its own.

    features_s = prepare_s(secret_s),     stego = cover + hide(cover, features_1 … features_S),
    secret_s ~ reveal_s(stego)

(Baluja, *Hiding images in plain sight*, NeurIPS 2017). Three changes to the published networks make them
train in minutes: they see and write Haar coefficients instead of pixels, a layer is a correction of what
comes in (He et al., arXiv:1603.05027), and hiding is a correction of the cover, at first none.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn

from jaxcrypt.functional.wavelet import haar, inverse_haar
from jaxcrypt.models.layers import Conv, kept

_MEANS, _DETAILS = 0.25, 4.0  # bring the Haar coefficients of photos to about one scale


def coefficients(x: jax.Array, levels: int) -> jax.Array:
    """float ``[B, H, W, 3]`` in [-1, 1] to Haar coefficients ``[B, H/2^l, W/2^l, 3*4^l]`` of about one scale:
    else the means of the blocks drown the details."""
    gains = np.where(np.arange(3 * 4**levels) < 3, _MEANS, _DETAILS).astype(np.float32)
    return haar(x, levels) * gains


class Stack(nn.Module):
    """``layers`` residual 3x3 convolutions of width ``features`` between two 1x1 ones, the last to ``depth``.

    ``quiet``: what comes out starts at zero.
    """

    features: int
    layers: int
    depth: int
    quiet: bool = False

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        x = Conv(self.features, (1, 1))(x)
        for _ in range(self.layers):
            x = kept(x + Conv(self.features, (3, 3))(nn.leaky_relu(x, 0.2)))
        start = nn.initializers.zeros if self.quiet else nn.initializers.lecun_normal()
        return Conv(self.depth, (1, 1), kernel_init=start)(nn.leaky_relu(x, 0.2)).astype(jnp.float32)


class Networks(nn.Module):
    """The source's system.

    Attributes:
      secrets: how many RGB pictures are hidden in one.
      levels: of the Haar transform that the networks work in; sides must be multiples of ``2^levels``.
      features: width of the networks.
      layers: of the hiding and reveal networks; preparation networks have half as many.
    """

    secrets: int
    levels: int
    features: int
    layers: int

    def setup(self):
        depth, each = 3 * 4**self.levels, range(self.secrets)
        half = max(self.layers // 2, 1)
        self.preparation = [Stack(self.features, half, self.features) for _ in each]
        self.hiding = Stack(self.features, self.layers, depth, quiet=True)
        self.revealing = [Stack(self.features, self.layers, depth) for _ in each]

    def __call__(self, cover: jax.Array, secrets: jax.Array) -> jax.Array:
        """Hide, then reveal: float32 ``[B, H, W, 3*S]``; for initialisation."""
        return self.reveal(self.hide(cover, secrets))

    def hide(self, cover: jax.Array, secrets: jax.Array) -> jax.Array:
        """Cover ``[B, H, W, 3]`` and secrets ``[B, H, W, 3*S]``, float32 in [-1, 1], to the stego picture."""
        parts = jnp.split(secrets, self.secrets, axis=-1)
        seen = [coefficients(cover, self.levels)]
        for net, part in zip(self.preparation, parts, strict=True):
            seen.append(net(coefficients(part, self.levels)))
        return cover + inverse_haar(self.hiding(jnp.concatenate(seen, axis=-1)), self.levels)

    def reveal(self, stego: jax.Array) -> jax.Array:
        """The stego picture, float32 ``[B, H, W, 3]``, to the secrets ``[B, H, W, 3*S]``."""
        seen = coefficients(stego, self.levels)
        return jnp.concatenate([inverse_haar(net(seen), self.levels) for net in self.revealing], axis=-1)
