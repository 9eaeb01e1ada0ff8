"""How a System is measured on validation pictures, while it trains and from its checkpoints.

A System's ``outputs`` are images in [0, 1] by name. Of them ``image`` is the plain picture and ``decrypted``
what came back with the right key; both are rounded to 8 bits before they are compared. Means are over
pictures.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh
from ml_collections import ConfigDict

from jaxcrypt import data
from jaxcrypt.errors import Refusal
from jaxcrypt.metrics import cipher as statistics
from jaxcrypt.metrics import image as metrics
from jaxcrypt.record import System
from jaxcrypt.training.sharding import batch_sharding, fetch, global_batch, make_mesh, shardings
from jaxcrypt.training.writer import sheet

VALID = "valid"  # bool [B]: False for the examples that pad the last batch
_SHOWN = 8


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
    """``(variables) -> (name, value)…``: means on the validation split, and a ``sheet``.

    The split is opened here, once for all evaluations. PSNR is the mean over the pictures that did not come
    back exactly; ``exact`` is the share of those that did, where there are any.

    Raises:
      Refusal: there is no validation split.
    """
    pictures = _pipeline(system, config, "validation")
    beginning = pictures.get_state()
    mesh = make_mesh(config.mesh.data, config.mesh.fsdp)
    sharding = batch_sharding(mesh)

    @jax.jit
    def measure(variables, batch, rng):
        inputs = {name: value for name, value in batch.items() if name != VALID}
        images = system.outputs(variables, inputs, rng)
        return picture_errors(images), images

    def evaluate(variables: dict[str, Any]) -> Iterator[tuple[str, Any]]:
        columns: dict[str, list[np.ndarray]] = {}
        pictures.set_state(beginning)
        variables = _placed(mesh, variables)
        for index, batch in enumerate(pictures):
            if config.train.eval_batches and index >= config.train.eval_batches:
                break
            rng = jax.random.fold_in(jax.random.key(config.train.seed), index)
            on_devices = global_batch(sharding, batch)
            errors, images = measure(variables, on_devices, rng)
            errors, valid = fetch((errors, on_devices[VALID]))
            for name, values in errors.items():
                columns.setdefault(name, []).append(np.asarray(values, np.float64)[np.asarray(valid, bool)])
            if index == 0:
                yield "sheet", sheet(fetch(_shown(images)))
        yield from _means({name: np.concatenate(parts) for name, parts in columns.items()}).items()

    return evaluate


def _placed(mesh: Mesh, variables: Any) -> Any:
    """What came from a file lies as training has it, so that the program is the one training compiled."""
    if all(isinstance(leaf, jax.Array) for leaf in jax.tree.leaves(variables)):
        return variables
    return jax.device_put(variables, shardings(mesh, variables))


def picture_errors(images: Mapping[str, jax.Array]) -> dict[str, jax.Array]:
    """``ssim`` and ``error`` (mean squared, in 8-bit levels) of each picture, float32 [B], for every pair of
    outputs, and ``entropy`` of cipher pictures in bits a sample; for jit.

    ``grey_decrypted`` is compared with ``grey_image`` and gives ``grey_error``, and so for any other prefix;
    ``region_cipher`` has a ``region_entropy``.
    """
    errors = {}
    for name, back in images.items():
        if name.endswith("cipher"):
            sent = metrics.to_bytes(back).astype(jnp.uint8)
            errors[f"{name.removesuffix('cipher')}entropy"] = statistics.entropy(sent)
        prefix = name.removesuffix("decrypted")
        if name == prefix or f"{prefix}image" not in images:
            continue
        plain, back = (metrics.to_bytes(x) for x in (images[f"{prefix}image"], back))
        errors[f"{prefix}error"] = metrics.mse(plain, back)
        errors[f"{prefix}ssim"] = metrics.ssim(plain, back, 255.0)
    return errors


def _means(columns: Mapping[str, np.ndarray]) -> dict[str, float]:
    if not any(len(values) for values in columns.values()):
        raise Refusal("config.data: the validation split has no pictures")
    means = {}
    for name, values in columns.items():
        prefix = name.removesuffix("error")
        if name == prefix:
            means[name] = float(values.mean())
            continue
        quality = metrics.mean(metrics.decibels(values))
        means[f"{prefix}psnr"], means[f"{prefix}mse"] = quality.psnr, float(values.mean()) / 255**2
        if quality.exact:
            means[f"{prefix}exact"] = quality.exact / quality.count
    return means


def _shown(images: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value[:_SHOWN] for name, value in images.items() if np.ndim(value) == 4}
