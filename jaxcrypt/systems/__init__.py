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
"""

from __future__ import annotations

import importlib
from typing import Any

from jaxcrypt.errors import usage
from jaxcrypt.training.record import System

_MODULES = {
    "logistic": "jaxcrypt.systems.logistic",
    "mixing": "jaxcrypt.systems.mixing",
}
NAMES = tuple(_MODULES)
DEFAULT = "logistic"


def build(name: str, config: Any = None) -> System:
    """The System called ``name``, built from its (possibly stored) config. Unknown names are a Refusal."""
    if name not in _MODULES:
        raise usage(f"--system {name}: unknown; choose one of {', '.join(NAMES)}")
    return importlib.import_module(_MODULES[name]).build(config)
