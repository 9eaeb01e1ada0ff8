"""Peak memory of ``encrypt`` and ``decrypt`` on a large picture, each in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from jaxcrypt.bench import results
from jaxcrypt.cli import command as cli
from jaxcrypt.errors import ExitCode, Refusal, usage
from jaxcrypt.systems import catalog

_PROGRAM = (
    "import sys, time\n"
    "from jaxcrypt import {verb}\n"
    "from jaxcrypt.evaluation import circumstances\n"
    "code = {verb}.main(sys.argv[1:])\n"
    "print(circumstances.own_peak(), time.process_time())\n"
    "sys.exit(code)"
)


def main(argv: Sequence[str]) -> int:
    """``bench memory``; returns its exit code."""
    parser = cli.Parser(prog="python -m jaxcrypt.bench memory", description=__doc__)
    parser.add_argument("--system", default=catalog.DEFAULT, help="which System (%(default)s)")
    parser.add_argument("--megapixels", type=float, default=100.0, help="of the RGB picture (%(default)s)")
    parser.add_argument("--json", metavar="FILE", type=Path, help="also write the numbers there")
    args = parser.parse_args(argv)
    catalog.entry(args.system)
    if not 0 < args.megapixels <= 100:  # what encrypt takes
        raise usage(f"--megapixels {args.megapixels:g}: must be above 0, and at most 100")
    side = max(1, round((args.megapixels * 1e6) ** 0.5))
    peaks = peak_memory(args.system, side)
    for verb, peak in peaks.items():
        print(f"{verb} --system {args.system}, {side}×{side} RGB: {peak:.0f} MiB at the peak")
    facts = {"system": args.system, "side": side, "peak_memory_mib": peaks}
    results.write(args.json, "memory", argv, facts)
    return ExitCode.OK


class Cost(NamedTuple):
    """What a process took: MiB at the peak, seconds of all processors, and seconds until it ended."""

    peak: float
    cpu: float
    wall: float


def peak_memory(system: str, side: int) -> dict[str, float]:
    """MiB that ``encrypt`` and ``decrypt`` hold at most, as :func:`costs` measures them."""
    return {verb: cost.peak for verb, cost in costs(system, side).items()}


def costs(system: str, side: int, pixels_only: bool = False) -> dict[str, Cost]:
    """What ``encrypt`` and ``decrypt`` take for a random RGB picture of ``side`` × ``side``.

    Args:
      pixels_only: so that ``decrypt`` decodes the pixels.

    Raises:
      Refusal: one of them failed.
    """
    only = ["--pixels-only"] if pixels_only else []
    with tempfile.TemporaryDirectory() as folder:
        photo, sealed, back, key = (Path(folder) / name for name in ("a.bmp", "a.png", "back/", "key.txt"))
        write_bmp(photo, side)
        key.write_text("a passphrase for this measurement only\n")
        own = ["--passphrase-file", str(key)]
        return {
            "encrypt": _cost("encrypt", [str(photo), "-o", str(sealed), "--system", system, *only, *own]),
            "decrypt": _cost("decrypt", [str(sealed), "-o", f"{back}/", *own]),
        }


def _cost(verb: str, arguments: list[str]) -> Cost:
    program, start = _PROGRAM.format(verb=verb), time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, env=os.environ
    )
    if done.returncode:
        reason = (done.stderr.strip() or "no reason given").splitlines()[-1]
        raise Refusal(f"{verb} failed: {reason}", ExitCode.FAILED)
    peak, cpu = map(float, done.stdout.split()[-2:])
    return Cost(peak, cpu, time.perf_counter() - start)


def write_bmp(path: Path, side: int) -> None:
    """A random RGB picture of any size, row by row."""
    rng, padding = np.random.default_rng(0), -(3 * side) % 4
    size = (3 * side + padding) * side
    with path.open("wb") as file:
        file.write(b"BM" + (54 + size).to_bytes(4, "little") + bytes(4) + (54).to_bytes(4, "little"))
        file.write((40).to_bytes(4, "little") + side.to_bytes(4, "little") * 2)
        file.write(b"\1\0\x18\0" + bytes(4) + size.to_bytes(4, "little") + bytes(16))
        for _ in range(side):
            file.write(rng.bytes(3 * side) + bytes(padding))
