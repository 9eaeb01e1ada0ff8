"""``--config FILE`` with ``--config.a.b=c`` over it, for every command that takes one; one-line errors."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from absl import flags
from ml_collections import config_flags

from jaxcrypt.errors import Refusal, usage

CONFIG = config_flags.DEFINE_config_file("config", None, "The experiment: a file with get_config().")


def parse(argv: Sequence[str], doc: str, module: str, without: str = "") -> Any | None:
    """The complete config of the command line; None where only ``--help`` was asked for, and given, or where
    the flag called ``without`` says that none is needed.

    Args:
      argv: ``sys.argv`` (overrides are read from there).
      doc, module: text and flags that ``--help`` shows.

    Raises:
      Refusal: an unknown flag or field (with the nearest known one), a wrong type, a config file that fails.
    """
    from jaxcrypt.training.defaults import complete

    if any(argument in ("--help", "-h", "-help") for argument in argv[1:]):
        print(f"{doc.strip()}\n{flags.FLAGS.module_help(sys.modules[module])}")
        return None
    try:
        rest = flags.FLAGS(argv)
        config = None if CONFIG.value is None else complete(CONFIG.value)
    except Refusal:
        raise
    except Exception as error:  # a config file may raise anything at all
        raise usage(_one_line(error, argv)) from None
    if rest[1:]:
        raise usage(f"{rest[1]}: not an option; settings are given as --config.name=value")
    if config is None and not (without and flags.FLAGS[without].value):
        raise usage("--config FILE is needed (try --help)")
    return config


def _one_line(error: Exception, argv: Sequence[str]) -> str:
    path = _config_path(argv)
    try:
        parsed = flags.FLAGS["config"].parser.parse(path) if path else None
        fields = {} if parsed is None else parsed.to_dict()
    except Exception as failure:  # the file itself: say so, whatever the flags made of it
        error, fields = failure, {}
    else:
        for argument in argv[1:]:
            name, _, _ = argument.lstrip("-").partition("=")
            hint = _hint(fields, name.split(".")[1:]) if name.startswith("config.") else None
            if hint:
                return f"--{name}: no such setting; {hint}"
        return " ".join(str(error).split())
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    reason = getattr(error, "strerror", None) or (lines[-1] if lines else type(error).__name__)
    return f"--config {path}: cannot be read: {reason}"


def _config_path(argv: Sequence[str]) -> str | None:
    for argument, following in zip(argv[1:], [*argv[2:], ""], strict=True):
        name, equals, value = argument.lstrip("-").partition("=")
        if name == "config":
            return value if equals else following
    return None


def _hint(node: Any, path: Sequence[str]) -> str | None:
    """What the first name of ``path`` that the config lacks may have meant; None when it lacks none."""
    where = "--config"
    for name in path:
        if not isinstance(node, Mapping):
            return f"{where} is a value, not a section"
        if name not in node:
            near = difflib.get_close_matches(name, list(node), 1, 0.5)
            return f"did you mean {where}.{near[0]}?" if near else f"{where} has: {', '.join(sorted(node))}"
        node, where = node[name], f"{where}.{name}"
    return None
