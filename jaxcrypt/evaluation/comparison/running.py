"""Running the parts of a comparison, each in a process of its own; what is done already is not done again.

So a part that fails, or needs too much memory, costs itself alone; and a run that was stopped goes on where
it was. A part is done when its results were made by the very command that it would run now. Parts that run
side by side share the processor's cores evenly among them, so that none measures the others' haste.
"""

from __future__ import annotations

import json
import logging
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jaxcrypt.cli.output import make_folder
from jaxcrypt.evaluation.comparison.plan import Part, folder_of

_log = logging.getLogger("jaxcrypt.compare")
_LOG = "log.txt"
_TAIL = 300  # characters of a failed part's last line
_POLL = 0.1  # seconds
OUT_OF_TIME = "there was no time left for it"


@dataclass(frozen=True)
class Done:
    """A part that ran.

    Attributes:
      facts: of its JSON file; None where it failed.
      plot: its PNG file.
      failure: the last line that it said, where it failed.
    """

    part: Part
    facts: dict[str, Any] | None
    plot: bytes = b""
    failure: str = ""


@dataclass(frozen=True)
class _Running:
    """A part's process, and which share of the cores it has."""

    part: Part
    share: int
    process: subprocess.Popen


def command_of(part: Part, output: Path) -> list[str]:
    """The command line of a part, after the interpreter's name: what its results say they were made by."""
    return ["-m", "jaxcrypt.evaluate", *part.arguments, "--output", str(folder_of(part, output))]


def run_all(parts: Sequence[Part], output: Path, jobs: int = 1, minutes: float | None = None) -> list[Done]:
    """Every part, with progress; those that are done are only read.

    Args:
      jobs: how many run side by side; they start in the order of ``parts``.
      minutes: after these what still runs is ended, and the rest has failed.

    Returns:
      As many as there are parts, in their order.

    Raises:
      Refusal: the folder cannot be written.
    """
    from tqdm import tqdm

    until = None if minutes is None else time.monotonic() + 60 * minutes
    done = {part.name: known for part in parts if (known := read(part, output)) is not None}
    waiting = [part for part in parts if part.name not in done]
    running: list[_Running] = []
    terminal = sys.stderr.isatty()
    with tqdm(total=len(parts), initial=len(done), disable=not terminal, unit="part") as bar:
        try:
            while waiting or running:
                if until is not None and time.monotonic() > until:
                    _log.warning("out of time: %d parts are not done", len(waiting) + len(running))
                    break
                while waiting and len(running) < jobs:
                    running.append(_start(waiting.pop(0), output, jobs, running))
                    bar.set_description(", ".join(one.part.name for one in running))
                for one in [one for one in running if one.process.poll() is not None]:
                    running.remove(one)
                    done[one.part.name] = _ended(one, output)
                    bar.update()
                    _log.info("%s: part %d of %d", one.part.name, len(done), len(parts))
                time.sleep(_POLL)
        finally:
            for one in running:
                one.process.kill()
                one.process.wait()
    return [done.get(part.name, Done(part, None, failure=OUT_OF_TIME)) for part in parts]


def read(part: Part, output: Path) -> Done | None:
    """A part's results, where they were made by the command that it would run now."""
    folder = folder_of(part, output)
    try:
        facts = json.loads((folder / f"{part.suite}.json").read_text(encoding="utf-8"))
        plot = (folder / f"{part.suite}.png").read_bytes()
    except (OSError, ValueError):
        return None
    if facts.get("command") != shlex.join(["python", *command_of(part, output)]):
        return None
    return Done(part, facts, plot)


_process_of = command_of  # what really runs


def _start(part: Part, output: Path, jobs: int, running: Sequence[_Running]) -> _Running:
    folder = folder_of(part, output)
    make_folder(folder)
    for suffix in ("json", "md", "png"):  # of another command, which nobody asks for any more
        (folder / f"{part.suite}.{suffix}").unlink(missing_ok=True)
    share = min(set(range(jobs)) - {one.share for one in running})
    with (folder / _LOG).open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, *_process_of(part, output)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=os.environ | _beside(jobs),
        )
    if jobs > 1 and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(process.pid, cores_of(share, jobs))
    return _Running(part, share, process)


def _beside(jobs: int) -> dict[str, str]:
    """Of the environment: several processes must not take a GPU's whole memory each."""
    several = jobs > 1 and "XLA_PYTHON_CLIENT_PREALLOCATE" not in os.environ
    return {"XLA_PYTHON_CLIENT_PREALLOCATE": "false"} if several else {}


def cores_of(share: int, jobs: int) -> set[int]:
    """The cores of one of ``jobs`` shares: some of its own, or one of all where there are fewer cores."""
    cores = sorted(os.sched_getaffinity(0))
    return set(cores[share * len(cores) // jobs : (share + 1) * len(cores) // jobs]) or {
        cores[share % len(cores)]
    }


def _ended(one: _Running, output: Path) -> Done:
    code = one.process.wait()
    done = read(one.part, output) if code == 0 else None
    if done is None:
        words = _last_line(folder_of(one.part, output) / _LOG) or f"it ended with code {code}"
        done = Done(one.part, None, failure=words)
        _log.warning("%s failed: %s", one.part.name, words)
    return done


def _last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").split("\n")
    return next((line.strip()[:_TAIL] for line in reversed(lines) if line.strip()), "")
