"""Windows of few lengths: each length is a program to compile."""

import numpy as np
import pytest

from jaxcrypt.systems.diffusion.scenes import box
from jaxcrypt.systems.drivers.regions import Region
from jaxcrypt.systems.drivers.windows import widened

SIZES = (3, 6, 10)


@pytest.mark.parametrize(
    ("first", "stop", "length", "made"),
    [
        (0, 2, 20, (0, 3)),
        (5, 9, 20, (5, 11)),
        (16, 20, 20, (14, 20)),  # moved back inside
        (1, 3, 4, (1, 4)),
        (0, 4, 4, (0, 6)),  # beyond the end, where there is no room
        (2, 17, 20, (2, 17)),  # longer than any: stays
    ],
)
def test_spans_grow_to_the_next_size_inside_the_picture(first, stop, length, made):
    assert widened(first, stop, length, SIZES) == made


def test_boxes_of_all_sizes_and_places_have_few_shapes(rng):
    shapes = set()
    for _ in range(300):
        height, width = rng.integers(96, 200, 2)
        top, left = rng.integers(0, 512 - height), rng.integers(0, 768 - width)
        mask = np.zeros((512, 768), bool)
        mask[top : top + height, left : left + width] = True
        rows, columns = box(Region(mask, 3))
        assert mask[rows, columns].sum() == mask.sum()
        assert rows.stop <= 512
        assert columns.stop <= 768
        shapes.add((rows.stop - rows.start, columns.stop - columns.start))
    assert shapes <= {(192, 192), (320, 320)}
