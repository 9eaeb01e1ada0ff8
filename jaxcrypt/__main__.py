"""``jaxcrypt VERB …``: one command in front of all the verbs, each of them a module too."""

from __future__ import annotations

import difflib
import importlib
import sys
from collections.abc import Sequence

from jaxcrypt.cli.command import entry
from jaxcrypt.errors import ExitCode, usage

# verb -> what it does, and the name of its module's function that takes the command line from sys.argv
VERBS = {
    "encrypt": ("photos into sealed pictures", "main"),
    "decrypt": ("sealed pictures back into the very files", "main"),
    "verify": ("check sealed pictures; nothing is written", "main"),
    "rekey": ("give a sealed picture other keys or recipients", "main"),
    "inspect": ("what anyone can see of a sealed picture", "main"),
    "browse": ("look through a folder of sealed pictures", "main"),
    "keygen": ("make keys", "main"),
    "send": ("photos over a network to a receiver", "main"),
    "receive": ("pictures over a network, into an inbox", "main"),
    "ledger": ("a public log of recipients' keys", "main"),
    "roi": ("masks of regions for a folder of pictures", "main"),
    "train": ("train a System", "run"),
    "evaluate": ("measure Systems: quality, ciphers, attacks", "run"),
    "compare": ("every suite over every System, on one page", "main"),
    "generate": ("draw pictures from a System that makes some", "main"),
    "export": ("a training run's weights into the zoo", "run"),
    "zoo": ("trained weights and their model cards", "main"),
    "bench": ("speed and memory", "run"),
    "demo": ("a page to try it in", "main"),
}
_PACKAGES = ("bench", "demo", "zoo")  # verbs that are rooms too


def main() -> int:
    """The console command; returns the exit code of its verb."""
    verb, rest = (sys.argv[1], sys.argv[2:]) if len(sys.argv) > 1 else ("--help", [])
    if verb not in VERBS:
        return entry(_without_verb, sys.argv[1:] or ["--help"])
    sys.argv = [f"jaxcrypt {verb}", *rest]  # where each verb, and absl's flags, look for it
    name = f"jaxcrypt.{verb}"
    module = importlib.import_module(f"{name}.__main__" if verb in _PACKAGES else name)
    return getattr(module, VERBS[verb][1])() or 0


def _without_verb(argv: Sequence[str]) -> int:
    if argv[0] not in ("--help", "-h"):
        near = difflib.get_close_matches(argv[0], VERBS, 1, 0.5)
        hint = f"did you mean {near[0]}?" if near else f"choose one of {', '.join(VERBS)}"
        raise usage(f"{argv[0]}: no such verb; {hint}")
    verbs = "\n".join(f"  {verb:9} {what}" for verb, (what, _) in VERBS.items())
    print(f"usage: jaxcrypt VERB …\n\n{verbs}\n\njaxcrypt VERB --help says more; jaxcrypt --version")
    return ExitCode.OK


if __name__ == "__main__":
    sys.exit(main())
