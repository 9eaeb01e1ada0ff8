"""A ResNet-UNet that denoises part of a picture, told the noise, the rest of the picture and a key image.

Three paths meet (source: the diffusion cipher's "ResNet-UNet hybrid"):

- the **main path** sees the picture as it stands at the present noise level: residual blocks at four scales,
  each modulated by the time embedding, and self-attention at chosen scales;
- the **encrypted-image path** sees the picture as it was received, whatever has been sampled since; its
  features are added to the main path's;
- the **key path** sees the key image; the lowest scale attends to its features, and their mean joins the time
  embedding.

The first full-resolution features are kept and joined to the last ones, so that no detail has to pass through
a lower scale. There is no normalisation of features: a reconstruction must keep each picture's own mean and
contrast.

Time is the noise level: its logarithm, in thousandths of the span of levels, goes through the sinusoidal
embedding of transformers (Vaswani et al. 2017), so that one net serves every schedule. Attention is that of
the same paper; its logits are scaled by log m / log 256 for m positions, so that larger pictures than those
of the training do not blur it (Chiang and Cholak 2022).
"""

from __future__ import annotations

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from jaxcrypt.models.layers import Conv, Dense, depth_to_space, kept, space_to_depth

LOWEST, HIGHEST = 1e-3, 4.0  # noise levels between which time is told apart, pictures in [-1, 1]
POSITIONS = 256  # of attention in training, at a scale of 16 × 16


