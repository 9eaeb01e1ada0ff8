"""What the net makes of a region with white noise: one estimate, or a deterministic sampling.

A *scene* is all that a decoder has: the picture as it was received, whose region holds noise of a known
level and whose other samples are clean; that level; where the region is; the key image. The net estimates
the noise,

    x̂ = x - σ f(x, received, σ, σ_received, mask, key image)

so that outside the region, where σ = 0, every sample stays what it is. Beside the picture it sees what a
picture looks like in units of its noise: the difference from the local mean, over σ, through asinh (noise a
hundredth of a grey level high is then as plain to see as any). That part is computed in float32, whatever the
net computes in.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp

from jaxcrypt.functional.diffusion import ddim_step
from jaxcrypt.models.unet import ResUNet

FLOOR = 1e-3  # an eighth of a grey level


class Scene(NamedTuple):
    """A batch of pictures to be restored.

    Attributes:
      received: float32 ``[B, H, W, 3]`` in [-1, 1], clean outside the region.
      level: float32 ``[B, H, W]``, standard deviation of the noise in the same unit, 0 outside the region.
      mask: float32 ``[B, H, W]``, 1 in the region.
      key_image: float32 ``[B, K, K, 3]`` in [-1, 1]; zeros for none.
    """

    received: jax.Array
    level: jax.Array
    mask: jax.Array
    key_image: jax.Array


def features(picture: jax.Array, scene: Scene, ratio: jax.Array) -> jax.Array:
    """What the net sees of ``[B, H, W, 3]`` with noise of ``ratio`` (``[B]``) times the scene's level.

    Returns:
      float32 ``[B, H, W, 8]``: the picture, its detail in units of the noise, the mask, the level.
    """
    mean = jnp.maximum(ratio * mean_level(scene), FLOOR)[:, None, None, None]
    detail = jnp.arcsinh((picture - _local_mean(picture)) / mean)
    level = (ratio[:, None, None] * scene.level)[..., None]
    return jnp.concatenate([picture, detail, scene.mask[..., None], level], axis=-1)


def mean_level(scene: Scene) -> jax.Array:
    """Mean noise level over the region, float32 ``[B]``."""
    inside = jnp.maximum(jnp.sum(scene.mask, axis=(1, 2)), 1.0)
    return jnp.sum(scene.level * scene.mask, axis=(1, 2)) / inside


def estimate(net: ResUNet, params, picture: jax.Array, ratio: jax.Array, scene: Scene) -> jax.Array:
    """The picture without noise, float32 ``[B, H, W, 3]``.

    Args:
      picture: float32 ``[B, H, W, 3]``, with noise of ``ratio`` (float32 ``[B]`` in [0, 1]) times the level
        of the scene.
    """
    seen = features(picture, scene, ratio)
    received = features(scene.received, scene, jnp.ones_like(ratio))
    level = mean_level(scene)
    levels = jnp.stack([ratio * level, level], axis=-1)
    noise = net.apply({"params": params}, seen, received, levels, scene.key_image)
    return picture - (ratio[:, None, None] * scene.level)[..., None] * noise.astype(jnp.float32)


def sample(net: ResUNet, params, scene: Scene, ratios: jax.Array) -> tuple[jax.Array, list[jax.Array]]:
    """Deterministic sampling from the received picture.

    Args:
      ratios: float32 ``[n]``, the noise levels to pass through over that of the scene; the first is 1.

    Returns:
      The last estimate of the clean picture, float32 ``[B, H, W, 3]``, and all of them in order, ``n``.
    """
    picture, stages = scene.received, []
    count = scene.received.shape[0]
    for i in range(len(ratios)):
        clean = estimate(net, params, picture, jnp.broadcast_to(ratios[i], (count,)), scene)
        stages.append(clean)
        if i + 1 < len(ratios):
            picture = ddim_step(picture, clean, ratios[i + 1] / ratios[i])
    return stages[-1], stages


def _local_mean(picture: jax.Array) -> jax.Array:
    """Mean over 3 × 3; at the border the picture is continued. Sums of shifts: exact in float32 anywhere."""
    padded = jnp.pad(picture, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="edge")
    height, width = picture.shape[1:3]
    rows = sum(padded[:, i : i + height] for i in range(3))
    return sum(rows[:, :, j : j + width] for j in range(3)) / 9
