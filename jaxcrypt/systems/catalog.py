"""The Systems by name, this package's and installed ones; and the names under which arrays travel.

Inputs and batches are dicts of arrays under these names, here and nowhere else:

========== ============================ ===================================================
name       shape, dtype                 what
========== ============================ ===================================================
image      uint8 [B, H, W, C]           the plain picture
key_image  uint8 [B, H, W, 3]           the picture behind an image key, as an extra condition
cover      uint8 [B, H, W, 3]           the picture that secrets are hidden in
secrets    uint8 [B, S, H, W, 3]        the pictures to hide
mask       bool  [B, H, W]              region of interest
lost       bool  [B, H', W']            cipher pixels known to be lost
cipher     uint8 [B, H', W', C']        a cipher picture: what an attack learns to read
========== ============================ ===================================================

A package from outside adds a System by an entry point of the group ``jaxcrypt.systems`` that has the System's
name and points to its :class:`Entry`. Reading the catalog imports no JAX; :func:`build` does.
"""

from __future__ import annotations

import difflib
import importlib
from functools import cache
from typing import Any

from jaxcrypt.declared import Entry
from jaxcrypt.errors import Refusal, usage
from jaxcrypt.record import System
from jaxcrypt.systems.own import OWN

GROUP = "jaxcrypt.systems"
DEFAULT = "logistic"
_ENTRIES = {own.name: own for own in OWN}
NAMES = tuple(_ENTRIES)  # this package's own


@cache
def installed() -> dict[str, Any]:
    """The entry points of other packages by their Systems' names. Looking for them takes a while."""
    from importlib import metadata

    return {point.name: point for point in metadata.entry_points(group=GROUP)}


def entry(name: str) -> Entry:
    """The declaration of the System called ``name``.

    Raises:
      Refusal: no such System (with the nearest name), or an installed one that cannot be imported.
    """
    if name in _ENTRIES:
        return _ENTRIES[name]
    if name not in installed():
        known = (*NAMES, *installed())
        near = difflib.get_close_matches(name, known, 1, 0.5)
        hint = f"did you mean {near[0]}?" if near else f"choose one of {', '.join(known)}"
        raise usage(f"--system {name}: unknown; {hint}")
    point = installed()[name]
    try:
        declared = point.load()
    except Exception as error:  # another package's module may raise anything at all
        raise Refusal(f"--system {name}: {point.value} cannot be imported ({error})") from error
    if not isinstance(declared, Entry) or declared.name != name:
        raise Refusal(f"--system {name}: {point.value} is no entry of that name for this catalog")
    return declared


def flag(name: str) -> str:
    """What the command line calls the option ``name``, of whichever System has it."""
    flags = (option.flag for own in _ENTRIES.values() for option in own.options if option.name == name)
    return next(flags, f"--{name}")


def build(name: str, config: Any = None) -> System:
    """The System called ``name``, from its (possibly stored) config.

    Raises:
      Refusal: no such System, or a config that it cannot be built from.
    """
    return importlib.import_module(entry(name).module).build(config)
