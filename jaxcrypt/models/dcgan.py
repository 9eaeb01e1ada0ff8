"""The nets of a DCGAN of 64x64 faces (Radford et al. 2016, arXiv:1511.06434), and one that reads z back.

    generator: z ~ N(0, 1)^100 -> face,    discriminator: face -> logit,    extractor: face -> estimate of z

With their default settings generator and discriminator are, to the parameter, those of the source's tables
(3,750,275 and 404,801 parameters); other widths give lighter ones under the same record. A transposed
convolution of 4x4 with stride 2 is computed as what it is, four convolutions of 2x2 whose outputs interleave:
the same numbers as ``jax.lax.conv_transpose``, in half the time on a CPU.

Faces are float32 NHWC in [-1, 1]; every net computes in the dtype of its kernels.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from jaxcrypt.models.layers import Conv, space_to_depth

SIDE = 64  # of a face
SLOPE = 0.2  # of LeakyReLU below zero
_HE = 2 / (1 + SLOPE**2)  # gain squared that keeps the power through LeakyReLU
_KERNEL = 4
_STRIDE = 2


class Upsample(nn.Module):
    """A transposed convolution, 4x4 with stride 2: ``[B, H, W, C]`` to ``[B, 2H, 2W, features]``.

    ``direct``: by JAX's own function for it, whose sums have another order: to tell what rounding does.
    """

    features: int
    direct: bool = False

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        batch, height, width, depth = x.shape
        # Each output sees a 2x2 part of the kernel: the power that counts is that of a quarter of the fan.
        start = nn.initializers.variance_scaling(_STRIDE**2 * _HE, "fan_in", "truncated_normal")
        kernel = self.param("kernel", start, (_KERNEL, _KERNEL, depth, self.features))
        bias = self.param("bias", nn.initializers.zeros, (self.features,))
        x, bias = x.astype(kernel.dtype), bias.astype(kernel.dtype)
        layout = ("NHWC", "HWIO", "NHWC")
        if self.direct:
            return jax.lax.conv_transpose(x, kernel, (2, 2), "SAME", dimension_numbers=layout) + bias
        taps = kernel.reshape(2, 2, 2, 2, depth, self.features).transpose(0, 2, 4, 1, 3, 5)
        taps = taps.reshape(2, 2, depth, 4 * self.features)
        # Padded beforehand: XLA's gradient of a padded 2x2 kernel takes a CPU hundreds of times as long.
        x = jnp.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
        y = jax.lax.conv_general_dilated(x, taps, (1, 1), "VALID", dimension_numbers=layout)
        y = y.reshape(batch, height + 1, width + 1, 2, 2, self.features)
        y = jnp.stack([y[:, :-1, :, 0], y[:, 1:, :, 1]], axis=2)
        y = jnp.stack([y[:, :, :, :-1, 0], y[:, :, :, 1:, 1]], axis=4)
        return y.reshape(batch, 2 * height, 2 * width, self.features) + bias


class Generator(nn.Module):
    """Faces from latents.

    Attributes:
      start: channels of the first, coarsest feature map; its side follows from ``widths``.
      widths: channels after each doubling of the side, up to 64.
      kernel: side of the last convolution.
      latent: dimensions of z.
      batch_norm: normalise before each LeakyReLU, as the source's text says and its table does not.
      direct: as :class:`Upsample`.
    """

    start: int = 128
    widths: tuple[int, ...] = (128, 256, 512)
    kernel: int = 5
    latent: int = 100
    batch_norm: bool = False
    direct: bool = False

    @nn.compact
    def __call__(self, z: jax.Array, train: bool = False) -> jax.Array:
        """float ``[B, latent]`` to faces ``[B, 64, 64, 3]`` in [-1, 1]."""
        side = SIDE >> len(self.widths)
        x = nn.Dense(side * side * self.start, name="dense")(z).reshape(-1, side, side, self.start)
        for index, width in enumerate(self.widths):
            x = Upsample(width, self.direct, name=f"up{index}")(x)
            if self.batch_norm:
                x = nn.BatchNorm(use_running_average=not train, momentum=0.9, name=f"norm{index}")(x)
            x = nn.leaky_relu(x, SLOPE)
        return jnp.tanh(Conv(3, (self.kernel, self.kernel), name="image")(x))


class Halve(nn.Module):
    """A convolution, 4x4 with stride 2: ``[B, H, W, C]``, sides even, to ``[B, H/2, W/2, features]``.

    On a CPU it is a product over the 4x4 squares, laid side by side: the same numbers, and gradients of any
    order (the gradient penalty wants the second) that are products again. XLA has no fast code there for the
    convolutions with holes that a stride leads to. ``direct``: a convolution anywhere.
    """

    features: int
    direct: bool = False

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        start = nn.initializers.variance_scaling(_HE, "fan_in", "truncated_normal")
        kernel = self.param("kernel", start, (_KERNEL, _KERNEL, x.shape[-1], self.features))
        bias = self.param("bias", nn.initializers.zeros, (self.features,))
        x, bias = x.astype(kernel.dtype), bias.astype(kernel.dtype)
        if self.direct or jax.default_backend() != "cpu":
            layout = ("NHWC", "HWIO", "NHWC")
            return jax.lax.conv_general_dilated(x, kernel, (2, 2), "SAME", dimension_numbers=layout) + bias
        x = space_to_depth(jnp.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0))), _STRIDE)
        ends = (slice(None, -1), slice(1, None))
        squares = jnp.concatenate([x[:, rows, columns] for rows in ends for columns in ends], axis=-1)
        taps = kernel.reshape(2, 2, 2, 2, -1, self.features).transpose(0, 2, 1, 3, 4, 5)
        return squares @ taps.reshape(-1, self.features) + bias


class _Down(nn.Module):
    """A convolution, 4x4 with stride 2, and LeakyReLU."""

    features: int
    batch_norm: bool = False
    spectral_norm: bool = False

    @nn.compact
    def __call__(self, x: jax.Array, train: bool) -> jax.Array:
        conv = Halve(self.features, name="conv")
        x = nn.SpectralNorm(conv, name="spectral")(x, update_stats=train) if self.spectral_norm else conv(x)
        if self.batch_norm:
            x = nn.BatchNorm(use_running_average=not train, momentum=0.9, name="norm")(x)
        return nn.leaky_relu(x, SLOPE)


class Discriminator(nn.Module):
    """Real (above 0) or generated (below)?

    Attributes:
      widths: channels after each halving of the side.
      dropout: share of the last features that training drops.
      batch_norm: normalise after each convolution, as the source's text says and its table does not.
      spectral_norm: every kernel is divided by its largest singular value (Miyato et al. 2018).
    """

    widths: tuple[int, ...] = (64, 128, 128)
    dropout: float = 0.2
    batch_norm: bool = False
    spectral_norm: bool = False

    @nn.compact
    def __call__(self, x: jax.Array, train: bool = False) -> jax.Array:
        """Faces ``[B, 64, 64, 3]`` to logits ``[B]``; training needs the rng ``dropout``."""
        for index, width in enumerate(self.widths):
            x = _Down(width, self.batch_norm, self.spectral_norm, name=f"down{index}")(x, train)
        x = nn.Dropout(self.dropout, deterministic=not train)(x.reshape(x.shape[0], -1))
        return nn.Dense(1, name="dense")(x)[:, 0]


class Extractor(nn.Module):
    """A first estimate of the latents that a face was generated from.

    Attributes:
      widths: channels after each halving of the side.
      latent: dimensions of z.
    """

    widths: tuple[int, ...] = (48, 96, 160, 224)
    latent: int = 100

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        """Faces ``[B, 64, 64, 3]``, rounded or re-encoded, to z, float ``[B, latent]``."""
        for index, width in enumerate(self.widths):
            x = _Down(width, name=f"down{index}")(x, False)
        return nn.Dense(self.latent, name="dense")(x.reshape(x.shape[0], -1))


def of_settings(kind: type[nn.Module], settings: Any) -> nn.Module:
    """A net from a section of a config, in which JSON may have made lists of tuples."""
    return kind(**{name: tuple(v) if isinstance(v, list | tuple) else v for name, v in settings.items()})
