"""Masks through a header: exact, small, and refused where they make no sense."""

import numpy as np
import pytest

from jaxcrypt.errors import Refusal
from jaxcrypt.systems.drivers import masks


@pytest.mark.parametrize("shape", [(1, 1), (7, 13), (64, 64)])
def test_every_mask_comes_back(shape, rng):
    one = np.zeros(shape, bool)
    one[-1, -1] = True
    for mask in (rng.random(shape) < 0.5, one, np.ones(shape, bool)):
        mask[0, 0] = True
        np.testing.assert_array_equal(masks.unpack(masks.pack(mask), shape), mask)


def test_the_outline_of_a_figure_in_twelve_megapixels_takes_little():
    y, x = np.mgrid[:3000, :4000]
    angle = np.arctan2(y - 1500, x - 2000)
    radius = 900 + 200 * np.sin(5 * angle) + 60 * np.sin(23 * angle) + 15 * np.sin(151 * angle)
    mask = np.hypot(y - 1500, x - 2000) < radius
    packed = masks.pack(mask)
    assert packed.nbytes <= 16 * 1024
    np.testing.assert_array_equal(masks.unpack(packed, mask.shape), mask)


def test_what_is_no_mask_is_refused():
    good = masks.pack(np.ones((16, 16), bool))
    empty = masks.pack(np.zeros((16, 16), bool))
    for bad in (good[:-3], np.concatenate([good, good]), good[::-1], good[:0], good[None], empty):
        with pytest.raises(Refusal, match="mask"):
            masks.unpack(bad, (16, 16))
    with pytest.raises(Refusal, match="mask"):
        masks.unpack(good, (16, 32))
    bomb = masks.pack(np.ones((4000, 4000), bool))
    with pytest.raises(Refusal, match="mask"):
        masks.unpack(bomb, (16, 16))
