"""Generated faces that carry bits: the System ``dcgan``.

Its nets are a generator of 64x64 faces, the discriminator that it was trained against, and an extractor that
reads the latents back from a face (:mod:`jaxcrypt.models.dcgan`, :mod:`jaxcrypt.systems.dcgan.training`).
"""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp

from jaxcrypt.errors import usage
from jaxcrypt.functional.levels import to_bytes, to_floats
from jaxcrypt.functional.rng import streams
from jaxcrypt.models.dcgan import SIDE
from jaxcrypt.record import Sealed, System
from jaxcrypt.systems.catalog import entry
from jaxcrypt.systems.dcgan import training
from jaxcrypt.systems.dcgan.training import Nets

ENTRY = entry("dcgan")


def faces(of: Nets, variables: Any, z: jax.Array) -> jax.Array:
    """The faces of latents: float32 ``[B, latent]`` to uint8 ``[B, 64, 64, 3]``."""
    return to_bytes(_generate(of, variables, z))


def _generate(of: Nets, variables: Any, z: jax.Array) -> jax.Array:
    stored = {"params": variables["params"]["generator"], **variables["extra"]["generator"]}
    return of.generator.apply(stored, z)


def _estimate(of: Nets, variables: Any, pixels: jax.Array) -> jax.Array:
    stored = {"params": variables["params"]["extractor"]}
    return of.extractor.apply(stored, to_floats(pixels))


def _refuse(*_) -> Sealed:
    raise usage(f"--system dcgan: {ENTRY.summary}")


def _outputs(of: Nets, variables, batch, rng) -> dict[str, Any]:
    """Float32 in [0, 1]: ``real`` faces; generated ones of latents that ``rng`` alone draws, ``face_image``;
    and what the generator makes of the latents that the extractor reads from those, ``face_decrypted``."""
    z = jax.random.normal(rng, (batch["image"].shape[0], of.latent))
    pixels = faces(of, variables, z)
    again = faces(of, variables, _estimate(of, variables, pixels))
    found = {"real": jnp.asarray(batch["image"]), "face_image": pixels, "face_decrypted": again}
    return {name: x.astype(jnp.float32) / 255 for name, x in found.items()}


def build(config: Any = None) -> System:
    """The System of ``config.model`` (see ``configs/dcgan.py``)."""
    if config is None:
        raise usage("--system dcgan: needs the config that its weights were trained with")
    of = training.nets(config.model)

    def init(rng, batch):
        z, x = jnp.zeros((2, of.latent)), jnp.zeros((2, SIDE, SIDE, 3))
        starts = {"generator": (of.generator, z), "discriminator": (of.discriminator, x)}
        starts["extractor"] = (of.extractor, x)
        params, extra = {}, {}
        for own, (name, (net, example)) in zip(streams(rng, *starts), starts.items(), strict=True):
            extra[name] = dict(net.init(own, example))
            params[name] = extra[name].pop("params")
        return params, extra

    def batch(config):
        shape = (config.train.batch_size, SIDE, SIDE, 3)
        return {"image": jax.ShapeDtypeStruct(shape, jnp.uint8)}

    return System(
        init=init,
        batch=batch,
        stages=training.stages(of, config.model, config.train.steps),
        encrypt=_refuse,
        decrypt=_refuse,
        outputs=functools.partial(_outputs, of),
        ema=("generator", "extractor"),
        **ENTRY.declared(),
    )
