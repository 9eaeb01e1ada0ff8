"""The orthonormal DCT-II, of the size that each transform here takes.

D[k, n] = c_k cos(π (2n + 1) k / 2N),    c_0 = √(1/N), c_k = √(2/N);    D D^T = 1.
"""

from __future__ import annotations

import numpy as np


def basis(size: int) -> np.ndarray:
    """float64 ``[size, size]``: row k is the basis function of frequency k."""
    k, n = np.mgrid[:size, :size]
    rows = np.cos((2 * n + 1) * k * np.pi / (2 * size)) * np.sqrt(2 / size)
    rows[0] /= np.sqrt(2)
    return rows
