"""Tables and numbers of documents, made from the results that ship with jaxcrypt.

A document says where a table belongs, and of which results:

    <!-- results: costs -->
    … whatever stands here is written anew …
    <!-- end of results -->

``jaxcrypt/zoo/results/costs.json``, as a suite or ``bench steps`` wrote it, says what stands there, under the
command that made it; several names of one suite's results stand side by side. A sentence says what it takes
out of which results, by the names on the way to it:

    <!-- numbers: about {damage/values/nothing/mixing; .0f} dB -->about 45 dB<!-- end of numbers -->

A list there is its mean. Both are invisible where a document is read.
"""

from __future__ import annotations

import importlib
import json
import math
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from jaxcrypt.errors import Refusal

RESULTS = Path(__file__).resolve().parents[1] / "zoo" / "results"
_ROOT = Path(__file__).resolve().parents[2]
_PLACE = re.compile(r"(<!-- results: ([\w. -]+?) -->\n).*?(<!-- end of results -->)", re.DOTALL)
_SENTENCE = re.compile(r"(<!-- numbers: (.*?) -->).*?(<!-- end of numbers -->)", re.DOTALL)
_BENCHES = ("steps", "growth")
_NUMBER = re.compile(r"\{([\w.-]+)/([^{};]+);\s*([^{};]+)\}")


def documents() -> list[Path]:
    """README and the pages of docs, of a checkout; empty elsewhere."""
    return [path for path in (_ROOT / "README.md", *sorted((_ROOT / "docs").glob("*.md"))) if path.is_file()]


def renewed(text: str, results: Path = RESULTS) -> str:
    """A document's text with every such table and number as its results have it.

    Raises:
      Refusal: results that are not there or no suite's, or that lack what a sentence takes out of them.
    """

    def table(match: re.Match[str]) -> str:
        chosen = [read(results / f"{name}.json") for name in match[2].split()]
        return f"{match[1]}\n{_table(chosen)}\n\n{_made(chosen)}\n\n{match[3]}"

    def sentence(match: re.Match[str]) -> str:
        words = _NUMBER.sub(lambda field: _number(results, *field.groups()), match[2])
        return f"{match[1]}{words}{match[3]}"

    return _SENTENCE.sub(sentence, _PLACE.sub(table, text))


def _table(chosen: Sequence[dict[str, Any]]) -> str:
    first = chosen[0]
    room, name = ("evaluation.suites", first["suite"]) if "suite" in first else ("bench", first["bench"])
    suite = importlib.import_module(f"jaxcrypt.{room}.{name}")
    return suite.table(chosen[0]) if len(chosen) == 1 else suite.beside(chosen)


def _made(chosen: Sequence[dict[str, Any]]) -> str:
    """The commands, each before what it ran on; those of several Systems as one."""
    lines: dict[str, list[str]] = {}
    for facts in chosen:
        command = re.sub(r" --(output \S+|force)", "", facts["command"])
        if len(chosen) > 1:
            command = re.sub(r"--system \S+", "--system NAME", command)
        machine = f"{facts['machine']['cores']} cores, {facts['machine']['device']}, commit {facts['commit']}"
        lines.setdefault(machine, []).append(f"`{command}`")
    return "\n\n".join(f"{', '.join(dict.fromkeys(told))} ({where})" for where, told in lines.items())


def _number(results: Path, name: str, way: str, form: str) -> str:
    """What stands in ``NAME.json`` at the end of ``way``, as ``form`` has it; of several PSNRs their mean."""
    from jaxcrypt.evaluation.report import number, numbers
    from jaxcrypt.metrics.image import mean

    found: Any = read(results / f"{name}.json")
    for step in way.split("/"):
        if not isinstance(found, dict) or step not in found:
            raise Refusal(f"{name}.json: nothing called {step} on the way {way}")
        found = found[step]
    value = mean(numbers(found)).psnr if isinstance(found, list) else number(found)
    return "exact" if math.isinf(value) else format(value, form)


def stale(results: Path = RESULTS) -> Iterator[tuple[Path, str]]:
    """Every document that is not as its results have it, with the text that it should have."""
    for path in documents():
        text = path.read_text(encoding="utf-8")
        new = renewed(text, results)
        if new != text:
            yield path, new


def read(path: Path) -> dict[str, Any]:
    """The results of a suite, or of a bench that has a table.

    Raises:
      Refusal: no such file, or something else.
    """
    from jaxcrypt.evaluation.suites import SUITES

    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        known = facts["bench"] in _BENCHES if "bench" in facts else facts["suite"] in SUITES
        if known and facts["command"]:
            return facts
    except (OSError, ValueError, KeyError, TypeError):
        pass
    raise Refusal(f"{path}: not what a suite of evaluate wrote")
