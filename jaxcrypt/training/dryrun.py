"""What a run would be, with no data read and nothing written: shapes, parameters, memory, FLOPs, one step."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np
from clu import parameter_overview
from ml_collections import ConfigDict

from jaxcrypt.record import System
from jaxcrypt.training import sharding
from jaxcrypt.training.defaults import check
from jaxcrypt.training.hardware import describe
from jaxcrypt.training.stage import Setting, StageTrainer, Surroundings

_MIB = 2**20


def dry_run(system: System, config: ConfigDict) -> Iterator[str]:
    """The report, line by line, each stage's as soon as it is measured; pictures are random.

    Raises:
      Refusal: settings that make no sense, as in the run itself.
    """
    check(config)
    mesh = sharding.make_mesh(config.mesh.data, config.mesh.fsdp)
    sharding.check_batch_size(config.train.batch_size, mesh)
    yield f"{describe()}; mesh: data {mesh.shape['data']} × fsdp {mesh.shape['fsdp']}"
    for name, leaf in system.batch(config).items():
        yield f"batch: {name} {leaf.dtype} {list(leaf.shape)}"
    setting = Setting(system, config, Path(), Surroundings(pipeline=dict), mesh, None, None)
    start = 0
    for index, stage in enumerate(system.stages):
        trainer = StageTrainer(setting, index, start)
        start += stage.steps
        yield f"stage {index + 1} of {len(system.stages)} ({', '.join(stage.phases)}): {stage.steps} steps"
        state = sharding.create_sharded(mesh, trainer.fresh)
        yield parameter_overview.get_parameter_overview(state.params, include_stats=False)
        yield from _one_step(trainer, state, _random_batch(system.batch(config), trainer, mesh))


def _one_step(trainer: StageTrainer, state: Any, batch: Mapping[str, jax.Array]) -> Iterator[str]:
    began = time.perf_counter()
    step, cost = trainer.compile(state, batch)
    compiled = time.perf_counter() - began
    yield f"one step: {cost}; compiled in {compiled:.1f} s"
    sizes = step.memory_analysis()
    if sizes is not None:
        held, more = sizes.argument_size_in_bytes / _MIB, sizes.temp_size_in_bytes / _MIB
        yield f"memory of each device: {held:.1f} MiB held, {more:.1f} MiB while it computes"
    began = time.perf_counter()
    _, metrics = jax.block_until_ready(step(state, batch))
    took = (time.perf_counter() - began) / trainer.substeps
    losses = {name: float(m.total / m.count) for name, m in metrics.items() if name.endswith("/loss")}
    shown = ", ".join(f"{name} {value:.4g}" for name, value in losses.items())
    yield f"took {took:.3f} s the first time, on random pictures: {shown}"


def _random_batch(spec: Mapping[str, Any], trainer: StageTrainer, mesh: Any) -> dict[str, jax.Array]:
    rng, substeps, hosts = np.random.default_rng(0), trainer.substeps, jax.process_count()
    made = {}
    for name, leaf in spec.items():
        shape = (leaf.shape[0] // hosts, *leaf.shape[1:])
        shape = (substeps, *shape) if substeps > 1 else shape
        top = 2 if leaf.dtype == bool else 256
        made[name] = rng.integers(0, top, math.prod(shape)).reshape(shape).astype(leaf.dtype)
    return sharding.global_batch(sharding.batch_sharding(mesh, substeps), made)
