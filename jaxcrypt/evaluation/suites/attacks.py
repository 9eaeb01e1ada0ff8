"""What an adversary without the key finds: every attack on one System, each beside its control."""

from __future__ import annotations

import runpy
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jaxcrypt.attacks import bench, pictures, rows
from jaxcrypt.attacks.budget import default_config, quick_config
from jaxcrypt.attacks.victim import Victim
from jaxcrypt.errors import Refusal, usage
from jaxcrypt.evaluation.plots import bars
from jaxcrypt.evaluation.report import Result, markdown, number
from jaxcrypt.evaluation.setting import Setting, digests
from jaxcrypt.pictures import folders


def run(setting: Setting) -> Result:
    """Learn on the pictures of ``--known`` (else on four fifths of ``--data``), judge on the others."""
    judged = setting.paths()
    if setting.own.get("known"):
        known = folders.find(setting.own["known"], "--known")
    else:
        known, judged = pictures.split(judged)
    config = _budget(setting)
    (subject,) = setting.subjects()
    victim = Victim(subject.name, subject.cipher)
    start = time.perf_counter()
    made = bench.run(victim, known, judged, config)
    facts = {
        "pictures": len(judged),
        "known": setting.own.get("known"),
        "system": subject.label,
        "digests": digests([subject]),
        "budget": config.to_dict(),
        "seconds": time.perf_counter() - start,
        "rows": [row.facts() for row in made],
        "table": rows.table(f"Attacks on {subject.label}", made),
    }
    return Result(facts, plot(facts))


def _budget(setting: Setting) -> Any:
    """The config with all seeds moved by the setting's, pictures of the size that ``--crop`` says, and what
    other flags ask for."""
    quick, path = setting.own.get("quick"), setting.own.get("budget")
    if quick and path:
        raise usage("--quick is a budget of its own: leave out --budget")
    if path and not Path(path).is_file():
        raise Refusal(f"--budget {path}: no such file")
    own = quick_config if quick else default_config
    config = _from_file(path) if path else own()
    config.seeds = tuple(seed + setting.seed for seed in config.seeds)
    if setting.crop:
        config.side = setting.crop
    config.parts = tuple(setting.own.get("part") or config.parts)
    games = {"sides": "side", "trials": "trials", "large": "trials", "pictures": "picture"}
    given = {field: setting.own.get(flag) for field, flag in games.items()}
    config.games.update({field: value for field, value in given.items() if value})
    return config


def _from_file(path: str) -> Any:
    try:
        make = runpy.run_path(path).get("get_config")
        if make is not None:
            return make()
    except Exception as error:  # a config file may raise anything at all
        raise Refusal(f"--budget {path}: {' '.join(str(error).split()) or type(error).__name__}") from None
    raise Refusal(f"--budget {path}: has no get_config(), see configs/attacks.py")


def table(facts: Mapping[str, Any]) -> str:
    """The attack table as Markdown."""
    return facts["table"]


def beside(results: Sequence[Mapping[str, Any]]) -> str:
    """The verdicts of several Systems as one table: a column for each, and whether every control fell."""
    found = [{(one["attack"], one["granted"]): one for one in facts["rows"]} for facts in results]
    lines = []
    for key in dict.fromkeys(key for of_one in found for key in of_one):
        own = [of_one.get(key) for of_one in found]
        controls = [row["control"] for row in own if row and "control" in row]
        fell = f"falls, {sum(map(_fell, controls))} of {len(controls)}" if controls else ""
        lines.append([*key, *("" if row is None else _verdict(row) for row in own), fell])
    head = ["attack", "the adversary has", *(facts["system"] for facts in results), "control"]
    return markdown(head, lines)


def _fell(control: Mapping[str, Any]) -> bool:
    return control["verdict"] in (rows.FALLS, rows.WEAKENED)


def _verdict(row: Mapping[str, Any]) -> str:
    gain = "" if row["gain"] is None else f"{number(row['gain']):+.2f} dB, "
    words = "" if row["verdict"] == rows.CHANCE else f"{row['verdict']}: "
    return f"{words}{gain}p {number(row['p']):.1g}"


def plot(facts: Mapping[str, Any]) -> bytes:
    """Bars of what each attack gained in dB over knowing nothing, beside its control."""
    groups = {}
    for row in facts["rows"]:
        if row["gain"] is not None:
            own = {"gain": number(row["gain"])}
            control = row.get("control")
            own |= {"its control": number(control["gain"])} if control else {}
            groups[f"{row['attack']}: {row['granted']}"] = own
    return bars(groups, "dB above knowing nothing")
