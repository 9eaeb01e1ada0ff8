"""Torch twins of the Systems: the yardstick of the step benchmark. Needs the extra ``bench``.

``jaxcrypt/bench/twins/<system>.py`` has ``losses(config, device) -> {phase: (params, batch) -> loss}``: the
same arithmetic as the System's phases, on torch tensors. ``params`` is flat, by the path of the JAX parameter
(``grey/encoder/Conv_0/kernel``), with convolution kernels as torch wants them (OIHW); ``batch`` holds float
or integer tensors, NHWC. Everything else (parameters, optimizer, averages, timing) is common and stands here.

A twin may have besides

  ``prepared(config, batch)``  what its losses take in place of the pictures, host arrays: with everything
      that is random, drawn once by JAX from the rng ``jax.random.key(0)``, so that both compute the same;
      in the timing torch is spared what JAX draws anew in every step;
  ``stage(config)``  a stage that JAX trains on what ``prepared`` gives, where the System's own has a cipher
      between the nets, which no net computes.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Iterable, Mapping
from types import ModuleType
from typing import Any

import numpy as np
import torch
from flax.traverse_util import flatten_dict, unflatten_dict

from jaxcrypt.training.optimizer import phase_settings

Tensors = Mapping[str, torch.Tensor]
Loss = Callable[[Tensors, Tensors], torch.Tensor]


def twin(name: str) -> ModuleType | None:
    """The module of the twin of the System called ``name``; None where there is none."""
    module = f"jaxcrypt.bench.twins.{name}"
    return None if importlib.util.find_spec(module) is None else importlib.import_module(module)


def prepared(module: ModuleType, config: Any, batch: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What the losses of a twin take, host arrays, of a batch of uint8 pictures."""
    given = module.prepared(config, batch) if hasattr(module, "prepared") else batch
    return {name: np.array(value) for name, value in given.items()}


def to_torch(params: Mapping[str, Any], device: str = "cpu") -> dict[str, torch.nn.Parameter]:
    """JAX parameters by net as torch parameters by path."""
    made = {}
    for path, leaf in flatten_dict(params, sep="/").items():
        value = torch.from_numpy(np.array(leaf)).to(device)
        if value.ndim == 4:
            value = value.permute(3, 2, 0, 1).contiguous(memory_format=torch.channels_last)
        made[path] = torch.nn.Parameter(value)
    return made


def gradients(params: Mapping[str, torch.nn.Parameter]) -> dict[str, Any]:
    """The gradients as a JAX tree, zeros where there is none."""
    tree = {}
    for path, value in params.items():
        grad = torch.zeros_like(value) if value.grad is None else value.grad
        tree[path] = np.asarray((grad.permute(2, 3, 1, 0) if grad.ndim == 4 else grad).cpu())
    return unflatten_dict(tree, sep="/")


class TorchStep:
    """The training step of ``jaxcrypt.training.step`` in torch: phases in order, clip, Adam, averages.

    Args:
      stage: whose phases say which nets each loss trains.
      averaged: the nets whose averages are kept.
    """

    def __init__(
        self,
        stage: Any,
        losses: Mapping[str, Loss],
        params: Mapping[str, Any],
        config: Any,
        averaged: tuple[str, ...],
        device: str = "cpu",
    ):
        self._losses, self.params = losses, to_torch(params, device)
        self._owned = {
            name: {path: p for path, p in self.params.items() if path.split("/")[0] in phase.nets}
            for name, phase in stage.phases.items()
        }
        settings = {name: phase_settings(config, name) for name in stage.phases}
        self._clips = {name: fields.clip_norm or float("inf") for name, fields in settings.items()}
        self._rules = {name: _adam(self._owned[name].values(), fields) for name, fields in settings.items()}
        self._average = torch.optim.swa_utils.get_ema_multi_avg_fn(config.ema)
        self._followed = [p for path, p in self.params.items() if path.split("/")[0] in averaged]
        self._averages = [p.detach().clone() for p in self._followed]

    def __call__(self, batch: Tensors) -> dict[str, torch.Tensor]:
        values = {}
        for name, loss in self._losses.items():
            self._rules[name].zero_grad()
            values[name] = loss(self.params, batch)
            values[name].backward()
            torch.nn.utils.clip_grad_norm_(self._owned[name].values(), self._clips[name])
            self._rules[name].step()
        with torch.no_grad():
            self._average(self._averages, [p.detach() for p in self._followed], 1)
        return values


def _adam(params: Iterable[torch.nn.Parameter], fields: Any) -> torch.optim.Optimizer:
    """Adam at its peak rate: a schedule costs nothing worth measuring."""
    return torch.optim.Adam(
        list(params), lr=fields.lr, betas=(fields.b1, fields.b2), eps=fields.eps, fused=True
    )
