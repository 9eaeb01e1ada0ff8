"""Pictures encrypted as generated faces: the System ``dcgan``.

A picture, compressed, sealed, coded and masked, is a string of uniform bits (:mod:`.code`); the bits choose
latents that are exactly N(0, 1) (:mod:`jaxcrypt.functional.latents`), so that the faces a generator makes of
them are ordinary samples of it. Who has the key reads the latents back from the faces (:mod:`.reading`) and
undoes the rest (:mod:`.driver`). How the nets are trained stands in :mod:`.training`.
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
from jaxcrypt.record import Carrier, Prior, System
from jaxcrypt.systems.catalog import entry
from jaxcrypt.systems.dcgan import reading, training
from jaxcrypt.systems.dcgan.driver import Faces, generate
from jaxcrypt.systems.dcgan.training import Nets

ENTRY = entry("dcgan")


def _on_the_host(*_) -> Any:
    raise usage("--system dcgan: files of many lengths, on the host only; use the System's driver")


def _outputs(of: Nets, variables, batch, rng) -> dict[str, Any]:
    """Float32 in [0, 1]: ``real`` faces; generated ones of latents that ``rng`` alone draws, ``face_image``;
    and what the generator makes of the latents that the extractor reads from those, ``face_decrypted``."""
    z = jax.random.normal(rng, (batch["image"].shape[0], of.latent))
    pixels = to_bytes(reading.generate(of, variables, z))
    read = reading.extract(of, variables, to_floats(pixels))
    again = to_bytes(reading.generate(of, variables, read))
    pictures = {"real": jnp.asarray(batch["image"]), "face_image": pixels, "face_decrypted": again}
    return {name: x.astype(jnp.float32) / 255 for name, x in pictures.items()}


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

    driver = Faces(of, ENTRY.options)
    draw, read = functools.partial(generate, of), functools.partial(reading.read, of)
    return System(
        init=init,
        batch=batch,
        stages=training.stages(of, config.model, config.train.steps),
        encrypt=_on_the_host,
        decrypt=_on_the_host,
        outputs=functools.partial(_outputs, of),
        ema=("generator", "extractor"),
        driver=driver,
        prior=Prior(of.latent, draw, read, driver.carry, driver.read_back),
        carrier=Carrier(SIDE, driver.hide, driver.find),
        **ENTRY.declared(),
    )
