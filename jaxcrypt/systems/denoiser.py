"""Mixing whose decryption knows what pictures look like: a denoiser over keyed mixing.

Encryption is that of :mod:`jaxcrypt.systems.mixing`; the cipher's confidentiality is therefore the same,
whatever was learned. Decryption estimates how the cipher picture was distorted (not at all; lost blocks,
marked or flat; JPEG, whose steps the pixels still show; else noise, which the pilots measure) and decodes by
turns (:mod:`jaxcrypt.systems.decoding.turbo`). ``System.decrypt`` is one pass of that inside jit: un-mix,
measure, denoise; the driver of the commands does all passes. ``robust`` picks the layout of
:mod:`jaxcrypt.systems.decoding.robust`.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxcrypt.declared import chosen
from jaxcrypt.errors import usage
from jaxcrypt.functional.rng import streams
from jaxcrypt.models.denoiser import Denoiser
from jaxcrypt.record import Call, Outcome, Phase, Sealed, Shape, Stage, System
from jaxcrypt.systems.catalog import entry
from jaxcrypt.systems.decoding import received, region, robust, turbo
from jaxcrypt.systems.decoding.denoise import WindowedDenoiser
from jaxcrypt.systems.drivers import host
from jaxcrypt.systems.drivers.layout import even_bounds
from jaxcrypt.systems.mixing import system as mixing

ENTRY = entry("denoiser")
_BAND, _TOGETHER = 6_000_000, 2  # samples that are decoded as one, and how many such at a time


# ------------------------------------------------------------------------------------------------- driver


@dataclass(frozen=True)
class DenoiserDriver:
    """The :class:`~jaxcrypt.record.Driver`: pictures of any size, in bands of whole mixing tiles."""

    net: Denoiser

    def aligns(self, options) -> bool:
        """Where the layout is robust."""
        return bool(chosen(ENTRY.options, options)["robust"])

    def check(self, shape: Shape, options) -> None:
        """Refuse what the robust layout has no room for."""
        strength = chosen(ENTRY.options, options)["robust"]
        if strength:
            robust.plan(shape, strength)

    def encrypt(self, call: Call, pictures: Sequence[np.ndarray], keys: Sequence[bytes]) -> list[Sealed]:
        """As :class:`~jaxcrypt.record.Driver` says."""
        self.check(pictures[0].shape, call.options)
        settings = chosen(ENTRY.options, call.options)
        strength, rounds = settings["robust"], settings["rounds"]
        if not strength:
            own = Call(options=(("rounds", rounds),), inputs=call.inputs, progress=call.progress)
            return mixing.SYSTEM.driver.encrypt(own, pictures, keys)
        if "mask" in call.inputs:
            raise usage("--roi with --robust: a robust picture grows; leave out one of them")
        made = []
        for done, (picture, key) in enumerate(zip(pictures, keys, strict=True), 1):
            made.append(Sealed(*robust.encrypt(picture, key, strength, rounds)))
            if call.progress is not None:
                call.progress(done / len(pictures))
        return made

    def decrypt(
        self,
        call: Call,
        sealed: Sequence[Sealed],
        keys: Sequence[bytes],
        shape: Shape,
        lost: Sequence[np.ndarray] | None = None,
    ) -> list[Outcome]:
        """As :class:`~jaxcrypt.record.Driver` says."""
        settings = chosen(ENTRY.options, call.options)
        strength, rounds = settings["robust"], settings["rounds"]
        host.check_sealed(sealed, shape, ENTRY.traits.channels)
        windows = WindowedDenoiser(self.net, call.variables["params"]["denoiser"])
        results = []
        for i, (one, key) in enumerate(zip(sealed, keys, strict=True)):
            progress = host.share(call.progress, i, len(sealed))
            gaps = None if lost is None else lost[i]
            if strength:
                result = robust.decrypt(one, key, strength, rounds, shape, windows, gaps, progress)
            elif "mask" in one.side:
                result = region.decrypt(one, key, rounds, shape, windows, gaps, progress)
            else:
                result = _decrypt_bands(one, key, rounds, shape, windows, gaps, progress)
            results.append(Outcome([result[0]], result[1]))
        return results


def _decrypt_bands(
    one: Sealed, key: bytes, rounds: int, shape: Shape, windows: WindowedDenoiser, lost, progress
):
    """The picture, and its expected error."""
    layout = mixing.layout(shape)
    host.check_shape(one.pixels, layout.cipher_shape)
    statistics = [host.statistic(one.side, name, layout.count) for name, _, _ in mixing.SIDE]
    gaps, quality = received.distortion(one.pixels, received.lost_pixels(one.pixels, lost))
    image = np.empty(layout.plain[-1], np.uint8)
    bounds = even_bounds(layout.count, -(-layout.count // max(1, _BAND // layout.size)))

    def band(first: int, last: int, part) -> float:
        run = _run(layout, host.words(key), rounds, statistics, first, last)
        span = layout.cipher[first], layout.cipher[last]
        start, end = layout.plain[first], layout.plain[last]
        denoise = windows.of_run(shape, start, end)
        image[start:end], error = received.recover(
            run, one.pixels, span, gaps, quality, denoise, denoise.some, part
        )
        return error

    parts = host.shares(progress, len(bounds) - 1)
    errors = [band(*bounds[:2], parts[0])]  # alone: it compiles what the others run
    with ThreadPoolExecutor(_TOGETHER) as pool:  # while one mixes on the host, the other's net has both cores
        errors += pool.map(band, bounds[1:-1], bounds[2:], parts[1:])
    return image.reshape(shape), float(np.sqrt(np.mean(np.square(errors))))


def _run(layout, subkey: np.ndarray, rounds: int, statistics, first: int, last: int) -> turbo.Run:
    plain, cipher = (
        tuple(b - bounds[first] for b in bounds[first : last + 1]) for bounds in (layout.plain, layout.cipher)
    )
    mean, spread = (values[first:last] for values in statistics)
    return turbo.Run(subkey, first, layout.size, plain, cipher, mean, spread, rounds)


# ------------------------------------------------------------------------------------------------- System


def _of_mixing(options) -> tuple:
    """The options of the mixing beneath."""
    settings = chosen(ENTRY.options, options)
    if settings["robust"]:
        raise usage("--robust: whole pictures on the host only, by the driver")
    return (("rounds", settings["rounds"]),)


def _encrypt(variables, inputs, subkey, options):
    return mixing.SYSTEM.encrypt({}, inputs, subkey, _of_mixing(options))


def _decrypt(net: Denoiser):
    def decrypt(variables, sealed, inputs, subkey, options):
        estimate = mixing.SYSTEM.decrypt({}, sealed, inputs, subkey, _of_mixing(options))
        noisy = jnp.asarray(estimate["image"], jnp.float32)
        sigma = jnp.maximum(estimate["noise"], 0.0)
        clean = denoise_batch(net, variables["params"]["denoiser"], noisy, sigma)
        return estimate | {"image": jnp.clip(jnp.round(clean), 0, 255).astype(jnp.uint8)}

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
        ema=("denoiser",),
        null=lambda shape, options, random: robust.null(
            shape, chosen(ENTRY.options, options)["robust"], random
        ),
        outline=lambda shape, options, grows: robust.outline(shape, chosen(ENTRY.options, options)["robust"]),
        driver=DenoiserDriver(net),
        **ENTRY.declared(),
    )
