"""What training changes: arrays only. Optimizers and functions live in the closure of the step."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import optax
from flax import struct

from jaxcrypt.record import Stage


@struct.dataclass
class TrainState:
    """Everything that a training run carries from step to step.

    Attributes:
      step: int32 scalar, counted over all stages.
      params: parameters by net name, float32.
      extra: other collections (batch statistics, spectral norms) by net name.
      opt: Optax state by phase name, over the parameters of that phase's nets.
      ema: averaged parameters by net name, float32; the nets of ``System.ema`` only.
    """

    step: jax.Array
    params: dict[str, Any]
    extra: dict[str, Any]
    opt: dict[str, Any]
    ema: dict[str, Any]


def create(
    params: Mapping[str, Any],
    extra: Mapping[str, Any],
    stage: Stage,
    optimizers: Mapping[str, optax.GradientTransformation],
    ema: tuple[str, ...],
    step: int = 0,
) -> TrainState:
    """A fresh state for ``stage``: its optimizers start anew, averages start at the parameters."""
    params, extra = dict(params), dict(extra)
    opt = {
        name: optimizers[name].init({net: params[net] for net in phase.nets})
        for name, phase in stage.phases.items()
    }
    averages = {net: jax.tree.map(jnp.copy, params[net]) for net in ema}
    return TrainState(jnp.asarray(step, jnp.int32), params, extra, opt, averages)


def variables(state: TrainState, averaged: bool = True) -> dict[str, Any]:
    """``{'params', 'extra'}`` as Systems take them; with the averaged parameters where there are any."""
    params = {**state.params, **state.ema} if averaged else dict(state.params)
    return {"params": params, "extra": dict(state.extra)}


def init_arrays(init: Callable[..., Any], spec: Mapping[str, jax.ShapeDtypeStruct], seed: int):
    """``system.init`` on a batch of two zero examples of ``spec``'s shapes."""
    batch = {name: jnp.zeros((2, *leaf.shape[1:]), leaf.dtype) for name, leaf in spec.items()}
    return init(jax.random.key(seed), batch)
