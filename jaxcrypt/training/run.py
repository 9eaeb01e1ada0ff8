"""A whole training run: the stages of a System in order, from the newest checkpoint or the beginning."""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jax
from ml_collections import ConfigDict

from jaxcrypt.errors import Refusal, usage
from jaxcrypt.record import System
from jaxcrypt.training import hosts, sharding
from jaxcrypt.training import state as states
from jaxcrypt.training.checkpoint import FOLDERS, Checkpoints
from jaxcrypt.training.defaults import check, complete, flat_names
from jaxcrypt.training.hardware import describe
from jaxcrypt.training.stage import Setting, StageTrainer, Surroundings, checked_optimizers
from jaxcrypt.training.stopping import Stopped, StopRequest
from jaxcrypt.training.watch import Watch
from jaxcrypt.training.writer import Writer

log = logging.getLogger("jaxcrypt")
_LEFT = (*FOLDERS, "stages", "config.json", "log.jsonl", "tensorboard", "profile", "evaluation")


def train(system: System, config: ConfigDict, workdir: Path, around: Surroundings) -> dict[str, Any]:
    """Train ``system`` from its newest checkpoint in ``workdir``, or from the beginning.

    Args:
      system: what to train.
      config: complete (``defaults.complete``); stored with every checkpoint.
      workdir: gets ``checkpoints``, ``stages``, ``config.json``, ``log.jsonl``, ``tensorboard``.
      around: data, evaluators and whatever else comes from outside.

    Returns:
      The variables at the end, averaged.

    Raises:
      Refusal: settings that make no sense, a loss that is not finite, checkpoints that cannot be read.
      Stopped: a signal asked for it; everything is saved.
    """
    if not system.stages:
        raise usage(f"config.system={config.system}: nothing in it is learned, so there is nothing to train")
    check(config)
    for stage in system.stages:
        checked_optimizers(config, stage)
    opts = config.train
    mesh = sharding.make_mesh(config.mesh.data, config.mesh.fsdp)
    sharding.check_batch_size(opts.batch_size, mesh)
    log.info("on %s: mesh of data %d × fsdp %d", describe(), mesh.shape["data"], mesh.shape["fsdp"])
    if around.restart:
        _restart(workdir)
    checkpoints = Checkpoints(workdir, opts.keep_last, opts.keep_best, opts.best, opts.best_mode)
    writer = Writer(workdir, jax.process_index() == 0, opts.wandb, _plain(config))
    setting = Setting(system, config, Path(workdir), around, mesh, checkpoints, writer)
    try:
        state = _through_stages(setting, checkpoints)
        checkpoints.close()
    except BaseException:
        checkpoints.abandon()
        raise
    finally:
        writer.close()
    return states.variables(state)


def _through_stages(setting: Setting, checkpoints: Checkpoints) -> states.TrainState:
    """The state after the last stage; those that the newest checkpoint has behind it are left out."""
    config = setting.config
    hosts.compare({f"the checkpoints in {checkpoints.folder}": checkpoints.steps()})
    newest = checkpoints.newest()
    if newest:
        _check_same_system(newest[1]["config"], config, setting.workdir)
        _tell_changes(newest[1]["config"], config)
    with StopRequest() as stop:
        start = 0
        for index, stage in enumerate(setting.system.stages):
            trainer = StageTrainer(setting, index, start)
            start += stage.steps
            if newest and newest[1]["stage"] > index:
                continue
            state = trainer.run(newest, stop)
            newest = None
    return state


def _check_same_system(stored: Mapping[str, Any], config: ConfigDict, workdir: Path) -> None:
    if stored["system"] != config.system:
        was = f"holds a run of {stored['system']}, not of {config.system}"
        raise usage(f"{workdir}: {was}; choose another --workdir, or --restart to put that run aside")


def _tell_changes(stored: Mapping[str, Any], config: ConfigDict) -> None:
    """Log what the config says otherwise than when the checkpoint was written: allowed, never unsaid."""
    before, now = (flat_names(_plain(complete(c))) for c in (stored, config))
    for name in sorted(before.keys() | now.keys()):
        if before.get(name) != now.get(name):
            log.warning("config.%s was %s, is %s", name, before.get(name), now.get(name))


def _plain(config: ConfigDict) -> dict[str, Any]:
    return json.loads(config.to_json_best_effort())


@contextlib.contextmanager
def together(workdir: Path, config: ConfigDict, **flags: Any) -> Iterator[None]:
    """What several hosts do of one run, all that needs data included: told the same, seeing the same folder,
    and none waiting for one that is lost. On one host: nothing.

    Raises:
      Refusal: on every host in the same words, if they were not told the same.
    """
    if jax.process_count() == 1:
        yield
        return
    hosts.compare({**flat_names(_plain(config), "config"), "jax": jax.__version__, **flags})
    hosts.share(workdir)
    with Watch(workdir, jax.process_index(), jax.process_count()) as watch:
        try:
            yield
        except (Refusal, Stopped):
            raise
        except Exception:  # of a collective that another host has left, most often
            watch.wait_for_verdict()
            raise


def _restart(workdir: Path) -> None:
    aside = put_aside(workdir) if jax.process_index() == 0 else None
    if aside:
        log.warning("the run that was in %s lies in %s", workdir, aside)
    hosts.wait_for_all("restart")


def put_aside(workdir: Path) -> Path | None:
    """Move what a run left in ``workdir`` to a folder in it, and return that; None where it left nothing."""
    left = [Path(workdir) / name for name in _LEFT if (Path(workdir) / name).exists()]
    if not left:
        return None
    number = 1
    while (aside := Path(workdir) / f"before-restart-{number}").exists():
        number += 1
    aside.mkdir()
    for path in left:
        path.rename(aside / path.name)
    return aside
