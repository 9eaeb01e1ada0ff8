"""Holding on to the checkpoints of a run that goes on, so that none is missed.

A run keeps a few checkpoints only, and may remove one before a slow evaluation gets to it. So a thread looks
for new ones and links their files (which costs no space as long as the run has them too) into
``<workdir>/evaluation/held``; what was measured is let go.
"""

from __future__ import annotations

import logging
import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

_log = logging.getLogger("jaxcrypt.evaluate")


class Watcher:
    """Holds every checkpoint that appears, from entering the context to leaving it.

    Args:
      workdir: of the run; it may not have begun yet.
      interval: seconds between two looks.

    Attributes:
      folder: a workdir of its own whose checkpoints are those that are held.
    """

    def __init__(self, workdir: Path, interval: float):
        self._source, self._interval = Path(workdir) / "checkpoints", interval
        self.folder = Path(workdir) / "evaluation" / "held"
        self._held = self.folder / "checkpoints"
        self._seen: set[int] = set()
        self._change, self._ended = threading.Condition(), threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._failure: Exception | None = None

    def __enter__(self) -> Watcher:
        shutil.rmtree(self.folder, ignore_errors=True)
        self._held.mkdir(parents=True)
        if not self._source.is_dir():
            _log.warning("%s: no checkpoints yet; waiting for the first", self._source.parent)
        self._thread.start()
        return self

    def __exit__(self, *error) -> None:
        self._ended.set()
        self._thread.join()
        shutil.rmtree(self.folder, ignore_errors=True)

    def steps(self) -> Iterator[int]:
        """The steps of all checkpoints, each once, the earliest of those that wait first; never ends."""
        given: set[int] = set()
        while True:
            with self._change:
                while not (waiting := sorted(set(_steps(self._held)) - given)):
                    if self._failure:
                        raise self._failure
                    self._change.wait(self._interval)
            given.add(waiting[0])
            yield waiting[0]

    def release(self, step: int) -> None:
        """Let go of a checkpoint that was measured."""
        shutil.rmtree(self._held / str(step), ignore_errors=True)

    def _watch(self) -> None:
        try:
            while True:
                self.look()
                if self._ended.wait(self._interval):
                    return
        except Exception as error:  # told where the steps are asked for
            self._failure = error

    def look(self) -> None:
        """Hold what is new."""
        for step in sorted(set(_steps(self._source)) - self._seen):
            self._seen.add(step)
            part = self.folder / f"{step}.part"
            try:
                shutil.copytree(self._source / str(step), part, copy_function=_link)
            except (FileNotFoundError, shutil.Error):
                _log.warning("step %d: its checkpoint was removed before it could be held", step)
                shutil.rmtree(part, ignore_errors=True)
                continue
            with self._change:
                part.rename(self._held / str(step))
                self._change.notify()


def _steps(folder: Path) -> list[int]:
    """The checkpoints that are complete: those still being written have other names."""
    try:
        return [int(name) for name in os.listdir(folder) if name.isdecimal()]
    except FileNotFoundError:
        return []


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except FileNotFoundError:
        raise
    except OSError:  # another file system, or one without hard links
        shutil.copy2(source, target)
