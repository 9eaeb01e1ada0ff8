"""What a sender measures: throughput over all its connections, round trip, share of tries that were lost."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from jaxcrypt.network.belief import Belief
from jaxcrypt.network.policy import Network

_WINDOW = 1.0  # seconds of sending that make a measurement
_WEIGHT = 0.1


class Meter:
    """Measures while at least one connection sends; :attr:`belief` is what plans go by."""

    def __init__(self):
        self.belief = Belief()
        self._round_trip, self._loss = 0.0, 0.0
        self._sending, self._since, self._bytes, self._busy = 0, 0.0, 0, 0.0
        self._last: Network = Network()

    def network(self) -> Network:
        """The last measurement."""
        return self._last

    def round_trip(self, seconds: float) -> None:
        """A small request took so long."""
        self._round_trip = min(seconds, self._round_trip or seconds) * 0.9 + seconds * 0.1

    def tried(self, *, lost: bool) -> None:
        """A try came to something, or to nothing."""
        self._loss += _WEIGHT * (lost - self._loss)

    @contextmanager
    def sending(self, size: int) -> Iterator[None]:
        """A piece travels inside the block."""
        now = time.monotonic()
        if not self._sending:
            self._since = now
        self._sending += 1
        try:
            yield
            self._bytes += size
        finally:
            self._sending -= 1
            now = time.monotonic()
            self._busy, self._since = self._busy + now - self._since, now
            if self._busy >= _WINDOW:
                self._measure(now)

    def _measure(self, now: float) -> None:
        if self._bytes:
            self._last = Network(self._bytes / self._busy, self._round_trip, self._loss)
            self.belief = self.belief.updated(self._last, now)
        self._bytes, self._busy = 0, 0.0
