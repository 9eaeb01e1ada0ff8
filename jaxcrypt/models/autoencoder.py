"""A convolutional autoencoder with a fixed number of bits for every 16x16 patch.

The encoder maps each patch of a picture, seen with its neighbours, to latents ``u_k``; latent ``k`` has
``b_k`` bits. A compander makes the latents fill their range evenly before they are rounded, as suits a
Laplacian source (Panter and Dite 1951: points should be as dense as the cube root of the source's density)::

    y = sign(u) (1 - exp(-|u| / s_k)),    q = floor((y + 1) / 2 * 2^b_k),    y' = (2 q + 1) / 2^b_k - 1
    u' = -s'_k sign(y') log(1 - |y'|)

Rounding passes gradients straight through (Bengio et al. 2013, arXiv:1308.3432). Encoder and decoder are each
a linear map plus a residual net that starts at zero. The linear maps start as the DCT-II and its inverse,
so an untrained autoencoder is transform coding, and training starts from there.
"""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn

from jaxcrypt.functional import dct
from jaxcrypt.models.layers import Conv, ResidualBlock, depth_to_space, space_to_depth

PATCH = 16
_FINE, _COARSE = 4, 8  # pixels on a side of a position of the residual nets' two grids
_ENCODER_COARSE_CONVS, _DECODER_COARSE_CONVS = 2, 4  # 3x3 convolutions on the coarse grid


def zigzag(size: int = PATCH) -> list[tuple[int, int]]:
    """The coefficients ``(row, column)`` of a block from low to high frequency, as JPEG orders them."""
    cells = [(i, j) for i in range(size) for j in range(size)]
    return sorted(cells, key=lambda c: (sum(c), c[0] if sum(c) % 2 else c[1]))


def dct_matrix(channels: int) -> np.ndarray:
    """The orthonormal DCT-II of a patch, float32 ``[256*channels, 256*channels]``.

    Columns are in :func:`zigzag` order. With three channels an orthonormal opponent colour transform comes
    first; columns run through all luminance coefficients, then those of the two colour differences.
    """
    basis = dct.basis(PATCH)
    planes = np.stack([np.outer(basis[i], basis[j]).ravel() for i, j in zigzag()], axis=1)
    colour = np.eye(1)
    if channels == 3:
        colour = np.array([[1, 1, 1], [1, 0, -1], [1, -2, 1]]) / np.sqrt([[3], [2], [6]])
    full = np.einsum("pk,jc->pcjk", planes, colour)
    return full.reshape(PATCH * PATCH * channels, -1).astype(np.float32)


def initial(bits: Sequence[int], cell: float, channels: int) -> tuple[np.ndarray, np.ndarray]:
    """The DCT columns that get bits, float32 ``[256*channels, K]``, and companding scales, float32 ``[K]``.

    ``bits`` has an entry for each DCT coefficient; those with 0 bits are not coded. The best allocation makes
    all cells equally wide, so the scale that fits a latent doubles with each bit that it is given:
    ``cell * 2^bits``.
    """
    chosen = np.flatnonzero(bits)
    return dct_matrix(channels)[:, chosen], (cell * 2.0 ** np.asarray(bits)[chosen]).astype(np.float32)


def compand(u: jax.Array, scale: jax.Array) -> jax.Array:
    """Real latents ``u`` to (-1, 1); ``scale`` is positive, one for each latent."""
    return jnp.sign(u) * -jnp.expm1(-jnp.abs(u) / scale)


def expand(y: jax.Array, scale: jax.Array) -> jax.Array:
    """The inverse of :func:`compand`, for ``|y| < 1``."""
    return -scale * jnp.sign(y) * jnp.log1p(-jnp.abs(y))


def quantise(y: jax.Array, bits: Sequence[int]) -> jax.Array:
    """Latents in [-1, 1] to int32 in ``[0, 2^bits)``, same shape; ``bits`` has an entry for each."""
    levels = jnp.asarray([2**b for b in bits], jnp.float32)
    return jnp.clip(jnp.floor((y + 1) / 2 * levels), 0, levels - 1).astype(jnp.int32)


def dequantise(index: jax.Array, bits: Sequence[int]) -> jax.Array:
    """Indices to the middle of their cell, float32 in (-1, 1)."""
    levels = jnp.asarray([2**b for b in bits], jnp.float32)
    return (2 * index.astype(jnp.float32) + 1) / levels - 1


def straight_through(y: jax.Array, bits: Sequence[int]) -> jax.Array:
    """``dequantise(quantise(y))``, whose gradient is that of the identity."""
    return y + jax.lax.stop_gradient(dequantise(quantise(y, bits), bits) - y)


