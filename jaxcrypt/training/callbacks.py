"""What happens beside the steps: logging, evaluation, picture sheets, checkpoints, traces.

A callback is a :class:`Callback`: it is called every ``every`` steps, and at the end of the stage, with the
:class:`Run`. The loop knows nothing else of them.
"""

from __future__ import annotations

import logging
import resource
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jax
import numpy as np

from jaxcrypt.training.checkpoint import Checkpoints
from jaxcrypt.training.feed import Feed
from jaxcrypt.training.hardware import describe, peak_flops
from jaxcrypt.training.hosts import gather
from jaxcrypt.training.state import TrainState, variables
from jaxcrypt.training.writer import Writer

log = logging.getLogger("jaxcrypt")
_WARM_UP = 5  # steps before a profile: allocators and caches fill
Evaluator = Callable[[dict[str, Any]], Iterable[tuple[str, Any]]]


@dataclass
class Run:
    """A stage on its way: what callbacks see.

    Attributes:
      state, step: the state, and its step as an int on the host.
      last: the step at which the stage ends.
      totals: ``clu`` averages since the last :class:`Log`.
      pipeline_state: the data pipeline's state after the last batch that was used.
      validation: metrics measured at exactly this step, else empty.
      paused: seconds spent in callbacks since the last :class:`Log`: no step's fault.
      lr_settings: by phase, which setting of the config holds its learning rate, where it is its own.
    """

    state: TrainState
    step: int
    last: int
    feed: Feed
    totals: dict[str, Any] | None = None
    pipeline_state: Any = None
    validation: dict[str, float] = field(default_factory=dict)
    paused: float = 0.0
    lr_settings: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Callback:
    """``call(run)`` every ``every`` steps and at the end of the stage.

    ``may_wait``: left out where the run is asked to stop, which saves by itself.
    """

    every: int
    call: Callable[[Run], None]
    may_wait: bool = False


class Log:
    """Averages since the last call, learning rates, images per second, share of time that the step waited for
    input, MFU.

    ``rates`` gives each phase's learning rate at a step, counted over all stages.
    """

    def __init__(
        self,
        writer: Writer,
        images_per_step: int,
        flops_per_step: float = 0.0,
        rates: Mapping[str, Callable[[int], float]] | None = None,
    ):
        self._writer, self._images, self._flops = writer, images_per_step, flops_per_step
        self._rates = rates or {}
        self._time, self._step = time.perf_counter(), None
        self._bar = None

    def start(self, step: int) -> None:
        """Begin to count time: after compilation."""
        self._time, self._step = time.perf_counter(), step

    def __call__(self, run: Run) -> None:
        totals = jax.device_get(run.totals)
        now = time.perf_counter()
        seconds = max(now - self._time - run.paused, 1e-9)
        values = {name: float(mean.total / mean.count) for name, mean in totals.items() if mean.count}
        values |= {f"{name}/lr": lr(run.step - 1) for name, lr in self._rates.items()}
        rate = (run.step - self._step) / seconds
        values["images_per_second"] = rate * self._images
        values["input/wait_share"] = run.feed.take_waited() / seconds
        if self._flops and peak_flops():
            values["mfu"] = self._flops * rate / (peak_flops() * jax.device_count())
        self._writer.scalars(run.step, values)
        self._show(run, values, rate)
        run.totals, run.paused, self._time, self._step = None, 0.0, now, run.step

    def _show(self, run: Run, values: Mapping[str, float], rate: float) -> None:
        losses = "  ".join(f"{name} {value:.4g}" for name, value in values.items() if name.endswith("/loss"))
        if jax.process_index() == 0 and sys.stderr.isatty():
            self._advance_bar(run, losses, values["images_per_second"])
            return
        log.info(
            "step %d/%d  %s  %.4g images/s  input wait %.1f%%  ETA %s",
            run.step, run.last, losses, values["images_per_second"],
            100 * values["input/wait_share"], _clock((run.last - run.step) / rate),
        )  # fmt: skip

    def _advance_bar(self, run: Run, losses: str, images: float) -> None:
        from tqdm import tqdm

        if self._bar is None:
            self._bar = tqdm(total=run.last, initial=self._step, unit="step", dynamic_ncols=True)
        self._bar.set_postfix_str(f"{losses}  {images:.4g} images/s", refresh=False)
        self._bar.update(run.step - self._bar.n)
        if run.step >= run.last:
            self._bar.close()


class Evaluate:
    """Every evaluator on the averaged parameters (``<name>/…``) and on the raw ones (``<name>_raw/…``).

    Scalars go to the log and to ``run.validation``; an array of four axes is a picture sheet's column.
    """

    def __init__(self, writer: Writer, evaluators: Mapping[str, Evaluator]):
        self._writer, self._evaluators = writer, evaluators

    def __call__(self, run: Run) -> None:
        kinds = {"": True, "_raw": False} if run.state.ema else {"": True}
        values: dict[str, float] = {}
        for name, evaluator in self._evaluators.items():
            for suffix, averaged in kinds.items():
                for key, value in evaluator(variables(run.state, averaged)):
                    if np.ndim(value) == 0:
                        values[f"{name}{suffix}/{key}"] = float(value)
                    elif not suffix:
                        self._writer.picture(run.step, f"{name}/{key}", np.asarray(value))
        run.validation = values
        self._writer.scalars(run.step, values)
        log.info("step %d  %s", run.step, "  ".join(f"{k} {v:.4g}" for k, v in values.items()))


class Save:
    """A checkpoint of the run, written in the background; ``facts`` go into its JSON part as they are."""

    def __init__(self, checkpoints: Checkpoints, facts: Mapping[str, Any]):
        self._checkpoints, self._facts = checkpoints, facts

    def __call__(self, run: Run) -> None:
        meta = {
            **self._facts,
            "hardware": describe(),
            "pipeline": gather(run.pipeline_state),
        }
        self._checkpoints.save(run.state, meta, run.validation)


class Trace:
    """Records a profile of ``steps`` steps, for TensorBoard or Perfetto: after the first few where there are
    enough, else from the first one that the rest of the stage has."""

    def __init__(self, folder: Path, run: Run, steps: int):
        self._folder = folder
        self._start = run.step + max(0, min(_WARM_UP, run.last - run.step - steps))
        self._stop = self._start + steps
        self._running = False
        if self._start == run.step:
            self._begin(run)

    def _begin(self, run: Run) -> None:
        jax.block_until_ready(run.state)
        jax.profiler.start_trace(str(self._folder))
        self._running = True

    def __call__(self, run: Run) -> None:
        if not self._running and self._start <= run.step < self._stop and run.step < run.last:
            self._begin(run)
        elif self._running and (run.step >= self._stop or run.step >= run.last):
            jax.block_until_ready(run.state)
            jax.profiler.stop_trace()
            self._running = False
            log.info("profile of steps %d to %d: %s", self._start + 1, run.step, self._folder)


class Memory:
    """Reports peak memory at the end: of each accelerator, or of the process where there is none."""

    def __init__(self, writer: Writer):
        self._writer = writer

    def __call__(self, run: Run) -> None:
        stats = [device.memory_stats() or {} for device in jax.local_devices()]
        peaks = [entry["peak_bytes_in_use"] for entry in stats if "peak_bytes_in_use" in entry]
        unit = 1 if sys.platform == "darwin" else 1024
        process = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
        peak = max(peaks) if peaks else process
        self._writer.scalars(run.step, {"peak_memory_gib": peak / 2**30})
        log.info("peak memory %.3f GiB (%s)", peak / 2**30, "device" if peaks else "process")


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:d}:{minutes:02d}:{seconds:02d}"
