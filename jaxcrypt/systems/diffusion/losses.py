"""How the net learns: regions with white noise of every level that decryption meets, one step and again.

Over photos x, masks M, levels σ, and y = x + σ M n the loss is the error inside the region in decibels,

    log( mean_M |D(x_s) - x|^2 + σ^2 / 100 ),

once for x_s = y as received (s = σ), and once more where one deterministic step of sampling has led with the
net's own estimate, x_s = D(y) + s/σ (y - D(y)), 0 < s < σ. So the net learns to sample on the very paths on
which decryption uses it, where x_s tells nothing that y does not, and further steps refine the estimate.
Decibels, because pictures and levels then count alike; the second term keeps easy regions from counting more.

The key image goes along with probability 1 - ``NO_KEY``. As often as ``SAME_SCENE`` it shows the very scene
(small, mirrored by chance, in another contrast), else it is a picture that has nothing to do with it: the net
has to find out which.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

from jaxcrypt.functional.diffusion import ddim_step
from jaxcrypt.functional.levels import to_floats
from jaxcrypt.functional.rng import streams
from jaxcrypt.models.unet import ResUNet
from jaxcrypt.systems.diffusion.estimate import Scene, estimate
from jaxcrypt.systems.diffusion.masks import random_masks

GREY = 0.12  # share of grey pictures, as three equal planes
NO_KEY, SAME_SCENE = 0.25, 0.3


def make_scene(clean: jax.Array, noise: jax.Array, mask: jax.Array, sigma: jax.Array, key_image: jax.Array):
    """The :class:`Scene` of float32 ``[B, H, W, 3]`` with noise of ``sigma`` (``[B]``, grey levels) in
    ``mask``."""
    mask = mask.astype(jnp.float32)
    level = (sigma / 127.5)[:, None, None] * mask
    return Scene(clean + level[..., None] * noise, level, mask, key_image)


def training_scene(batch, rng: jax.Array, bounds: tuple[float, float]) -> tuple[jax.Array, Scene, jax.Array]:
    """Clean pictures, a scene of them, and its levels ``[B]`` in grey levels, log-uniform in ``bounds``."""
    names = "grey", "level", "noise", "mask", "key"
    grey_rng, level_rng, noise_rng, mask_rng, key_rng = streams(rng, *names)
    clean = to_floats(batch["image"])
    count = clean.shape[0]
    grey = jax.random.bernoulli(grey_rng, GREY, (count, 1, 1, 1))
    clean = jnp.where(grey, clean.mean(-1, keepdims=True), clean)
    noise = jax.random.normal(noise_rng, clean.shape)
    noise = jnp.where(grey, noise[..., :1], noise)
    low, high = jnp.log(bounds[0]), jnp.log(bounds[1])
    sigma = jnp.exp(jax.random.uniform(level_rng, (count,), minval=low, maxval=high))
    mask = batch["mask"] if "mask" in batch else random_masks(mask_rng, count, clean.shape[1])
    key_image = keys_seen(to_floats(batch["key_image"]), clean, key_rng)
    return clean, make_scene(clean, noise, mask, sigma, key_image), sigma


def keys_seen(key_image: jax.Array, clean: jax.Array, rng: jax.Array) -> jax.Array:
    """The key images as training shows them: as they are, of the very scene, or none.

    Args:
      key_image: float32 ``[B, K, K, 3]``; clean: float32 ``[B, H, W, 3]``; both in [-1, 1].

    Returns:
      float32 ``[B, K, K, 3]``.
    """
    none_rng, same_rng, flip_rng, gain_rng, lift_rng = streams(rng, "none", "same", "flip", "gain", "lift")
    each = (key_image.shape[0], 1, 1, 1)
    scene = jax.image.resize(clean, key_image.shape, "linear")
    scene = jnp.where(jax.random.bernoulli(flip_rng, 0.5, each), scene[:, :, ::-1], scene)
    gain = jax.random.uniform(gain_rng, each, minval=0.6, maxval=1.2)
    scene = jnp.clip(gain * scene + 0.2 * jax.random.normal(lift_rng, each), -1, 1)
    seen = jnp.where(jax.random.bernoulli(same_rng, SAME_SCENE, each), scene, key_image)
    return jnp.where(jax.random.bernoulli(none_rng, NO_KEY, each), 0.0, seen)


def denoising(net: ResUNet, bounds: tuple[float, float], with_key: bool):
    """The loss of the phase ``unet``: ``(params, extra, batch, rng) -> (loss, (extra, metrics))``."""

    def loss(params, extra, batch, rng):
        scene_rng, ratio_rng = streams(rng, "scene", "ratio")
        clean, scene, sigma = training_scene(batch, scene_rng, bounds)
        if not with_key:
            scene = scene._replace(key_image=jnp.zeros_like(scene.key_image))
        once = estimate(net, params["unet"], scene.received, jnp.ones_like(sigma), scene)
        half = max(clean.shape[0] // 2, 1)
        part = jax.tree.map(lambda x: x[:half], scene)
        ratio = jax.random.uniform(ratio_rng, (half,), minval=0.05)
        step = ratio[:, None, None, None]
        moved = ddim_step(part.received, jax.lax.stop_gradient(once[:half]), step)
        again = estimate(net, params["unet"], moved, ratio, part)
        errors = [_error(once, clean, scene.mask), _error(again, clean[:half], part.mask)]
        value = sum(
            jnp.mean(jnp.log(e + s**2 / 100)) for e, s in zip(errors, (sigma, sigma[:half]), strict=True)
        )
        gains = [
            jnp.mean(10 * jnp.log10(s**2 / e)) for e, s in zip(errors, (sigma, sigma[:half]), strict=True)
        ]
        metrics = {"mse": jnp.mean(errors[0]), "gain_db": gains[0], "gain_sampled_db": gains[1]}
        metrics["psnr"] = jnp.mean(10 * jnp.log10(255**2 / errors[0]))
        return value / 2, (extra, metrics)

    return loss


def _error(denoised: jax.Array, clean: jax.Array, mask: jax.Array) -> jax.Array:
    """Mean squared error inside the region in grey levels, float32 ``[B]``."""
    square = jnp.square(denoised - clean).mean(axis=-1) * mask
    inside = jnp.maximum(mask.sum(axis=(1, 2)), 1.0)
    return jnp.maximum(127.5**2 * square.sum(axis=(1, 2)) / inside, 1e-6)
