"""Where a carrier begins: found to the pixel in cuts on no grid, and at its own scale where it has that."""

import numpy as np
import pytest

from jaxcrypt.travel import beacon
from jaxcrypt.travel.planes import SIDE


def _chroma(rows, columns):
    """Cb and Cr of a carrier: the pattern as means of macroblocks, and as much noise."""
    means = beacon.signs(rows, columns).astype(np.float32)
    noise = np.random.default_rng(3).normal(0, 1, (rows * SIDE, columns * SIDE, 2))
    return 16 * (np.repeat(np.repeat(means, SIDE, axis=0), SIDE, axis=1) + noise)


@pytest.mark.parametrize(("top", "left"), [(0, 0), (13, 21), (3, 5), (8, 16), (1, 0), (0, 31), (47, 2)])
@pytest.mark.parametrize(("rows", "columns"), [(22, 15), (44, 30)])
def test_a_cut_is_placed_to_the_pixel(rows, columns, top, left):
    place = beacon.find(_chroma(rows, columns)[top:-3, left:])
    assert (place.top, place.left, place.down, place.across) == (top, left, 1, 1)


@pytest.mark.parametrize("times", [2, 3])
def test_a_cut_of_an_enlarged_carrier_is_placed_to_its_own_pixel(times):
    large = np.repeat(np.repeat(_chroma(22, 15), times, axis=0), times, axis=1)
    place = beacon.find(large[7:, 5:])
    assert (place.down, place.across) == (times, times)
    assert place.top == pytest.approx(7 / times, abs=1e-6)
    assert place.left == pytest.approx(5 / times, abs=1e-6)


def test_noise_has_no_place():
    assert beacon.find(np.random.default_rng(4).normal(0, 16, (352, 240, 2))) is None
