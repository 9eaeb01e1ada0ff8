"""The one training loop: steps dispatched ahead of the device, callbacks when due, a check of every loss."""

from __future__ import annotations

import math
import signal
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax

from jaxcrypt.errors import ExitCode, Refusal
from jaxcrypt.training.callbacks import Callback, Run
from jaxcrypt.training.stopping import Stopped, StopRequest

_IN_FLIGHT = 2  # dispatched steps whose results nobody has looked at: the device never waits for the host


def run_steps(
    run: Run,
    step: Callable,
    fed: Any,
    calls: Sequence[Callback],
    substeps: int,
    stop: StopRequest,
    save: Callable[[Run], None],
) -> None:
    """Step until ``run.last``; callbacks when they are due; stop on request, having saved."""
    flying: deque = deque()
    merge = jax.jit(lambda a, b: jax.tree.map(lambda x, y: x + y, a, b))
    while True:
        run.state, metrics = step(run.state, fed.batch)
        run.step, run.pipeline_state, run.validation = run.step + substeps, fed.state, {}
        run.totals = metrics if run.totals is None else merge(run.totals, metrics)
        flying.append((run.step, metrics))
        due = [c for c in calls if run.step >= run.last or run.step % c.every < substeps]
        stopping = stop.reached(run.step)
        while len(flying) > (0 if due or stopping else _IN_FLIGHT):
            check_finite(*flying.popleft())
        start = time.perf_counter()
        for callback in due:
            callback.call(run)
        if stopping:
            save(run)
            raise Stopped(run.step, stop.signal or signal.SIGTERM)
        if run.step >= run.last:
            return
        run.paused += time.perf_counter() - start if due else 0.0
        fed = next(run.feed)


def check_finite(step: int, metrics: Mapping[str, Any]) -> None:
    """Refuse to go on from a step whose loss or gradients were not finite, naming step, phase and value."""
    watched = {name: leaf.total for name, leaf in metrics.items() if name.endswith(("/loss", "/grad_norm"))}
    for name, total in jax.device_get(watched).items():
        if not math.isfinite(total):
            phase, what = name.split("/", 1)
            raise Refusal(
                f"phase {phase}: {what} is {total} at step {step}; nothing of it was saved; "
                f"try a lower config.phases.{phase}.optimizer.lr or a clip_norm",
                ExitCode.FAILED,
            )
