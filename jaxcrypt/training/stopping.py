"""Stopping on request: SIGTERM from a scheduler, ctrl-C from a person."""

from __future__ import annotations

import signal
import threading
from typing import Any

import jax


class StopRequest:
    """SIGTERM and ctrl-C ask the loop to save and stop; a second ctrl-C ends the process as usual.

    Over several hosts the signal may reach them at different steps: there JAX's preemption service agrees on
    one, and catches the signal itself.
    """

    def __init__(self):
        self.signal: int | None = None
        self._before: dict[int, Any] = {}

    def __enter__(self) -> StopRequest:
        main = threading.current_thread() is threading.main_thread()
        for number in (signal.SIGTERM, signal.SIGINT) if main and jax.process_count() == 1 else ():
            self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, _) -> None:
        self.signal = number
        signal.signal(signal.SIGINT, signal.default_int_handler)

    def reached(self, step: int) -> bool:
        """Whether to stop after ``step``: the same answer on every host."""
        if jax.process_count() == 1:
            return self.signal is not None
        from jax.experimental import multihost_utils

        return multihost_utils.reached_preemption_sync_point(step)


class Stopped(Exception):
    """A signal stopped the run after it was saved. ``code`` is the exit status: 128 + the signal's number."""

    def __init__(self, step: int, number: int):
        name = signal.Signals(number).name
        super().__init__(f"stopped by {name} at step {step}; saved; run it again to go on")
        self.code = 128 + number
