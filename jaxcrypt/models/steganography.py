"""Preparation, hiding and reveal networks: each secret has a preparation and a reveal network of its own.

    features_s = prepare_s(secret_s),     stego = cover + hide(cover, features_1 … features_S),
    secret_s ~ reveal_s(stego)

(Baluja, *Hiding images in plain sight*, NeurIPS 2017). A network is a stack of layers that look at 3x3, 4x4
and 5x5 neighbourhoods side by side, as there; hiding is a correction of the cover, which trains faster.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from flax import linen as nn


class Stack(nn.Module):
    """``layers`` layers of three convolutions side by side, then one to ``depth`` channels; sides stay."""

    features: int
    layers: int
    depth: int

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        for _ in range(self.layers):
            sides = [nn.Conv(self.features, (side, side))(x) for side in (3, 4, 5)]
            x = nn.relu(jnp.concatenate(sides, axis=-1))
        return nn.Conv(self.depth, (3, 3))(x)


class Networks(nn.Module):
    """The source's system.

    Attributes:
      secrets: how many RGB pictures are hidden in one.
      features: of each of a layer's three convolutions.
      layers: of the hiding and reveal networks; preparation networks have half as many.
    """

    secrets: int
    features: int
    layers: int

    def setup(self):
        depth = 3 * self.features
        self.preparation = [
            Stack(self.features, max(self.layers // 2, 1), depth) for _ in range(self.secrets)
        ]
        self.hiding = Stack(self.features, self.layers, 3)
        self.revealing = [Stack(self.features, self.layers, 3) for _ in range(self.secrets)]

    def __call__(self, cover: jax.Array, secrets: jax.Array) -> jax.Array:
        """Hide, then reveal: float32 ``[B, H, W, 3*S]``; for initialisation."""
        return self.reveal(self.hide(cover, secrets))

    def hide(self, cover: jax.Array, secrets: jax.Array) -> jax.Array:
        """Cover ``[B, H, W, 3]`` and secrets ``[B, H, W, 3*S]``, float32 in [-1, 1], to the stego picture."""
        parts = jnp.split(secrets, self.secrets, axis=-1)
        prepared = [net(part) for net, part in zip(self.preparation, parts, strict=True)]
        return cover + self.hiding(jnp.concatenate([cover, *prepared], axis=-1))

    def reveal(self, stego: jax.Array) -> jax.Array:
        """The stego picture, float32 ``[B, H, W, 3]``, to the secrets ``[B, H, W, 3*S]``."""
        return jnp.concatenate([net(stego) for net in self.revealing], axis=-1)
