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
cipher     uint8 [B, H', W', C']        a cipher picture: what an attack learns to read
========== ============================ ===================================================

Naming them imports no JAX; :func:`build` does.
"""

from __future__ import annotations

import importlib
from typing import Any

from jaxcrypt.errors import usage

_MODULES = {
    "logistic": "jaxcrypt.systems.logistic",
    "mixing": "jaxcrypt.systems.mixing",
    "autoencoder": "jaxcrypt.systems.autoencoder",
    "stego": "jaxcrypt.systems.stego.system",
    "denoiser": "jaxcrypt.systems.denoiser",
    "cyclegan": "jaxcrypt.systems.cyclegan.system",
}
NAMES = tuple(_MODULES)
DEFAULT = "logistic"


def check_name(name: str) -> None:
    """Refuse a name that is no System's."""
    if name not in _MODULES:
        raise usage(f"--system {name}: unknown; choose one of {', '.join(NAMES)}")


def build(name: str, config: Any = None) -> Any:
    """The :class:`~jaxcrypt.record.System` called ``name``, from its (possibly stored) config."""
    check_name(name)
    return importlib.import_module(_MODULES[name]).build(config)