def embed(level: jax.Array, size: int) -> jax.Array:
    """Sinusoidal embedding of noise levels: float32 ``[B]`` to ``[B, size]``, ``size`` even."""
    span = np.log(HIGHEST / LOWEST)
    time = 1000 * (jnp.log(jnp.clip(level, LOWEST, HIGHEST)) - np.log(LOWEST)) / span
    rate = jnp.exp(-jnp.log(10_000.0) * jnp.arange(size // 2) / (size // 2))
    angle = time[:, None] * rate
    return jnp.concatenate([jnp.sin(angle), jnp.cos(angle)], axis=-1)


class ModulatedBlock(nn.Module):
    """``x + conv(relu(scale · conv(x) + shift))``, scale and shift from the time embedding.

    The second convolution starts at zero: the block starts as the identity.
    """

    features: int

    @nn.compact
    def __call__(self, x: jax.Array, time: jax.Array) -> jax.Array:
        """float ``[B, H, W, features]`` and ``[B, T]`` to ``[B, H, W, features]``."""
        h = Conv(self.features, (3, 3), name="first")(x)
        both = Dense(2 * self.features, kernel_init=nn.initializers.zeros, name="modulate")(time)
        scale, shift = jnp.split(both[:, None, None], 2, axis=-1)
        h = nn.relu(h * (1 + scale) + shift)
        return kept(x + Conv(self.features, (3, 3), kernel_init=nn.initializers.zeros, name="second")(h))


class Attention(nn.Module):
    """Multi-head attention of every position to all positions of ``source`` (itself by default), added on."""

    heads: int

    @nn.compact
    def __call__(self, x: jax.Array, source: jax.Array | None = None) -> jax.Array:
        """float ``[B, H, W, C]`` and ``[B, h, w, D]`` to ``[B, H, W, C]``; C a multiple of ``heads``."""
        batch, height, width, channels = x.shape
        source = x if source is None else source
        asking = nn.RMSNorm(name="asking")(x.reshape(batch, height * width, channels))
        answering = nn.RMSNorm(name="answering")(source.reshape(batch, -1, source.shape[-1]))

        def by_head(tokens, name):
            made = Dense(channels, use_bias=False, name=name)(tokens)
            return made.reshape(batch, -1, self.heads, channels // self.heads)

        query, key, value = by_head(asking, "query"), by_head(answering, "key"), by_head(answering, "value")
        scale = (channels // self.heads) ** -0.5 * np.log(key.shape[1] + 1) / np.log(POSITIONS + 1)
        logits = jnp.einsum("bqhd,bkhd->bhqk", query, key).astype(jnp.float32) * scale
        weights = jax.nn.softmax(logits, axis=-1).astype(value.dtype)
        mixed = jnp.einsum("bhqk,bkhd->bqhd", weights, value).reshape(batch, height, width, channels)
        return kept(x + Dense(channels, kernel_init=nn.initializers.zeros, name="out")(mixed))


class KeyPath(nn.Module):
    """Features of a key image at a quarter of its size, by residual blocks."""

    features: int
    blocks: int = 2

    @nn.compact
    def __call__(self, key_image: jax.Array, time: jax.Array) -> jax.Array:
        """float ``[B, K, K, 3]``, K a multiple of 4, and ``[B, T]`` to ``[B, K/4, K/4, features]``."""
        h = Conv(self.features, (3, 3), name="enter")(space_to_depth(key_image, 4))
        for i in range(self.blocks):
            h = ModulatedBlock(self.features, name=f"block{i}")(h, time)
        return h


class ResUNet(nn.Module):
    """The net. ``widths[k]`` channels and ``blocks[k]`` blocks (each way) at a 2^k-th of the picture's size.

    Full resolution (k = 0) has its blocks on the way up only; the lowest scale is gone through once.
    ``attention`` names the scales with self-attention.
    """

    widths: tuple[int, ...] = (32, 64, 96, 128)
    blocks: tuple[int, ...] = (1, 2, 2, 3)
    attention: tuple[int, ...] = (3,)
    heads: int = 4
    time: int = 128
    key_features: int = 64

    @property
    def multiple(self) -> int:
        """Height and width must be multiples of this."""
        return 2 ** (len(self.widths) - 1)

    @nn.compact
    def __call__(self, seen: jax.Array, received: jax.Array, levels: jax.Array, key_image: jax.Array):
        """Estimate the noise in a picture.

        Args:
          seen: float ``[B, H, W, C]``, features of the picture at its present noise level; H and W multiples
            of :attr:`multiple`. received: the same of the picture as it was received.
          levels: float32 ``[B, 2]``, the noise levels of both, pictures in [-1, 1].
          key_image: float ``[B, K, K, 3]`` in [-1, 1], K a multiple of 4; zeros for none.

        Returns:
          ``[B, H, W, 3]``: the noise in units of the present level, in the dtype of the kernels.
        """
        time = self._time(levels)
        key = KeyPath(self.key_features, name="key")(key_image, time)
        pooled = jnp.mean(key, axis=(1, 2))
        time = time + Dense(self.time, kernel_init=nn.initializers.zeros, name="key_to_time")(pooled)
        first = Conv(self.widths[0], (3, 3), name="enter")(seen)
        h = Conv(self.widths[1], (3, 3), name="shrink0")(space_to_depth(first, 2))
        h = h + self._received(received, time)
        skips = []
        for k in range(1, len(self.widths) - 1):
            h = self._blocks(h, time, k, "down")
            skips.append(h)
            h = Conv(self.widths[k + 1], (1, 1), name=f"shrink{k}")(space_to_depth(h, 2))
        h = self._blocks(h, time, len(self.widths) - 1, "bottom", key)
        for k in reversed(range(1, len(self.widths) - 1)):
            h = depth_to_space(Conv(4 * self.widths[k], (1, 1), name=f"grow{k}")(h), 2) + skips[k - 1]
            h = self._blocks(h, time, k, "up")
        h = depth_to_space(Conv(4 * self.widths[0], (1, 1), name="grow0")(h), 2)
        h = Conv(self.widths[0], (1, 1), name="join")(jnp.concatenate([h, first], axis=-1))
        h = self._blocks(h, time, 0, "up")
        return Conv(3, (3, 3), name="leave", kernel_init=nn.initializers.zeros)(h)

    def _time(self, levels: jax.Array) -> jax.Array:
        both = jnp.concatenate([embed(levels[:, i], self.time) for i in range(2)], axis=-1)
        h = nn.relu(Dense(self.time, name="time0")(both))
        return nn.relu(Dense(self.time, name="time1")(h))

    def _received(self, received: jax.Array, time: jax.Array) -> jax.Array:
        h = Conv(self.widths[1], (3, 3), name="received")(space_to_depth(received, 2))
        return ModulatedBlock(self.widths[1], name="received0")(h, time)

    def _blocks(self, h, time, k: int, way: str, key: jax.Array | None = None):
        for i in range(self.blocks[k]):
            h = ModulatedBlock(self.widths[k], name=f"{way}{k}_{i}")(h, time)
            if i == 0 and k in self.attention:
                h = Attention(self.heads, name=f"attend_{way}{k}")(h)
            if i == 0 and key is not None:
                h = Attention(self.heads, name="attend_key")(h, key)
        return h
