"""Tables of documents, made from the results that ship with jaxcrypt.

A document says where one belongs:

    <!-- results: costs -->
    … whatever stands here is written anew …
    <!-- end of results -->

and ``jaxcrypt/zoo/results/costs.json``, as a suite wrote it, says what stands there, under the command that
made it.
"""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jaxcrypt.errors import Refusal

RESULTS = Path(__file__).resolve().parents[1] / "zoo" / "results"
_ROOT = Path(__file__).resolve().parents[2]
_PLACE = re.compile(r"(<!-- results: ([\w.-]+) -->\n).*?(<!-- end of results -->)", re.DOTALL)


def documents() -> list[Path]:
    """README and the pages of docs, of a checkout; empty elsewhere."""
    return [path for path in (_ROOT / "README.md", *sorted((_ROOT / "docs").glob("*.md"))) if path.is_file()]


def renewed(text: str, results: Path = RESULTS) -> str:
    """A document's text with every such table as its results have it.

    Raises:
      Refusal: a table whose results are not there, or no suite's.
    """

    def table(match: re.Match[str]) -> str:
        facts = read(results / f"{match[2]}.json")
        suite = importlib.import_module(f"jaxcrypt.evaluation.suites.{facts['suite']}")
        machine = f"{facts['machine']['cores']} cores, {facts['machine']['device']}, commit {facts['commit']}"
        return f"{match[1]}\n{suite.table(facts)}\n\n`{facts['command']}` ({machine})\n\n{match[3]}"

    return _PLACE.sub(table, text)


def stale(results: Path = RESULTS) -> Iterator[tuple[Path, str]]:
    """Every document that is not as its results have it, with the text that it should have."""
    for path in documents():
        text = path.read_text(encoding="utf-8")
        new = renewed(text, results)
        if new != text:
            yield path, new


def read(path: Path) -> dict[str, Any]:
    """A suite's results.

    Raises:
      Refusal: no such file, or not what a suite wrote.
    """
    from jaxcrypt.evaluation.suites import SUITES

    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        if facts["suite"] in SUITES and facts["command"]:
            return facts
    except (OSError, ValueError, KeyError, TypeError):
        pass
    raise Refusal(f"{path}: not what a suite of evaluate wrote")
