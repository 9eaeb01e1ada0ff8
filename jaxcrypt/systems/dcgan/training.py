"""How the nets of a DCGAN are trained: one stage of the game of two, one that reads z back.

The game is the non-saturating one with a gradient penalty on real faces (R1, Mescheder et al. 2018,
arXiv:1801.04406), D giving logits:

    discriminator:  softplus(-D(x)) + softplus(D(G(z))) + gamma/2 |grad_x D(x)|^2
    generator:      softplus(-D(G(z))) + lambda |E(damage(G(z))) - z|^2

With lambda > 0 the extractor E plays on the generator's side (as in InfoGAN, Chen et al. 2016): every latent
must show in the face so that rounding and JPEG leave it, which also forbids that many z give one face. z is
N(0, 1)^100 throughout; what a face of a random z looks like is all that the discriminator sees.

The second stage trains E alone, on faces of the averaged generator:

    extractor:  |E(round(damage(G(z)))) - z|^2
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from jaxcrypt.errors import usage
from jaxcrypt.functional.distortion import check_names, distort
from jaxcrypt.functional.levels import to_bytes, to_floats
from jaxcrypt.functional.rng import streams
from jaxcrypt.models.dcgan import Discriminator, Extractor, Generator, of_settings
from jaxcrypt.record import Phase, Stage

GAME, READING = "game", "reading"


@dataclass(frozen=True)
class Nets:
    """The three nets, and what of ``config.model`` their losses take.

    Attributes:
      penalty: gamma, the weight of the gradient penalty.
      legible: lambda, the weight of the extractor's error in the generator's loss; 0: the plain game.
      distortions: the damage that the extractor learns to read through, by its name in
        :mod:`jaxcrypt.functional.distortion`.
    """

    generator: Generator
    discriminator: Discriminator
    extractor: Extractor
    penalty: float
    legible: float
    distortions: tuple[str, ...]

    @property
    def latent(self) -> int:
        """Dimensions of z."""
        return self.generator.latent


def nets(model: Mapping[str, Any]) -> Nets:
    """The nets that ``config.model`` describes.

    Raises:
      Refusal: a weight below 0, an unknown kind of damage, or two nets that differ in the latents.
    """
    for name in ("penalty", "legible"):
        if model[name] < 0:
            raise usage(f"config.model.{name}={model[name]}: must be 0 or more")
    check_names(model["distortions"])
    chosen = Nets(
        of_settings(Generator, model["generator"]),
        of_settings(Discriminator, model["discriminator"]),
        of_settings(Extractor, model["extractor"]),
        float(model["penalty"]),
        float(model["legible"]),
        tuple(model["distortions"]),
    )
    if chosen.extractor.latent != chosen.latent:
        raise usage(f"config.model.extractor.latent={chosen.extractor.latent}: must be {chosen.latent}")
    return chosen


def stages(of: Nets, model: Mapping[str, Any], steps: int) -> tuple[Stage, ...]:
    """The game for ``steps`` steps, then the extractor for ``config.model.reading_steps`` more."""
    players = ("generator", "extractor") if of.legible else ("generator",)
    game = {
        "discriminator": Phase(("discriminator",), _discriminator_loss(of)),
        "generator": Phase(players, _generator_loss(of)),
    }
    reading = {"extractor": Phase(("extractor",), _extractor_loss(of))}
    return (
        Stage(game, steps, name=GAME),
        Stage(reading, int(model["reading_steps"]), init_from=GAME, name=READING),
    )


def _discriminator_loss(of: Nets) -> Callable:
    def loss(params, extra, batch, rng):
        z_rng, *drops = streams(rng, "latents", "dropout of fakes", "dropout of reals")
        real = to_floats(batch["image"])
        z = jax.random.normal(z_rng, (real.shape[0], of.latent))
        fake, _ = _apply(of.generator, params, extra, "generator", z)
        fake = jax.lax.stop_gradient(fake)
        of_fake, _ = _apply(of.discriminator, params, extra, "discriminator", fake, drops[0])

        def judged(x):
            logits, updated = _apply(of.discriminator, params, extra, "discriminator", x, drops[1])
            return logits.sum(), (logits, updated)

        slope, (of_real, updated) = jax.grad(judged, has_aux=True)(real)
        slope = jnp.mean(jnp.sum(jnp.square(slope.astype(jnp.float32)), axis=(1, 2, 3)))
        value = jnp.mean(jax.nn.softplus(-of_real) + jax.nn.softplus(of_fake)) + of.penalty / 2 * slope
        report = {"real": jnp.mean(of_real), "fake": jnp.mean(of_fake), "slope": slope}
        return value, ({**extra, "discriminator": updated}, report)

    return loss


def _generator_loss(of: Nets) -> Callable:
    def loss(params, extra, batch, rng):
        z_rng, drop, damage = streams(rng, "latents", "dropout", "damage")
        z = jax.random.normal(z_rng, (batch["image"].shape[0], of.latent))
        fake, updated = _apply(of.generator, params, extra, "generator", z, train=True)
        logits, _ = _apply(of.discriminator, params, extra, "discriminator", fake, drop)
        value, report = jnp.mean(jax.nn.softplus(-logits)), {}
        if of.legible:
            error = _reading_error(of, params, extra, z, fake, damage)
            value, report = value + of.legible * error, {"z_error": error}
        return value, ({**extra, "generator": updated}, report)

    return loss


def _extractor_loss(of: Nets) -> Callable:
    def loss(params, extra, batch, rng):
        z_rng, damage = streams(rng, "latents", "damage")
        z = jax.random.normal(z_rng, (batch["image"].shape[0], of.latent))
        faces, _ = _apply(of.generator, params, extra, "generator", z)
        error = _reading_error(of, params, extra, z, faces, damage)
        return error, (extra, {"z_error": error})

    return loss


def _reading_error(of: Nets, params, extra, z: jax.Array, faces: jax.Array, rng: jax.Array) -> jax.Array:
    """Mean squared error of the extractor on damaged and rounded faces; 1 is that of no estimate at all."""
    faces = faces.astype(jnp.float32)
    seen = distort(faces, faces, rng, of.distortions) if of.distortions else faces
    seen = seen + jax.lax.stop_gradient(to_floats(to_bytes(seen)) - seen)  # rounding lets gradients pass
    estimate, _ = _apply(of.extractor, params, extra, "extractor", seen)
    return jnp.mean(jnp.square(estimate - z))


def _apply(net: nn.Module, params, extra, name: str, x, dropout=None, train=None):
    """The net called ``name`` on float32 ``x``, in the dtype of its parameters; float32 out, and its
    updated statistics. It trains where it is given a dropout rng, or told so."""
    variables = {"params": params[name], **extra[name]}
    x = x.astype(jax.tree.leaves(params[name])[0].dtype)
    if dropout is None and not train:
        return net.apply(variables, x).astype(jnp.float32), extra[name]
    rngs = None if dropout is None else {"dropout": dropout}
    output, updated = net.apply(variables, x, train=True, rngs=rngs, mutable=list(extra[name]))
    return output.astype(jnp.float32), updated
