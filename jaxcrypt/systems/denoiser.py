"""Mixing whose decryption knows what pictures look like: a denoiser over keyed mixing.

Encryption is that of :mod:`jaxcrypt.systems.mixing`; the cipher's confidentiality is therefore the same,
whatever was learned. Decryption finds out what the cipher picture suffered (nothing; lost blocks, marked or
flat; JPEG, whose steps the pixels still show; else noise, which the pilots measure) and decodes by turns
(:mod:`jaxcrypt.systems.decoding.turbo`). ``System.decrypt`` is one pass of that inside jit: un-mix,
measure, denoise; the driver of the commands does all passes. ``robust`` picks the layout of
:mod:`jaxcrypt.systems.decoding.robust`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxcrypt.errors import usage
from jaxcrypt.functional.rng import streams
from jaxcrypt.models.denoiser import Denoiser
from jaxcrypt.record import Phase, Stage, System
from jaxcrypt.systems import mixing
from jaxcrypt.systems.decoding import received as damage
from jaxcrypt.systems.decoding import robust, turbo
from jaxcrypt.systems.decoding.denoise import Windows
from jaxcrypt.systems.drivers import tiled as streaming

ARGUMENT = mixing.ARGUMENT
OPTIONS = (("robust", 0),)
_BAND = 12_000_000  # samples decoded at a time


def options(given: tuple) -> dict[str, Any]:
    """The options with their defaults. Raises a Refusal for unknown ones."""
    found = dict(OPTIONS) | dict(given)
    if set(found) != {name for name, _ in OPTIONS}:
        raise usage(f"--system denoiser knows the option robust only, got {', '.join(dict(given))}")
    if found["robust"] not in (0, *robust.STRENGTHS):
        raise usage(f"--robust {found['robust']}: choose one of {', '.join(map(str, robust.STRENGTHS))}")
    return found


# ------------------------------------------------------------------------------------------------- driver


@dataclass(frozen=True)
class Recovering:
    """Pictures of any size, in bands of whole mixing tiles, for :mod:`jaxcrypt.systems.drivers.tiled`."""

    net: Denoiser

    def encrypt_pictures(self, variables, pictures, subkeys, given, progress):
        strength = options(given)["robust"]
        if strength:
            return [robust.encrypt(p, k, strength) for p, k in zip(pictures, subkeys, strict=True)]
        return streaming.encrypt_pictures(_MIXING, {}, pictures, subkeys, (), progress)

    def aligns(self, given: tuple) -> bool:
        """Whether a cipher picture that was cut or enlarged is put in its place by decryption."""
        return bool(options(given)["robust"])

    def decrypt_pictures(self, variables, ciphers, sides, subkeys, given, shape, lost, progress):
        windows = Windows(self.net, variables["params"]["denoiser"])
        strength = options(given)["robust"]
        results = []
        for i, (cipher, side, subkey) in enumerate(zip(ciphers, sides, subkeys, strict=True)):
            share = progress and (lambda done, i=i: progress((i + done) / len(ciphers)))
            gaps = None if lost is None else lost[i]
            if strength:
                results.append(robust.decrypt(cipher, side, subkey, strength, shape, windows, gaps, share))
            else:
                results.append(self._decrypt(cipher, side, subkey, shape, windows, gaps, share))
        return results

    def _decrypt(self, cipher, side, subkey, shape, windows, lost, progress):
        layout = mixing.layout(shape)
        gaps = damage.flat_blocks(cipher)
        if lost is not None:
            gaps = gaps | lost
        quality = None if shape[2] in (2, 4) else damage.find_quality(cipher, gaps)
        gaps = np.repeat(gaps.reshape(-1), shape[2]) if gaps.any() else None
        image = np.empty(layout.plain[-1], np.uint8)
        count = max(1, _BAND // layout.size)
        noise = []
        for first in range(0, layout.count, count):
            last = min(first + count, layout.count)
            run = _run(layout, np.frombuffer(subkey, "<u4"), side, first, last)
            span = layout.cipher[first], layout.cipher[last]
            start, end = layout.plain[first], layout.plain[last]
            denoise = windows.of_run(shape, start, end)
            image[start:end], levels = damage.recover(run, cipher, span, gaps, quality, denoise)
            noise.append(levels)
            if progress is not None:
                progress(last / layout.count)
        level = np.float32(np.sqrt(np.mean(np.concatenate(noise) ** 2)))
        return {"image": image.reshape(shape), "noise": level}


def _run(layout, subkey, side, first, last) -> turbo.Run:
    plain, cipher = (
        tuple(b - bounds[first] for b in bounds[first : last + 1]) for bounds in (layout.plain, layout.cipher)
    )
    mean, spread = (np.asarray(side[name], np.float32)[first:last] for name in ("mean", "spread"))
    return turbo.Run(subkey.astype(np.uint32), first, layout.size, plain, cipher, mean, spread)


_MIXING = mixing.build()


# ------------------------------------------------------------------------------------------------- System


def _encrypt(variables, inputs, subkey, given):
    if options(given)["robust"]:
        raise usage("--robust: whole pictures on the host only; use jaxcrypt.systems.drivers.tiled")
    return _MIXING.encrypt({}, inputs, subkey, ())


def _decrypt(net: Denoiser):
    def decrypt(variables, sealed, inputs, subkey, given):
        options(given)
        found = _MIXING.decrypt({}, sealed, inputs, subkey, ())
        noisy = jnp.asarray(found["image"], jnp.float32)
        sigma = jnp.maximum(found["noise"], 0.0)
        clean = denoise_batch(net, variables["params"]["denoiser"], noisy, sigma)
        return found | {"image": jnp.clip(jnp.round(clean), 0, 255).astype(jnp.uint8)}

    return decrypt


def denoise_batch(net: Denoiser, params, noisy: jax.Array, sigma: jax.Array) -> jax.Array:
    """Grey levels in and out: float32 [B, H, W, C], C 1 to 4, sigma [B]; alpha is left as it is."""
    height, width, channels = noisy.shape[1:]
    colours = 3 if channels > 2 else 1
    x = jnp.broadcast_to(noisy[..., :colours], (*noisy.shape[:3], 3)) / 127.5 - 1
    pad = ((0, 0), (0, -height % net.multiple), (0, -width % net.multiple), (0, 0))
    clean = net.apply({"params": params}, jnp.pad(x, pad, mode="edge"), sigma / 127.5)[:, :height, :width]
    if colours == 1:
        clean = jnp.mean(clean, axis=-1, keepdims=True)
    return jnp.concatenate([(clean + 1) * 127.5, noisy[..., colours:]], axis=-1)


def _loss(net: Denoiser, top: float):
    """Squared error on random levels, weighed so that all count alike: a denoiser's goes about as
    sigma^1.1."""

    def loss(params, extra, batch, rng):
        level_rng, noise_rng, grey_rng = streams(rng, "level", "noise", "grey")
        clean = batch["image"].astype(jnp.float32) / 127.5 - 1
        count = clean.shape[0]
        sigma = jax.random.uniform(level_rng, (count,), maxval=top)
        noise = jax.random.normal(noise_rng, clean.shape)
        grey = jax.random.bernoulli(grey_rng, 0.12, (count, 1, 1, 1))
        clean = jnp.where(grey, clean.mean(-1, keepdims=True), clean)
        noise = jnp.where(grey, noise[..., :1], noise)
        noisy = clean + (sigma / 127.5)[:, None, None, None] * noise
        out = net.apply({"params": params["denoiser"]}, noisy, sigma / 127.5)
        error = jnp.mean(jnp.square(out - clean), axis=(1, 2, 3)) * 127.5**2
        return jnp.mean(error / (sigma + 2) ** 1.1), (extra, {"mse": jnp.mean(error)})

    return loss


def _outputs(net: Denoiser):
    def outputs(variables, batch, rng):
        """The picture with noise of sigma 20, and without it again."""
        image = batch["image"].astype(jnp.float32)
        noisy = image + 20 * jax.random.normal(rng, image.shape)
        clean = denoise_batch(net, variables["params"]["denoiser"], noisy, jnp.full(image.shape[:1], 20.0))
        shown = {"image": image, "noisy": noisy, "decrypted": clean}
        return {name: jnp.clip(x / 255, 0, 1) for name, x in shown.items()}

    return outputs


def build(config: Any = None) -> System:
    """The System; ``config.model`` names widths and blocks of the net, ``config.train`` and ``config.data``
    its training."""
    model = dict(config.model) if config is not None and "model" in config else {}
    net = Denoiser(
        widths=tuple(model.get("widths", Denoiser.widths)), blocks=tuple(model.get("blocks", Denoiser.blocks))
    )
    top = float(model.get("sigma", 60.0))
    steps = int(config.train.steps) if config is not None and "train" in config else 0

    def init(rng, batch):
        side = net.multiple
        params = net.init(rng, jnp.zeros((1, side, side, 3)), jnp.zeros(1))["params"]
        return {"denoiser": params}, {"denoiser": {}}

    def batch(config):
        size = config.model.size
        return {"image": jax.ShapeDtypeStruct((config.train.batch_size, size, size, 3), jnp.uint8)}

    stage = Stage({"denoiser": Phase(("denoiser",), _loss(net, top))}, steps, name="denoiser")
    return System(
        init=init,
        batch=batch,
        stages=(stage,),
        encrypt=_encrypt,
        decrypt=_decrypt(net),
        outputs=_outputs(net),
        options=OPTIONS,
        ema=("denoiser",),
        argument=ARGUMENT,
        tiles=Recovering(net),
    )
