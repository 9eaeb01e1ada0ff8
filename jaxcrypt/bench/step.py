"""Images per second of one training step: JAX against the same net, loss and optimizer in torch, on CPU.

  python -m jaxcrypt.bench step --config configs/X.py [--rounds 5] [--seconds 5] [--json FILE]

Both get the same parameters and the same pictures, already in memory, in float32, with as many threads.
First losses and gradients must agree as far as the sums' lengths allow (:func:`tolerance`); then JAX, torch
eager (channels_last) and torch.compile take turns, and the median over the rounds is printed. Compile time
stands apart. A System's torch twin is ``jaxcrypt/bench/twins/<system>.py``; a System without one, and any
where torch is missing, runs alone, and that is said.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from absl import flags

from jaxcrypt import runtime
from jaxcrypt.cli import configflags
from jaxcrypt.errors import ExitCode, Refusal

_ROUNDS = flags.DEFINE_integer("rounds", 5, "Turns of each contestant.", lower_bound=1)
_SECONDS = flags.DEFINE_float("seconds", 5.0, "Length of a turn.", lower_bound=0.01)
_JSON = flags.DEFINE_string("json", None, "Also write the numbers to this file.")
JAX = "jax"


def main(argv: Sequence[str]) -> int:
    """``bench step``, whose config and flags are absl's; returns its exit code."""
    config = configflags.parse(["bench step", *argv], __doc__, __name__)
    if config is None:
        return 0
    runtime.start("cpu")
    from jaxcrypt.bench import results
    from jaxcrypt.systems import catalog

    threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    size = config.train.batch_size
    print(f"{config.system}: batch {size}, float32, {threads} threads", flush=True)
    contest = prepare(catalog.build(config.system, config), config, threads)
    warm = {name: seconds for name, step in contest.items() if (seconds := _timed(name, step)) is not None}
    rates = measure({name: contest[name] for name in warm}, size, _ROUNDS.value, _SECONDS.value)
    for name, values in rates.items():
        spread = f"{min(values):.1f} to {max(values):.1f}; first step {warm[name]:.1f} s"
        print(f"{name:14} {statistics.median(values):9.1f} images/s  ({spread})")
    others = [statistics.median(values) for name, values in rates.items() if name != JAX]
    if others:
        print(f"jax / better torch: {statistics.median(rates[JAX]) / max(others):.2f}")
    facts = {"system": config.system, "batch": size, "images_per_second": rates, "first_step_seconds": warm}
    results.write(_JSON.value, "step", argv, facts)
    return 0


def prepare(system: Any, config: Any, threads: int) -> dict[str, Callable[[], None]]:
    """The contestants by name, each a function that does one step and waits for it; of torch those that can
    be had here, and a line about the others.

    Raises:
      Refusal: losses or gradients of the two do not agree.
    """
    import jax

    from jaxcrypt.training import state

    batch = pictures(system.batch(config))
    params, extra = jax.jit(lambda: state.init_arrays(system.init, system.batch(config), 0))()
    params = perturbed(params)
    contest = {JAX: _jax_step(system, config, params, extra, batch)}
    try:
        import torch

        from jaxcrypt.bench.twins import TorchStep, twin
    except ModuleNotFoundError as error:
        print(f"{error.name} is missing: JAX runs alone (pip install 'jaxcrypt[bench]')", flush=True)
        return contest
    torch.set_num_threads(threads)
    losses = twin(config.system, config)
    if losses is None:
        print(f"{config.system} has no torch twin in jaxcrypt/bench/twins: JAX runs alone", flush=True)
        return contest
    # On few pictures: where a System rounds, one value at the edge of a cell may fall to either side.
    agree(system.stages[0], losses, params, extra, {name: value[:4] for name, value in batch.items()})
    tensors = {name: torch.from_numpy(value) for name, value in batch.items()}
    compiled = {name: torch.compile(loss) for name, loss in losses.items()}
    for name, chosen in {"torch eager": losses, "torch.compile": compiled}.items():
        step = TorchStep(system.stages[0], chosen, params, config)
        contest[name] = lambda step=step: step(tensors) and None
    return contest


def _jax_step(system: Any, config: Any, params: Any, extra: Any, batch: Any) -> Callable[[], None]:
    import jax
    import numpy as np

    from jaxcrypt.training import state
    from jaxcrypt.training.optimizer import optimizers
    from jaxcrypt.training.step import StepOptions, make_step

    stage = system.stages[0]
    rules = optimizers(config, stage)
    held = [state.create(jax.tree.map(np.asarray, params), extra, stage, rules, system.ema)]
    step = jax.jit(make_step(stage, rules, StepOptions(ema_decay=config.ema)), donate_argnums=0)
    on_device = jax.device_put(batch)

    def run() -> None:
        held[0], metrics = step(held[0], on_device)
        jax.block_until_ready((held[0], metrics))

    return run


