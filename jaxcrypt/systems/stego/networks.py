"""Hiding by networks that are trained for it: the source's, or an invertible one, under one interface.

    stego = round(hide(cover, scramble(secrets))),    secrets ~ unscramble(reveal(stego)),
    loss = mean (stego - cover)^2 + beta mean (reveal(stego) - scramble(secrets))^2,    all in [-1, 1].

Rounding to 8 bits happens in training too; its gradient is that of the identity (Bengio et al. 2013,
arXiv:1308.3432) wherever a step down it changes anything. With a key the secrets are scrambled
(:mod:`jaxcrypt.functional.scramble`) before they are hidden. With ``config.model.distortions`` the reveal
network sees a damaged stego picture, rounded once more: each batch one of them, at random
(:mod:`jaxcrypt.functional.distortion`).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn

from jaxcrypt.errors import usage
from jaxcrypt.functional.distortion import check_names, distort
from jaxcrypt.functional.levels import to_bytes, to_floats
from jaxcrypt.functional.rng import streams
from jaxcrypt.functional.scramble import scramble
from jaxcrypt.models.invertible import Invertible
from jaxcrypt.models.steganography import Networks
from jaxcrypt.systems.drivers import host
from jaxcrypt.systems.drivers.windows import map_picture

ARGUMENT = (
    "a keyed scramble of 8x8 squares and a net that all may have: hides no more than where squares go; who "
    "has the net finds a jigsaw of the picture, and which one of known pictures it is; no proof"
)
KINDS = {"invertible": Invertible, "networks": Networks}


@jax.custom_vjp
def rounded(x: jax.Array) -> jax.Array:
    """What an 8-bit picture keeps of ``x``; the gradient passes straight through, unless a step down it would
    take what is clipped still further out. No error would fall by that, so that nothing would end it: white
    and black areas of covers drove the nets on until all of the cover was spoilt."""
    return to_floats(to_bytes(x))


def _rounded_forwards(x: jax.Array):
    return rounded(x), x


def _rounded_backwards(x: jax.Array, gradient: jax.Array):
    outwards = ((x > 1) & (gradient < 0)) | ((x < -1) & (gradient > 0))
    return (jnp.where(outwards, 0, gradient),)


rounded.defvjp(_rounded_forwards, _rounded_backwards)


def flatten(secrets: jax.Array) -> jax.Array:
    """``[B, S, H, W, 3]`` to ``[B, H, W, 3*S]``."""
    return jnp.concatenate(jnp.moveaxis(secrets, 1, 0), axis=-1)


def unflatten(flat: jax.Array) -> jax.Array:
    """The inverse of :func:`flatten`."""
    return jnp.stack(jnp.split(flat, flat.shape[-1] // 3, axis=-1), axis=1)


@dataclass(frozen=True)
class Learned:
    """A net that hides and reveals.

    Attributes:
      net: a module with methods ``hide`` and ``reveal``.
      beta: weight of the secrets' error against the cover's.
      keyed: whether training scrambles the secrets.
      distortions: names of the damage that training does to the stego picture; empty for none.
    """

    net: nn.Module
    beta: float
    keyed: bool
    distortions: tuple[str, ...] = ()

    argument = ARGUMENT

    def init(self, rng: jax.Array, cover: jax.Array, secrets: jax.Array) -> Any:
        """Parameters, from uint8 examples ``[B, H, W, 3]`` and ``[B, S, H, W, 3]``."""
        return self.net.init(rng, to_floats(cover), to_floats(flatten(secrets)))["params"]

    def loss(self, params: Any, cover: jax.Array, secrets: jax.Array, rng: jax.Array):
        """The loss of a batch of uint8 pictures, and what to log of it."""
        key_rng, damage = streams(rng, "subkeys", "damage")
        if self.keyed:
            subkeys = jax.random.bits(key_rng, (cover.shape[0], 8), jnp.uint32)
            secrets = jax.vmap(scramble)(secrets, subkeys)
        cover, wanted = to_floats(cover), to_floats(flatten(secrets))
        stego = rounded(self.net.apply({"params": params}, cover, wanted, method="hide"))
        seen = rounded(distort(stego, cover, damage, self.distortions)) if self.distortions else stego
        estimate = self.net.apply({"params": params}, seen, method="reveal")
        cover_error, secret_error = (jnp.mean(jnp.square(d)) for d in (stego - cover, estimate - wanted))
        metrics = {
            "cover_psnr": 10 * jnp.log10(4 / (cover_error + 1e-9)),
            "secret_psnr": 10 * jnp.log10(4 / (secret_error + 1e-9)),
        }
        return cover_error + self.beta * secret_error, metrics

    def hide(self, params: Any, cover: jax.Array, secrets: jax.Array, subkey: jax.Array, keyed: bool):
        """uint8 cover ``[B, H, W, 3]`` and secrets ``[B, S, H, W, 3]`` to the stego picture and its side."""
        if keyed:
            secrets = jax.vmap(scramble)(secrets, subkey)
        stego = self.net.apply(
            {"params": params}, to_floats(cover), to_floats(flatten(secrets)), method="hide"
        )
        return to_bytes(stego), {}

    def reveal(self, params: Any, stego: jax.Array, side: Mapping, subkey: jax.Array, keyed: bool):
        """The secrets, uint8 ``[B, S, H, W, 3]``, and other findings."""
        secrets = to_bytes(unflatten(self.net.apply({"params": params}, to_floats(stego), method="reveal")))
        if keyed:
            secrets = jax.vmap(lambda pictures, key: scramble(pictures, key, inverse=True))(secrets, subkey)
        return secrets, {}

    def hide_picture(self, params, cover, secrets, subkey: bytes, keyed: bool, progress=None):
        """Host arrays of one size, sides multiples of 16: as :meth:`hide`, without the batch axis."""
        pictures = np.stack(secrets)
        if keyed:
            pictures = np.asarray(_scrambling(False)(pictures, host.words(subkey)))
        planes = np.concatenate([cover, *pictures], axis=2)
        return map_picture(*_programs(self.net, "hide"), params, planes, progress), {}

    def reveal_picture(self, params, stego, side, subkey: bytes, keyed: bool, progress=None):
        """The secrets ``[H, W, 3]`` of :meth:`hide_picture`, and other findings."""
        planes = map_picture(*_programs(self.net, "reveal"), params, stego, progress)
        secrets = np.stack(np.split(planes, planes.shape[2] // 3, axis=2))
        if keyed:
            secrets = np.array(_scrambling(True)(secrets, host.words(subkey)))
        return list(secrets), {}


@functools.cache
def _scrambling(inverse: bool) -> Callable:
    return jax.jit(lambda pictures, subkey: scramble(pictures, subkey, inverse))


@functools.cache
def _programs(net: nn.Module, name: str) -> tuple[Callable, Callable]:
    """``net`` on pictures with all their planes side by side, cover first: in bytes, and in floats."""

    def see(params, x):
        parts = (x[..., :3], x[..., 3:]) if name == "hide" else (x,)
        return net.apply({"params": params}, *parts, method=name)

    return jax.jit(lambda params, picture: to_bytes(see(params, to_floats(picture)))), jax.jit(see)


def learned(model: Mapping[str, Any], secrets: int) -> Learned:
    """The net that ``config.model`` describes."""
    settings = dict(model[model["kind"]])
    if model["beta"] <= 0:
        raise usage(f"config.model.beta={model['beta']}: must be above 0")
    distortions = tuple(model.get("distortions", ()))
    check_names(distortions)
    net = KINDS[model["kind"]](secrets=secrets, **settings)
    return Learned(net, float(model["beta"]), bool(model["keyed"]), distortions)
