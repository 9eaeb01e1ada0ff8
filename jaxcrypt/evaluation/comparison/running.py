"""Running the parts of a comparison, each in a process of its own; what is done already is not done again.

So a part that fails, or needs too much memory, costs itself alone; and a run that was stopped goes on where
it was. A part is done when its results were made by the very command that it would run now.
"""

from __future__ import annotations

import json
import logging
import shlex
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jaxcrypt.cli.output import make_folder
from jaxcrypt.evaluation.comparison.plan import Part, folder_of

_log = logging.getLogger("jaxcrypt.compare")
_LOG = "log.txt"
_TAIL = 300  # characters of a failed part's last line


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


def command_of(part: Part, output: Path) -> list[str]:
    """The command line of a part, after the interpreter's name: what its results say they were made by."""
    return ["-m", "jaxcrypt.evaluate", *part.arguments, "--output", str(folder_of(part, output))]


def run_all(parts: Sequence[Part], output: Path) -> list[Done]:
    """Every part, in order, with progress; those that are done are only read.

    Raises:
      Refusal: the folder cannot be written.
    """
    from tqdm import tqdm

    terminal, results = sys.stderr.isatty(), []
    with tqdm(parts, disable=not terminal, unit="part") as bar:
        for number, part in enumerate(bar, 1):
            bar.set_description(part.name)
            done = read(part, output)
            if done is None:
                if not terminal:
                    _log.info("part %d of %d: %s", number, len(parts), part.name)
                done = _run(part, output)
            if done.failure:
                _log.warning("%s failed: %s", part.name, done.failure)
            results.append(done)
    return results


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


def _run(part: Part, output: Path) -> Done:
    folder = folder_of(part, output)
    make_folder(folder)
    for suffix in ("json", "md", "png"):  # of another command, which nobody asks for any more
        (folder / f"{part.suite}.{suffix}").unlink(missing_ok=True)
    with (folder / _LOG).open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, *_process_of(part, output)], stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
        try:
            code = process.wait()
        except BaseException:
            process.kill()
            process.wait()
            raise
    done = read(part, output) if code == 0 else None
    return done or Done(part, None, failure=_last_line(folder / _LOG) or f"it ended with code {code}")


def _last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").split("\n")
    return next((line.strip()[:_TAIL] for line in reversed(lines) if line.strip()), "")
