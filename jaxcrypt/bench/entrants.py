"""Who takes part in the step benchmark: what is trained, and its torch twin where there is one."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import jax

from jaxcrypt.bench import contest
from jaxcrypt.bench.agreement import agree, perturbed, pictures
from jaxcrypt.training import state

_FEW = 4  # pictures on which losses are compared: where a System rounds, one value may fall to either side


def plain_adam(config: Any) -> None:
    """Train by plain adam, whatever ``config`` says, and say so where it says another rule: torch has no
    other in one kernel, and the rule is not what is compared."""
    rules = [config.optimizer, *(phase.get("optimizer", {}) for phase in config.phases.values())]
    told = {rule.name for rule in rules if rule.get("name", "adam") != "adam"}
    if told or any(rule.get("accumulate", 1) != 1 for rule in rules):
        print(f"adam in place of the config's {' and '.join(sorted(told)) or 'accumulation'}", flush=True)
    for rule in rules:
        for field, value in {"name": "adam", "accumulate": 1}.items():
            if field in rule:
                rule[field] = value


def subject_of(system: Any, config: Any) -> tuple[contest.Subject, ModuleType | None]:
    """What is trained, and its torch twin: None, and a line, where there is no torch or no twin."""
    stage, batch = system.stages[0], pictures(system.batch(config))
    with jax.default_device(jax.devices("cpu")[0]):
        with jax.default_prng_impl("unsafe_rbg"):  # which compiles many times faster; any start will do
            made = jax.jit(lambda: state.init_arrays(system.init, system.batch(config), 0))()
        params, extra = jax.device_get(made)
        params, module = perturbed(params), _twin(config.system)
        if module is None:
            return contest.Subject(stage, config, system.ema, params, extra, batch), None
        from jaxcrypt.bench.twins import prepared

        given = prepared(module, config, batch)
    if hasattr(module, "stage"):
        stage, batch = module.stage(config), given
    return contest.Subject(stage, config, system.ema, params, extra, batch, given), module


def _twin(name: str) -> ModuleType | None:
    try:
        import torch

        from jaxcrypt.bench.twins import twin
    except ModuleNotFoundError as error:
        print(f"{error.name} is missing: JAX runs alone (pip install 'jaxcrypt[bench]')", flush=True)
        return None
    torch.set_num_threads(contest.threads())
    torch.set_float32_matmul_precision("high")  # TF32 on GPUs, as JAX has it
    module = twin(name)
    if module is None:
        print(f"{name} has no torch twin in jaxcrypt/bench/twins: JAX runs alone", flush=True)
    return module


def compare(subject: contest.Subject, twin: ModuleType) -> None:
    """Losses and gradients of the first few pictures, on the CPU.

    Raises:
      Refusal: those of the two do not agree.
    """
    from jaxcrypt.bench.twins import prepared

    with jax.default_device(jax.devices("cpu")[0]):
        if hasattr(twin, "stage"):
            batch = given = {name: leaf[:_FEW] for name, leaf in subject.batch.items()}
        else:
            batch = {name: leaf[:_FEW] for name, leaf in subject.batch.items()}
            given = prepared(twin, subject.config, batch)
        losses = twin.losses(subject.config, "cpu")
        agree(subject.stage, losses, subject.params, subject.extra, batch, given)


@dataclass(frozen=True)
class Entry:
    """What of torch is to take part.

    Attributes:
      name: in tables; precision: float32 or bfloat16; compiled: by torch.compile; device: as torch calls it.
      limit: seconds to the end of the first step.
    """

    name: str
    precision: str
    compiled: bool
    device: str
    limit: int


def of_torch(
    entry: Entry, subject: contest.Subject, twin: ModuleType
) -> Iterator[tuple[str, contest.Contestant]]:
    """The contestant and its name; none, and a line, where torch cannot, or not within the limit."""
    losses = twin.losses(subject.config, entry.device)
    try:
        with _at_most(entry.limit):
            made = contest.torch_step(subject, losses, entry.precision, entry.compiled, entry.device)
    except Exception as error:  # whatever a compiler may raise
        print(f"{entry.name}: cannot run here ({' '.join(str(error).split())[:200]})", flush=True)
    else:
        yield entry.name, made


@contextmanager
def _at_most(seconds: int) -> Iterator[None]:
    def stop(*_: Any) -> None:
        raise TimeoutError(f"not within {seconds} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
