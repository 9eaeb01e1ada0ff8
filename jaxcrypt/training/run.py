"""A whole training run: the stages of a System in order, from the newest checkpoint or the beginning."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
from ml_collections import ConfigDict

from jaxcrypt.errors import usage
from jaxcrypt.record import System
from jaxcrypt.training import sharding
from jaxcrypt.training import state as states
from jaxcrypt.training.checkpoint import Checkpoints
from jaxcrypt.training.defaults import complete
from jaxcrypt.training.stage import Setting, StageTrainer, Surroundings
from jaxcrypt.training.stopping import StopRequest
from jaxcrypt.training.writer import Writer

log = logging.getLogger("jaxcrypt")


def train(system: System, config: ConfigDict, workdir: Path, around: Surroundings) -> dict[str, Any]:
    """Train ``system`` from its newest checkpoint in ``workdir``, or from the beginning.

    Args:
      system: what to train.
      config: complete (``defaults.complete``); stored with every checkpoint.
      workdir: gets ``checkpoints``, ``stages``, ``log.jsonl``, ``tensorboard``.
      around: data, evaluators and whatever else comes from outside.

    Returns:
      The variables at the end, averaged.

    Raises:
      Refusal: settings that make no sense, a loss that is not finite, checkpoints that cannot be read.
      Stopped: a signal asked for it; everything is saved.
    """
    if not system.stages:
        raise usage(f"config.system={config.system}: nothing in it is learned, so there is nothing to train")
    opts = config.train
    mesh = sharding.make_mesh(config.mesh.data, config.mesh.fsdp)
    sharding.check_batch_size(opts.batch_size, mesh)
    checkpoints = Checkpoints(workdir, opts.keep_last, opts.keep_best, opts.best, opts.best_mode)
    writer = Writer(workdir, active=jax.process_index() == 0)
    setting = Setting(system, config, Path(workdir), around, mesh, checkpoints, writer)
    try:
        found = checkpoints.newest()
        if found:
            _tell_changes(found[1]["config"], config)
        with StopRequest() as stop:
            start = 0
            for index, stage in enumerate(system.stages):
                trainer = StageTrainer(setting, index, start)
                start += stage.steps
                if found and found[1]["stage"] > index:
                    continue
                state = trainer.run(found, stop)
                found = None
    finally:
        checkpoints.close()
        writer.close()
    return states.variables(state)


def _tell_changes(stored: Mapping[str, Any], config: ConfigDict) -> None:
    """Log what the config says otherwise than when the checkpoint was written: allowed, never unsaid."""
    before, now = (_flat(json.loads(complete(c).to_json_best_effort())) for c in (stored, config))
    for name in sorted(before.keys() | now.keys()):
        if before.get(name) != now.get(name):
            log.warning("config.%s was %s, is %s", name, before.get(name), now.get(name))


def _flat(node: Any, path: str = "") -> dict[str, Any]:
    if not isinstance(node, Mapping):
        return {path: node}
    found: dict[str, Any] = {}
    for name, value in node.items():
        found.update(_flat(value, f"{path}.{name}" if path else name))
    return found
