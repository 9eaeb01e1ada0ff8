"""Digits that neighbouring blocks share."""

import functools

import numpy as np
import pytest

from jaxcrypt.systems.cyclegan import cells, driver


@pytest.mark.parametrize("blocks", [(1, 1), (5, 3), (24, 24), (32, 48), (188, 250)])
def test_the_side_follows_from_the_grid(blocks):
    seen = {}
    for side in range(1, max(blocks) + 1):
        seen.setdefault(cells.grid(blocks, side), side)
    assert {grid: cells.side_of(blocks, grid) for grid in seen} == seen


def test_a_grid_that_no_side_gives():
    assert cells.side_of((6, 9), (6, 8)) is None
    assert cells.side_of((6, 9), ()) is None


def test_one_block_a_cell_keeps_its_digits(rng):
    digits = rng.integers(0, 16, (7, 4, 6)).astype(np.float32)
    np.testing.assert_array_equal(cells.pooled(digits, 1), digits)
    np.testing.assert_array_equal(cells.interpolated(digits, 1, (7, 4)), digits)


@pytest.mark.parametrize("side", [2, 3, 5])
def test_interpolated_as_numpy_does_along_each_axis(rng, side):
    blocks = 13, 17
    sent = rng.integers(0, 16, (*cells.grid(blocks, side), 6)).astype(np.float32)
    expected = sent.astype(np.float64)
    for axis, count in enumerate(blocks):
        middles, places = (np.arange(expected.shape[axis]) + 0.5) * side - 0.5, np.arange(count)
        between = functools.partial(np.interp, places, middles)
        expected = np.apply_along_axis(between, axis, expected)
    made = cells.interpolated(sent, side, blocks)
    assert made.shape == (*blocks, 6)
    np.testing.assert_array_equal(made, np.floor(expected + 0.5 + 1e-9))


def test_cells_have_the_mean_of_their_blocks_and_more_than_the_most_of_the_first_digit(rng):
    digits = rng.integers(0, 14, (7, 5, 6)).astype(np.float32)
    digits[:3, :3, 0] = [[15, 0, 0], [0, 0, 0], [0, 0, 0]]
    made = cells.pooled(digits, 3)
    assert made.shape == (3, 2, 6)
    for cell, blocks in (((0, 0), digits[:3, :3]), ((2, 1), digits[6:, 3:])):
        np.testing.assert_array_equal(made[cell][1:], np.rint(blocks.mean((0, 1), dtype=np.float64))[1:])
    assert made[0, 0, 0] == 15
    assert made[2, 1, 0] == digits[6:, 3:, 0].max() + 1
    single = cells.pooled(digits, 7)[0, 0, 0]
    assert single == np.rint((digits[..., 0].mean() + 15) / 2)


@pytest.mark.parametrize("strength", [1, 2, 3])
@pytest.mark.parametrize(
    "size",
    [(40, 4000), (128, 128), (200, 200), (256, 256), (384, 384), (512, 768), (3000, 200), (3000, 4000)],
)
def test_where_the_carrier_grows_there_are_no_fewer_digits(size, strength):
    alone, beside = (
        driver.outline((*size, 3), (("robust", strength),), grows).side["digits"].size
        for grows in (False, True)
    )
    assert beside >= alone
    if 256 <= max(size) < 800 and strength == 1:
        assert beside > alone


def test_a_slope_comes_back_within_a_digit():
    digits = np.broadcast_to(np.linspace(0, 15, 24)[:, None, None], (24, 20, 6)).astype(np.float32)
    made = cells.interpolated(cells.pooled(digits, 4), 4, (24, 20))
    assert np.abs(made - digits)[2:-2, :, 1:].max() <= 1  # the outermost half cells are their middles'
    assert (made - digits)[..., 0].min() > -1  # and of the first the most
    assert ((made >= 0) & (made <= 15)).all()
