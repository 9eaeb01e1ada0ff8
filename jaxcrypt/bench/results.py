"""What every bench writes: its numbers, and how they came about."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jaxcrypt.cli.output import write_whole
from jaxcrypt.evaluation.circumstances import circumstances
from jaxcrypt.evaluation.report import to_json


def write(path: str | Path | None, bench: str, argv: Sequence[str], facts: Mapping[str, Any]) -> None:
    """Write ``facts`` as JSON, with command, commit, versions and machine; nothing where ``path`` is None."""
    if path is not None:
        command = shlex.join(["python", "-m", "jaxcrypt.bench", bench, *argv])
        write_facts(path, {"bench": bench, **circumstances(command), **facts})


def write_facts(path: str | Path | None, facts: Mapping[str, Any]) -> None:
    """Write ``facts`` as JSON as they are; nothing where ``path`` is None."""
    if path is not None:
        data = to_json(facts)
        write_whole(Path(path), lambda file: file.write(data), force=True)
