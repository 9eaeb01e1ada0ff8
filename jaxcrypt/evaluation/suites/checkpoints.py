"""How a trained System is measured: on validation pictures while it trains, and from its checkpoints later.

A System's ``outputs`` are images in [0, 1] by name. Of them ``image`` is the plain picture and ``decrypted``
what came back with the right key; both are rounded to 8 bits before they are compared. Means are over
pictures.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from ml_collections import ConfigDict

from jaxcrypt import data
from jaxcrypt.errors import Refusal, usage
from jaxcrypt.metrics.image import mse, psnr, ssim, to_bytes
from jaxcrypt.record import System
from jaxcrypt.systems import catalog as systems
from jaxcrypt.training.checkpoint import Checkpoints, averaged
from jaxcrypt.training.defaults import complete
from jaxcrypt.training.sharding import batch_sharding, fetch, global_batch, make_mesh
from jaxcrypt.training.writer import Writer, sheet

log = logging.getLogger("jaxcrypt.evaluate")
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
    """``(variables) -> (name, value)…``: means on the validation split, and a ``sheet``."""
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
    """``psnr`` (dB), ``ssim`` and ``mse`` of each picture, float32 [B], for every pair of outputs.

    ``grey_decrypted`` is compared with ``grey_image`` and gives ``grey_psnr``, and so for any other prefix.
    """
    found = {}
    for name, back in images.items():
        prefix = name.removesuffix("decrypted")
        if name == prefix or f"{prefix}image" not in images:
            continue
        plain, back = (to_bytes(x) / 255 for x in (images[f"{prefix}image"], back))
        # Two equal pictures have no finite PSNR: they count as 99 dB, so that a mean stays a number.
        found[f"{prefix}psnr"] = jnp.minimum(psnr(plain, back), 99.0)
        found[f"{prefix}ssim"] = ssim(plain, back)
        found[f"{prefix}mse"] = mse(plain, back)
    return found


def _shown(images: dict[str, jax.Array]) -> dict[str, Any]:
    return {name: value[:8] for name, value in images.items() if np.ndim(value) == 4}


def evaluate_run(workdir: Path, watch: bool = False, interval: float = 10.0) -> Iterator[dict[str, Any]]:
    """The validation metrics of a training run's best checkpoint; with ``watch``, of each as it appears.

    Averaged parameters give ``validation/…``, raw ones ``validation_raw/…``. Watching ends with the
    checkpoint of the last step. Each result is a line of ``<workdir>/evaluation/log.jsonl`` too, and goes to
    TensorBoard.

    Raises:
      Refusal: not a training run's folder, or no sound checkpoint in it.
    """
    if not watch and not (workdir / "checkpoints").is_dir():
        raise usage(f"{workdir}: not the --workdir of a training run (no checkpoints in it)")
    writer = Writer(workdir / "evaluation")
    try:
        for step, meta, tree in _watched(workdir, interval) if watch else _best(workdir):
            values = _measured(tree, complete(meta["config"]))
            writer.scalars(step, values)
            yield {"step": step, **values}
    finally:
        writer.close()


def _best(workdir: Path) -> Iterator[tuple[int, dict[str, Any], dict[str, Any]]]:
    with contextlib.closing(Checkpoints(workdir, read_only=True)) as checkpoints:
        step, meta = checkpoints.best_sound()
        yield step, meta, checkpoints.restore_arrays(step)


def _watched(workdir: Path, interval: float) -> Iterator[tuple[int, dict[str, Any], dict[str, Any]]]:
    if not (workdir / "checkpoints").is_dir():
        log.warning("%s: no checkpoints yet; waiting for the first", workdir)
    while not (workdir / "checkpoints").is_dir():
        time.sleep(interval)
    seen: set[int] = set()
    with contextlib.closing(Checkpoints(workdir, read_only=True)) as checkpoints:
        while True:
            for step in sorted(set(checkpoints.steps()) - seen):
                seen.add(step)
                try:
                    meta, tree = checkpoints.meta(step), checkpoints.restore_arrays(step)
                except (Refusal, OSError, ValueError):
                    continue  # the run has removed it meanwhile
                yield step, meta, tree
                if step >= _last_step(meta):
                    return
            time.sleep(interval)


def _last_step(meta: dict[str, Any]) -> int:
    config = complete(meta["config"])
    return sum(stage.steps for stage in systems.build(config.system, config).stages)


def _measured(tree: dict[str, Any], config: ConfigDict) -> dict[str, float]:
    evaluate = validation_evaluator(systems.build(config.system, config), config)
    kinds = {"validation": averaged(tree)}
    if tree["ema"]:
        kinds["validation_raw"] = {"params": tree["params"], "extra": tree["extra"]}
    return {
        f"{kind}/{name}": float(value)
        for kind, variables in kinds.items()
        for name, value in evaluate(variables)
        if np.ndim(value) == 0
    }
