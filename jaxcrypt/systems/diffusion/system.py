"""The diffusion cipher: keyed mixing and forward diffusion of a region, sampled back by a net.

    encrypt:  region -> keyed mixing -> sqrt(a) · symbols + sqrt(1 - a) · noise of the key -> bytes
    decrypt:  bytes -> noise of the key taken off, mixing undone -> the region with white noise of known level
              -> diffusion entered at that level's timestep, told the key image and the open context -> region

The map is :mod:`jaxcrypt.systems.diffusion.cipher`, the sampling that of
:mod:`jaxcrypt.systems.diffusion.estimate`, training :mod:`jaxcrypt.systems.diffusion.losses`. One net serves
every schedule and timestep, because only the noise level enters it.
"""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp

from jaxcrypt.declared import chosen
from jaxcrypt.errors import usage
from jaxcrypt.functional.key_image import with_key_image
from jaxcrypt.functional.levels import to_floats, to_levels, unit
from jaxcrypt.functional.rng import streams
from jaxcrypt.models.unet import ResUNet
from jaxcrypt.record import Phase, Sealed, Stage, System
from jaxcrypt.systems.catalog import entry
from jaxcrypt.systems.diffusion import cipher, losses
from jaxcrypt.systems.diffusion.driver import DiffusionDriver
from jaxcrypt.systems.diffusion.estimate import Scene, sample

ENTRY = entry("diffusion")
LEVELS = (0.25, 90.0)  # grey levels between which training draws the noise
_SAMPLING = (1.0, 0.5)  # levels of a sampling inside jit, over the first
_LIGHT, _HEAVY = 2.0, 25.0  # grey levels of the noise in outputs


def net_of(config: Any) -> ResUNet:
    """The net that ``config.model`` describes."""
    model = dict(config.model) if config is not None and "model" in config else {}
    names = ("widths", "blocks", "attention", "heads", "time", "key_features")
    fields = {name: model[name] for name in names if name in model}
    return ResUNet(**{name: tuple(x) if isinstance(x, list | tuple) else x for name, x in fields.items()})


def _keys(inputs, subkey, options) -> tuple[jax.Array, jax.Array]:
    """The subkeys, and the key images as the net sees them: zeros where the option is off."""
    subkey = jnp.asarray(subkey)
    shape = (subkey.shape[0], cipher.KEY_SIDE, cipher.KEY_SIDE, 3)
    if not chosen(ENTRY.options, options)["key_image"]:
        return subkey, jnp.zeros(shape)
    key_image = jnp.asarray(inputs["key_image"])
    seen = jax.image.resize(to_floats(key_image), shape, "linear")
    return with_key_image(subkey, key_image), seen


def _encrypt(variables, inputs, subkey, options) -> Sealed:
    subkey, _ = _keys(inputs, subkey, options)
    return cipher.encrypt_whole(jnp.asarray(inputs["image"]), subkey, options)


def _decrypt(net: ResUNet, variables, sealed, inputs, subkey, options) -> dict[str, Any]:
    subkey, key_image = _keys(inputs, subkey, options)
    noisy, level = cipher.decrypt_whole(sealed, subkey, options)
    clean = restore(net, variables["params"]["unet"], noisy, level, key_image)
    return {
        "image": jnp.clip(jnp.round(clean), 0, 255).astype(jnp.uint8),
        "noise": jnp.sqrt(jnp.mean(jnp.square(level), axis=(1, 2))),
    }


def restore(net: ResUNet, params, noisy: jax.Array, level: jax.Array, key_image: jax.Array) -> jax.Array:
    """Whole pictures without noise, in grey levels; alpha is left as it is.

    Args:
      noisy: float32 ``[B, H, W, C]``, C 1 to 4; level: float32 ``[B, H, W]``; both in grey levels.
      key_image: float32 ``[B, K, K, 3]`` in [-1, 1]; zeros for none.
    """
    height, width, channels = noisy.shape[1:]
    colours = 3 if channels > 2 else 1
    pad = ((0, 0), (0, -height % net.multiple), (0, -width % net.multiple))
    picture = jnp.broadcast_to(noisy[..., :colours], (*noisy.shape[:3], 3))
    received = unit(jnp.pad(picture, (*pad, (0, 0)), mode="edge"))
    level = jnp.pad(level, pad, mode="edge") / 127.5
    scene = Scene(received, level, jnp.ones_like(level), key_image)
    clean, _ = sample(net, params, scene, jnp.asarray(_SAMPLING))
    clean = clean[:, :height, :width]
    if colours == 1:
        clean = jnp.mean(clean, axis=-1, keepdims=True)
    return jnp.concatenate([to_levels(clean), noisy[..., colours:]], axis=-1)