def pictures(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Smooth random pictures of the shapes of ``spec``: uint8 as they are, floats in [-1, 1]."""
    import numpy as np

    rng = np.random.default_rng(0)
    made = {}
    for name, leaf in spec.items():
        noise = rng.normal(size=leaf.shape)
        smooth = sum(np.roll(noise, (i, j), (1, 2)) for i in range(-3, 4) for j in range(-3, 4)) / 7
        scaled = np.clip(128 + 40 * smooth, 0, 255).astype(np.uint8)
        made[name] = scaled if leaf.dtype == np.uint8 else (scaled / 127.5 - 1).astype(leaf.dtype)
    return made


def perturbed(params: Any) -> Any:
    """Parameters a little off their start, where layers that start at zero would hide a difference."""
    import jax
    import numpy as np

    rng = np.random.default_rng(1)
    return jax.tree.map(lambda p: np.asarray(p + 0.01 * rng.normal(size=p.shape), p.dtype), params)


def tolerance(params: Any, batch: Mapping[str, Any]) -> float:
    """How far two right implementations in float32 may differ, relatively.

    The rounding error of a sum of n terms is about u sqrt(n), u = 2^-24 (Higham and Mary, *A new approach to
    probabilistic rounding error analysis*, 2019); the longest sums of a gradient run over all samples of the
    batch, and the errors of the layers, forwards and backwards, add up.
    """
    import jax

    terms = max(leaf.size for leaf in batch.values())
    layers = sum(leaf.ndim > 1 for leaf in jax.tree.leaves(params))
    return 2.0**-24 * terms**0.5 * 2 * max(layers, 1)


def agree(
    stage: Any, losses: Mapping[str, Callable], params: Any, extra: Any, batch: Mapping[str, Any]
) -> None:
    """Refuse two implementations whose losses, or gradients by net (in norm), differ by more than
    :func:`tolerance`."""
    for name, phase in stage.phases.items():
        own = {net: params[net] for net in phase.nets}
        allowed = tolerance(own, batch)
        report = differences(phase, losses[name], params, extra, batch)
        told = ", ".join(f"{what} differs by {value:.1e}" for what, value in report.items())
        print(f"phase {name}: {told} (at most {allowed:.1e})", flush=True)
        for what, value in report.items():
            if not value <= allowed:  # NaN too
                raise Refusal(
                    f"phase {name}: {what} differs by {value:.1e}, more than {allowed:.1e}", ExitCode.FAILED
                )


def differences(phase: Any, twin_loss: Callable, params: Any, extra: Any, batch: Mapping[str, Any]) -> dict:
    """Relative differences of the loss, and of each net's gradient in norm, by what they are of."""
    import jax
    import numpy as np
    import torch

    from jaxcrypt.bench.twins import gradients, to_torch

    def loss(trainable):
        return phase.loss({**params, **trainable}, extra, batch, jax.random.key(0))[0]

    own, grads = jax.jit(jax.value_and_grad(loss))({net: params[net] for net in phase.nets})
    theirs = to_torch(params)
    other = twin_loss(theirs, {name: torch.from_numpy(value) for name, value in batch.items()})
    other.backward()
    report = {"loss": abs(float(own) - float(other.detach())) / abs(float(own))}
    for net, tree in gradients(theirs).items():
        if net in phase.nets:
            pairs = list(zip(jax.tree.leaves(grads[net]), jax.tree.leaves(tree), strict=True))
            off = sum(float(np.sum((np.asarray(a) - b) ** 2)) for a, b in pairs)
            report[f"gradient of {net}"] = (off / sum(float(np.sum(a**2)) for a, _ in pairs)) ** 0.5
    return report


def measure(
    contest: Mapping[str, Callable[[], None]], batch_size: int, rounds: int, seconds: float
) -> dict[str, list[float]]:
    """Images per second of each contestant in each round; they take turns: other load meets all."""
    rates: dict[str, list[float]] = {name: [] for name in contest}
    for _ in range(rounds):
        for name, step in contest.items():
            start, count = time.perf_counter(), 0
            while time.perf_counter() - start < seconds:
                step()
                count += 1
            rates[name].append(count * batch_size / (time.perf_counter() - start))
    return rates


def _timed(name: str, step: Callable[[], None]) -> float | None:
    """Seconds of the first step; None, and a line, where a contestant of torch cannot run here."""
    start = time.perf_counter()
    try:
        step()
    except Exception as error:
        if name == JAX:
            raise
        print(f"{name}: cannot run here ({' '.join(str(error).split())[:100]})", file=sys.stderr, flush=True)
        return None
    first = time.perf_counter() - start
    step()  # warm-up: allocators and thread pools
    return first
