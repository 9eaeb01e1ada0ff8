"""Several results of ``bench step`` as one table, and as one file of results.

  python -m jaxcrypt.bench steps FILE.json … [--by clock|cpu] [--json FILE]

Of all results machine and versions must be the same; ratios are over torch eager of the same precision and
over torch.compile, by the clock or by CPU time.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from jaxcrypt.bench import results
from jaxcrypt.cli import command as cli
from jaxcrypt.errors import ExitCode, Refusal

_SHARED = ("machine", "versions", "commit")
_BY = {"clock": ("images_per_second", "images/s"), "cpu": ("images_per_cpu_second", "images per CPU second")}
_COLUMNS = (
    "config, batch", "precision", "JAX, {unit}", "over eager", "over compiled", "MFU", "MFU of torch",
    "memory, MiB", "of torch", "compiled in", "torch.compile in", "input wait, checkpoint stall",
)  # fmt: skip


def main(argv: Sequence[str]) -> int:
    """``bench steps``; returns its exit code."""
    parser = cli.Parser(prog="python -m jaxcrypt.bench steps", description=__doc__)
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="what bench step --json wrote")
    parser.add_argument("--by", choices=tuple(_BY), default="clock", help="what the rates are by (clock)")
    parser.add_argument("--json", metavar="FILE", type=Path, help="also write the numbers there")
    args = parser.parse_args(argv)
    facts = merged([read(path) for path in args.files], args.by)
    print(table(facts))
    results.write_facts(args.json, facts)
    return ExitCode.OK


def read(path: Path) -> dict[str, Any]:
    """One result.

    Raises:
      Refusal: no such file, or not what ``bench step`` wrote.
    """
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        if facts["bench"] == "step" and facts["rows"]:
            return facts
    except (OSError, ValueError, KeyError, TypeError):
        pass
    raise Refusal(f"{path}: not what bench step --json wrote")


def merged(runs: Sequence[Mapping[str, Any]], by: str = "clock") -> dict[str, Any]:
    """All in one, with what they share said once, to be shown ``by`` the clock or by CPU time.

    Raises:
      Refusal: results of different machines, versions or commits.
    """
    for name in _SHARED:
        if any(run[name] != runs[0][name] for run in runs):
            raise Refusal(f"bench steps: results of one {name} only go into a table")
    command = "python -m jaxcrypt.bench step --config configs/NAME.py …"
    own = [{key: value for key, value in run.items() if key not in (*_SHARED, "bench")} for run in runs]
    shared = {name: runs[0][name] for name in _SHARED}
    return {"bench": "steps", "command": command, "by": by, **shared, "runs": own}


def table(facts: Mapping[str, Any]) -> str:
    """Markdown: a row for each run, precision and kind of JAX step."""
    key, unit = _BY[facts["by"]]
    lines = [f"| {' | '.join(_COLUMNS)} |".format(unit=unit), "|" + "---|" * len(_COLUMNS)]
    for run in facts["runs"]:
        lines += [f"| {' | '.join(cells)} |" for cells in _rows(run, key)]
    return "\n".join(lines)


def _rows(run: Mapping[str, Any], key: str) -> Iterator[list[str]]:
    rows = run["rows"]
    for name, row in rows.items():
        kind, _, rest = name.partition(" ")
        if kind != "jax":
            continue
        precision = rest.split(",")[0]
        eager, compiled = (rows.get(f"{other} {precision}") for other in ("torch eager", "torch.compile"))
        yield [
            f"{_called(run)}, {run['batch']}",
            rest,
            f"{median(row[key]):,.0f}",
            *(f"{median(row[key]) / median(other[key]):.2f}" if other else "" for other in (eager, compiled)),
            *(_share(other) for other in (row, compiled or eager)),
            *(_mebibytes(other) for other in (row, eager)),
            *(f"{other['compile_seconds']:.0f} s" if other else "" for other in (row, compiled)),
            _around(run) if name == next(iter(rows)) else "",
        ]


def _called(run: Mapping[str, Any]) -> str:
    """The config's name, with the widths where they are not its own."""
    widths = [
        a.partition("=")[2] for a in shlex.split(run["command"]) if a.startswith("--config.model.widths")
    ]
    return " ".join([f"`{run['config']}`", *widths])


def _around(run: Mapping[str, Any]) -> str:
    found = run.get("around")
    if not found:
        return ""
    return f"{found['input_wait']:.1%}, {1000 * found['checkpoint_stall_seconds']:.0f} ms"


def _share(row: Mapping[str, Any] | None) -> str:
    return f"{row['mfu']:.1%}" if row and row["mfu"] is not None else ""


def _mebibytes(row: Mapping[str, Any] | None) -> str:
    return f"{row['memory_bytes'] / 2**20:,.0f}" if row and row["memory_bytes"] is not None else ""
