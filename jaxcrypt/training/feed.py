"""From the pipeline to the devices: a thread fetches and sends the next batches while the step runs.

The state of the iterator travels with each batch, so that a checkpoint holds the state after the last batch
that was used, however many wait in the queue.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import jax
import numpy as np
from jax.sharding import NamedSharding

from jaxcrypt.training.sharding import global_batch


class Fed(NamedTuple):
    """A batch on the devices, and the state of the pipeline right after it."""

    batch: dict[str, jax.Array]
    state: Any


_AHEAD = 2  # batches that wait


class Feed(Iterator[Fed]):
    """Batches of ``pipeline`` on the devices, some of them prepared in advance.

    Args:
      pipeline: yields dicts of arrays (this host's share) and has ``get_state()``.
      sharding: how the global batch lies on the mesh.
      substeps: so many batches are stacked along a new leading axis.

    Attributes:
      waited: seconds that the caller has waited for batches since the last :meth:`take_waited`.
    """

    def __init__(self, pipeline: Any, sharding: NamedSharding, substeps: int = 1):
        self._pipeline, self._sharding, self._substeps = pipeline, sharding, substeps
        self._queue: queue.Queue = queue.Queue(maxsize=_AHEAD)
        self._stop = threading.Event()
        self._waited = 0.0
        self._thread = threading.Thread(target=self._work, name="feed", daemon=True)
        self._thread.start()

    def __next__(self) -> Fed:
        start = time.perf_counter()
        item = self._queue.get()
        self._waited += time.perf_counter() - start
        if isinstance(item, BaseException):
            raise item
        return item

    def take_waited(self) -> float:
        """Seconds waited since the last call."""
        waited, self._waited = self._waited, 0.0
        return waited

    def close(self) -> None:
        """Stop the thread. What it had prepared is dropped."""
        self._stop.set()
        while self._thread.is_alive():
            try:
                self._queue.get(timeout=0.05)
            except queue.Empty:
                continue

    def _work(self) -> None:
        try:
            while not self._stop.is_set():
                batches = [next(self._pipeline) for _ in range(self._substeps)]
                item = Fed(global_batch(self._sharding, _stack(batches)), self._pipeline.get_state())
                self._put(item)
        except StopIteration:
            self._put(RuntimeError("the training data ended: a training pipeline must repeat"))
        except BaseException as error:  # the thread's caller raises it
            self._put(error)

    def _put(self, item: Any) -> None:
        while not self._stop.is_set():
            try:
                return self._queue.put(item, timeout=0.1)
            except queue.Full:
                continue


def _stack(batches: list[Mapping[str, np.ndarray]]) -> Mapping[str, np.ndarray]:
    if len(batches) == 1:
        return batches[0]
    return {name: np.stack([batch[name] for batch in batches]) for name in batches[0]}
