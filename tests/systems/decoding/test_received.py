"""Whether a cipher picture was touched on its way, and how."""

import numpy as np
import pytest

from jaxcrypt.systems.decoding.received import find_quality, untouched


@pytest.mark.parametrize("pilots", [100, 10_000, 1_000_000, 100_000_000])
def test_some_percent_more_than_rounding_is_no_damage_at_any_size(pilots):
    assert untouched(1.08e-3, 1e-3, pilots)


@pytest.mark.parametrize("pilots", [10_000, 1_000_000])
def test_a_quarter_more_than_rounding_is_damage(pilots):
    assert not untouched(1.25e-3, 1e-3, pilots)


def test_few_pilots_say_less():
    assert untouched(1.5e-3, 1e-3, 100)
    assert not untouched(2e-3, 1e-3, 100)


@pytest.mark.parametrize("shape", [(5, 200, 3), (200, 5, 1), (3, 5, 3)])
def test_what_holds_no_block_tells_no_quality(rng, shape):
    cipher, lost = rng.integers(0, 256, shape, np.uint8), np.zeros(shape[:2], bool)
    lost[:2, :3] = True
    assert find_quality(cipher, lost) is None
