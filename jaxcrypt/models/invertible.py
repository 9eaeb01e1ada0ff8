"""Hiding by an invertible network in the wavelet domain: what hides, run backwards, reveals.

Cover and secrets are Haar-transformed to x and y; block i couples them (Jing et al., *HiNet*, ICCV 2021; Lu
et al., *ISN*, CVPR 2021):

    x' = x + phi_i(y),      y' = y * exp(a tanh(rho_i(x') / a)) + eta_i(x').

After the last block, x back in pixels is the stego picture. What is left in y is thrown away: it does not
travel, and the reverse run, block by block,

    y = (y' - eta_i(x')) * exp(-a tanh(rho_i(x') / a)),      x = x' - phi_i(y),

starts from zeros in its place; training makes that loss small. The bound a on the exponent keeps scales,
and with them gradients, finite. The last convolution of each net starts at zero, so the network starts as
the identity.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from flax import linen as nn

from jaxcrypt.functional.wavelet import haar, inverse_haar
from jaxcrypt.models.layers import Conv, kept


class Coupling(nn.Module):
    """One coupling block between cover coefficients ``[B, h, w, N]`` and secret coefficients ``[B, h, w,
    M]``."""

    cover_depth: int
    secret_depth: int
    features: int
    bound: float

    def setup(self):
        self.phi = [*self._net(self.cover_depth)]
        self.rho_eta = [*self._net(2 * self.secret_depth)]

    def _net(self, depth: int):
        yield Conv(self.features, (3, 3))
        yield Conv(self.features, (1, 1))
        yield Conv(depth, (3, 3), kernel_init=nn.initializers.zeros)

    def _add(self, y: jax.Array) -> jax.Array:
        return _run(self.phi, y)

    def _scale_shift(self, x: jax.Array) -> tuple[jax.Array, jax.Array]:
        rho, eta = jnp.split(_run(self.rho_eta, x), 2, axis=-1)
        return self.bound * jnp.tanh(rho / self.bound), eta

    def __call__(self, x: jax.Array, y: jax.Array) -> tuple[jax.Array, jax.Array]:
        x = x + self._add(y)
        log_scale, shift = self._scale_shift(x)
        return x, y * jnp.exp(log_scale) + shift

    def inverse(self, x: jax.Array, y: jax.Array) -> tuple[jax.Array, jax.Array]:
        log_scale, shift = self._scale_shift(x)
        y = (y - shift) * jnp.exp(-log_scale)
        return x - self._add(y), y


def _run(layers, x: jax.Array) -> jax.Array:
    for layer in layers[:-1]:
        x = nn.leaky_relu(layer(x), 0.2)
    return layers[-1](x).astype(jnp.float32)


class Invertible(nn.Module):
    """A stack of :class:`Coupling` blocks between Haar transforms.

    Attributes:
      secrets: how many RGB pictures are hidden in one.
      levels: of the Haar transform; sides must be multiples of ``2^levels``.
      blocks, features: depth, and width of the nets inside.
      bound: of the exponent of the scale.
    """

    secrets: int
    levels: int
    blocks: int
    features: int
    bound: float

    def setup(self):
        depth = 3 * 4**self.levels
        self.couplings = [
            Coupling(depth, self.secrets * depth, self.features, self.bound) for _ in range(self.blocks)
        ]

    def __call__(self, cover: jax.Array, secrets: jax.Array) -> jax.Array:
        """Hide, then reveal: float32 ``[B, H, W, 3*S]``; for initialisation."""
        return self.reveal(self.hide(cover, secrets))

    def hide(self, cover: jax.Array, secrets: jax.Array) -> jax.Array:
        """Cover ``[B, H, W, 3]`` and secrets ``[B, H, W, 3*S]``, float32 in [-1, 1], to the stego picture."""
        x, y = haar(cover, self.levels), haar(secrets, self.levels)
        for block in self.couplings:
            x, y = map(kept, block(x, y))
        return inverse_haar(x, self.levels)

    def reveal(self, stego: jax.Array) -> jax.Array:
        """The stego picture, float32 ``[B, H, W, 3]``, to the secrets ``[B, H, W, 3*S]``."""
        x = haar(stego, self.levels)
        y = jnp.zeros((*x.shape[:3], self.secrets * x.shape[3]), x.dtype)
        for block in reversed(self.couplings):
            x, y = map(kept, block.inverse(x, y))
        return inverse_haar(y, self.levels)
