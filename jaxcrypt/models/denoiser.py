"""A denoiser that is told the level of white Gaussian noise.

With a noisy picture ``y = x + σ n``, ``n ~ N(0, 1)``, the net estimates the noise, not the picture:

    x̂ = y - σ f(y, σ)

so that σ = 0 leaves a picture exactly as it is. One set of weights serves every level: the level comes in as
a constant plane (FFDNet, Zhang et al. 2018) beside the picture, folded 2×2 into channels, which makes
convolutions four times cheaper and doubles what each of them sees. ``f`` is a U-Net of residual blocks
without normalisation (DRUNet, Zhang et al. 2021). Grey pictures go in as three equal planes.
"""

from __future__ import annotations

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxcrypt.models.layers import Conv, ResidualBlock, depth_to_space, space_to_depth


class Denoiser(nn.Module):
    """U-Net of residual blocks; ``widths[k]`` channels and ``blocks[k]`` blocks (each way) at scale ``k``.

    Scale 0 is half the picture's size. The lowest scale is gone through once.
    """

    widths: tuple[int, ...] = (64, 96, 128)
    blocks: tuple[int, ...] = (2, 2, 3)

    @property
    def multiple(self) -> int:
        """Height and width must be multiples of this."""
        return 2 ** len(self.widths)

    @nn.compact
    def __call__(self, noisy: jax.Array, sigma: jax.Array, context: jax.Array | None = None) -> jax.Array:
        """Denoise.

        Args:
          noisy: float32 [B, H, W, 3], nominally in [-1, 1]; H and W multiples of :attr:`multiple`.
          sigma: float32 [B] or [B, H, W], the noise's standard deviation in the same unit.
          context: float32 [B, H/2, W/2, widths[0]], further features of a net beside this one.

        Returns:
          float32 [B, H, W, 3].
        """
        level = jnp.broadcast_to(sigma.reshape(*sigma.shape, *[1] * (4 - sigma.ndim)), (*noisy.shape[:3], 1))
        plane = jnp.mean(space_to_depth(level, 2), axis=-1, keepdims=True)
        h = Conv(self.widths[0], (3, 3), name="enter")(jnp.concatenate([space_to_depth(noisy, 2), plane], -1))
        h = h if context is None else h + context
        skips = []
        for k, (width, count) in enumerate(zip(self.widths[:-1], self.blocks[:-1], strict=True)):
            for i in range(count):
                h = ResidualBlock(width, name=f"down{k}_{i}")(h)
            skips.append(h)
            h = Conv(self.widths[k + 1], (1, 1), name=f"shrink{k}")(space_to_depth(h, 2))
        for i in range(self.blocks[-1]):
            h = ResidualBlock(self.widths[-1], name=f"bottom_{i}")(h)
        for k in reversed(range(len(skips))):
            h = depth_to_space(Conv(4 * self.widths[k], (1, 1), name=f"grow{k}")(h), 2) + skips[k]
            for i in range(self.blocks[k]):
                h = ResidualBlock(self.widths[k], name=f"up{k}_{i}")(h)
        noise = depth_to_space(Conv(12, (3, 3), name="leave", kernel_init=nn.initializers.zeros)(h), 2)
        return noisy - level * noise
