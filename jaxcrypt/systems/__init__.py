"""The Systems by name, and the names under which arrays travel.

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
========== ============================ ===================================================

Naming them imports no JAX; :func:`build` and :func:`load` do.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass, field
from typing import Any

from jaxcrypt.errors import Refusal, usage

_MODULES = {
    "logistic": "jaxcrypt.systems.logistic",
    "mixing": "jaxcrypt.systems.mixing",
    "autoencoder": "jaxcrypt.systems.autoencoder",
}
NAMES = tuple(_MODULES)
DEFAULT = "logistic"


def check_name(name: str) -> None:
    """Refuse a name that is no System's."""
    if name not in _MODULES:
        raise usage(f"--system {name}: unknown; choose one of {', '.join(NAMES)}")


def build(name: str, config: Any = None) -> Any:
    """The :class:`~jaxcrypt.training.record.System` called ``name``, from its (possibly stored) config."""
    check_name(name)
    return importlib.import_module(_MODULES[name]).build(config)


@dataclass(frozen=True)
class Loaded:
    """A System with the variables and options it runs with."""

    system: Any
    variables: dict[str, Any] = field(default_factory=dict, repr=False)
    options: tuple[tuple[str, Any], ...] = ()

    def check_channels(self, mode: str, channels: int, name: str) -> None:
        """Refuse a picture whose channels the System does not take."""
        if channels not in self.system.channels:
            modes = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}
            takes = ", ".join(modes[count] for count in self.system.channels)
            raise Refusal(
                f"{name}: is {mode}, and this System takes {takes} only; convert it or take another --system"
            )


def load(name: str, weights: str | None = None) -> Loaded:
    """The System ready to run: as it is where nothing is learned."""
    system = build(name)
    if weights:
        raise usage(f"--weights: the System {name} has none")
    return Loaded(system, {}, system.options)
