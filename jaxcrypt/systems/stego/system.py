"""Pictures hidden in a picture: one secret or several, in a cover that stays as it was to the eye.

    encrypt:  cover, secrets -> stego picture, of the cover's size
    decrypt:  stego picture, subkey -> secrets

Four techniques stand behind the record, chosen by ``config.model.kind``: ``networks`` (preparation, hiding
and reveal networks) and ``invertible`` (one network run both ways), both of
:mod:`jaxcrypt.systems.stego.networks`; ``lattice`` (a learned code in the low digits of the cover,
:mod:`jaxcrypt.systems.stego.lattice`) and ``robust`` (a shorter one where JPEG leaves it,
:mod:`jaxcrypt.systems.stego.coefficients`). A cover whose sides are no multiples of 16 keeps its last rows
and columns as they are; a secret of another size than the rest is resized to fit and back.
"""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp

from jaxcrypt.declared import chosen
from jaxcrypt.errors import usage
from jaxcrypt.record import Phase, Sealed, Stage, System
from jaxcrypt.systems.catalog import entry
from jaxcrypt.systems.stego import coefficients, lattice, networks
from jaxcrypt.systems.stego.driver import CoverDriver

CODES = {"lattice": lattice, "robust": coefficients}
KINDS = (*networks.KINDS, *CODES)
NET = "stego"
ENTRY = entry("stego")


def _hider(model: Any) -> Any:
    if model["secrets"] < 1:
        raise usage(f"config.model.secrets={model['secrets']}: must be at least 1")
    if model["kind"] in CODES:
        return CODES[model["kind"]].learned(model, int(model["secrets"]))
    if model["kind"] in networks.KINDS:
        return networks.learned(model, int(model["secrets"]))
    raise usage(f"config.model.kind={model['kind']}: unknown; choose one of {', '.join(KINDS)}")


def _keyed(options: tuple) -> bool:
    return chosen(ENTRY.options, options)["keyed"]


def _secrets(inputs: Any) -> jax.Array:
    """All pictures to hide, uint8 ``[B, S, H, W, 3]``: ``image`` first, then ``secrets``."""
    parts = [jnp.asarray(inputs["image"])[:, None]] if "image" in inputs else []
    parts += [jnp.asarray(inputs["secrets"])] if "secrets" in inputs else []
    return jnp.concatenate(parts, axis=1)


def _encrypt(hider, variables, inputs, subkey, options) -> Sealed:
    """Cover and secrets of one size, its sides multiples of 16; the driver brings others to that."""
    made = hider.hide(
        variables["params"][NET], jnp.asarray(inputs["cover"]), _secrets(inputs), subkey, _keyed(options)
    )
    return Sealed(*made)


def _decrypt(hider, variables, sealed, inputs, subkey, options) -> dict[str, Any]:
    """``image``, the first secret, and ``secrets``, all of them, uint8 ``[B, S, H, W, 3]``."""
    secrets, more = hider.reveal(
        variables["params"][NET], jnp.asarray(sealed.pixels), sealed.side, subkey, _keyed(options)
    )
    return {**more, "image": secrets[:, 0], "secrets": secrets}


def _outputs(hider, options, variables, batch, rng) -> dict[str, Any]:
    """Float32 in [0, 1]: secrets side by side as ``image`` and ``decrypted``, covers as ``cover_image`` and
    …"""
    cover, secrets = jnp.asarray(batch["cover"]), jnp.asarray(batch["secrets"])
    subkey = jax.random.bits(rng, (cover.shape[0], 8), jnp.uint32)
    sealed = _encrypt(hider, variables, {"cover": cover, "secrets": secrets}, subkey, options)
    opened = _decrypt(hider, variables, sealed, {}, subkey, options)

    def beside(pictures):
        return jnp.concatenate(jnp.moveaxis(pictures, 1, 0), axis=2)

    shown = {
        "image": beside(secrets),
        "decrypted": beside(opened["secrets"]),
        "cover_image": cover,
        "cover_decrypted": sealed.pixels,
    }
    return {name: x.astype(jnp.float32) / 255 for name, x in shown.items()}


def build(config: Any = None) -> System:
    """The System of ``config.model`` (see ``configs/stego.py``)."""
    if config is None:
        raise usage("--system stego: needs the config that its weights were trained with")
    hider = _hider(config.model)
    keyed = replace(ENTRY.options[0], default=bool(config.model.keyed))
    cover, more = ENTRY.inputs

    def init(rng, batch):
        return {NET: hider.init(rng, batch["cover"], batch["secrets"])}, {NET: {}}

    def batch(config):
        count, size, secrets = config.train.batch_size, config.model.size, config.model.secrets
        return {
            "cover": jax.ShapeDtypeStruct((count, size, size, 3), jnp.uint8),
            "secrets": jax.ShapeDtypeStruct((count, secrets, size, size, 3), jnp.uint8),
        }

    def loss(params, extra, batch, rng):
        value, metrics = hider.loss(params[NET], batch["cover"], batch["secrets"], rng)
        return value, (extra, metrics)

    return System(
        init=init,
        batch=batch,
        stages=(Stage({NET: Phase((NET,), loss)}, config.train.steps, config.model.get("init_from")),),
        encrypt=functools.partial(_encrypt, hider),
        decrypt=functools.partial(_decrypt, hider),
        outputs=functools.partial(_outputs, hider, (("keyed", keyed.default),)),
        name=ENTRY.name,
        options=(keyed,),
        inputs=(cover, replace(more, most=int(config.model.secrets) - 1)),
        traits=replace(ENTRY.traits, argument=hider.argument),
        driver=CoverDriver(hider, NET, int(config.model.secrets), (keyed,)),
        ema=(NET,),
    )
