"""The key-conditioned CycleGAN cipher: a learned code of the picture under keyed mixing, and back.

    encrypt:  picture -> encoder -> scaled coefficients -> keyed mixing -> bytes
    decrypt:  bytes -> keyed mixing undone -> scales, Wiener's estimate -> denoiser with context -> picture

(:mod:`jaxcrypt.systems.cyclegan.code`, :mod:`jaxcrypt.systems.cyclegan.channel`). The key conditions both
generators through the mixing: every symbol is a keyed sum over the whole picture, so what a generator sees
under another key is noise. ``rate`` says how many bytes the cipher has: those of the picture (1), a half (2)
or a quarter (4); ``key_image`` whether the key image itself enters besides, as a condition (its keyed hash,
so that one changed pixel changes the mixing altogether); ``robust`` a layout that JPEG with 4:2:0 leaves
alone.

``System.decrypt`` is one pass inside jit; the driver of the commands decodes damaged ciphers by turns.
Training is that of :mod:`jaxcrypt.systems.cyclegan.losses`. ``config.model.conditioning`` is ``mixing``, or
``concatenation`` for the ablation :mod:`jaxcrypt.systems.concatenation`.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import jax
import jax.numpy as jnp

from jaxcrypt.errors import usage
from jaxcrypt.functional import companding, outermost
from jaxcrypt.functional.block_transform import BLOCK, PLANE
from jaxcrypt.functional.key_image import with_key_image
from jaxcrypt.models.cyclegan import Context, Discriminator, Encoder, Eve
from jaxcrypt.models.denoiser import Denoiser
from jaxcrypt.record import Phase, Sealed, Stage, System
from jaxcrypt.systems.concatenation import system as concatenation
from jaxcrypt.systems.cyclegan import channel, code, header, losses
from jaxcrypt.systems.cyclegan.driver import ENTRY, CycleganDriver, choices, outline
from jaxcrypt.systems.decoding import robust


def _plan(image_blocks: tuple[int, int], shape: tuple[int, ...], options: tuple) -> code.Plan:
    """The plan of a picture of so many blocks whose cipher has ``shape``."""
    return code.plan(*image_blocks, shape[2], math.prod(shape), choices(options)["rounds"])


def _rate(options: tuple) -> int:
    settings = choices(options)
    if settings["robust"]:
        raise usage("--robust: whole pictures on the host only, by the driver")
    return settings["rate"]


def _key(inputs, subkey, options) -> jax.Array:
    if not choices(options)["key_image"]:
        return jnp.asarray(subkey)
    return with_key_image(jnp.asarray(subkey), inputs["key_image"])


def _encrypt(nets: losses.Nets, variables, inputs, subkey, options) -> Sealed:
    rate, subkey = _rate(options), _key(inputs, subkey, options)
    image = jnp.asarray(inputs["image"])
    shape = code.cipher_shape(image.shape[1:], rate)
    pad = ((0, 0), (0, -image.shape[1] % BLOCK), (0, -image.shape[2] % BLOCK), (0, 0))
    padded = jnp.pad(image, pad, mode="edge").astype(jnp.float32)
    described = code.describe(nets.encoder, variables["params"]["encoder"], padded)
    plan = _plan((padded.shape[1] // BLOCK, padded.shape[2] // BLOCK), shape, options)
    chosen = jax.vmap(lambda one: code.choose(one, plan.symbols[-1]))(described.scales)
    symbols, spread = code.to_symbols(described, chosen)
    symbols, spread = code.levelled(symbols, spread, subkey, plan)
    values, dither = channel.mix(symbols, subkey, plan)
    data = companding.compand(values, dither)
    side = {
        "digits": header.pack(described.digits, subkey),
        "mean": header.pack_mean(described.mean, subkey),
        "spread": spread,
        "beyond": header.pack_counts(outermost.measure(values, dither, data), subkey),
    }
    return Sealed(data.reshape(-1, *shape), side)


def _decrypt(nets: losses.Nets, variables, sealed, inputs, subkey, options) -> dict[str, Any]:
    """The whole blocks: sides are multiples of 16; the driver cuts them to those of the header."""
    _rate(options)
    subkey = _key(inputs, subkey, options)
    params, pixels = variables["params"], jnp.asarray(sealed.pixels)
    digits = header.unpack(sealed.side["digits"], subkey)
    shape = pixels.shape[1:]
    plan = _plan(digits.shape[1:3], shape, options)
    scales = nets.encoder.apply({"params": params["encoder"]}, digits, method="scales")
    scales = scales[..., : plan.planes * PLANE]
    chosen = jax.vmap(lambda one: code.choose(one, plan.symbols[-1]))(scales)
    zeros = jnp.zeros((pixels.shape[0], plan.symbols[-1]))
    _, dither = channel.mix(zeros, subkey, plan)
    counts = header.unpack_counts(sealed.side["beyond"], subkey)
    values = outermost.expand(pixels.reshape(pixels.shape[0], -1), dither, counts)
    received, error = channel.unmix(values, subkey, plan)
    spread = code.by_symbol(jnp.asarray(sealed.side["spread"]), plan)
    mean = header.unpack_mean(sealed.side["mean"], subkey)
    coefficients, there = code.from_symbols(received * spread, jnp.ones_like(error), chosen, scales)
    level = code.placed(jnp.sqrt(error)[:, None] * spread, chosen, scales.shape[1:])
    got = code.Received(coefficients, there, scales, level, mean)
    picture = code.restore(nets.denoiser, nets.context, params, got)
    if plan.planes == 1:
        picture = jnp.mean(picture, axis=-1, keepdims=True)
    return {"image": jnp.clip(jnp.round(picture), 0, 255).astype(jnp.uint8), "noise": jnp.sqrt(error)}


def _outputs(nets: losses.Nets, variables, batch, rng) -> dict[str, Any]:
    """``image``, ``cipher`` and ``decrypted``, at lower rates ``half_`` and ``quarter_`` before their names,
    float32 in [0, 1]."""
    image = jnp.asarray(batch["image"])
    subkey = jax.random.bits(rng, (image.shape[0], 8), jnp.uint32)
    shown = {"image": image}
    for rate, part in zip(code.RATES, ("", "half_", "quarter_"), strict=True):
        sealed = _encrypt(nets, variables, batch, subkey, (("rate", rate),))
        opened = _decrypt(nets, variables, sealed, {}, subkey, (("rate", rate),))
        shown |= {f"{part}cipher": sealed.pixels, f"{part}decrypted": opened["image"], f"{part}image": image}
    return {name: x.astype(jnp.float32) / 255 for name, x in shown.items()}


def nets_of(config: Any) -> losses.Nets:
    """The nets that ``config.model`` describes."""
    model = dict(config.model) if config is not None and "model" in config else {}
    widths = tuple(model.get("widths", Denoiser.widths))
    return losses.Nets(
        encoder=Encoder(**dict(model.get("encoder", {}))),
        denoiser=Denoiser(widths, tuple(model.get("blocks", Denoiser.blocks))),
        context=Context(widths[0]),
        critic_cipher=Discriminator(**dict(model.get("critic", {}))),
        critic_photo=Discriminator(**dict(model.get("critic", {}))),
        eve=Eve(**dict(model.get("eve", {}))),
    )


def _stages(nets: losses.Nets, config: Any) -> tuple[Stage, ...]:
    if config is None or "train" not in config:
        return (Stage({"describe": Phase(("encoder",), losses.describing(nets))}, 0),)
    model = config.model
    weights = losses.Weights(**dict(model.get("weights", {})))
    first = int(model.get("describe_steps", 0))
    adversaries = ("critic_cipher", "critic_photo")
    phases = {
        "encrypt": Phase(("encoder",), losses.encrypting(nets, weights)),
        "decrypt": Phase(("denoiser", "context"), losses.decrypting(nets, weights, tuple(model.shares))),
        "critics": Phase(adversaries, losses.discriminators(nets)),
        "eve": Phase(("eve",), losses.eavesdropper(nets)),
    }
    steps = int(config.train.steps)
    if not model.get("train_encoder", True):  # ciphers stay what they are; only what decrypts them learns
        kept = {name: phases[name] for name in ("decrypt", "critics")}
        return (Stage(kept, steps, init_from=model.init_from, name="cipher"),)
    describe = Stage({"encrypt": Phase(("encoder",), losses.describing(nets))}, first, name="describe")
    if model.get("init_from"):
        describe = Stage(describe.phases, first, init_from=model.init_from, name="describe")
    return describe, Stage(phases, steps, init_from="describe", name="cipher")


def build(config: Any = None) -> System:
    """The System of ``config.model`` (see ``configs/cyclegan.py``)."""
    conditioning = "mixing" if config is None else config.model.get("conditioning", "mixing")
    if conditioning == "concatenation":
        return concatenation.build(config)
    if conditioning != "mixing":
        raise usage(f"config.model.conditioning={conditioning}: choose mixing or concatenation")
    nets = nets_of(config)

    def init(rng, batch):
        params = nets.init(rng)
        return params, {name: {} for name in params}

    def batch(config):
        shape = (config.train.batch_size, config.model.size, config.model.size, 3)
        return {"image": jax.ShapeDtypeStruct(shape, jnp.uint8)}

    seal = functools.partial(_encrypt, nets)
    return System(
        init=init,
        batch=batch,
        stages=_stages(nets, config),
        encrypt=seal,
        decrypt=functools.partial(_decrypt, nets),
        outputs=functools.partial(_outputs, nets),
        ema=("encoder", "denoiser", "context"),
        driver=CycleganDriver(nets, seal),
        null=lambda shape, options, random: robust.null(shape, choices(options)["robust"], random),
        outline=outline,
        **ENTRY.declared(),
    )
