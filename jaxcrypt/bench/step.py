"""Images per second of one training step: JAX against the same net, loss and optimizer in torch, on CPU.

  python -m jaxcrypt.bench.step --config configs/X.py [--rounds 5] [--seconds 5] [--config.a.b=c]

Both get the same parameters and the same pictures, already in memory, in float32, with as many threads.
First losses and gradients must agree to 1e-4; then JAX, torch eager (channels_last) and torch.compile take
turns, and the median over the rounds is printed. Compile time stands apart. A System's torch twin is
``jaxcrypt/bench/twins/<system>.py``.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

from absl import flags

from jaxcrypt import runtime
from jaxcrypt.cli import command as cli
from jaxcrypt.cli import configflags
from jaxcrypt.errors import ExitCode, Refusal, usage

_ROUNDS = flags.DEFINE_integer("rounds", 5, "Turns of each contestant.", lower_bound=1)
_SECONDS = flags.DEFINE_float("seconds", 5.0, "Length of a turn.", lower_bound=0.01)
AGREE = 1e-4


def main(_=None) -> int:
    """The command, whose config and flags are absl's, from ``sys.argv``; returns its exit code."""
    config = configflags.parse(sys.argv, __doc__, __name__)
    if config is None:
        return 0
    runtime.start("cpu")
    try:
        import torch
    except ModuleNotFoundError:
        raise usage("torch is missing: pip install 'jaxcrypt[bench]'") from None
    from jaxcrypt.systems import catalog as systems

    threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    torch.set_num_threads(threads)
    size = config.train.batch_size
    print(f"{config.system}: batch {size}, float32, {threads} threads, torch {torch.__version__}", flush=True)
    system = systems.build(config.system, config)
    contest = prepare(system, config)
    warm = {name: _timed(step) for name, step in contest.items()}
    rates = measure(contest, size, _ROUNDS.value, _SECONDS.value)
    for name, values in rates.items():
        spread = f"{min(values):.1f} to {max(values):.1f}; first step {warm[name]:.1f} s"
        print(f"{name:14} {statistics.median(values):9.1f} images/s  ({spread})")
    best = max(statistics.median(rates[name]) for name in rates if name != "jax")
    print(f"jax / better torch: {statistics.median(rates['jax']) / best:.2f}")
    return 0


def prepare(system: Any, config: Any) -> dict[str, Callable[[], None]]:
    """The contestants by name, each a function that does one step and waits for it.

    Raises:
      Refusal: losses or gradients of the two do not agree, or the System has no twin.
    """
    import jax
    import numpy as np
    import torch

    from jaxcrypt.bench.twins import TorchStep, twin
    from jaxcrypt.training import state
    from jaxcrypt.training.optimizer import optimizers
    from jaxcrypt.training.step import StepOptions, make_step

    stage, losses = system.stages[0], twin(config.system, config)
    batch = pictures(system.batch(config))
    params, extra = jax.jit(lambda: state.init_arrays(system.init, system.batch(config), 0))()
    params = perturbed(params)
    # On few pictures: where a System rounds, one value at the edge of a cell may fall to either side.
    agree(stage, losses, params, extra, {name: value[:4] for name, value in batch.items()})

    rules = optimizers(config, stage)
    held = [state.create(jax.tree.map(np.asarray, params), extra, stage, rules, system.ema)]
    step = jax.jit(make_step(stage, rules, StepOptions(ema_decay=config.ema)), donate_argnums=0)
    on_device = jax.device_put(batch)

    def run_jax() -> None:
        held[0], metrics = step(held[0], on_device)
        jax.block_until_ready((held[0], metrics))

    tensors = {name: torch.from_numpy(value) for name, value in batch.items()}
    eager = TorchStep(stage, losses, params, config)
    compiled = TorchStep(stage, {name: torch.compile(loss) for name, loss in losses.items()}, params, config)
    return {
        "jax": run_jax,
        "torch eager": lambda: eager(tensors) and None,
        "torch.compile": lambda: compiled(tensors) and None,
    }


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


def agree(
    stage: Any, losses: Mapping[str, Callable], params: Any, extra: Any, batch: Mapping[str, Any]
) -> None:
    """Refuse two implementations whose losses, or gradients by net (in norm), differ by more than 1e-4."""
    import jax
    import numpy as np
    import torch

    from jaxcrypt.bench.twins import gradients, to_torch

    tensors = {name: torch.from_numpy(value) for name, value in batch.items()}
    for name, phase in stage.phases.items():

        def loss(trainable, phase=phase):
            return phase.loss({**params, **trainable}, extra, batch, jax.random.key(0))[0]

        own, grads = jax.jit(jax.value_and_grad(loss))({net: params[net] for net in phase.nets})
        theirs = to_torch(params)
        other = losses[name](theirs, tensors)
        other.backward()
        other = other.detach()
        report = {"loss": abs(float(own) - float(other)) / abs(float(own))}
        for net, tree in gradients(theirs).items():
            if net in phase.nets:
                pairs = list(zip(jax.tree.leaves(grads[net]), jax.tree.leaves(tree), strict=True))
                off = sum(float(np.sum((np.asarray(a) - b) ** 2)) for a, b in pairs)
                report[f"gradient of {net}"] = (off / sum(float(np.sum(a**2)) for a, _ in pairs)) ** 0.5
        print(
            f"phase {name}: " + ", ".join(f"{what} differs by {value:.1e}" for what, value in report.items())
        )
        worst = max(report, key=report.get)
        if report[worst] > AGREE:
            raise Refusal(
                f"phase {name}: {worst} differs by {report[worst]:.1e}, more than {AGREE}", ExitCode.FAILED
            )


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


def _timed(step: Callable[[], None]) -> float:
    start = time.perf_counter()
    step()
    first = time.perf_counter() - start
    step()  # warm-up: allocators and thread pools
    return first


def run() -> None:
    """The console script and ``python -m``: exits with the command's code, a refusal being one line."""
    sys.exit(cli.entry(main))


if __name__ == "__main__":
    run()
