"""Stopping on request: SIGTERM from a scheduler, ctrl-C from a person."""

from __future__ import annotations

import signal
import threading
from collections import deque
from typing import Any

import jax
import numpy as np

from jaxcrypt.training.hosts import any_host

_IN_FLIGHT = 2  # steps after which the hosts look at what they told each other: by then it has arrived


class StopRequest:
    """SIGTERM and ctrl-C ask the loop to save and stop; a second ctrl-C ends the process as usual.

    Over several hosts the signal may reach them at different steps, or only one of them: at every step each
    tells the others whether it was asked, and all stop after the same one.
    """

    def __init__(self):
        self.signal: int | None = None
        self._before: dict[int, Any] = {}
        self._told: deque = deque()

    def __enter__(self) -> StopRequest:
        main = threading.current_thread() is threading.main_thread()
        for number in (signal.SIGTERM, signal.SIGINT) if main else ():
            self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, _) -> None:
        self.signal = number
        signal.signal(signal.SIGINT, signal.default_int_handler)

    def reached(self) -> bool:
        """Whether to stop after this step: the same answer on every host, which all must ask for."""
        if jax.process_count() == 1:
            return self.signal is not None
        self._told.append(any_host(self.signal is not None))
        return len(self._told) > _IN_FLIGHT and bool(np.asarray(self._told.popleft()))


class Stopped(Exception):
    """A signal stopped the run after it was saved. ``code`` is the exit status: 128 + the signal's number."""

    def __init__(self, step: int, number: int):
        name = signal.Signals(number).name
        super().__init__(f"stopped by {name} at step {step}; saved; run it again to go on")
        self.code = 128 + number
