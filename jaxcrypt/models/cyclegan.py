"""The nets of the key-conditioned CycleGAN cipher, and of those who train against it.

The encrypting generator is an encoder over transform coefficients with residual blocks, and a head that says
how strongly each coefficient goes into the cipher: whole numbers, so that both sides compute the same scales
on any device. The decrypting generator is :class:`jaxcrypt.models.denoiser.Denoiser` with :class:`Context`
beside it. Discriminators judge patches (Isola et al. 2017, arXiv:1611.07004).
"""

from __future__ import annotations

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxcrypt.functional.block_transform import BLOCK, PLANE
from jaxcrypt.models.layers import Conv, ResidualBlock, depth_to_space, space_to_depth

DIGITS = 6  # whole numbers that describe a block of 16×16
LEVELS = 16  # values of each
UNIT = 8.0  # of the parameters below: octaves, so that one learning rate suits them and the kernels
LEAST = -2  # the smallest scale is that power of two: what rounding to 8 bits leaves of nothing
OCTAVE = 256  # steps of a logarithmic scale that make a factor of two


def _rounded(x: jax.Array) -> jax.Array:
    """Nearest whole number; the gradient passes straight through."""
    return x + jax.lax.stop_gradient(jnp.round(x) - x)


def _profile(rng: jax.Array, shape: tuple[int, ...]) -> jax.Array:
    """Where training starts: photos' coefficients fall with frequency, colour differences lie lower."""
    u, v = jnp.mgrid[:BLOCK, :BLOCK]
    luminance = 8.5 - 1.4 * jnp.log2(1.0 + jnp.hypot(u, v))
    return jnp.concatenate([luminance.reshape(-1) - drop for drop in (0.0, 2.0, 3.0)]) / UNIT


def _slopes(rng: jax.Array, shape: tuple[int, ...]) -> jax.Array:
    """Digit 0 starts as the strength of all but the lowest frequencies; the others as small noise."""
    u, v = jnp.mgrid[:BLOCK, :BLOCK]
    first = jnp.tile(jnp.minimum(jnp.hypot(u, v) / 4, 1.0).reshape(-1), 3) * 5.0 / UNIT
    return jnp.concatenate([first[None], 0.06 * jax.random.normal(rng, (shape[0] - 1, shape[1]))])


class Encoder(nn.Module):
    """Looks at a picture's coefficients and describes every block by :data:`DIGITS` whole numbers."""

    width: int = 96
    blocks: int = 2

    def setup(self):
        self.base = self.param("base", _profile, (3 * PLANE,))
        self.slope = self.param("slope", _slopes, (DIGITS, 3 * PLANE))
        self.enter = Conv(self.width, (1, 1))
        self.residual = [ResidualBlock(self.width) for _ in range(self.blocks)]
        self.leave = Conv(DIGITS, (1, 1), kernel_init=nn.initializers.normal(0.05))

    def __call__(self, coefficients: jax.Array) -> jax.Array:
        """float32 ``[B, h, w, 768]`` in grey levels to digits, float32 whole numbers ``[B, h, w, 6]`` in
        0..15."""
        energy = jnp.log2(jnp.abs(coefficients) + 0.25) - jax.lax.stop_gradient(UNIT * self.base)
        h = self.enter(0.25 * energy)
        for block in self.residual:
            h = block(h)
        left = self.leave(nn.relu(h)).astype(jnp.float32)
        return _rounded((1 + jnp.tanh(left)) * ((LEVELS - 1) / 2))

    def scales(self, digits: jax.Array) -> jax.Array:
        """Digits ``[B, h, w, 6]`` to the binary logarithm of each coefficient's scale, ``[B, h, w, 768]``, in
        whole steps of 1/:data:`OCTAVE`. Exact: sums of whole numbers below 2^24, rounded once more where a
        fused multiplication and addition leaves slopes short of zero by a millionth."""
        base, slope = _rounded(OCTAVE * UNIT * self.base), _rounded(OCTAVE * UNIT / (LEVELS - 1) * self.slope)
        centred = 2 * digits - (LEVELS - 1)
        scales = _rounded(base + jnp.einsum("zabd,dk->zabk", centred, slope, precision="highest"))
        return scales + jax.lax.stop_gradient(jnp.maximum(scales, OCTAVE * LEAST) - scales)


class Context(nn.Module):
    """What the decrypting generator knows besides the picture, as features at half of its size.

    Starts at zero, so that a denoiser trained without it is where training starts.
    """

    width: int = 64

    @nn.compact
    def __call__(self, doubt: jax.Array, spread: jax.Array) -> jax.Array:
        """``doubt`` float32 ``[B, H, W, 3]``: what shrinking took off, in units of the error; ``spread``
        ``[B, H/16, W/16, P]``: logarithms of the expected errors of groups of coefficients."""
        tall = jnp.repeat(jnp.repeat(spread, BLOCK // 2, axis=1), BLOCK // 2, axis=2)
        seen = jnp.concatenate([space_to_depth(doubt, 2), tall], axis=-1)
        h = nn.relu(Conv(self.width, (1, 1))(seen))
        return Conv(self.width, (3, 3), kernel_init=nn.initializers.zeros)(h)


class Discriminator(nn.Module):
    """Patches of a picture, real or made: float ``[B, H, W, C]`` to one number for each patch."""

    width: int = 32
    layers: int = 3

    @nn.compact
    def __call__(self, picture: jax.Array) -> jax.Array:
        h = picture
        for i in range(self.layers):
            h = nn.leaky_relu(Conv(self.width << i, (4, 4), strides=2)(h), 0.2)
        return Conv(1, (3, 3))(h).astype(jnp.float32)


class Eve(nn.Module):
    """The eavesdropper: a cipher picture without its key, float ``[B, H, W, 3]`` in [-1, 1], to her guess of
    the photo."""

    width: int = 48
    blocks: int = 2

    @nn.compact
    def __call__(self, cipher: jax.Array) -> jax.Array:
        h = Conv(self.width, (3, 3))(space_to_depth(cipher, 4))
        for _ in range(self.blocks):
            h = ResidualBlock(self.width)(h)
        return depth_to_space(Conv(48, (3, 3))(nn.relu(h)).astype(jnp.float32), 4)
