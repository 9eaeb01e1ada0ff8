"""One ``optimizer(config)`` for every phase of every System, in Optax.

The chain is: clip by global norm, the rule (adam, adamw, sgd, …), decoupled weight decay, learning rate by
schedule; gradients of ``accumulate`` steps are averaged before it (``optax.MultiSteps``).

Muon (Jordan 2024, https://kellerjordan.github.io/posts/muon) makes a matrix's momentum orthogonal by five
Newton-Schulz iterations. A kernel of any rank is taken as the matrix of what goes in by what comes out: all
its axes but the last by the last, so a convolution's ``[h, w, in, out]`` is ``[h * w * in, out]``. Parameters
that are no kernels (biases, scales, a learned basis) get adam with Nesterov momentum, at the same rate.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax
import optax
import optax.contrib
from ml_collections import ConfigDict

from jaxcrypt.errors import usage
from jaxcrypt.record import Stage
from jaxcrypt.training.defaults import positive, unknown


def _kernels(params: Any) -> Any:
    """Of every kernel which axes are its inputs and outputs; None for whatever is not Muon's."""

    def axes(path, leaf):
        if jax.tree_util.keystr(path[-1:], simple=True) != "kernel" or leaf.ndim < 2:
            return None
        return optax.contrib.MuonDimensionNumbers(tuple(range(leaf.ndim - 1)), (leaf.ndim - 1,))

    return jax.tree_util.tree_map_with_path(axes, params)


def _muon(config: ConfigDict) -> optax.GradientTransformation:
    rule = optax.contrib.muon(
        1.0,  # the rate and its sign come at the end of the chain
        beta=config.b1,
        adam_b1=config.b1,
        adam_b2=config.b2,
        eps=config.eps,
        muon_weight_dimension_numbers=_kernels,
    )
    return optax.chain(rule, optax.scale(-1.0))


_RULES: dict[str, Callable[[Any], optax.GradientTransformation]] = {
    "adam": lambda c: optax.scale_by_adam(c.b1, c.b2, c.eps),
    "adamw": lambda c: optax.scale_by_adam(c.b1, c.b2, c.eps),
    "lion": lambda c: optax.scale_by_lion(c.b1, c.b2),
    "muon": _muon,
    "rmsprop": lambda c: optax.scale_by_rms(c.b2, c.eps),
    "sgd": lambda c: optax.trace(c.b1) if c.b1 else optax.identity(),
}
_SCHEDULES = ("constant", "cosine", "linear")


def schedule(config: ConfigDict, updates: int) -> optax.Schedule:
    """Learning rate by update: linear warm-up, then the schedule for the rest of ``updates``."""
    warmup = config.warmup_steps
    if not 0 <= warmup < max(updates, 1):
        raise usage(f"config.optimizer.warmup_steps={warmup}: must be below the {updates} updates of the run")
    rest, end = max(updates - warmup, 1), config.lr * config.end_factor
    after = {
        "constant": lambda: optax.constant_schedule(config.lr),
        "cosine": lambda: optax.cosine_decay_schedule(config.lr, rest, alpha=config.end_factor),
        "linear": lambda: optax.linear_schedule(config.lr, end, rest),
    }
    if config.schedule not in after:
        raise unknown(f"config.optimizer.schedule={config.schedule}", config.schedule, _SCHEDULES)
    if not warmup:
        return after[config.schedule]()
    ramp = optax.linear_schedule(0.0, config.lr, warmup)
    return optax.join_schedules([ramp, after[config.schedule]()], [warmup])


def _decay_mask(which: str) -> Callable[[Any], Any]:
    if which == "kernels":  # biases and scales of normalisation have one axis, and are left alone
        return lambda params: jax.tree.map(lambda leaf: leaf.ndim > 1, params)
    if which == "all":
        return lambda params: jax.tree.map(lambda leaf: True, params)
    raise unknown(f"config.optimizer.decay_mask={which}", which, ("kernels", "all"))


def optimizer(config: ConfigDict, steps: int) -> optax.GradientTransformation:
    """The Optax transformation that ``config`` (``defaults.optimizer_defaults``) describes.

    Args:
      config: the fields of ``config.optimizer``.
      steps: how often the phase runs in the whole stage; schedules end there.

    Raises:
      Refusal: an unknown rule, schedule or mask, or a number that makes no sense.
    """
    if config.name not in _RULES:
        raise unknown(f"config.optimizer.name={config.name}", config.name, _RULES)
    if config.weight_decay and config.name == "adam":
        raise usage("config.optimizer.weight_decay: adam has none; take config.optimizer.name=adamw")
    accumulate = positive(config.accumulate, "config.optimizer.accumulate")
    parts = [optax.clip_by_global_norm(config.clip_norm)] if config.clip_norm else []
    parts.append(_RULES[config.name](config))
    if config.weight_decay:
        parts.append(optax.add_decayed_weights(config.weight_decay, _decay_mask(config.decay_mask)))
    parts.append(optax.scale_by_learning_rate(schedule(config, steps // accumulate)))
    rule = optax.chain(*parts)
    if accumulate == 1:
        return rule
    return optax.MultiSteps(rule, accumulate).gradient_transformation()


def optimizers(config: ConfigDict, stage: Stage) -> Mapping[str, optax.GradientTransformation]:
    """One optimizer for each phase: ``config.optimizer`` with ``config.phases.<phase>.optimizer`` over it."""
    return {
        name: optimizer(phase_settings(config, name), max(stage.steps // phase.every, 1))
        for name, phase in stage.phases.items()
    }


def learning_rates(config: ConfigDict, stage: Stage) -> Mapping[str, Callable[[int], float]]:
    """By phase, the learning rate of the stage's n-th step, counted from 0."""

    def rate(name: str) -> Callable[[int], float]:
        settings, every = phase_settings(config, name), stage.phases[name].every
        by_update = schedule(settings, max(stage.steps // every, 1) // settings.accumulate)
        return lambda step: float(by_update(step // every // settings.accumulate))

    return {name: rate(name) for name in stage.phases}


def phase_settings(config: ConfigDict, phase: str) -> ConfigDict:
    """The optimizer's fields for one phase."""
    fields = config.optimizer.to_dict()
    fields.update(config.phases.get(phase, {}).get("optimizer", {}))
    return ConfigDict(fields)
