"""Many files in three stages at once: read ahead, work, write behind; and yet in order.

Whatever is to be said of a file is said by the last stage, after what was said of those before it: a run's
reports are those of a run that does one thing after another.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import Any, TypeVar

T = TypeVar("T")
_END = object()
_PATIENCE = 2.0  # seconds that an interrupted run waits for the file that is being written


class Room:
    """How much may be under way between reading and writing, in samples of pictures.

    Args:
      most: samples; what alone is larger goes by itself.
    """

    def __init__(self, most: int):
        self._most, self._held, self._open = most, 0, True
        self._changed = threading.Condition()

    def fits(self, size: int) -> bool:
        """Whether :meth:`take` would go on at once."""
        with self._changed:
            return self._fits(size)

    def take(self, size: int) -> None:
        """Wait until there is room for ``size``, and hold it."""
        with self._changed:
            self._changed.wait_for(lambda: self._fits(size) or not self._open)
            self._held += size

    def free(self, size: int) -> None:
        """Give back what :meth:`take` held."""
        with self._changed:
            self._held -= size
            self._changed.notify_all()

    def close(self) -> None:
        """Let nobody wait any longer."""
        with self._changed:
            self._open = False
            self._changed.notify_all()

    def _fits(self, size: int) -> bool:
        return not self._held or self._held + size <= self._most


def read_ahead(items: Iterable[T], room: Room) -> Iterator[T]:
    """``items``, drawn by a thread of its own; what drawing raises is raised here, in its turn.

    Closing the iterator ends the thread at its next item.
    """
    drawn: queue.SimpleQueue[tuple[Any, BaseException | None]] = queue.SimpleQueue()
    ended = threading.Event()

    def draw() -> None:
        try:
            for item in items:
                if ended.is_set():
                    return
                drawn.put((item, None))
            drawn.put((_END, None))
        except BaseException as error:
            drawn.put((_END, error))

    threading.Thread(target=draw, name="jaxcrypt-read", daemon=True).start()
    try:
        while True:
            item, error = drawn.get()
            if error is not None:
                raise error
            if item is _END:
                return
            yield item
    finally:
        ended.set()
        room.close()


class Outbox:
    """Calls, made one after another by a thread of its own, as a context.

    What a call raises is raised by the next :meth:`put`, or at the end; the calls after it are not made. An
    error in the context itself comes after the calls that were put before it; an interrupt comes at once.

    Args:
      threaded: False for calls that are made as they are put.
    """

    def __init__(self, threaded: bool):
        self._calls: queue.SimpleQueue[Callable[[], object] | None] = queue.SimpleQueue()
        self._error: BaseException | None = None
        self._over = False
        self._thread = threading.Thread(target=self._work, name="jaxcrypt-write", daemon=True)
        if threaded:
            self._thread.start()

    def put(self, call: Callable[[], object]) -> None:
        """Have ``call`` made after those before it."""
        if not self._thread.ident:
            call()
            return
        if self._error is not None:
            raise self._error
        self._calls.put(call)

    def __enter__(self) -> Outbox:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if not self._thread.ident:
            return
        self._calls.put(None)
        try:
            if error is not None and not isinstance(error, Exception):
                raise error
            self._thread.join()
        except BaseException:  # an interrupt, maybe while waiting here
            self._over = True
            self._thread.join(_PATIENCE)
            raise
        if error is None and self._error is not None:
            raise self._error

    def _work(self) -> None:
        while (call := self._calls.get()) is not None:
            if self._over or self._error is not None:
                continue
            try:
                call()
            except BaseException as error:
                self._error = error
