"""How the CycleGAN cipher is trained: two generators, two discriminators and an eavesdropper.

Over photos x with coefficients c, keys k and k', and ciphers E(x, k), the encrypting generator minimises

    - log p(c | s)                                       its scales s describe the coefficients
    + a [D1(E(x, k)) - 1]^2                              adversarial, least squares (Mao et al. 2017)
    + v max(0, 1 - |Eve(E(x, k)) - x|^2 / var x)         Eve: no better than the photo's mean

of which the first decides what a linear decoder's cycle loses, and the decrypting generator

    log |D(E(x, k), k) - x|^2                            cycle, in decibels
    + a [D2(D(E(x, k), k)) - 1]^2                        adversarial
    + w max(0, 1 - |D(E(x, k), k') - x|^2 / var x)       wrong key: no better than the photo's mean

while the discriminators tell real (uniform noise for D1, photos for D2) from made, and Eve minimises
|Eve(E(x, k)) - x|^2 of ciphers whose keys she never sees. An identity term (a picture that needs no
decryption is left alone) would be idle: the generator adds its error times a net, so without error it is the
identity.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxcrypt.functional.block_transform import BLOCK
from jaxcrypt.functional.levels import to_levels, unit
from jaxcrypt.functional.rng import streams
from jaxcrypt.models.cyclegan import OCTAVE, Context, Discriminator, Encoder, Eve
from jaxcrypt.models.denoiser import Denoiser
from jaxcrypt.systems.cyclegan import channel, code, header

_FEW = 4  # photos of a batch that discriminators and Eve see


@dataclass(frozen=True)
class Weights:
    """Of the generators' losses beside the cycle's, and how ciphers are damaged in training."""

    adversarial: float = 0.003
    wrong_key: float = 0.1
    eve: float = 0.1
    damaged: float = 0.6  # share of the ciphers that are damaged under way
    dimmed: float = 0.5  # share of those that get more noise, as a decoder by turns meets it


@dataclass(frozen=True)
class Nets:
    """All nets by the names of their parameters."""

    encoder: Encoder
    denoiser: Denoiser
    context: Context
    critic_cipher: Discriminator
    critic_photo: Discriminator
    eve: Eve

    def init(self, rng: jax.Array, side: int = 2 * BLOCK) -> dict[str, Any]:
        rngs = jax.random.split(rng, 6)
        blocks = jnp.zeros((1, side // BLOCK, side // BLOCK, 768))
        picture, half = (
            jnp.zeros((1, side, side, 3)),
            jnp.zeros((1, side // 2, side // 2, self.context.width)),
        )
        shapes = {
            "encoder": (blocks,),
            "denoiser": (picture, jnp.zeros(1), half),
            "context": (picture, blocks[..., :8]),
            "critic_cipher": (picture,),
            "critic_photo": (picture,),
            "eve": (picture,),
        }
        return {
            name: _init(getattr(self, name), own, args)
            for own, (name, args) in zip(rngs, shapes.items(), strict=True)
        }


def _init(net: nn.Module, rng: jax.Array, args: tuple) -> Any:
    if isinstance(net, Encoder):
        return net.init(rng, *args, method=_touch)["params"]
    return net.init(rng, *args)["params"]


def _touch(net: Encoder, coefficients: jax.Array) -> jax.Array:
    return net.scales(net(coefficients))


@dataclass(frozen=True)
class Sent:
    """One batch on its way. ``photo`` float32 grey levels ``[B, H, W, 3]``; ``cipher`` float32 bytes."""

    photo: jax.Array
    described: code.Described
    plan: code.Plan
    chosen: jax.Array
    symbols: jax.Array
    spread: jax.Array
    values: jax.Array
    dither: jax.Array
    cipher: jax.Array

    def first(self) -> Sent:
        """The batch's first picture alone."""
        return Sent(
            **{k: v if k == "plan" else jax.tree.map(lambda x: x[:1], v) for k, v in vars(self).items()}
        )


