"""Encrypt or decrypt millions of pictures: an Apache Beam pipeline, on this machine or on any Beam runner.

  python launch/bulk.py encrypt --input photos/ --output sealed/ --key-file k
  python launch/bulk.py decrypt --input sealed/ --output photos/ --key-file k
  python launch/bulk.py encrypt … --runner FlinkRunner --flink_master HOST:8081     (whatever Beam knows)

Outputs are named by their input's digest and appear whole or not at all; a job that was killed is started
again with the same command, and leaves every picture once. docs/BULK.md says more. Needs apache-beam: pip
install 'jaxcrypt[bulk]'.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jaxcrypt.cli.command import EXIT_CODES, Parser, entry
from jaxcrypt.errors import ExitCode, usage
from jaxcrypt.systems import catalog

# Beam's own "DirectRunner" would first try to fetch another one from the network.
DIRECT = "apache_beam.runners.portability.fn_api_runner.fn_runner.FnApiRunner"


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    return entry(_main, argv)


def _parser() -> Parser:
    parser = Parser(prog="python launch/bulk.py", description=__doc__, epilog=EXIT_CODES)
    parser.usage = (
        "python launch/bulk.py encrypt|decrypt --input DIR --output DIR KEYS [OPTIONS] [OF THE RUNNER]"
    )
    add = parser.add_argument
    add("verb", choices=("encrypt", "decrypt"), metavar="VERB", help="encrypt or decrypt")
    add("--input", required=True, metavar="DIR", help="a folder of pictures, that all workers see")
    add("--output", required=True, metavar="DIR", help="where results and receipts go, likewise")
    add(
        "--key-file",
        metavar="FILE",
        help="a key file that jaxcrypt keygen made, at this path for all workers",
    )
    add("--recipient", metavar="FILE", action="append", default=[], help="encrypt: for this public key too")
    add("--identity", metavar="FILE", action="append", default=[], help="decrypt: a private recipient key")
    add("--system", default=catalog.DEFAULT, metavar="NAME", help="how the pixels are made (%(default)s)")
    add("--option", metavar="NAME=VALUE", action="append", default=[], help="of the System, such as rate=1/2")
    add("--pixels-only", action="store_true", help="leave out the original file's bytes")
    add("--thumbnail", action="store_true", help="a small picture travels too, encrypted")
    add("--workers", type=int, default=1, metavar="N", help="processes, where the runner is the direct one")
    add("--batch", type=int, default=16, metavar="N", help="pictures sealed together (%(default)s)")
    add(
        "--shards",
        type=int,
        default=64,
        metavar="N",
        help="lists that the paths of one shape are gathered in (%(default)s)",
    )
    add("--refused", metavar="PREFIX", help="where refusals are told (OUTPUT-refused)")
    add("--json", metavar="FILE", type=Path, help="write the counters there")
    return parser


def _main(argv: Sequence[str] | None) -> int:
    args, of_runner = _parser().parse_known_args(sys.argv[1:] if argv is None else list(argv))
    task = _task(args)
    if not Path(args.input).is_dir():
        raise usage(f"--input {args.input}: no such folder")
    if min(args.workers, args.batch, args.shards) < 1:
        raise usage("--workers, --batch and --shards: at least 1")
    from jaxcrypt.bulk import pipeline
    from jaxcrypt.bulk.work import Worker

    Worker(task)  # keys that cannot be read are refused before anything is started
    Path(args.output).mkdir(parents=True, exist_ok=True)
    plan = pipeline.Plan(
        args.input, args.refused or f"{args.output.rstrip('/')}-refused", args.batch, args.shards
    )
    counted = pipeline.run(task, plan, _of_runner(args, of_runner))
    for name in ("made", "already", "refused"):
        print(f"{name}: {counted.get(name, 0)}")
    print(f"read: {counted.get('read', 0)} bytes")
    if args.json:
        args.json.write_text(json.dumps(counted))
    return ExitCode.FAILED if counted.get("refused") else ExitCode.OK


def _task(args: Any) -> Any:
    """What every worker is told."""
    from jaxcrypt.bulk.work import Task

    given = args.recipient if args.verb == "encrypt" else args.identity
    other = args.identity if args.verb == "encrypt" else args.recipient
    if other:
        raise usage("--recipient goes with encrypt, --identity with decrypt")
    if not args.key_file and not given:
        raise usage(f"give a key: --key-file or {'--recipient' if args.verb == 'encrypt' else '--identity'}")
    options = dict(text.partition("=")[::2] for text in args.option)
    how = {
        "system": args.system,
        "options": options,
        "pixels_only": args.pixels_only,
        "thumbnail": args.thumbnail,
    }
    keys = args.key_file, tuple(args.recipient), tuple(args.identity)
    return Task(args.verb, args.output, *keys, how if args.verb == "encrypt" else {})


def _of_runner(args: Any, given: list[str]) -> list[str]:
    if any(text.startswith("--runner") for text in given):
        return given
    mode = "multi_processing" if args.workers > 1 else "in_memory"
    own = {"runner": DIRECT, "direct_num_workers": args.workers, "direct_running_mode": mode}
    own["default_sdk_harness_log_level"] = "WARNING"
    return [*(f"--{name}={value}" for name, value in own.items()), *given]


if __name__ == "__main__":
    sys.exit(main())
