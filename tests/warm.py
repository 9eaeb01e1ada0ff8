"""Processes that need not import JAX and what goes with it again: a server that has done so, and forks.

A command of its own costs two to four seconds of processor time before it does anything, most of it imports.
:class:`Warm` starts the server and makes a program that stands for ``python -m``: arguments, environment,
folder and the three streams go to the server, which forks, and runs the module as Python would; the exit
status comes back. SIGTERM and SIGINT are passed on, and what is killed takes its process with it. Nothing of
jaxcrypt is imported before the fork, and no device is touched. What is limited, and what asserts imports,
needs a process of its own.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import threading
import warnings
from pathlib import Path
from typing import NoReturn, TextIO

ROOT = Path(__file__).parents[1]
IMPORTED = (
    "jax", "jax.numpy", "flax.linen", "scipy.linalg", "scipy.special", "PIL.Image", "ml_collections",
    "absl.app", "cryptography.hazmat.primitives.ciphers.aead", "safetensors", "optax", "orbax.checkpoint",
    "grain", "clu.metrics", "tensorboardX",
)  # fmt: skip
CLIENT = """#!{python} -IS
import json, os, signal, socket, sys
arguments = sys.argv[2:] if sys.argv[1] == "-m" else sys.argv[1:]
with socket.socket(socket.AF_UNIX) as server:
    server.connect({path!r})
    told = json.dumps([arguments, dict(os.environ), os.getcwd()]).encode()
    socket.send_fds(server, [len(told).to_bytes(8, "big")], [0, 1, 2])
    server.sendall(told)
    process = int.from_bytes(server.recv(8), "big")
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _: os.kill(process, number))
    status = server.recv(1)
sys.exit(status[0] if status else 70)
"""


class Warm:
    """The server, from entering the context to leaving it.

    Attributes:
      program: takes a module and its arguments, as ``python -m`` does; ``-m`` may stand before them.
    """

    def __init__(self, folder: Path):
        self._path, self.program = folder / "warm.socket", folder / "warm"

    def __enter__(self) -> Warm:
        self.program.write_text(CLIENT.format(python=sys.executable, path=str(self._path)))
        self.program.chmod(0o755)
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(str(self._path))
            listening.listen(16)  # clients wait there until the imports are done
            command = [sys.executable, "-m", "tests.warm", str(listening.fileno())]
            quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
            environment = {**os.environ, "PYTHONPATH": str(ROOT)}
            fds = [listening.fileno()]
            self._server = subprocess.Popen(command, cwd=ROOT, env=environment, pass_fds=fds, **quiet)
        return self

    def __exit__(self, *_) -> None:
        self._server.kill()
        self._server.wait()


def serve(listening: socket.socket) -> list[str]:
    """Fork for every client; returns, in the process that is to run it, a module and its arguments."""
    warnings.filterwarnings("ignore", message="os.fork")  # JAX warns: no thread of its runs as yet
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        client, _ = listening.accept()
        if os.fork() == 0:
            listening.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            # As at a terminal, also where the tests were started in the background, which ignores interrupts.
            signal.signal(signal.SIGINT, signal.default_int_handler)
            return _handle(client)
        client.close()


def _handle(client: socket.socket) -> list[str]:
    size, fds, _, _ = socket.recv_fds(client, 8, 3)
    told = b""
    while len(told) < int.from_bytes(size, "big"):
        told += client.recv(1 << 20)
    child = os.fork()
    if child:
        for fd in fds:
            os.close(fd)
        _wait(child, client)
    client.close()
    for own, fd in enumerate(fds):
        os.dup2(fd, own)
        os.close(fd)
    arguments, environment, folder = json.loads(told)
    os.environ.clear()
    os.environ.update(environment)
    sys.stdin, sys.stdout, sys.stderr = _stream(0, "r"), _stream(1, "w"), _stream(2, "w", buffering=1)
    sys.__stdin__, sys.__stdout__, sys.__stderr__ = sys.stdin, sys.stdout, sys.stderr
    os.chdir(folder)
    sys.path[:] = [*environment.get("PYTHONPATH", "").split(os.pathsep), *sys.path]
    return arguments


def _wait(child: int, client: socket.socket) -> NoReturn:
    """Tell the client its process, and how that ended; end it where the client is gone."""
    client.sendall(child.to_bytes(8, "big"))
    ended = os.pidfd_open(child)
    if client in select.select([ended, client], [], [])[0]:
        os.kill(child, signal.SIGKILL)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    with contextlib.suppress(OSError):
        client.sendall(bytes([status if status >= 0 else 128 - status]))
    os._exit(0)


def _stream(fd: int, mode: str, **how) -> TextIO:
    encoding, _, errors = os.environ.get("PYTHONIOENCODING", "").partition(":")
    errors = "backslashreplace" if fd == 2 else errors or None
    return open(fd, mode, closefd=False, encoding=encoding or None, errors=errors, **how)


def _run(module: str) -> int:
    """The exit status of ``python -m module``."""
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as ended:
        if ended.code is None or isinstance(ended.code, int):
            return ended.code or 0
        print(ended.code, file=sys.stderr)
        return 1
    except BaseException:
        sys.excepthook(*sys.exc_info())
        return 1
    return 0


if __name__ == "__main__":
    for name in IMPORTED:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()
    module, *sys.argv[1:] = serve(socket.socket(fileno=int(sys.argv[1])))
    status = _run(module)
    # All that Python does at its end but to take every module apart, which costs more than most commands.
    threading._shutdown()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status & 0xFF)
