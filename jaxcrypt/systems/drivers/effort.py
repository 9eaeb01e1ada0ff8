"""Whether it pays to start numba (extra ``fast``): that takes half a second, and seconds the first time."""

from __future__ import annotations

import importlib
import sys

OF_NUMPY, OF_JAX = 20_000_000, 1 << 26  # samples from which it does, where one of these would compute
_done = 0  # samples of this process


def counted(samples: int, expected: int = 0) -> int:
    """Count so many samples more; how many this process has had, or is going to have: ``expected``."""
    global _done
    _done += samples
    return max(_done, expected)


def has_numba(samples: int, enough: int = OF_JAX) -> bool:
    """Whether numba is to compute: where it is installed, and has started already or should."""
    return (samples >= enough or "numba" in sys.modules) and _starts()


def _starts() -> bool:
    try:
        importlib.import_module("numba")
    except ImportError:  # not installed, or not made for the NumPy that is
        return False
    return True
