"""Measure a System, a training run or what an adversary finds.

  python -m jaxcrypt.evaluate SUITE …         one of the suites below
  python -m jaxcrypt.evaluate SUITE --help    its flags
  python -m jaxcrypt.evaluate table FILE …    the tables of results that were written before
  python -m jaxcrypt.evaluate table --documents [--check]      those of README and docs/, made anew

A suite prints a table in Markdown and writes SUITE.json (every number, with command, commit, versions and
machine), SUITE.md and SUITE.png into --output. Keys follow from --seed, so a run can be repeated.
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
from jaxcrypt.cli import command as cli
from jaxcrypt.errors import ExitCode, Refusal, usage
from jaxcrypt.evaluation.suites import SUITES, Suite, natural, positive
from jaxcrypt.systems import catalog

_TABLE = "table"
_SUFFIXES = "json", "md", "png"
_MOVED = {"attacks": "attacks", "workdir": "checkpoints"}  # once switches


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    argv = list(sys.argv[1:] if argv is None else argv)
    if not argv or argv[0] in ("--help", "-h"):
        print(overview())
        return 0
    if argv[0].startswith("-"):
        flags = (argument.lstrip("-").partition("=")[0] for argument in argv)
        suite = next((_MOVED[flag] for flag in flags if flag in _MOVED), "ciphers")
        raise usage(f"a suite is named first: python -m jaxcrypt.evaluate {suite} … (--help lists them)")
    name, *rest = argv
    if name == _TABLE:
        return print_tables(rest)
    if name not in SUITES:
        raise usage(f"{name}: no suite; choose one of {', '.join(SUITES)}")
    return evaluate(name, parse(name, rest), shlex.join(["python", "-m", "jaxcrypt.evaluate", *argv]))


def overview() -> str:
    """What ``--help`` prints: the suites."""
    width = max(map(len, SUITES))
    lines = [f"  {name:{width}}  {suite.summary}" for name, suite in SUITES.items()]
    return "\n".join([__doc__.strip(), "", "suites:", *lines])


def parse(name: str, argv: Sequence[str]) -> Any:
    """The options of one suite.

    Raises:
      Refusal: one that it has not, or a System that it cannot measure.
    """
    suite = SUITES[name]
    parser = cli.Parser(prog=f"python -m jaxcrypt.evaluate {name}", description=f"Measures {suite.summary}.")
    if suite.pictures:
        _add_common(parser, suite)
    suite.flags(parser)
    parser.add_argument(
        "--device", choices=runtime.DEVICES, default="auto", help="what to run on (%(default)s)"
    )
    parser.add_argument(
        "--output", metavar="DIR", type=Path, help="folder for the results (evaluation/SYSTEM)"
    )
    parser.add_argument("--force", action="store_true", help="overwrite earlier results in that folder")
    args = parser.parse_args(argv)
    if suite.pictures and suite.systems:
        _check(args, suite, name)
    return args


def _add_common(parser: cli.Parser, suite: Suite) -> None:
    own = parser.add_argument_group("what is measured")
    if suite.systems:
        _add_systems(own, suite)
    own.add_argument(
        "--data", action="append", required=True, metavar="DIR", help="pictures; may be repeated"
    )
    size = "whole pictures" if suite.crop is None else f"{suite.crop}; whole: whole pictures"
    own.add_argument("--crop", type=_side, default=suite.crop, metavar="N", help=f"centre N×N ({size})")
    own.add_argument("--limit", type=positive, metavar="N", help="only the first N pictures of each folder")
    own.add_argument(
        "--seed", type=natural, default=0, metavar="N", help="of keys and positions (%(default)s)"
    )


def _add_systems(own: Any, suite: Suite) -> None:
    entries = [entry for entry in map(catalog.entry, catalog.NAMES) if entry.offered and suite.wants(entry)]
    own.add_argument(
        "--system",
        action="append",
        metavar="NAME",
        help=", ".join(entry.name for entry in entries) + "; may be repeated, to compare" * suite.several,
    )
    own.add_argument("--weights", metavar="W", help="zoo entry, weights file or training folder")
    own.add_argument("--option", action="append", default=[], metavar="NAME=CHOICE", help="such as rate=1/2")


def _check(args: Any, suite: Suite, name: str) -> None:
    """Fill in the default System; refuse Systems that the suite cannot measure."""
    if not args.system and suite.wants(catalog.entry(catalog.DEFAULT)):
        args.system = [catalog.DEFAULT]
    if not args.system:
        raise usage(f"--system NAME is needed: {suite.wanted}")
    for system in args.system:
        if not suite.wants(catalog.entry(system)):
            raise usage(f"--system {system}: evaluate {name} measures {suite.wanted}")
    if len(args.system) > 1 and not suite.several:
        raise usage(f"--system: evaluate {name} measures one at a time")
    if len(args.system) > 1 and (args.weights or args.option):
        raise usage("--weights and --option go with one --system")


def evaluate(name: str, args: Any, command: str) -> int:
    """Run a suite; print its table; write its results."""
    from jaxcrypt.cli.output import make_folder

    own = dict(vars(args))
    folder = own.pop("output") or _folder(args)
    _check_folder(folder, name, own.pop("force") or own.get("watch", False))
    logging.basicConfig(format="%(asctime)s %(message)s", datefmt="%H:%M:%S", stream=sys.stderr)
    logging.getLogger("jaxcrypt.evaluate").setLevel(logging.INFO)
    runtime.start(args.device)
    from jaxcrypt.evaluation.circumstances import circumstances
    from jaxcrypt.evaluation.setting import Setting

    shared = {field: own.pop(field) for field in ("weights", "crop", "limit", "seed") if field in own}
    several = {"systems": "system", "options": "option", "data": "data"}
    shared |= {field: tuple(own.pop(flag)) for field, flag in several.items() if flag in own}
    setting = Setting(**shared, own=own)
    setting.check()
    make_folder(folder)
    suite = importlib.import_module(f"jaxcrypt.evaluation.suites.{name}")
    result = suite.run(setting)
    facts = {"suite": name, **circumstances(command), "setting": setting.facts(), **result.facts}
    text = suite.table(facts)
    print(text, flush=True)
    _write(folder, name, facts, text, result.plot)
    return 0


def _folder(args: Any) -> Path:
    if "workdir" in args:
        return Path(args.workdir, "evaluation")
    return Path("evaluation", "+".join(args.system) if "system" in args else "schemes")


def _check_folder(folder: Path, name: str, force: bool) -> None:
    """Refuse to overwrite earlier results, before any work; a job that watches a run may start again."""
    from jaxcrypt.cli.output import Targets

    targets = Targets([], force, "another folder with --output")
    for suffix in _SUFFIXES if folder.is_dir() else ():
        targets.check(folder / f"{name}.{suffix}")


def _write(folder: Path, name: str, facts: dict[str, Any], text: str, plot: bytes) -> None:
    from jaxcrypt.cli.output import write_whole
    from jaxcrypt.evaluation.report import to_json

    written = to_json(facts), f"{text}\n".encode("utf-8", "backslashreplace"), plot
    for suffix, data in zip(_SUFFIXES, written, strict=True):
        target = folder / f"{name}.{suffix}"
        write_whole(target, lambda file, data=data: file.write(data), force=True)
        print(target)


def print_tables(paths: Sequence[str]) -> int:
    """The tables of JSON files that suites wrote; several of one suite side by side, where it knows how."""
    from jaxcrypt.evaluation.documented import read

    parser = cli.Parser(prog="python -m jaxcrypt.evaluate table", description="Tables of earlier results.")
    parser.add_argument("files", nargs="*", metavar="FILE", help="SUITE.json, as a suite wrote it")
    parser.add_argument("--documents", action="store_true", help="write those of README and docs/ anew")
    parser.add_argument("--check", action="store_true", help="with it: write nothing, fail where one is old")
    args = parser.parse_args(paths)
    if args.documents:
        return _renew_documents(args.check)
    if not args.files:
        raise usage("table: name results, SUITE.json, or say --documents")
    groups: dict[str, list[Any]] = {}
    for path in args.files:
        facts = read(Path(path))
        groups.setdefault(facts["suite"], []).append(facts)
    for name, results in groups.items():
        suite = importlib.import_module(f"jaxcrypt.evaluation.suites.{name}")
        print("\n".join(f"`{facts['command']}`" for facts in results), end="\n\n")
        if len(results) > 1 and hasattr(suite, "beside"):
            print(suite.beside(results), end="\n\n", flush=True)
        else:
            print("\n\n".join(suite.table(facts) for facts in results), end="\n\n", flush=True)
    return 0


def _renew_documents(check: bool) -> int:
    from jaxcrypt.cli.output import write_whole
    from jaxcrypt.evaluation.documented import documents, stale

    if not documents():
        raise Refusal("table --documents: README and docs/ are in a checkout, not in what pip installs")
    old = list(stale())
    for path, text in old:
        if not check:
            write_whole(path, lambda file, text=text: file.write(text.encode()), force=True)
        print(f"{path}: {'old' if check else 'written anew'}")
    return ExitCode.FAILED if old and check else ExitCode.OK


def _side(text: str) -> int | None:
    return None if text == "whole" else positive(text)


def run() -> None:
    """The console script and ``python -m``: exits with the command's code, a refusal being one line."""
    sys.exit(cli.entry(main))


if __name__ == "__main__":
    run()
