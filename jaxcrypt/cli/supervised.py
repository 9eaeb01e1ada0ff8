"""A process that works under the eyes of another, for what only its parent can still say of it.

JAX's distributed runtime ends a process from inside C++, with a stack trace and no way to catch it, when the
host that coordinates is gone. So the work runs in a child whose file descriptor 2 is a file of its own, while
Python's ``sys.stderr`` stays the terminal's; where the child is ended by a signal, the parent says so in one
line. The child finds its parent's number in ``JAXCRYPT_SUPERVISOR``.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from collections.abc import Callable
from typing import NoReturn

from jaxcrypt.errors import ExitCode


def supervised(work: Callable[[], int], gone: str) -> int:
    """Run ``work`` in a child process and return its exit code; before anything starts threads.

    Args:
      gone: what to say where the child is ended by a signal that nobody sent from here.
    """
    descriptor, libraries = tempfile.mkstemp(prefix="jaxcrypt-", suffix=".log")
    child = os.fork()
    if not child:
        _work(work, descriptor)
    os.close(descriptor)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to the child too
    signal.signal(signal.SIGTERM, lambda number, _: os.kill(child, number))
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code >= 0:
        os.unlink(libraries)
        return code
    print(f"jaxcrypt: {gone} (what libraries said of it: {libraries})", file=sys.stderr)
    return int(ExitCode.FAILED)


def _work(work: Callable[[], int], descriptor: int) -> NoReturn:
    code = int(ExitCode.FAILED)
    try:
        sys.stderr = os.fdopen(os.dup(2), "w", buffering=1, errors="backslashreplace")
        os.dup2(descriptor, 2)
        os.environ["JAXCRYPT_SUPERVISOR"] = str(os.getppid())
        code = work()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
