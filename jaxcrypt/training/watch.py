"""Several hosts of one run keep an eye on each other, so that none waits for ever for one that is gone.

Each host rewrites ``<workdir>/hosts/<index>`` every few seconds, and reads those of the others: all hosts see
the workdir (:func:`jaxcrypt.training.hosts.compare`). The thread that does so also ends the process, with one
line, where the main thread cannot: it may be waiting inside a collective that will never come about.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import threading
import time
from pathlib import Path
from typing import NoReturn

from jaxcrypt.errors import ExitCode
from jaxcrypt.training.hosts import wait_for_all
from jaxcrypt.training.stopping import Stopped

BEAT = 2.0  # seconds between signs of life
PATIENCE = 30.0  # without one, a host is taken to be lost
GRACE = 45.0  # from a request to stop to the end, saved or not
_ENDED = "ended: "


class Watch:
    """Signs of life of host ``index`` of ``count``, and an end to the process where another gives none.

    A context manager; within it a signal that asks to stop is seen even where no Python code runs. Where it
    is left with an exception, the other hosts are told of it.
    """

    def __init__(self, workdir: Path, index: int, count: int):
        self._folder, self._index, self._count = Path(workdir) / "hosts", index, count
        self._leaving = threading.Event()
        self._thread = threading.Thread(target=self._work, name="watch", daemon=True)

    def __enter__(self) -> Watch:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._say("here")
        wait_for_all("watch")  # what an earlier run left is overwritten before anybody reads
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._writer, False)
        self._before = signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        self._thread.start()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, _) -> None:
        orderly = kind is None or issubclass(kind, Stopped)
        if orderly:
            wait_for_all("end")
        self._leaving.set()
        signal.set_wakeup_fd(self._before)
        os.write(self._writer, b"\0")
        self._thread.join()
        os.close(self._reader)
        os.close(self._writer)
        if not orderly:
            self._say(_ENDED + (" ".join(str(error).split()) or kind.__name__))

    def wait_for_verdict(self) -> None:
        """Give the thread the time to find out whether a host is lost: then it ends the process."""
        time.sleep(PATIENCE + 2 * BEAT)

    def _say(self, what: str) -> None:
        part = self._folder / f"{self._index}.part"
        with contextlib.suppress(OSError):  # a full disk is the checkpoint's to tell
            part.write_text(f"{time.time()} {what}", encoding="utf-8", errors="replace")
            part.replace(self._folder / str(self._index))

    def _heard(self) -> dict[int, str]:
        beats = {}
        for other in range(self._count):
            with contextlib.suppress(OSError):
                beats[other] = (self._folder / str(other)).read_text(encoding="utf-8")
        beats.pop(self._index, None)
        return beats

    def _work(self) -> None:
        supervisor = os.environ.get("JAXCRYPT_SUPERVISOR")
        others = [other for other in range(self._count) if other != self._index]
        last, since = self._heard(), dict.fromkeys(others, time.monotonic())
        asked: tuple[float, int] | None = None
        while True:
            number = self._signal(BEAT)
            if self._leaving.is_set():
                return
            if supervisor and os.getppid() != int(supervisor):
                os._exit(int(ExitCode.FAILED))  # it was killed: nobody could end this process any more
            now = time.monotonic()
            if number and asked is None:
                asked = now, number
            self._say("here")
            heard = self._heard()
            for other in others:
                if heard.get(other) != last.get(other):
                    since[other] = now
                word = heard.get(other, "").partition(" ")[2]
                if word.startswith(_ENDED) and heard[other] != last.get(other):
                    _end(f"host {other} {word}; the last checkpoint stands", ExitCode.FAILED)
                if now - since[other] > PATIENCE:
                    lost = f"host {other} has given no sign of life for {PATIENCE:.0f} s"
                    _end(f"{lost}; the last checkpoint stands: run it again to go on", ExitCode.FAILED)
            last = heard
            if asked and now - asked[0] > GRACE:
                name = signal.Signals(asked[1]).name
                why = f"what was under way did not end within {GRACE:.0f} s; the last checkpoint stands"
                _end(f"stopped by {name}, not saved: {why}", 128 + asked[1])

    def _signal(self, seconds: float) -> int:
        """The number of a signal that asks to stop, as soon as it comes within ``seconds``; else 0."""
        ready, _, _ = select.select([self._reader], [], [], seconds)
        numbers = os.read(self._reader, 64) if ready else b""
        return next((n for n in numbers if n in (signal.SIGTERM, signal.SIGINT)), 0)


def _end(message: str, code: int) -> NoReturn:
    """Leave at once: what an orderly exit would wait for is what will not come."""
    print("jaxcrypt:", message, file=sys.stderr, flush=True)
    os._exit(int(code))
