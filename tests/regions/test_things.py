"""Masks: parts and growth as scipy has them, boxes and ellipses cut to the picture."""

import numpy as np
import pytest
from scipy import ndimage

from jaxcrypt.regions import things


@pytest.mark.parametrize("share", [0.05, 0.4, 0.6, 1.0])
def test_parts_are_those_of_scipy(share, rng):
    mask = rng.random((40, 31)) < share
    parts = things.parts(mask)
    labels, count = ndimage.label(mask)
    assert len(parts) == count
    expected = {(s[1].start, s[0].start, s[1].stop, s[0].stop) for s in ndimage.find_objects(labels)}
    assert {thing.box for thing in parts} == expected
    np.testing.assert_array_equal(things.union(parts, mask.shape), mask)


@pytest.mark.parametrize("reach", [0, 1, 3, 50])
def test_growth_is_that_of_scipy(reach, rng):
    mask = rng.random((25, 34)) < 0.02
    square = np.ones((2 * reach + 1,) * 2, bool)
    np.testing.assert_array_equal(things.dilate(mask, reach), ndimage.binary_dilation(mask, square))


def test_boxes_are_cut_to_the_picture():
    thing = things.rectangle((-3, 2.5, 4.2, 99), (10, 20))
    assert thing.box == (0, 2, 5, 10)
    assert thing.mask.all()
    assert things.rectangle((20, 0, 30, 5), (10, 20)) is None


def test_an_ellipse_fills_its_box():
    thing = things.ellipse((2, 1, 42, 31), (40, 60), "face", 0.9)
    assert thing.box == (2, 1, 42, 31)
    assert abs(thing.mask.mean() - np.pi / 4) < 0.01
    assert not thing.mask[0, 0]
    assert thing.boxed().mask.all()
