"""The contestants of the step benchmark: one training step in JAX or torch, compiled and ready to run."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jax
import numpy as np

from jaxcrypt.training import state as states
from jaxcrypt.training.compiling import compiled
from jaxcrypt.training.optimizer import optimizers
from jaxcrypt.training.step import StepOptions, make_step, scan_steps

_BURST = 0.1  # seconds of steps that are dispatched before anything waits, where the device runs beside


@dataclass
class Contestant:
    """A training step.

    Attributes:
      call: dispatches ``steps`` steps; wait: until all that was dispatched is done.
      compile_seconds: until the first step could run, or had run where there is no telling them apart.
      memory_bytes: at the peak of a step, of the device; None where it cannot be told.
      burst: calls between two waits.
    """

    call: Callable[[], None]
    wait: Callable[[], None]
    steps: int = 1
    compile_seconds: float = 0.0
    memory_bytes: int | None = None
    burst: int = 1

    def warm_up(self, beside: bool) -> None:
        """Run twice; then decide on :attr:`burst`, which is 1 unless the device runs ``beside`` the host."""
        self.call()
        self.wait()
        start = time.perf_counter()
        self.call()
        self.wait()
        took = time.perf_counter() - start
        self.burst = max(1, min(64, int(_BURST / took))) if beside else 1


@dataclass(frozen=True)
class Subject:
    """What all contestants train.

    Attributes:
      stage, config, averaged: the stage, its config, and the nets whose averages are kept.
      params, extra: where it starts; host arrays.
      batch: what the stage takes; prepared: what the torch losses take; host arrays.
    """

    stage: Any
    config: Any
    averaged: tuple[str, ...]
    params: Any
    extra: Any
    batch: Mapping[str, np.ndarray]
    prepared: Mapping[str, np.ndarray] | None = None


def jax_step(
    subject: Subject, precision: str, remat: bool = False, substeps: int = 1, convolutions: str = ""
) -> Contestant:
    """The step of ``jaxcrypt.training`` on the default device, with ``substeps`` of it in one program, and
    ``convolutions`` in place of ``config.train.cpu_convolutions``."""
    rules = optimizers(subject.config, subject.stage)
    one = make_step(subject.stage, rules, _options(subject, precision, remat))
    batch = dict(subject.batch)
    if substeps > 1:
        batch = {name: np.stack([leaf] * substeps) for name, leaf in batch.items()}
    on_device = jax.device_put(batch)
    held = [jax.device_put(_fresh(subject, rules)), None]
    start = time.perf_counter()
    lowered = jax.jit(scan_steps(one, substeps), donate_argnums=0).lower(held[0], on_device)
    program = compiled(lowered, convolutions or subject.config.train.cpu_convolutions)
    took = time.perf_counter() - start

    def call() -> None:
        held[0], held[1] = program(held[0], on_device)

    def wait() -> None:
        jax.block_until_ready(held)

    return Contestant(call, wait, substeps, took, _peak(program.memory_analysis()))


def _options(subject: Subject, precision: str, remat: bool) -> StepOptions:
    return StepOptions(ema_decay=subject.config.ema, precision=precision, remat=remat)


def _fresh(subject: Subject, rules: Any) -> states.TrainState:
    params = jax.tree.map(np.array, subject.params)
    return states.create(params, subject.extra, subject.stage, rules, subject.averaged)


def _peak(sizes: Any) -> int | None:
    if sizes is None:
        return None
    held = sizes.argument_size_in_bytes + sizes.output_size_in_bytes - sizes.alias_size_in_bytes
    return held + sizes.temp_size_in_bytes


def flops(subject: Subject) -> int:
    """Analytic operations of one step: of its convolutions and products, forwards and backwards."""
    from jaxcrypt.training.products import product_flops

    rules = optimizers(subject.config, subject.stage)
    one = make_step(subject.stage, rules, _options(subject, "float32", False))
    shapes = jax.eval_shape(lambda: _fresh(subject, rules))
    return product_flops(one, shapes, dict(subject.batch)).total()


def torch_step(
    subject: Subject, losses: Mapping[str, Callable], precision: str, compile_it: bool, device: str
) -> Contestant:
    """The same step in torch, channels_last; bfloat16 by autocast, its losses through torch.compile or not.

    Raises:
      whatever torch raises where it cannot run the step.
    """
    import torch

    from jaxcrypt.bench.twins import TorchStep

    chosen = {name: _cast(loss, precision, device) for name, loss in losses.items()}
    if compile_it:
        chosen = {name: torch.compile(loss) for name, loss in chosen.items()}
    tensors = {name: torch.from_numpy(value).to(device) for name, value in subject.prepared.items()}
    wait: Callable[[], None] = torch.cuda.synchronize if device == "cuda" else lambda: None
    before = torch.cuda.memory_allocated() if device == "cuda" else 0
    step = TorchStep(subject.stage, chosen, subject.params, subject.config, subject.averaged, device)
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
    start = time.perf_counter()
    step(tensors)
    wait()
    took = time.perf_counter() - start
    peak = torch.cuda.max_memory_allocated() - before if device == "cuda" else None
    return Contestant(lambda: step(tensors) and None, wait, 1, took, peak)


def _cast(loss: Callable, precision: str, device: str) -> Callable:
    if precision == "float32":
        return loss
    import torch

    def cast(params: Any, batch: Any) -> Any:
        with torch.autocast(device, getattr(torch, precision)):
            return loss(params, batch)

    return cast


@dataclass
class Rates:
    """Of a contestant, in each round: images per second, and per second of this process on all its cores.

    Where other programs use the machine too, the second says more: on one core, at which no thread spins.
    """

    by_clock: list[float] = field(default_factory=list)
    by_cpu: list[float] = field(default_factory=list)


def measure(
    contest: Mapping[str, Contestant], batch_size: int, rounds: int, seconds: float
) -> dict[str, Rates]:
    """The rates of each contestant, which take turns: other load meets all."""
    rates = {name: Rates() for name in contest}
    for _ in range(rounds):
        for name, one in contest.items():
            start, before, calls = time.perf_counter(), time.process_time(), 0
            while time.perf_counter() - start < seconds:
                for _ in range(one.burst):
                    one.call()
                one.wait()
                calls += one.burst
            images = calls * one.steps * batch_size
            rates[name].by_clock.append(images / (time.perf_counter() - start))
            rates[name].by_cpu.append(images / (time.process_time() - before))
    return rates


@contextmanager
def alone(lock: Path | None) -> Iterator[None]:
    """Wait until no other benchmark holds the file ``lock``, and hold it; None: at once."""
    if lock is None:
        yield
        return
    import fcntl

    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def threads() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
