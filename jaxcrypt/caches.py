"""Where what can be made again is kept."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path:
    """``$JAXCRYPT_CACHE``, or ``jaxcrypt`` in the user's cache folder."""
    root = os.environ.get("JAXCRYPT_CACHE")
    if root:
        return Path(root)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "jaxcrypt"
