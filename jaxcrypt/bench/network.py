"""How send and receive do on real lines and under load.

lines: pictures between two network namespaces, at each rate once alone (goodput) and once through a wire that
delays, loses and cuts, while the receiver is killed with SIGKILL three times. Needs root, ip and tc.
load: many senders at once on this machine, among clients that are slow or make no sense.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jaxcrypt.bench import results
from jaxcrypt.cli import command as cli
from jaxcrypt.errors import ExitCode, Refusal

_SECONDS = 25  # that the pictures of one run are to take on their line


def main(argv: Sequence[str]) -> int:
    """``bench network``; returns its exit code: nonzero where a picture was lost or kept twice."""
    parser = cli.Parser(prog="python -m jaxcrypt.bench network", description=__doc__)
    add = parser.add_argument
    add("what", choices=("lines", "load"))
    add("--mbit", type=float, action="append", default=[], help="rates of the lines (1, 10 and 100)")
    add("--pictures", type=int, default=200, help="on each line (%(default)s)")
    add("--senders", type=int, default=64, help="of the load (%(default)s)")
    add("--seconds", type=float, default=60.0, help="of the load (%(default)g)")
    add("--size", type=int, default=100_000, help="bytes of a sealed picture of the load (%(default)s)")
    add("--json", metavar="FILE", type=Path, help="also write the numbers there")
    args = parser.parse_args(argv)
    rows = _lines(args) if args.what == "lines" else [_load(args)]
    results.write(args.json, "network", argv, {"rows": rows})
    return ExitCode.OK if all(map(_good, rows)) else ExitCode.FAILED


def _lines(args: Any) -> list[dict[str, Any]]:
    from jaxcrypt.bench import lines

    if why := lines.possible():
        raise Refusal(f"lines cannot be made here: {why}", ExitCode.FAILED)
    rows = []
    for mbit in args.mbit or [1.0, 10.0, 100.0]:
        row = lines.measure(mbit, args.pictures, round(mbit * 1e6 / 8 * _SECONDS / args.pictures))
        print(f"{mbit:g} Mbit/s:", *(f"\n  {name}: {row[name]}" for name in ("clean", "rough")), flush=True)
        rows.append(row)
    return rows


def _load(args: Any) -> dict[str, Any]:
    from jaxcrypt.bench import crowd

    row = asyncio.run(crowd.load(args.senders, args.seconds, args.size))
    print(*(f"{name}: {value}" for name, value in row.items()), sep="\n")
    return {"senders": args.senders, "size": args.size, **row}


def _good(row: dict[str, Any]) -> bool:
    runs = [row[name] for name in ("clean", "rough") if name in row] or [row]
    return not any(run["lost"] or run["twice"] or run.get("failed") or run.get("exit") for run in runs)
