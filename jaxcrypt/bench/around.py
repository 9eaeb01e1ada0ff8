"""What surrounds training steps: the wait for pictures, and the stall of a checkpoint."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

import jax

from jaxcrypt.evaluation.validation import training_pipeline
from jaxcrypt.record import System
from jaxcrypt.training import sharding
from jaxcrypt.training.checkpoint import Checkpoints
from jaxcrypt.training.feed import Feed
from jaxcrypt.training.stage import Setting, StageTrainer, Surroundings


def around(system: System, config: Any, seconds: float) -> dict[str, float]:
    """Train the first stage on the config's own data for ``seconds``, then save it.

    Returns:
      ``input_wait``: the share of the time in which steps waited for pictures; ``images_per_second``;
      ``checkpoint_stall_seconds``: until training may go on; ``checkpoint_seconds``: until all is on disk.

    Raises:
      Refusal: the config's pictures are not there.
    """
    mesh = sharding.make_mesh(config.mesh.data, config.mesh.fsdp)
    trainer = StageTrainer(Setting(system, config, Path(), Surroundings(dict), mesh, None, None), 0, 0)
    substeps = trainer.substeps
    feed = Feed(training_pipeline(system, config), sharding.batch_sharding(mesh, substeps), substeps)
    try:
        fed, state = next(feed), sharding.create_sharded(mesh, trainer.fresh)
        program, _ = trainer.compile(state, fed.batch)
        state, before = jax.block_until_ready(program(state, fed.batch))
        feed.take_waited()
        start, count = time.perf_counter(), 0
        while time.perf_counter() - start < seconds:
            state, metrics = program(state, fed.batch)
            jax.block_until_ready(before)  # one step is in flight, as in training
            before, fed, count = metrics, next(feed), count + 1
        jax.block_until_ready(state)
        took = time.perf_counter() - start
        waited = feed.take_waited()
    finally:
        feed.close()
    rate = count * substeps * config.train.batch_size / took
    return {"input_wait": waited / took, "images_per_second": rate, **_saved(state)}


def _saved(state: Any) -> dict[str, float]:
    with tempfile.TemporaryDirectory(prefix="jaxcrypt-bench-") as folder:
        checkpoints = Checkpoints(Path(folder))
        start = time.perf_counter()
        checkpoints.save(state, {}, None)
        stall = time.perf_counter() - start
        checkpoints.close()
        return {"checkpoint_stall_seconds": stall, "checkpoint_seconds": time.perf_counter() - start}
