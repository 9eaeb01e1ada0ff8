"""Moments of a truncated normal against scipy's, over bins of all widths and distances."""

import jax
import numpy as np
import pytest
from scipy import stats

from jaxcrypt.functional import truncated

moments = jax.jit(truncated.moments)


@pytest.mark.parametrize("width", [0.01, 0.1, 0.2, 1.0, 8.0])
@pytest.mark.parametrize("centre", [-4.0, -1.3, 0.0, 0.4, 2.6, 4.0])
def test_mean_and_variance_are_those_of_the_distribution(centre, width):
    mean, deviation = 0.7, 0.3
    low, high = (mean + deviation * (centre + side * width / 2) for side in (-1, 1))
    wanted = stats.truncnorm(centre - width / 2, centre + width / 2, loc=mean, scale=deviation)
    ours = moments(*np.float32([[low], [high], [mean]]), np.float32(deviation))
    assert float(ours[0][0]) == pytest.approx(wanted.mean(), abs=2e-3 * deviation * max(width, 0.01))
    assert float(ours[1][0]) == pytest.approx(wanted.var(), rel=0.02)


def test_an_impossible_bin_is_taken_at_its_nearer_end():
    value, error = moments(*np.float32([[2.0], [6.0], [0.0]]), np.float32(0.1))
    assert 2.0 <= float(value[0]) < 2.02
    assert 0 < float(error[0]) < 0.01
    value, _ = moments(*np.float32([[-6.0], [-2.0], [0.0]]), np.float32(0.1))
    assert -2.02 < float(value[0]) <= -2.0
