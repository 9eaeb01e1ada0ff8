"""Which of the package's extras brings a module that is missing."""

from __future__ import annotations

import re

_OTHER_NAMES = {"skimage": "scikit-image"}  # modules that are called otherwise than what pip installs


def hint(module: str) -> str | None:
    """``X is missing: pip install 'jaxcrypt[EXTRA]'``; None where no extra brings the module."""
    top = module.partition(".")[0]
    if top == "jaxcrypt":
        return None  # a bug, no missing package
    wanted = _plain(_OTHER_NAMES.get(top, top))
    brings: dict[str, str] = {}
    for requirement in _requirements():
        told = re.match(r"([\w.-]+).*;.*extra\s*==\s*['\"]([\w-]+)['\"]", requirement)
        if told:
            brings.setdefault(_plain(told[1]), told[2])
    # A namespace such as orbax is spread over several packages: the first that begins so will do.
    extra = brings.get(wanted) or next(
        (e for name, e in brings.items() if name.startswith(f"{wanted}_")), None
    )
    return f"{top} is missing: pip install 'jaxcrypt[{extra}]'" if extra else None


def _requirements() -> list[str]:
    from importlib import metadata  # slow to import, and seldom needed

    try:
        return metadata.requires("jaxcrypt") or []
    except metadata.PackageNotFoundError:
        return []


def _plain(name: str) -> str:
    return name.lower().replace("-", "_")