class Encoder(nn.Module):
    """A picture, float32 ``[B, H, W, C]`` in [-1, 1], sides multiples of 16, to companded latents.

    Gives float32 ``[B, H/16, W/16, K]`` in (-1, 1), where K is the number of nonzero ``bits``.
    """

    bits: Sequence[int]
    cell: float
    features: int
    blocks: int

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        start, scales = initial(self.bits, self.cell, x.shape[-1])
        latents = len(scales)
        linear = self.param("linear", lambda _: jnp.asarray(start))
        log_scale = self.param("log_scale", lambda _: jnp.log(jnp.asarray(scales)))
        offset = self.param("offset", nn.initializers.zeros, (latents,))
        u = space_to_depth(x, PATCH) @ linear + offset

        h = Conv(self.features, (3, 3))(space_to_depth(x, _FINE))
        for _ in range(self.blocks):
            h = ResidualBlock(self.features)(h)
        h = Conv(2 * self.features, (1, 1))(space_to_depth(nn.relu(h), _COARSE // _FINE))
        h = ResidualBlock(2 * self.features)(h)
        h = space_to_depth(h, PATCH // _COARSE)
        # The correction is in units of the latent's own scale, so that all latents learn at one rate.
        h = Conv(latents, (1, 1), kernel_init=nn.initializers.zeros)(nn.relu(h))
        scale = jnp.exp(log_scale.astype(jnp.float32))
        return compand(u + scale * h.astype(jnp.float32), scale)


class Decoder(nn.Module):
    """Quantised latents, float32 ``[B, h, w, K]`` in (-1, 1), to a picture, float32 ``[B, 16h, 16w, C]``.

    The picture is in [-1, 1] up to overshoot, which the caller clips.
    """

    bits: Sequence[int]
    cell: float
    channels: int
    features: int
    blocks: int

    @nn.compact
    def __call__(self, y: jax.Array) -> jax.Array:
        start, scales = initial(self.bits, self.cell, self.channels)
        linear = self.param("linear", lambda _: jnp.asarray(start.T))
        log_scale = self.param("log_scale", lambda _: jnp.log(jnp.asarray(scales)))
        draft = depth_to_space(expand(y, jnp.exp(log_scale.astype(jnp.float32))) @ linear, PATCH)

        h = Conv((PATCH // _COARSE) ** 2 * 2 * self.features, (1, 1))(y)
        h = depth_to_space(h, PATCH // _COARSE)
        for _ in range(2):
            h = ResidualBlock(2 * self.features)(h)
        h = depth_to_space(Conv(4 * self.features, (1, 1))(nn.relu(h)), _COARSE // _FINE)
        h = h + Conv(self.features, (3, 3))(space_to_depth(draft, _FINE))
        for _ in range(self.blocks):
            h = ResidualBlock(self.features)(h)
        h = Conv(_FINE * _FINE * self.channels, (3, 3), kernel_init=nn.initializers.zeros)(nn.relu(h))
        return draft + depth_to_space(h.astype(jnp.float32), _FINE)


class Autoencoder(nn.Module):
    """:class:`Encoder`, quantiser and :class:`Decoder` as one net.

    Attributes:
      bits: for each of the ``256 * channels`` DCT coefficients, in the order of :func:`dct_matrix`, the bits
        of the latent that starts as it; 0: not coded. Their sum is what a patch costs.
      cell: how wide the cells are at first, in units of the picture's range [-1, 1]; the finer the more bits.
      channels: 1 (grey) or 3 (RGB).
      features, encoder_blocks, decoder_blocks: width and depth of the residual nets.
    """

    bits: Sequence[int]
    cell: float
    channels: int
    features: int
    encoder_blocks: int
    decoder_blocks: int

    def setup(self):
        if len(self.bits) != PATCH * PATCH * self.channels:
            raise ValueError(
                f"bits: {len(self.bits)} entries for {PATCH * PATCH * self.channels} coefficients"
            )
        self.encoder = Encoder(self.bits, self.cell, self.features, self.encoder_blocks)
        self.decoder = Decoder(self.bits, self.cell, self.channels, self.features, self.decoder_blocks)

    @property
    def widths(self) -> tuple[int, ...]:
        """Bits of each latent that is coded."""
        return tuple(b for b in self.bits if b)

    @property
    def reach(self) -> tuple[int, int]:
        """How many pixels around a patch its latents depend on, and around it they change pixels.

        Counted in 3x3 convolutions on either grid; rounded up to whole patches.
        """
        encoder = _FINE * (1 + 2 * self.encoder_blocks) + _COARSE * _ENCODER_COARSE_CONVS
        decoder = _FINE * (2 + 2 * self.decoder_blocks) + _COARSE * _DECODER_COARSE_CONVS
        return tuple(-(-pixels // PATCH) * PATCH for pixels in (encoder, decoder))

    def __call__(self, x: jax.Array) -> jax.Array:
        """A picture to what becomes of it, differentiable; shapes and ranges as :class:`Decoder` says."""
        return self.decoder(straight_through(self.encoder(x), self.widths))

    def encode(self, x: jax.Array) -> jax.Array:
        """A picture to indices, int32 ``[B, H/16, W/16, K]``."""
        return quantise(self.encoder(x), self.widths)

    def decode(self, indices: jax.Array) -> jax.Array:
        """The inverse of :meth:`encode`, as far as there is one."""
        return self.decoder(dequantise(indices, self.widths))
