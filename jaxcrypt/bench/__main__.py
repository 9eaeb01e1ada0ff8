"""How fast and how large: ``python -m jaxcrypt.bench speed|step|steps|memory|growth|glance|network|ledger``.

  python -m jaxcrypt.bench speed     MB/s of ciphers beside AES-256-GCM
  python -m jaxcrypt.bench step      images per second of a training step beside torch
  python -m jaxcrypt.bench steps     results of several configs as one table
  python -m jaxcrypt.bench memory    peak memory of encrypt and decrypt on a large picture
  python -m jaxcrypt.bench growth    how time and memory grow with the picture
  python -m jaxcrypt.bench glance    time to open thumbnails, and what they cost
  python -m jaxcrypt.bench network   send and receive on slow lines, and under load
  python -m jaxcrypt.bench ledger    appends, replay and proofs of a key ledger

Each has --help, and --json FILE for its numbers with command, commit, versions and machine.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence

from jaxcrypt.cli import command as cli
from jaxcrypt.errors import usage

BENCHES = ("speed", "step", "steps", "memory", "growth", "glance", "network", "ledger")


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    name, *rest = (sys.argv[1:] if argv is None else argv) or ["--help"]
    if name in ("--help", "-h"):
        print(__doc__.strip())
        return 0
    if name not in BENCHES:
        raise usage(f"{name}: one of {', '.join(BENCHES)} is named first: python -m jaxcrypt.bench speed …")
    return importlib.import_module(f"jaxcrypt.bench.{name}").main(rest)


def run() -> None:
    """The console script and ``python -m``: exits with the command's code, a refusal being one line."""
    sys.exit(cli.entry(main))


if __name__ == "__main__":
    run()
