"""The joint histograms of rich models counted at once, where the package ``sealwatch`` compares bin by bin.

Rich models count how often neighbouring residuals, each in -T .. T, take every tuple of values: (2T + 1)^4
bins of four neighbours, (2T + 1)^3 of three colours. The package goes through the bins in Python, which is
most of the time that a small picture takes. A tuple read as the digits of one number makes it one count of
whole numbers: the same shares, to the last bit, at a sixth of the time.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator, Sequence

import numpy as np

_LINE = slice(0, -3), slice(1, -2), slice(2, -1), slice(3, None)


def shares(parts: Sequence[np.ndarray], most: int) -> np.ndarray:
    """How often tuples occur.

    Args:
      parts: whole numbers of one shape, the first, second, … of every tuple; those with one outside
        ``-most .. most`` are not counted.

    Returns:
      float64 ``[2 most + 1] * len(parts)``, of sum 1.
    """
    base, number, inside = 2 * most + 1, 0, True
    for part in parts:
        digit = part.astype(np.int64) + most
        inside &= (digit >= 0) & (digit < base)
        number = number * base + digit
    counts = np.bincount(number[inside], minlength=base ** len(parts))
    return counts.reshape([base] * len(parts)) / counts.sum()


def four(residuals: np.ndarray, way: str, most: int) -> np.ndarray:
    """As the package's ``cooccurrence4``: of four in a row (``hor``) or column (``ver``) of ``[H, W]``."""
    return shares([{"hor": residuals[:, at], "ver": residuals[at]}[way] for at in _LINE], most)


def colours(residuals: np.ndarray, _: str, most: int) -> np.ndarray:
    """As the package's ``cooccurrence3_col``: of the three colours of ``[H, W, 3]``."""
    return shares([residuals[..., colour] for colour in range(3)], most)


@contextlib.contextmanager
def counted() -> Iterator[None]:
    """The package counts in this way meanwhile."""
    from sealwatch.srm import crm, srm

    orders = ("all1st", "all2nd", "all3rd", "all3x3", "all5x5")
    own = {name: getattr(srm, name) for name in orders}
    colour = crm.Cooc3
    try:
        for name, order in own.items():
            setattr(srm, name, functools.partial(order, CoocN=four))
        crm.Cooc3 = colours
        yield
    finally:
        crm.Cooc3 = colour
        for name, order in own.items():
            setattr(srm, name, order)
