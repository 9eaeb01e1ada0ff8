"""Whether it pays to start numba (extra ``fast``): that takes half a second, and seconds the first time."""

from __future__ import annotations

import importlib
import sys

_MUCH = 1 << 26  # samples
_done = 0  # samples of this process


def counted(samples: int) -> bool:
    """Count so many samples more; whether this process has had much to do by now."""
    global _done
    _done += samples
    return _done > _MUCH


def has_numba(much: bool) -> bool:
    """Whether numba is to compute: where it is installed, and has started already or should."""
    return (much or "numba" in sys.modules) and _starts()


def _starts() -> bool:
    try:
        importlib.import_module("numba")
    except ImportError:  # not installed, or not made for the NumPy that is
        return False
    return True
