"""One stage of training: its state made or restored, its step compiled, its callbacks set."""

from __future__ import annotations

import dataclasses
import json
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import numpy as np
import optax
from clu import parameter_overview
from jax.sharding import Mesh
from ml_collections import ConfigDict

from jaxcrypt.errors import usage
from jaxcrypt.record import Stage, System
from jaxcrypt.training import callbacks, hosts, sharding
from jaxcrypt.training import state as states
from jaxcrypt.training.callbacks import Callback, Run
from jaxcrypt.training.checkpoint import Checkpoints
from jaxcrypt.training.compiling import compiled
from jaxcrypt.training.digests import write_durably
from jaxcrypt.training.feed import Feed
from jaxcrypt.training.loop import run_steps
from jaxcrypt.training.optimizer import learning_rates, optimizers
from jaxcrypt.training.products import LEAST_SHARE, product_flops, share_in
from jaxcrypt.training.step import StepOptions, check_stage, make_step, scan_steps
from jaxcrypt.training.stopping import StopRequest
from jaxcrypt.training.weights import load_weights, save_weights
from jaxcrypt.training.writer import Writer, columns, sheet

log = logging.getLogger("jaxcrypt")


@dataclass(frozen=True)
class Surroundings:
    """What the loop needs from outside and may not import.

    Attributes:
      pipeline: ``() -> pipeline`` of this host's training batches, endless, with ``get_state``/``set_state``.
      evaluators: by name, ``(variables) -> iterable of (name, scalar or picture)``.
      weights: ``(zoo entry) -> variables`` for a stage that starts from one.
      restart: put what is in the workdir aside and begin anew.
      profile_steps: trace so many steps; 0: none.
      report_memory: report peak memory at the end.
      origin: where the run comes from (command, commit, …): kept with every checkpoint, and shown by export.
    """

    pipeline: Callable[[], Any]
    evaluators: Mapping[str, callbacks.Evaluator] = dataclasses.field(default_factory=dict)
    weights: Callable[[str], dict[str, Any]] | None = None
    restart: bool = False
    profile_steps: int = 0
    report_memory: bool = False
    origin: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True)
class Cost:
    """Of one step: analytic FLOPs, and the share of its products in the chosen precision."""

    flops: float
    precision: str
    share: float

    def __str__(self) -> str:
        share = "" if self.precision == "float32" else f", {self.share:.0%} of products in {self.precision}"
        return f"{self.flops / 1e9:.4g} GFLOP{share}"


@dataclass(frozen=True)
class Setting:
    """What all stages of a run share."""

    system: System
    config: ConfigDict
    workdir: Path
    around: Surroundings
    mesh: Mesh
    checkpoints: Checkpoints | None  # none in a dry run
    writer: Writer | None


def checked_optimizers(config: ConfigDict, stage: Stage) -> Mapping[str, optax.GradientTransformation]:
    """The stage's optimizers by phase.

    Raises:
      Refusal: settings that make no sense for it.
    """
    substeps = config.train.substeps
    if stage.steps % substeps:
        raise usage(f"config.train.substeps={substeps}: does not divide the stage's {stage.steps} steps")
    return optimizers(config, stage)


