"""The one training step of every System.

For each phase p of the stage, in order, with θ_p the parameters of its nets and all others frozen:

    g = ∂ loss_p(θ, extra, batch, rng) / ∂θ_p,     θ_p ← θ_p + optimizer_p(g),     extra_p ← extra'_p

and after all phases the averages of the nets in ``System.ema``, with t the step counted from 1:

    ema ← d·ema + (1 - d)·θ,     d = min(decay, (1 + t) / (10 + t))

so that the first steps, far from the end, are soon forgotten. ``rng`` is folded from (seed, step, phase):
a step does the same whatever came before it, and whichever devices it runs on.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import optax
from clu.metrics import Average

from jaxcrypt.errors import usage
from jaxcrypt.record import Phase, Stage
from jaxcrypt.training.defaults import unknown
from jaxcrypt.training.state import TrainState

PRECISIONS = {"float32": jnp.float32, "bfloat16": jnp.bfloat16}
_COMPUTED = ("kernel", "bias")  # what layers multiply and add; learned bases and scales want every digit
Metrics = dict[str, Average]
# What the forward pass keeps under ``remat``; the nets name it (jaxcrypt.models.layers.KEPT).
_BETWEEN_BLOCKS = jax.checkpoint_policies.save_only_these_names("between blocks")


@dataclass(frozen=True)
class StepOptions:
    """Static settings of the step: fields of ``config.train`` and ``config.ema``."""

    seed: int = 0
    ema_decay: float = 0.999
    precision: str = "float32"
    remat: bool = False


def make_step(
    stage: Stage,
    optimizers: Mapping[str, optax.GradientTransformation],
    options: StepOptions,
) -> Callable[[TrainState, Any], tuple[TrainState, Metrics]]:
    """The step of ``stage``: ``(state, batch) -> (state, metrics)``, pure, to be jitted.

    ``metrics`` holds, for each phase that ran, ``<phase>/loss``, ``<phase>/grad_norm`` (before clipping) and
    what its loss reports, as ``clu`` averages: a phase that sat out has weight 0.
    """
    if options.precision not in PRECISIONS:
        raise unknown(f"config.train.precision={options.precision}", options.precision, PRECISIONS)
    runs = {
        name: _phase_step(phase, _prepared(phase.loss, options), optimizers[name])
        for name, phase in stage.phases.items()
    }

    def step(state: TrainState, batch: Any) -> tuple[TrainState, Metrics]:
        metrics: Metrics = {}
        rng = jax.random.fold_in(jax.random.key(options.seed), state.step)
        for name, phase in stage.phases.items():
            phase_rng = jax.random.fold_in(rng, zlib.crc32(name.encode()))
            state, reported = _every(phase, runs[name], name, state, batch, phase_rng)
            metrics.update({f"{name}/{key}": value for key, value in reported.items()})
        return _advance(state, options.ema_decay), metrics

    return step


def scan_steps(step: Callable, substeps: int) -> Callable:
    """``substeps`` steps in one dispatch: leaves of the batch have that leading axis; metrics are merged."""
    if substeps == 1:
        return step

    # XLA's CPU backend has its fast convolutions outside of loops only: 60 times slower inside.
    unroll = jax.default_backend() == "cpu"

    def many(state: TrainState, batches: Any) -> tuple[TrainState, Metrics]:
        state, metrics = jax.lax.scan(step, state, batches, length=substeps, unroll=unroll)
        return state, jax.tree.map(lambda leaf: leaf.sum(0), metrics)

    return many


def _prepared(loss: Callable, options: StepOptions) -> Callable:
    """``loss`` in the chosen precision: kernels and biases in it, and so what layers make of them; all else,
    the loss and ``extra`` too, is float32."""
    dtype = PRECISIONS[options.precision]

    def cast(path: Any, leaf: jax.Array) -> jax.Array:
        name = jax.tree_util.keystr(path[-1:], simple=True)
        return leaf.astype(dtype) if name in _COMPUTED and leaf.dtype == jnp.float32 else leaf

    def prepared(params, extra, batch, rng):
        params = jax.tree_util.tree_map_with_path(cast, params)
        value, (new_extra, metrics) = loss(params, extra, batch, rng)
        new_extra = {
            net: jax.tree.map(lambda new, old: new.astype(old.dtype), new_extra[net], extra[net])
            for net in extra
            if net in new_extra
        }
        metrics = {name: jnp.asarray(metric, jnp.float32) for name, metric in metrics.items()}
        return value.astype(jnp.float32), (new_extra, metrics)

    return jax.checkpoint(prepared, policy=_BETWEEN_BLOCKS) if options.remat else prepared


def _phase_step(phase: Phase, loss: Callable, optimizer: optax.GradientTransformation) -> Callable:
    def run(params, extra, opt, batch, rng):
        def of_trainable(trainable):
            return loss({**params, **trainable}, extra, batch, rng)

        trainable = {net: params[net] for net in phase.nets}
        (value, (new_extra, metrics)), grads = jax.value_and_grad(of_trainable, has_aux=True)(trainable)
        updates, opt = optimizer.update(grads, opt, trainable)
        params = {**params, **optax.apply_updates(trainable, updates)}
        extra = {**extra, **{net: new_extra[net] for net in phase.nets if net in new_extra}}
        return params, extra, opt, {**metrics, "loss": value, "grad_norm": optax.tree.norm(grads)}

    return run


def _every(phase: Phase, run: Callable, name: str, state: TrainState, batch: Any, rng: jax.Array):
    """Run the phase, or on steps that are not its own leave the state as it is."""
    args = (state.params, state.extra, state.opt[name])
    if phase.every == 1:
        params, extra, opt, values = run(*args, batch, rng)
        weight = jnp.ones((), jnp.float32)
    else:
        shapes = jax.eval_shape(run, *args, batch, rng)[3]
        idle = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), shapes)
        due = state.step % phase.every == 0
        params, extra, opt, values = jax.lax.cond(due, lambda: run(*args, batch, rng), lambda: (*args, idle))
        weight = due.astype(jnp.float32)
    metrics = {key: Average(total=value * weight, count=weight) for key, value in values.items()}
    state = state.replace(params=params, extra=extra, opt={**state.opt, name: opt})
    return state, metrics


def _advance(state: TrainState, decay: float) -> TrainState:
    step = state.step + 1
    d = jnp.minimum(decay, (1.0 + step) / (10.0 + step))
    ema = {
        net: jax.tree.map(lambda old, new: d * old + (1 - d) * new, old, state.params[net])
        for net, old in state.ema.items()
    }
    return state.replace(step=step, ema=ema)


def check_stage(stage: Stage, nets: Mapping[str, Any]) -> None:
    """Refuse a stage whose phases name nets that ``system.init`` did not make."""
    for name, phase in stage.phases.items():
        for net in phase.nets:
            if net not in nets:
                raise usage(f"phase {name}: no net called {net}; the System has {', '.join(nets) or 'none'}")
