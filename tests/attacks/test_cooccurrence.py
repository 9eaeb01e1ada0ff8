"""Joint histograms against NumPy's own, and rich models against what the package counts by itself."""

import numpy as np
import pytest

from jaxcrypt.attacks import cooccurrence


def test_tuples_are_counted_as_numpy_counts_them(rng):
    parts = [rng.integers(-4, 5, (20, 30)) for _ in range(3)]
    edges = [np.arange(-2.5, 3)] * 3
    wanted, _ = np.histogramdd(np.stack([part.ravel() for part in parts], 1), bins=edges)
    shares = cooccurrence.shares(parts, 2)
    assert shares.shape == (5, 5, 5)
    np.testing.assert_allclose(shares, wanted / wanted.sum())


def test_neighbours_stand_in_a_row_or_in_a_column():
    residuals = np.tile([0, 1, 2, 1], (4, 1))
    across, down = (cooccurrence.four(residuals, way, 2) for way in ("hor", "ver"))
    assert across[2, 3, 4, 3] == 1
    assert [down[2, 2, 2, 2], down[3, 3, 3, 3], down[4, 4, 4, 4]] == [0.25, 0.5, 0.25]


@pytest.mark.parametrize("shape", [(64, 64, 3), (40, 72, 3)])
def test_rich_models_are_those_of_the_package_to_the_last_bit(rng, shape):
    sealwatch = pytest.importorskip("sealwatch")  # the extra detect
    picture = rng.normal(128, 4, shape).clip(0, 255).astype(np.uint8)
    own = sealwatch.crm.extract(picture), sealwatch.srmq1.extract(picture[..., 1])
    with cooccurrence.counted():
        ours = sealwatch.crm.extract(picture), sealwatch.srmq1.extract(picture[..., 1])
    for one, other in zip(own, ours, strict=True):
        assert one.keys() == other.keys()
        assert all(np.array_equal(one[name], other[name]) for name in one)
