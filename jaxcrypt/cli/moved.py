"""For modules that scripts may still call by an older name."""

from __future__ import annotations

import sys

from jaxcrypt.cli import command as cli
from jaxcrypt.errors import usage


def moved(before: str, now: str) -> None:
    """End the process with one line that says what ``python -m jaxcrypt.BEFORE`` is called now."""

    def refuse(argv) -> int:
        raise usage(f"python -m jaxcrypt.{before} is now: python -m jaxcrypt.{now}")

    sys.exit(cli.entry(refuse))