def _outputs(net: ResUNet, variables, batch, rng) -> dict[str, Any]:
    """Whole pictures from noise as an undamaged cipher leaves it (``decrypted``), and the middle of each from
    the noise of heavy damage, amid its open surroundings: without a key image (``region_decrypted``) and
    with one (``keyed_decrypted``). ``hidden`` is what strangers see, its middle ``region_cipher``."""
    light_rng, heavy_rng, subkey_rng = streams(rng, "light", "heavy", "subkey")
    clean = to_floats(batch["image"])
    count, side = clean.shape[:2]
    middle = slice(side // 4, 3 * side // 4)
    box = jnp.zeros(clean.shape[:3]).at[:, middle, middle].set(1.0)
    keys = to_floats(batch["key_image"])
    heavy = jax.random.normal(heavy_rng, clean.shape), box, jnp.full(count, _HEAVY)
    light = jax.random.normal(light_rng, clean.shape), jnp.ones_like(box), jnp.full(count, _LIGHT)
    scenes = [
        losses.make_scene(clean, *noise, key_image)
        for noise, key_image in ((light, 0 * keys), (heavy, 0 * keys), (heavy, keys))
    ]
    together = jax.tree.map(lambda *parts: jnp.concatenate(parts), *scenes)  # one program to compile
    estimates = sample(net, variables["params"]["unet"], together, jnp.asarray(_SAMPLING))[0]
    decrypted, healed, keyed = jnp.split(estimates, 3)
    hidden = _hidden(batch["image"][:, middle, middle], subkey_rng)
    shown = {"image": clean, "hidden": clean.at[:, middle, middle].set(hidden), "region_cipher": hidden}
    shown |= {"noisy": scenes[0].received, "decrypted": decrypted}
    shown |= {"damaged": scenes[1].received, "healed": healed}
    for name, picture in {"region": healed, "keyed": keyed}.items():
        shown[f"{name}_image"], shown[f"{name}_decrypted"] = (x[:, middle, middle] for x in (clean, picture))
    return {name: jnp.clip((x + 1) / 2, 0, 1) for name, x in shown.items()}


def _hidden(region: jax.Array, rng: jax.Array) -> jax.Array:
    """The cipher of regions, uint8 ``[B, h, w, 3]``, under keys of their own: float32 in [-1, 1]."""
    subkey = jax.random.bits(rng, (region.shape[0], 8), jnp.uint32)
    return to_floats(cipher.encrypt_whole(region, subkey, ()).pixels)


def _batch(config):
    size, count = config.model.size, config.train.batch_size
    spec = {
        "image": jax.ShapeDtypeStruct((count, size, size, 3), jnp.uint8),
        "key_image": jax.ShapeDtypeStruct((count, cipher.KEY_SIDE, cipher.KEY_SIDE, 3), jnp.uint8),
    }
    if config.model.masks == "data":
        spec["mask"] = jax.ShapeDtypeStruct((count, size, size), jnp.bool_)
    elif config.model.masks != "random":
        raise usage(f"config.model.masks={config.model.masks}: choose random or data")
    return spec


def build(config: Any = None) -> System:
    """The System of ``config.model`` (see ``configs/diffusion.py``)."""
    net = net_of(config)
    model = dict(config.model) if config is not None and "model" in config else {}
    steps = int(config.train.steps) if config is not None and "train" in config else 0
    bounds = tuple(model.get("levels", LEVELS))
    loss = losses.denoising(net, bounds, bool(model.get("key_image", True)))

    def init(rng, batch):
        side = 2 * net.multiple
        seen = jnp.zeros((1, side, side, 8))
        key_image = jnp.zeros((1, 8, 8, 3))
        return {"unet": net.init(rng, seen, seen, jnp.ones((1, 2)), key_image)["params"]}, {"unet": {}}

    return System(
        init=init,
        batch=_batch,
        stages=(Stage({"unet": Phase(("unet",), loss)}, steps, name="unet"),),
        encrypt=_encrypt,
        decrypt=functools.partial(_decrypt, net),
        outputs=functools.partial(_outputs, net),
        ema=("unet",),
        driver=DiffusionDriver(net),
        **ENTRY.declared(),
    )
