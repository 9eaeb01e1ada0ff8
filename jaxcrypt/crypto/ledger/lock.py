"""One process at a time."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

from jaxcrypt.errors import ExitCode, Refusal

_PAUSE = 0.05


@contextlib.contextmanager
def held(path: Path, wait: float = 30.0) -> Iterator[None]:
    """Hold the lock in that file; it goes with the process, however that ends.

    Raises:
      Refusal: (FAILED) another process held it for ``wait`` seconds.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    until = time.monotonic() + wait
    with open(path, "a+b") as file:
        while not _take(file.fileno()):
            if time.monotonic() > until:
                raise Refusal(f"{path}: another process holds it; try again", ExitCode.FAILED)
            time.sleep(_PAUSE)
        yield


def _take(descriptor: int) -> bool:
    try:
        if os.name == "nt":
            import msvcrt

            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
