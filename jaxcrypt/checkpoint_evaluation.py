"""How a trained System is measured: on validation pictures while it trains, and from its checkpoints later.

A System's ``outputs`` are images in [0, 1] by name. Of them ``image`` is the plain picture and ``decrypted``
what came back with the right key; both are rounded to 8 bits before they are compared:

    PSNR = 10 log10(1 / MSE),  averaged over pictures, MSE over all pixels and channels of one picture.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from ml_collections import ConfigDict

from jaxcrypt import data
from jaxcrypt.errors import Refusal
from jaxcrypt.training.record import System
from jaxcrypt.training.sharding import batch_sharding, fetch, global_batch, make_mesh
from jaxcrypt.training.writer import sheet

VALID = "valid"  # bool [B]: False for the examples that pad the last batch


def host_spec(system: System, config: ConfigDict) -> dict[str, jax.ShapeDtypeStruct]:
    """This host's share of the global batch that the System wants."""
    hosts = jax.process_count()
    return {
        name: jax.ShapeDtypeStruct((leaf.shape[0] // hosts, *leaf.shape[1:]), leaf.dtype)
        for name, leaf in system.batch(config).items()
    }


def training_pipeline(system: System, config: ConfigDict) -> Any:
    """Endless training batches for this host."""
    return _pipeline(system, config, "train")


def _pipeline(system: System, config: ConfigDict, split: str) -> Any:
    return data.pipeline(
        config.data,
        host_spec(system, config),
        split=split,
        seed=config.train.seed,
        process_index=jax.process_index(),
        process_count=jax.process_count(),
    )


def validation_evaluator(system: System, config: ConfigDict) -> Callable[[dict[str, Any]], Iterator]:
    """``(variables) -> (name, value)…``: mean ``psnr`` and ``mse`` on the validation split, a ``sheet``."""
    mesh = make_mesh(config.mesh.data, config.mesh.fsdp)
    sharding = batch_sharding(mesh)

    @jax.jit
    def measure(variables, batch, rng):
        valid = batch[VALID].astype(jnp.float32)
        images = system.outputs(variables, {k: v for k, v in batch.items() if k != VALID}, rng)
        sums = {name: (values * valid).sum() for name, values in picture_errors(images).items()}
        return {**sums, "count": valid.sum()}, images

    def evaluate(variables: dict[str, Any]) -> Iterator[tuple[str, Any]]:
        totals: dict[str, float] = {}
        for index, batch in enumerate(_pipeline(system, config, "validation")):
            if config.train.eval_batches and index >= config.train.eval_batches:
                break
            rng = jax.random.fold_in(jax.random.key(config.train.seed), index)
            sums, images = measure(variables, global_batch(sharding, batch), rng)
            for name, value in jax.device_get(sums).items():
                totals[name] = totals.get(name, 0.0) + float(value)
            if index == 0:
                yield "sheet", sheet(fetch(_shown(images)))
        count = totals.pop("count", 0.0)
        if not count:
            raise Refusal("config.data: the validation split has no pictures")
        yield from ((name, value / count) for name, value in totals.items())

    return evaluate


def picture_errors(images: dict[str, jax.Array]) -> dict[str, jax.Array]:
    """PSNR (dB) and MSE of each picture of ``decrypted`` against ``image``, in 8 bits: float32 [B]."""
    if "image" not in images or "decrypted" not in images:
        return {}
    plain, back = (jnp.round(jnp.clip(images[k], 0, 1) * 255) for k in ("image", "decrypted"))
    mse = jnp.mean(jnp.square((plain - back) / 255), axis=tuple(range(1, plain.ndim)))
    # Two equal pictures have no finite PSNR: 8 bits are said to give 99 dB, so that a mean stays a number.
    return {"psnr": jnp.minimum(-10 * jnp.log10(jnp.maximum(mse, 1e-12)), 99.0), "mse": mse}


def _shown(images: dict[str, jax.Array]) -> dict[str, Any]:
    return {name: value[:8] for name, value in images.items() if np.ndim(value) == 4}
