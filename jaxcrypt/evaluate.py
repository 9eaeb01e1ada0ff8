"""Measure a System: what comes back, and what its cipher pictures show.

  python -m jaxcrypt.evaluate --system NAME --data DIR [--data DIR2] [--output DIR] [--crop 256] [--nist]

Prints a table and writes evaluation.json (every picture's numbers, the summary, versions, hardware) and
sheet.png into --output. Keys follow from --seed, so a run can be repeated. --nist adds SP 800-22 on ten
sequences of 10^6 bits of cipher bytes.

  python -m jaxcrypt.evaluate --attacks --system NAME --data DIR [--known DIR2] [--quick]

Prints the attack table: what an adversary without the key finds of the photos of --data, having learnt on
those of --known (else on four fifths of --data), beside weakened ciphers on which every learned attack
must succeed; and what ordinary ciphers give back after damage. Writes attacks.json and attacks.md into
--output.

  python -m jaxcrypt.evaluate --workdir W [--watch]

Prints the validation metrics of a training run's best checkpoint; --watch follows a run that goes on.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from absl import flags

from jaxcrypt import runtime
from jaxcrypt.cli import command as cli
from jaxcrypt.errors import usage
from jaxcrypt.systems import catalog


def _parse(argv: Sequence[str]) -> flags.FlagValues:
    """The options. Not the global flags: other commands have some of the same names."""
    own = flags.FlagValues()
    options = {"flag_values": own}
    names = ", ".join(catalog.NAMES)
    flags.DEFINE_string("system", catalog.DEFAULT, f"One of {names}.", **options)
    flags.DEFINE_string("weights", None, "Zoo entry, weights file or training folder.", **options)
    flags.DEFINE_multi_string("option", [], "NAME=NUMBER of the System, such as rate=2.", **options)
    flags.DEFINE_multi_string("data", [], "A folder of pictures.", **options)
    flags.DEFINE_string("output", None, "Folder for the results; default evaluation/SYSTEM.", **options)
    flags.DEFINE_integer("crop", None, "Take the centre, so many pixels square.", lower_bound=1, **options)
    flags.DEFINE_integer("limit", None, "Take so many pictures of each folder.", lower_bound=1, **options)
    flags.DEFINE_integer("seed", 0, "All keys and positions follow from it.", **options)
    flags.DEFINE_bool("nist", False, "SP 800-22 on cipher bytes as well.", **options)
    flags.DEFINE_bool("attacks", False, "The attack table instead.", **options)
    flags.DEFINE_string("known", None, "With --attacks: folder that the adversary learns on.", **options)
    flags.DEFINE_bool("quick", False, "With --attacks: a small budget, no ground for claims.", **options)
    flags.DEFINE_string("budget", None, "With --attacks: a config such as configs/attacks.py.", **options)
    flags.DEFINE_string("workdir", None, "Measure the checkpoints of this training run.", **options)
    flags.DEFINE_bool("watch", False, "With --workdir: each checkpoint as it appears.", **options)
    flags.DEFINE_enum("device", "auto", runtime.DEVICES, "What to run on.", **options)
    if any(argument in ("--help", "-h", "-help") for argument in argv):
        print(f"{__doc__.strip()}\n{own.get_help(include_special_flags=False)}")
        raise SystemExit(0)
    try:
        rest = own(["evaluate", *argv])
    except flags.Error as error:
        raise usage(f"{' '.join(str(error).split())} (try --help)") from None
    if rest[1:]:
        raise usage(f"{rest[1]}: not an option (try --help)")
    return own


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    options = _parse(sys.argv[1:] if argv is None else argv)
    logging.basicConfig(format="%(asctime)s %(message)s", datefmt="%H:%M:%S", stream=sys.stderr)
    logging.getLogger("jaxcrypt.evaluate").setLevel(logging.INFO)
    if options.attacks:
        from jaxcrypt.evaluation.suites.attacks import evaluate_attacks

        return evaluate_attacks(options)
    for name in ("known", "quick", "budget"):
        if options[name].value:
            raise usage(f"--{name} goes with --attacks")
    return evaluate_checkpoints(options) if options.workdir else evaluate_ciphers(options)


def evaluate_checkpoints(options: flags.FlagValues) -> int:
    """The mode for training runs: one JSON line for each checkpoint that is measured."""
    if options.data or options.nist:
        raise usage("--workdir measures on the run's own validation pictures: leave out --data and --nist")
    runtime.start(options.device)
    from jaxcrypt.evaluation.suites.checkpoints import evaluate_run

    for found in evaluate_run(Path(options.workdir), options.watch):
        print(json.dumps(found), flush=True)
    return 0


def evaluate_ciphers(options: flags.FlagValues) -> int:
    """The cipher mode: measure, print, write."""
    catalog.entry(options.system)
    if options.watch:
        raise usage("--watch goes with --workdir")
    if not options.data:
        raise usage("--data FOLDER is needed (try --help)")
    from jaxcrypt.evaluation.pictures import find_pictures

    paths = find_pictures(options.data, options.limit)
    runtime.start(options.device)
    from jaxcrypt.evaluation import report, running
    from jaxcrypt.evaluation.suites.ciphers import Subject
    from jaxcrypt.sealing import cipher

    loaded = cipher.load(options.system, options.weights).with_options(options.option)
    subject = Subject(options.system, loaded, options.seed)
    rows, examples = running.measure_pictures(subject, paths, options.crop)
    crop = f"centre {options.crop}×{options.crop}" if options.crop else "whole"
    chosen = "".join(f" {text}" for text in options.option)
    title = f"{options.system}{chosen}: {len(rows)} pictures, {crop}, seed {options.seed}"
    summary = report.summarise(rows)
    print(report.table(title, summary), flush=True)
    facts = {
        "system": options.system,
        "weights": options.weights,
        "options": dict(loaded.options),
        "data": options.data,
        "crop": options.crop,
        "limit": options.limit,
        "seed": options.seed,
        **report.circumstances(),
        "summary": summary,
    }
    if options.nist:
        facts["sp800_22"] = _test_bits(subject, paths, options.crop)
    facts["pictures"] = [vars(row) for row in rows]
    _write(Path(options.output or Path("evaluation", options.system)), facts, title, examples)
    return 0


def _test_bits(subject: Any, paths: Sequence[Path], crop: int | None) -> dict[str, Any]:
    from jaxcrypt.evaluation import report, running
    from jaxcrypt.metrics import sp800_22

    names, results = running.measure_bits(subject, paths, crop)
    found = sp800_22.proportions(results)
    print("\n" + report.random_bits_table(found, names), flush=True)
    proportions = {name: {**vars(p), "needed": p.needed, "enough": p.enough} for name, p in found.items()}
    return {"sequences": names, "p_values": results, "proportions": proportions}


def _write(folder: Path, facts: dict[str, Any], title: str, examples: Sequence[Any]) -> None:
    from jaxcrypt.cli.output import write_whole
    from jaxcrypt.evaluation import report
    from jaxcrypt.evaluation.sheet import draw_sheet

    folder.mkdir(parents=True, exist_ok=True)
    for name, data in (
        ("evaluation.json", report.to_json(facts)),
        ("sheet.png", draw_sheet(title, examples)),
    ):
        write_whole(folder / name, lambda file, data=data: file.write(data), force=True)
        print(folder / name)


def run() -> None:
    """The console script and ``python -m``: exits with the command's code, a refusal being one line."""
    sys.exit(cli.entry(main))


if __name__ == "__main__":
    run()
