"""The attack mode of evaluate: the table of one System, and what ordinary ciphers give after damage."""

from __future__ import annotations

import runpy
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jaxcrypt import runtime
from jaxcrypt.errors import Refusal, usage
from jaxcrypt.systems import catalog


def evaluate_attacks(options: Any) -> int:
    """Measure as the options of evaluate say; print, and write ``attacks.json`` and ``attacks.md``.

    Raises:
      Refusal: options that do not go together, a folder without pictures, a System that attacks cannot take.
    """
    catalog.entry(options.system)
    if options.workdir or options.nist or options.crop or options.limit:
        raise usage("--attacks goes without --workdir, --nist, --crop and --limit (see --budget)")
    if not options.data:
        raise usage("--data FOLDER is needed (try --help)")
    from jaxcrypt.attacks import pictures

    judged = [path for folder in options.data for path in pictures.find(Path(folder))]
    if options.known:
        known = pictures.find(Path(options.known), "--known")
    else:
        known, judged = pictures.split(judged)
    config = _budget(options)
    runtime.start(options.device)
    from jaxcrypt.attacks import bench, ordinary, rows
    from jaxcrypt.attacks.victim import Victim
    from jaxcrypt.sealing import cipher

    def victim(name: str, weights: str | None = None, given: Sequence[str] = ()) -> Victim:
        return Victim(name, cipher.load(name, weights).with_options(given))

    start = time.perf_counter()
    attacked, ordinary_one = victim(options.system, options.weights, options.option), victim("logistic")
    found = bench.run(attacked, known, judged, config)
    undone = bench.undone(attacked, ordinary_one, judged, config)
    text = "\n\n".join(
        [
            rows.table(f"Attacks on {' '.join([options.system, *options.option])}", found),
            ordinary.table("After damage to the cipher picture", undone),
        ]
    )
    print(text, flush=True)
    facts = {
        "system": options.system,
        "weights": options.weights,
        "options": dict(attacked.cipher.options),
        "data": options.data,
        "known": options.known,
        "budget": config.to_dict(),
        "seconds": time.perf_counter() - start,
        "attacks": [row.facts() for row in found],
        "damage": [vars(row) for row in undone],
    }
    _write(Path(options.output or Path("evaluation", options.system)), facts, text)
    return 0


def _budget(options: Any) -> Any:
    """The config with all seeds moved by ``--seed``."""
    from jaxcrypt.attacks.budget import default_config, quick_config

    if options.quick and options.budget:
        raise usage("--quick is a budget of its own: leave out --budget")
    if options.budget and not Path(options.budget).is_file():
        raise Refusal(f"--budget {options.budget}: no such file")
    if options.budget:
        config = _from_file(options.budget)
    else:
        config = quick_config() if options.quick else default_config()
    config.seeds = tuple(seed + options.seed for seed in config.seeds)
    return config


def _from_file(path: str) -> Any:
    try:
        make = runpy.run_path(path).get("get_config")
        if make is not None:
            return make()
    except Exception as error:  # a config file may raise anything at all
        raise Refusal(f"--budget {path}: {' '.join(str(error).split()) or type(error).__name__}") from None
    raise Refusal(f"--budget {path}: has no get_config(), see configs/attacks.py")


def _write(folder: Path, facts: dict[str, Any], text: str) -> None:
    from jaxcrypt.cli.output import write_whole
    from jaxcrypt.evaluation import report

    folder.mkdir(parents=True, exist_ok=True)
    written = {"attacks.json": report.to_json(report.circumstances() | facts), "attacks.md": text.encode()}
    for name, data in written.items():
        write_whole(folder / name, lambda file, data=data: file.write(data), force=True)
        print(folder / name)
