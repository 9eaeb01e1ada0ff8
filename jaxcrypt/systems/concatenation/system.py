"""An ablation of the CycleGAN cipher: the key beside the picture, as further channels, and no keyed mixing.

    encrypt:  picture, key planes -> generator -> 8-bit cipher picture
    decrypt:  cipher picture, key planes -> generator -> picture

Key planes are uniform key stream, as large as the picture, so that a flipped key bit changes all of them. But
a convolution sees no further than its reach, and nothing makes it use the key: whatever the cipher hides,
training has to find. This is what the System is for: its attack table, beside that of keyed mixing, shows
what training did not find. It learns little more than a sum of photo and key planes: a wrong key adds noise
once more, is far off in squared error, and shows the photo nevertheless. Never for use.

Training is that of :mod:`jaxcrypt.systems.concatenation.losses`.
"""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp

from jaxcrypt.declared import chosen
from jaxcrypt.errors import usage
from jaxcrypt.record import Phase, Sealed, Stage, System
from jaxcrypt.systems.concatenation import losses
from jaxcrypt.systems.concatenation.driver import ENTRY, ConcatenationDriver, pad, programs, whole_patches
from jaxcrypt.systems.concatenation.nets import GENERATORS, Nets, key_planes, nets_of


def _encrypt(nets: Nets, variables, inputs, subkey, options) -> Sealed:
    chosen((), options)
    image = jnp.asarray(inputs["image"])
    padded = pad(image)
    both = jnp.concatenate([padded, key_planes(subkey, padded.shape[1:3])], axis=-1)
    made = programs(nets)["encrypt"](variables["params"], both)
    return Sealed(made[:, *whole_patches(image.shape[1:])])


def _decrypt(nets: Nets, variables, sealed, inputs, subkey, options) -> dict[str, Any]:
    """In RGB, sides multiples of 4; the driver cuts it to the header's shape."""
    chosen((), options)
    cipher = jnp.asarray(sealed.pixels)
    padded = pad(cipher)
    both = jnp.concatenate([padded, key_planes(subkey, padded.shape[1:3])], axis=-1)
    made = programs(nets)["decrypt"](variables["params"], both)
    return {"image": made[:, : cipher.shape[1], : cipher.shape[2]]}


def _outputs(nets: Nets, variables, batch, rng) -> dict[str, Any]:
    """``image``, ``cipher`` and ``decrypted``, float32 in [0, 1]."""
    subkey = jax.random.bits(rng, (batch["image"].shape[0], 8), jnp.uint32)
    sealed = _encrypt(nets, variables, batch, subkey, ())
    opened = _decrypt(nets, variables, sealed, {}, subkey, ())
    shown = {"image": batch["image"], "cipher": sealed.pixels, "decrypted": opened["image"]}
    return {name: jnp.asarray(x).astype(jnp.float32) / 255 for name, x in shown.items()}


def build(config: Any = None) -> System:
    """The System of ``config.model`` (see ``configs/cyclegan_concatenation.py``)."""
    if config is None:
        raise usage("--system concatenation: needs the config that its weights were trained with")
    nets, weights = nets_of(config.model), losses.Weights(**dict(config.model.get("weights", {})))

    def init(rng, batch):
        params = nets.init(rng)
        return params, {name: {} for name in params}

    def batch(config):
        shape = (config.train.batch_size, config.model.size, config.model.size, 3)
        return {"image": jax.ShapeDtypeStruct(shape, jnp.uint8)}

    phases = {
        "generators": Phase(GENERATORS, losses.generating(nets, weights)),
        "critics": Phase(("critic_cipher", "critic_photo"), losses.discriminating(nets)),
        "eve": Phase(("eve",), losses.eavesdropping(nets)),
    }
    return System(
        init=init,
        batch=batch,
        stages=(Stage(phases, int(config.train.steps)),),
        encrypt=functools.partial(_encrypt, nets),
        decrypt=functools.partial(_decrypt, nets),
        outputs=functools.partial(_outputs, nets),
        ema=GENERATORS,
        driver=ConcatenationDriver(nets),
        **ENTRY.declared(),
    )