class StageTrainer:
    """One stage: makes or restores its state, compiles its step, runs it.

    ``index`` is the stage's place in ``system.stages``, ``start`` the step at which it begins.
    """

    def __init__(self, setting: Setting, index: int, start: int):
        self.system, self.config, self.workdir = setting.system, setting.config, setting.workdir
        self.around, self.mesh = setting.around, setting.mesh
        self.checkpoints, self.writer = setting.checkpoints, setting.writer
        self.index, self.start, self.stage = index, start, self.system.stages[index]
        self.substeps = self.config.train.substeps
        self.optimizers = checked_optimizers(self.config, self.stage)

    def run(self, resumed: tuple[int, dict[str, Any]] | None, stop: StopRequest) -> states.TrainState:
        """Train the stage from ``resumed`` (step and meta of a checkpoint in it), or from its beginning."""
        pipeline = self.around.pipeline()
        state = self._state(resumed)
        self._keep_config()
        if resumed is not None:
            log.info("resuming from the checkpoint at step %d", resumed[0])
            own = hosts.own_pipeline_state(resumed[1]["pipeline"])
            if own is not None:
                pipeline.set_state(own)
        step = resumed[0] if resumed else self.start
        last = self.start + self.stage.steps
        feed = Feed(pipeline, sharding.batch_sharding(self.mesh, self.substeps), self.substeps)
        try:
            run = Run(state, step, last, feed, lr_settings=self._lr_settings())
            if step >= last:
                run.pipeline_state = pipeline.get_state()
            if step < last:
                self._drive(run, stop)
        finally:
            feed.close()
        self._keep_for_later(run.state)
        return run.state

    def _keep_config(self) -> None:
        """Say in the workdir what it is a run of, now that nothing about it is refused any more."""
        if jax.process_index() == 0:
            text = json.dumps(self._plain_config(), indent=1)
            write_durably(self.workdir / "config.json", text.encode())

    def _plain_config(self) -> dict[str, Any]:
        return json.loads(self.config.to_json_best_effort())

    def _state(self, resumed: tuple[int, dict[str, Any]] | None) -> states.TrainState:
        shapes = jax.eval_shape(self.fresh)
        check_stage(self.stage, shapes.params)
        if resumed is not None:
            return self.checkpoints.restore(resumed[0], sharding.with_shardings(self.mesh, shapes))
        if jax.process_index() == 0:
            overview = parameter_overview.get_parameter_overview(shapes.params, include_stats=False)
            phases = ", ".join(self.stage.phases)
            log.info("parameters of stage %d (%s):\n%s", self.index + 1, phases, overview)
            self.writer.text(self.start, "parameters", f"```\n{overview}\n```")
            self.writer.text(self.start, "config", f"```\n{self.config}\n```")
        asked = self.config.train.init_from if self.index == 0 else ""
        name = asked or self.stage.init_from
        if not name:
            return sharding.create_sharded(self.mesh, self.fresh)
        given = self._initial_weights(name)
        self._check_initial(name, given)
        return sharding.create_sharded(self.mesh, lambda: self.fresh(given))

    def _check_initial(self, name: str, given: Mapping[str, Any]) -> None:
        """Refuse weights without a net of this System, or with one of another make."""
        own = jax.eval_shape(self.fresh).params
        shared = [net for net in own if given["params"].get(net)]
        if not shared:
            raise usage(f"init_from={name}: has none of the nets {', '.join(own)}")
        for net in shared:
            here, there = (_shapes(tree[net]) for tree in (own, given["params"]))
            if here != there:
                raise usage(f"init_from={name}: its net {net} is of another make than this config's")

    def fresh(self, given: Mapping[str, Any] | None = None) -> states.TrainState:
        """The state that the stage begins with; ``given`` are variables that it takes over."""
        params, extra = states.init_arrays(
            self.system.init, self.system.batch(self.config), self.config.train.seed
        )
        if given is not None:
            params = {**params, **{net: tree for net, tree in given["params"].items() if net in params}}
            extra = {**extra, **{net: tree for net, tree in given["extra"].items() if net in extra}}
        return states.create(params, extra, self.stage, self.optimizers, self.system.ema, self.start)

    def _initial_weights(self, name: str) -> dict[str, Any]:
        earlier = [stage.name for stage in self.system.stages[: self.index]]
        if name in earlier:
            return load_weights(self._stage_file(earlier.index(name)).read_bytes())
        if self.around.weights is None:
            raise usage(f"init_from={name}: neither an earlier stage nor a zoo entry")
        return self.around.weights(name)

    def _stage_file(self, index: int) -> Path:
        return self.workdir / "stages" / f"{index + 1}.safetensors"

    def _keep_for_later(self, state: states.TrainState) -> None:
        """The weights of a finished stage, for the stages that start from it."""
        if self.index + 1 == len(self.system.stages):
            return
        data = save_weights(sharding.fetch(states.variables(state)), {})
        if jax.process_index() == 0:
            write_durably(self._stage_file(self.index), data)
        hosts.wait_for_all(f"stage {self.index} kept")

    def _drive(self, run: Run, stop: StopRequest) -> None:
        fed = next(run.feed)
        step, cost = self.compile(run.state, fed.batch)
        by_step = learning_rates(self.config, self.stage)
        rates = {name: lambda step, lr=lr: lr(step - self.start) for name, lr in by_step.items()}
        logger = callbacks.Log(self.writer, self.config.train.batch_size, cost.flops, rates)
        facts = {"config": self._plain_config(), "stage": self.index, "origin": dict(self.around.origin)}
        save = callbacks.Save(self.checkpoints, facts)
        self._show_samples(run.step, fed.batch)
        logger.start(run.step)
        run.feed.take_waited()
        run_steps(run, step, fed, self._callbacks(run, logger, save), self.substeps, stop, save)

    def _show_samples(self, step: int, batch: Mapping[str, Any]) -> None:
        """A sheet of what the stage is trained on, as it comes out of the pipeline."""
        first = {name: leaf[0] if self.substeps > 1 else leaf for name, leaf in batch.items()}
        shown = columns(sharding.fetch(first))
        if shown:
            self.writer.picture(step, f"samples/stage_{self.index + 1}", sheet(shown))

    def compile(self, state: states.TrainState, batch: Any) -> tuple[Any, Cost]:
        """The compiled dispatch, and what one step costs over all devices.

        Raises:
          Refusal: little of it would be computed in the precision that was asked for.
        """
        opts = self.config.train
        remat = opts.remat and jax.default_backend() != "cpu"
        if opts.remat and not remat:
            log.warning("config.train.remat: left out; XLA's CPU backend merges again what is computed twice")
        options = StepOptions(opts.seed, self.config.ema, opts.precision, remat)
        one = make_step(self.stage, self.optimizers, options)
        whole = sharding.replicated(self.mesh)
        kept = jax.tree.map(lambda leaf: leaf.sharding, state)
        jitted = jax.jit(scan_steps(one, self.substeps), donate_argnums=0, out_shardings=(kept, whole))
        single = {name: _one_step(leaf, self.substeps) for name, leaf in batch.items()}
        share = self._share_in_precision(one, state, single)
        start = time.perf_counter()
        program = compiled(jitted.lower(state, batch), opts.cpu_convolutions)
        cost = Cost(_flops(one, jax.eval_shape(lambda: state), single), opts.precision, share)
        log.info("compiled in %.1f s; %s a step", time.perf_counter() - start, cost)
        return program, cost

    def _lr_settings(self) -> dict[str, str]:
        own = {name for name, phase in self.config.phases.items() if "lr" in phase.get("optimizer", {})}
        return {name: f"config.phases.{name}.optimizer.lr" for name in own}

    def _share_in_precision(self, step: Callable, state: Any, batch: Any) -> float:
        precision = self.config.train.precision
        if precision == "float32":
            return 1.0
        share = share_in(product_flops(step, jax.eval_shape(lambda: state), batch), precision)
        if share < LEAST_SHARE:
            what = f"config.train.precision={precision}: {share:.0%} of the convolutions and products"
            raise usage(f"{what} would be computed in it; the System's nets keep to float32")
        return share

    def _callbacks(self, run: Run, logger: callbacks.Log, save: callbacks.Save) -> list[Callback]:
        opts = self.config.train
        made = [Callback(opts.log_every, logger)]
        if self.around.profile_steps:
            trace = callbacks.Trace(self.workdir / "profile", run, self.around.profile_steps)
            made.append(Callback(1, trace))
        if self.around.evaluators and opts.eval_every:
            evaluate = callbacks.Evaluate(self.writer, self.around.evaluators)
            made.append(Callback(opts.eval_every, evaluate, may_wait=True))
        made.append(Callback(opts.checkpoint_every, save, may_wait=True))
        if self.around.report_memory:
            made.append(Callback(run.last, callbacks.Memory(self.writer)))
        return made


def _flops(step: Callable, state: Any, batch: Any) -> float:
    """Of one step over all devices, as XLA counts them; of its products alone where that counts nothing."""
    analysed = jax.jit(step).lower(state, batch).cost_analysis() or {}
    return float(analysed.get("flops") or product_flops(step, state, batch).total())


def _one_step(leaf: jax.Array, substeps: int) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(leaf.shape[1:] if substeps > 1 else leaf.shape, leaf.dtype)


def _shapes(tree: Any) -> dict[str, tuple[int, ...]]:
    """The shape of every array of a tree, by its path."""
    leaves, _ = jax.tree_util.tree_flatten_with_path(tree)
    return {jax.tree_util.keystr(path): tuple(np.shape(leaf)) for path, leaf in leaves}
