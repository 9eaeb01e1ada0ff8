"""Windows in which pictures go through nets."""

import numpy as np
import pytest

from jaxcrypt.systems.drivers import windows


@pytest.mark.parametrize("sides", [(250, 186), (64, 500), (70, 70)])
def test_sampled_windows_are_spread_over_rows_and_columns(sides):
    every = len(windows.spans(sides[0], 20, 2)) * len(windows.spans(sides[1], 20, 2))
    chosen = windows.sampled(sides, 20, 2, 5)
    assert 0 < len(chosen) <= -(-every // 5) + 3
    kept = np.zeros(sides, int)
    for rows, columns in chosen:
        kept[rows.start : rows.stop, columns.start : columns.stop] += 1
    assert kept.max() == 1
    for axis in (0, 1):
        seen = np.flatnonzero(kept.any(axis=axis))
        assert np.diff(seen).max(initial=1) <= 5 * 16
        assert len(seen) > kept.shape[1 - axis] // 5


def test_few_windows_are_sampled_all():
    assert len(windows.sampled((30, 30), 20, 2, 8)) == 4
