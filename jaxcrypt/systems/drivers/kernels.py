"""How kernels are compiled by numba (extra ``fast``), and where what was compiled is kept.

numba looks at a function's own file to see whether it has changed, and not at the files of what that calls.
So the folder is named by a digest of all files that hold kernels or what they take from elsewhere.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable
from pathlib import Path

import numba
import numpy as np

from jaxcrypt.caches import cache_folder

_SOURCES = (
    "functional/companding.py",
    "functional/mixing.py",
    "systems/drivers/kernels.py",
    "systems/drivers/permuting.py",
    "systems/logistic/compiled.py",
    "systems/logistic/layout.py",
    "systems/mixing/compiled.py",
)
u32 = np.uint32


def jit(function: Callable) -> Callable:
    """``function`` compiled when it is first called; not kept where no folder can be written."""
    before = numba.config.CACHE_DIR
    try:
        numba.config.CACHE_DIR = str(_folder())
        return numba.njit(nogil=True, cache=True, error_model="numpy")(function)
    except (RuntimeError, OSError):
        return numba.njit(nogil=True, error_model="numpy")(function)
    finally:
        numba.config.CACHE_DIR = before


@functools.cache
def _folder() -> Path:
    package = Path(__file__).parents[2]
    digest = hashlib.sha256(b"".join((package / name).read_bytes() for name in _SOURCES))
    return cache_folder() / "numba" / digest.hexdigest()[:16]
