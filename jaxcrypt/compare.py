"""Compare Systems: every suite over each of them, in one run, on one page.

  python -m jaxcrypt.compare --data photos/ -o comparison/            everything: hours
  python -m jaxcrypt.compare --data photos/ --known others/ --jobs 8  eight parts at a time
  python -m jaxcrypt.compare --data photos/ --quick --limit 12        small budgets, to see how it goes
  python -m jaxcrypt.compare --data photos/ --system A --system B --suite damage

Writes report.html (one file: tables, pictures, plots), report.json (every number, with command, commit,
versions and machine), results/ (each table's own JSON, as evaluate would write it) and parts/ (what every
process wrote). The same command goes on where it was stopped.
Beside the Systems stand AES-256-GCM as the reference, and published schemes that are known to be broken: an
attack that does not break those says nothing of the others.
"""

from __future__ import annotations

import importlib
import logging
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jaxcrypt import runtime
from jaxcrypt.cli.command import EXIT_CODES, Parser, entry
from jaxcrypt.errors import ExitCode
from jaxcrypt.evaluation.suites import natural, positive


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    return entry(_main, argv)


def _parser() -> Parser:
    parser = Parser(
        prog="python -m jaxcrypt.compare",
        description=__doc__,
        epilog=EXIT_CODES,
        usage="python -m jaxcrypt.compare --data DIR … [-o DIR] [OPTIONS]",
    )
    add = parser.add_argument
    add("--data", action="append", required=True, metavar="DIR", help="pictures; may be repeated")
    add("-o", "--output", type=Path, default=Path("comparison"), metavar="DIR", help="(%(default)s)")
    add("--system", action="append", default=[], metavar="NAME", help="may be repeated (all)")
    add("--suite", action="append", default=[], metavar="NAME", help="may be repeated (all)")
    add("--crop", type=positive, metavar="N", help="centre N×N of whole pictures (what each suite takes)")
    add("--limit", type=positive, metavar="N", help="only the first N pictures of each folder")
    add("--seed", type=natural, default=0, metavar="N", help="of keys and positions (%(default)s)")
    add("--known", metavar="DIR", help="pictures that adversaries learn on (4/5 of --data)")
    add("--device", choices=runtime.DEVICES, default="auto", help="what to run on (%(default)s)")
    add(
        "--jobs",
        type=positive,
        default=1,
        metavar="N",
        help="parts side by side, each on its share of the cores",
    )
    add("--minutes", type=positive, metavar="N", help="stop after these, and report what is done")
    add("--quick", action="store_true", help="small budgets, to try things out: no ground for claims")
    return parser


def _main(argv: Sequence[str] | None) -> int:
    argv = list(sys.argv[1:] if argv is None else argv)
    args = _parser().parse_args(argv)
    logging.basicConfig(format="%(asctime)s %(message)s", datefmt="%H:%M:%S", stream=sys.stderr)
    logging.getLogger("jaxcrypt.compare").setLevel(logging.INFO)
    from jaxcrypt.cli.output import make_folder
    from jaxcrypt.evaluation.comparison.joining import joined
    from jaxcrypt.evaluation.comparison.plan import What, plan
    from jaxcrypt.evaluation.comparison.running import run_all
    from jaxcrypt.pictures import folders

    many = {"data": tuple(args.data), "systems": tuple(args.system), "suites": tuple(args.suite)}
    same = {name: getattr(args, name) for name in ("crop", "limit", "seed", "quick", "known", "device")}
    parts = plan(What(**many, **same))
    for given in (args.data, [args.known] if args.known else []):
        folders.find_all(given, limit=args.limit)  # refuses what has no pictures, before any part runs
    make_folder(args.output)
    done = run_all(parts, args.output, args.jobs, args.minutes)
    _write(args.output, shlex.join(["python", "-m", "jaxcrypt.compare", *argv]), joined(done))
    failed = [one.part.name for one in done if one.facts is None]
    if failed:
        print(f"{len(failed)} of {len(done)} parts failed: {', '.join(failed)}", file=sys.stderr)
    return ExitCode.FAILED if failed else ExitCode.OK


def _write(output: Path, command: str, done: Sequence[Any]) -> None:
    from jaxcrypt.cli.output import make_folder, write_whole
    from jaxcrypt.evaluation.circumstances import circumstances
    from jaxcrypt.evaluation.comparison.page import page
    from jaxcrypt.evaluation.report import to_json

    tables = {}
    for one in (one for one in done if one.facts is not None):
        suite = importlib.import_module(f"jaxcrypt.evaluation.suites.{one.part.suite}")
        tables[one.part.name] = suite.table(one.facts)
    facts = circumstances(command)
    facts["systems"] = list(dict.fromkeys(name for one in done for name in one.part.systems))
    results = {one.part.name: one.facts or {"failure": one.failure} for one in done}
    report = page(command, facts, done, tables).encode("utf-8", "backslashreplace")
    make_folder(output / "results")
    files = {f"results/{one.part.name}.json": to_json(one.facts) for one in done if one.facts is not None}
    files |= {"report.html": report, "report.json": to_json({**facts, "parts": results})}
    for name, data in files.items():
        write_whole(output / name, lambda file, data=data: file.write(data), force=True)
    print(output / "report.html", output / "report.json", sep="\n")


if __name__ == "__main__":
    sys.exit(main())