def send(nets: Nets, params: Any, photo: jax.Array, subkey: jax.Array, rate: int) -> Sent:
    """Encrypt: ``photo`` float32 ``[B, H, W, 3]`` in grey levels, sides multiples of 16."""
    described = code.describe(nets.encoder, params["encoder"], photo)
    shape = code.cipher_shape(photo.shape[1:], rate)
    plan = code.plan(photo.shape[1] // BLOCK, photo.shape[2] // BLOCK, shape[2], math.prod(shape))
    scales = jax.lax.stop_gradient(described.scales)
    chosen = jax.vmap(lambda one: code.choose(one, plan.symbols[-1]))(scales)
    symbols, spread = code.to_symbols(described, chosen)
    symbols = code.filled(symbols, spread, subkey)
    values, dither = channel.mix(symbols, subkey, plan)
    cipher = channel.to_bytes(values, dither).reshape(-1, *shape)
    return Sent(photo, described, plan, chosen, symbols, spread, values, dither, cipher)


def receive(nets: Nets, params: Any, sent: Sent, subkey: jax.Array, arrived: jax.Array, rng, dimmed: float):
    """Decrypt what arrived: float32 ``[B, H, W, 3]``; ``dimmed`` of the pictures get more noise, drawn from
    ``rng``, which may not be the one that damaged the cipher."""
    flat = arrived.reshape(arrived.shape[0], -1)
    received, _ = channel.unmix(channel.expand(flat, sent.dither, sent.values), subkey, sent.plan)
    received, sigma = channel.gained(received, sent.symbols)
    levels, noise = streams(rng, "levels", "noise")
    more = extra_levels(levels, sigma.shape, dimmed)
    received = received + more[:, None] * jax.random.normal(noise, received.shape)
    sigma = jnp.sqrt(sigma**2 + more**2)
    scales = sent.described.scales
    coefficients, there = code.from_symbols(received, sent.spread, sent.chosen, scales)
    got = code.Received(coefficients, there, scales, sigma * sent.spread, sent.described.mean)
    return code.restore(nets.denoiser, nets.context, params, got)


def extra_levels(rng: jax.Array, shape: tuple[int, ...], share: float) -> jax.Array:
    """Standard deviations of more noise, float32 of ``shape``: log-uniform in 0.02..0.6, or 0 for all but a
    ``share``."""
    which, level = streams(rng, "which", "level")
    more = jnp.exp(jax.random.uniform(level, shape, minval=jnp.log(0.02), maxval=jnp.log(0.6)))
    return jnp.where(jax.random.bernoulli(which, share, shape), more, 0.0)


def wrong_key(nets: Nets, params: Any, sent: Sent, subkey: jax.Array) -> jax.Array:
    """What another key makes of the cipher, told the true side information: symbols and digits are noise."""
    digits = header.unpack(header.pack(sent.described.digits, subkey), jnp.roll(subkey, 1, axis=1))
    scales = nets.encoder.apply({"params": params["encoder"]}, digits, method="scales")
    chosen = jax.vmap(lambda one: code.choose(one, sent.plan.symbols[-1]))(jax.lax.stop_gradient(scales))
    received, _ = channel.unmix(sent.values, jnp.roll(subkey, 1, axis=1), sent.plan)
    coefficients, there = code.from_symbols(received, sent.spread, chosen, scales)
    got = code.Received(coefficients, there, scales, 0.027 * sent.spread, sent.described.mean)
    return code.restore(nets.denoiser, nets.context, params, got)


def _split(batch: Any, rng: jax.Array, shares: tuple[int, ...]):
    """Photos with some of them grey, fresh subkeys, both cut into groups of one rate each, and an rng for
    what else a group draws."""
    grey_rng, key_rng, rates_rng = streams(rng, "grey", "subkeys", "rates")
    photo = batch["image"].astype(jnp.float32)
    grey = jax.random.bernoulli(grey_rng, 0.1, (photo.shape[0], 1, 1, 1))
    photo = jnp.where(grey, jnp.mean(photo, axis=-1, keepdims=True), photo)
    subkey = jax.random.bits(key_rng, (photo.shape[0], 8), jnp.uint32)
    bounds = [sum(shares[:i]) * photo.shape[0] // sum(shares) for i in range(len(shares) + 1)]
    for rate, start, end in zip(code.RATES, bounds, bounds[1:], strict=False):
        if end > start:
            yield rate, photo[start:end], subkey[start:end], jax.random.fold_in(rates_rng, rate)


def hinge(estimate: jax.Array, photo: jax.Array) -> jax.Array:
    """How far below the photo's variance the error lies, as a share; 0 where the guess tells nothing."""
    error = jnp.mean(jnp.square(estimate - photo), axis=(1, 2, 3))
    variance = jnp.mean(jnp.square(photo - jnp.mean(photo, axis=(1, 2), keepdims=True)), axis=(1, 2, 3))
    return jnp.mean(jnp.maximum(0.0, 1 - error / (variance + 1.0)))


def likelihood(described: code.Described) -> jax.Array:
    """Mean negative log likelihood of normal coefficients with the described scales."""
    log = described.scales / OCTAVE * jnp.log(2.0)
    return jnp.mean(log + 0.5 * (jnp.square(described.coefficients) + 0.08) * jnp.exp(-2 * log))


def encrypting(nets: Nets, weights: Weights) -> Callable:
    """The loss of the encrypting generator, on ciphers at full rate."""

    def loss(params, extra, batch, rng):
        total, metrics = 0.0, {}
        for rate, photo, subkey, _ in _split(batch, rng, (1,)):
            sent = send(nets, params, photo, subkey, rate)
            judged = nets.critic_cipher.apply({"params": params["critic_cipher"]}, unit(sent.cipher))
            fooled = jnp.mean(jnp.square(judged - 1))
            caught = hinge(eve_sees(nets, params, sent.cipher, photo.shape), photo)
            nll = likelihood(sent.described)
            total = nll + weights.adversarial * fooled + weights.eve * caught
            metrics = {"likelihood": nll, "fooled": fooled, "eve": caught}
        return total, (extra, metrics)

    return loss


def decrypting(nets: Nets, weights: Weights, shares: tuple[int, ...]) -> Callable:
    """The loss of the decrypting generator; of a batch, ``shares`` go to each rate."""

    def loss(params, extra, batch, rng):
        total, metrics, count = 0.0, {}, batch["image"].shape[0]
        for rate, photo, subkey, own in _split(batch, rng, shares):
            damage, noise = streams(own, "damage", "noise")
            sent = send(nets, params, photo, subkey, rate)
            arrived = channel.distorted(sent.cipher, damage, weights.damaged)
            back = receive(nets, params, sent, subkey, arrived, noise, weights.damaged * weights.dimmed)
            error = jnp.mean(jnp.log(jnp.mean(jnp.square(back - photo), axis=(1, 2, 3)) + 0.05))
            judged = nets.critic_photo.apply({"params": params["critic_photo"]}, unit(back))
            fooled = jnp.mean(jnp.square(judged - 1))
            wrong = hinge(wrong_key(nets, params, sent.first(), subkey[:1]), photo[:1]) if rate == 1 else 0.0
            part = error + weights.adversarial * fooled + weights.wrong_key * wrong
            total += part * photo.shape[0] / count
            metrics |= {f"psnr_{rate}": 20 * jnp.log10(255.0) - error * 10 / jnp.log(10.0)}
            metrics |= {f"fooled_{rate}": fooled} | ({"wrong_key": wrong} if rate == 1 else {})
        return total, (extra, metrics)

    return loss


def eve_sees(nets: Nets, params: Any, cipher: jax.Array, shape: tuple[int, ...]) -> jax.Array:
    """Eve's guess of the photos of ``shape``, in grey levels."""
    tall = jnp.pad(cipher, ((0, 0), (0, shape[1] - cipher.shape[1]), (0, 0), (0, 0)), constant_values=127.5)
    return to_levels(nets.eve.apply({"params": params["eve"]}, unit(tall)))


def discriminators(nets: Nets) -> Callable:
    """The loss of both discriminators, on ciphers at full rate."""

    def loss(params, extra, batch, rng):
        photo = batch["image"][:_FEW].astype(jnp.float32)
        key_rng, real_rng, damage, noise_rng = streams(rng, "subkeys", "real", "damage", "noise")
        subkey = jax.random.bits(key_rng, (photo.shape[0], 8), jnp.uint32)
        sent = send(nets, params, photo, subkey, 1)
        arrived = channel.distorted(sent.cipher, damage, 0.5)
        back = receive(nets, params, sent, subkey, arrived, noise_rng, 0.0)
        noise = jax.random.randint(real_rng, sent.cipher.shape, 0, 256).astype(jnp.float32)
        pairs = {"critic_cipher": (noise, sent.cipher), "critic_photo": (photo, back)}
        total, metrics = 0.0, {}
        for name, (real, made) in pairs.items():
            critic = getattr(nets, name)
            real, made = (
                critic.apply({"params": params[name]}, unit(jax.lax.stop_gradient(x))) for x in (real, made)
            )
            total += jnp.mean(jnp.square(real - 1)) + jnp.mean(jnp.square(made))
            metrics |= {f"{name}_real": jnp.mean(real), f"{name}_made": jnp.mean(made)}
        return total, (extra, metrics)

    return loss


def eavesdropper(nets: Nets) -> Callable:
    """Eve's loss: squared error over the photos' variance."""

    def loss(params, extra, batch, rng):
        photo = batch["image"][:_FEW].astype(jnp.float32)
        subkey = jax.random.bits(rng, (photo.shape[0], 8), jnp.uint32)
        sent = send(nets, params, photo, subkey, 1)
        guess = eve_sees(nets, params, jax.lax.stop_gradient(sent.cipher), photo.shape)
        error = jnp.mean(jnp.square(unit(guess) - unit(photo)))
        return error, (extra, {"psnr": 10 * jnp.log10(4 / error)})

    return loss


def describing(nets: Nets) -> Callable:
    """The loss of the first stage: the scales alone, by likelihood."""

    def loss(params, extra, batch, rng):
        total, count = 0.0, batch["image"].shape[0]
        for _, photo, _, _ in _split(batch, rng, (1,)):
            total += (
                likelihood(code.describe(nets.encoder, params["encoder"], photo)) * photo.shape[0] / count
            )
        return total, (extra, {})

    return loss
