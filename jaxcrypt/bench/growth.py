"""What a picture costs as it grows: time and peak memory of ``encrypt`` and of ``decrypt`` from the pixels.

Each run is a process of its own, its programs compiled before (the smallest picture's first run is not
counted). An exponent p says that the cost grows as the number of pixels to the power p: the slope of a line
through the logarithms (least squares). Start-up is part of the cost, so small pictures flatten it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from jaxcrypt.bench import memory, results
from jaxcrypt.cli import command as cli
from jaxcrypt.cli.output import write_whole
from jaxcrypt.errors import ExitCode, usage
from jaxcrypt.systems import catalog

Costs = Mapping[int, Mapping[str, memory.Cost]]  # by side, then by verb
_MEASURES = ("cpu", "peak")


def main(argv: Sequence[str]) -> int:
    """``bench growth``; returns its exit code."""
    parser = cli.Parser(prog="python -m jaxcrypt.bench growth", description=__doc__)
    parser.add_argument("--system", action="append", help=f"which Systems ({catalog.DEFAULT})")
    parser.add_argument("--megapixels", default="1,4,12", help="of the pictures (%(default)s)")
    parser.add_argument("--plot", metavar="FILE.png", type=Path, help="also draw cost against size there")
    parser.add_argument("--json", metavar="FILE", type=Path, help="also write the numbers there")
    args = parser.parse_args(argv)
    systems = args.system or [catalog.DEFAULT]
    for name in systems:
        catalog.entry(name)
    sides, found = _sides(args.megapixels), {}
    for name in systems:
        found[name] = measure(name, sides)
        for line in lines(name, found[name]):
            print(line, flush=True)
    if args.plot:
        drawn = plot(found)
        write_whole(args.plot, lambda file: file.write(drawn), force=True)
    facts = {name: {"costs": _facts(own), "exponents": exponents(own)} for name, own in found.items()}
    results.write(args.json, "growth", argv, {"systems": facts})
    return ExitCode.OK


def _sides(text: str) -> list[int]:
    try:
        sizes = sorted({float(part) for part in text.split(",")})
    except ValueError:
        sizes = []
    if len(sizes) < 2 or not 0 < sizes[0] <= sizes[-1] <= 100:
        raise usage(f"--megapixels {text}: at least two sizes, such as 1,4,12; each above 0 and at most 100")
    return [max(1, round((size * 1e6) ** 0.5)) for size in sizes]


def measure(system: str, sides: Sequence[int]) -> dict[int, dict[str, memory.Cost]]:
    """The costs of random pictures ``side`` × ``side`` with a System."""
    memory.costs(system, sides[0], pixels_only=True)  # compiles
    return {side: memory.costs(system, side, pixels_only=True) for side in sides}


def exponents(found: Costs) -> dict[str, dict[str, float]]:
    """How cost grows with the number of pixels, by verb, then by measure."""
    pixels = np.log([side**2 for side in found])
    return {
        verb: {
            measure: float(
                np.polyfit(pixels, np.log([getattr(own[verb], measure) for own in found.values()]), 1)[0]
            )
            for measure in _MEASURES
        }
        for verb in ("encrypt", "decrypt")
    }


def lines(system: str, found: Costs) -> list[str]:
    """What was found, in words."""
    said = []
    for side, own in found.items():
        for verb, cost in own.items():
            what = f"{cost.cpu:.1f} s of CPU, {cost.wall:.1f} s, {cost.peak:.0f} MiB"
            said.append(f"{system}, {side**2 / 1e6:.3g} megapixels, {verb}: {what}")
    for verb, own in exponents(found).items():
        said.append(
            f"{system}, {verb}: grows as pixels^{own['cpu']:.2f} in time, ^{own['peak']:.2f} in memory"
        )
    return said


def table(facts: Mapping[str, Any]) -> str:
    """Markdown of what ``--json`` wrote: a row for each System and verb, its costs by size and exponents."""
    systems = facts["systems"]
    sides = sorted({cost["side"] for own in systems.values() for cost in own["costs"]})
    names = [f"{side**2 / 1e6:.3g} megapixels" for side in sides]
    lines = ["| " + " | ".join(["", *names, "grows as pixels to the power", "memory"]) + " |"]
    lines.append("|" + "---|" * (len(sides) + 3))
    for system, own in systems.items():
        for verb, powers in own["exponents"].items():
            costs = {cost["side"]: cost for cost in own["costs"] if cost["verb"] == verb}
            cells = [f"{costs[side]['cpu']:.1f} s, {costs[side]['peak']:.0f} MiB" for side in sides]
            ends = [f"{powers['cpu']:.2f}", f"{powers['peak']:.2f}"]
            lines.append("| " + " | ".join([f"`{system}`, {verb}", *cells, *ends]) + " |")
    return "\n".join(lines)


def _facts(found: Costs) -> list[dict[str, object]]:
    return [
        {"side": side, "verb": verb, **cost._asdict()}
        for side, own in found.items()
        for verb, cost in own.items()
    ]


def plot(found: Mapping[str, Costs]) -> bytes:
    """Seconds of CPU against megapixels, a line for each System and verb, as a PNG."""
    from jaxcrypt.evaluation import plots

    drawn = {
        f"{system}, {verb}": ([side**2 / 1e6 for side in own], [costs[verb].cpu for costs in own.values()])
        for system, own in found.items()
        for verb in ("encrypt", "decrypt")
    }
    return plots.curves(drawn, "megapixels", "seconds of CPU")
