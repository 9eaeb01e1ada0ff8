"""Detectors on generated pictures: they find what is there, and nothing where nothing is."""

import numpy as np
import pytest
from scipy import stats

from jaxcrypt.attacks import generated


def lattice(rng, count, bits):
    """Latents at the middles of 2^bits bins, read with a small error."""
    symbols = rng.integers(0, 2**bits, (count, 100))
    return stats.norm.ppf((symbols + 0.5) / 2**bits) + 5e-4 * rng.standard_normal((count, 100))


@pytest.mark.parametrize("bits", [3, 6, 8])
def test_a_lattice_is_caught(rng, bits):
    plain, odd = rng.standard_normal((300, 100)), lattice(rng, 300, bits)
    accuracy = generated.by_latents([plain[:100], odd[:100]], [plain[100:], odd[100:]])
    assert accuracy.right > 0.95
    assert accuracy.p < 1e-6


def test_other_moments_are_caught(rng):
    plain, odd = rng.standard_normal((600, 100)), 1.2 * rng.standard_normal((600, 100))
    assert generated.by_latents([plain[:300], odd[:300]], [plain[300:], odd[300:]]).right > 0.8


def test_plain_ones_are_not_told_from_plain_ones(rng):
    one, other = rng.standard_normal((600, 100)), rng.standard_normal((600, 100))
    accuracy = generated.by_latents([one[:300], other[:300]], [one[300:], other[300:]])
    assert abs(accuracy.right - 0.5) < 0.1
    assert accuracy.p > 1e-3


def test_all_latents_together(rng):
    plain = generated.whole(rng.standard_normal((500, 100)))
    assert min(plain.values()) > 1e-4
    linked = rng.standard_normal((500, 100))
    linked[:, 1] = 0.8 * linked[:, 0] + 0.6 * linked[:, 1]
    assert generated.whole(linked)["dimensions"] < 1e-9
    assert generated.whole(1.1 * rng.standard_normal((500, 100)))["lengths"] < 1e-9


def test_a_detector_that_always_says_the_same_is_right_half_of_the_time():
    accuracy = generated.decided(-np.ones(50), -np.ones(50))
    assert accuracy.right == accuracy.pairs + 0.5 == 0.5
