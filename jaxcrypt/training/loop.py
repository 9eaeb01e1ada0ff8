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

_LR = "config.optimizer.lr"
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
    """Step until ``run.last``; callbacks when they are due; stop on request, having saved.

    Where an evaluation fails, the steps before it are saved first.
    """
    flying: deque = deque()
    merge = jax.jit(lambda a, b: jax.tree.map(lambda x, y: x + y, a, b))
    while True:
        run.state, metrics = step(run.state, fed.batch)
        run.step, run.pipeline_state, run.validation = run.step + substeps, fed.state, {}
        run.totals = metrics if run.totals is None else merge(run.totals, metrics)
        flying.append((run.step, metrics))
        stopping = stop.reached()
        due = [c for c in calls if run.step >= run.last or run.step % c.every < substeps]
        due = [c for c in due if not (stopping and c.may_wait)]
        while len(flying) > (0 if due or stopping else _IN_FLIGHT):
            check_finite(*flying.popleft(), run.lr_settings)
        start = time.perf_counter()
        for callback in due:
            _call(callback, run, save)
        if stopping:
            save(run)
            raise Stopped(run.step, stop.signal or signal.SIGTERM)
        if run.step >= run.last:
            return
        run.paused += time.perf_counter() - start if due else 0.0
        fed = next(run.feed)


def _call(callback: Callback, run: Run, save: Callable[[Run], None]) -> None:
    try:
        callback.call(run)
    except Exception:
        # Of several hosts perhaps this one alone has failed, and a save is for all of them together.
        if callback.call is not save and jax.process_count() == 1:
            save(run)
        raise


def check_finite(step: int, metrics: Mapping[str, Any], lr_settings: Mapping[str, str]) -> None:
    """Refuse to go on from a step whose loss or gradients were not finite, naming step, phase and value.

    ``lr_settings``: by phase, which setting holds its learning rate.
    """
    watched = {name: leaf.total for name, leaf in metrics.items() if name.endswith(("/loss", "/grad_norm"))}
    for name, total in jax.device_get(watched).items():
        if not math.isfinite(total):
            phase, what = name.split("/", 1)
            raise Refusal(
                f"phase {phase}: {what} is {total} at step {step}; nothing of it was saved; "
                f"try a lower --{lr_settings.get(phase, _LR)} or a --config.optimizer.clip_norm",
                ExitCode.FAILED,
            )
