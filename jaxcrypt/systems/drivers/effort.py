"""Whether it pays to start numba (extra ``fast``), which takes half a second: by how much there was to do."""

from __future__ import annotations

import importlib.util
import sys

_MUCH = 1 << 26  # samples
_done = 0  # samples of this process


def much(samples: int) -> bool:
    """Whether this process has had much to do, with so many samples more."""
    global _done
    _done += samples
    return _done > _MUCH


def has_numba(much: bool) -> bool:
    """Whether numba is to compute: where it is installed, and has started already or should."""
    return (much or "numba" in sys.modules) and importlib.util.find_spec("numba") is not None
