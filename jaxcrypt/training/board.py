"""TensorBoard files, written as they come: a full disk is an error where it is met.

tensorboardX's own writer has a thread do that; when the thread fails, its queue fills up, and the run waits
for it for ever.
"""

from __future__ import annotations

import platform
import time
from pathlib import Path

import numpy as np
from tensorboardX import summary
from tensorboardX.proto.event_pb2 import Event
from tensorboardX.record_writer import RecordWriter

_FLUSH = 10.0  # seconds after which what was written is seen by others


class Board:
    """One events file in ``folder``; a run that goes on adds another."""

    def __init__(self, folder: Path):
        folder.mkdir(parents=True, exist_ok=True)
        name = f"events.out.tfevents.{time.time_ns() // 1000}.{platform.node()}"
        self._records = RecordWriter(str(folder / name))
        self._flushed = 0.0
        self._write(Event(wall_time=time.time(), file_version="brain.Event:2"))

    def scalar(self, step: int, name: str, value: float) -> None:
        """A point of the curve called ``name``."""
        self._summary(step, summary.scalar(name, value))

    def text(self, step: int, name: str, value: str) -> None:
        """Markdown."""
        self._summary(step, summary.text(name, value))

    def picture(self, step: int, name: str, image: np.ndarray) -> None:
        """``image``: uint8 [H, W, 1 or 3]."""
        self._summary(step, summary.image(name, image, dataformats="HWC"))

    def close(self) -> None:
        """Flush, and let go of the file."""
        self._records.close()

    def _summary(self, step: int, made: summary.Summary) -> None:
        self._write(Event(wall_time=time.time(), step=step, summary=made))

    def _write(self, event: Event) -> None:
        self._records.write(event.SerializeToString())
        if time.monotonic() - self._flushed > _FLUSH:
            self._records.flush()
            self._flushed = time.monotonic()
