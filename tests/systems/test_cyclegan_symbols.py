"""Symbols window by window are those of the whole picture, sorted."""

import numpy as np
import pytest

from jaxcrypt.models.cyclegan import LEAST, OCTAVE
from jaxcrypt.systems.cyclegan import code
from jaxcrypt.systems.cyclegan.symbols import Symbols
from jaxcrypt.systems.drivers.windows import spans

ROWS, COLUMNS, PLANES = 7, 9, 3


def scales_of(digits):
    """Made-up scales, many of them equal; the first digit picks a block's."""
    rng = np.random.default_rng(1)
    table = rng.integers(-3, 4, (16, 256 * PLANES)) * 64 + rng.integers(0, 2, (16, 1)) * 900
    return np.maximum(table[digits[:, 0].astype(int)], LEAST * OCTAVE).astype(np.int16)


@pytest.fixture(params=[0.3, 0.77, 1.0])
def whole(request):
    """Digits, scales, the plan, and the places of the symbols by a stable sort."""
    digits = np.random.default_rng(0).integers(0, 16, (ROWS, COLUMNS, 6)).astype(np.float32)
    scales = scales_of(digits.reshape(-1, 6)).reshape(ROWS, COLUMNS, -1)
    plan = code.plan(ROWS, COLUMNS, PLANES, int(request.param * scales.size))
    order = np.argsort(-scales.reshape(-1).astype(int), kind="stable")[: plan.symbols[-1]]
    return digits, scales, plan, np.sort(order)


def windows(size, reach):
    for a in spans(ROWS, size, reach):
        for b in spans(COLUMNS, size, reach):
            yield slice(a.first, a.first + a.size), slice(b.first, b.first + b.size)


@pytest.mark.parametrize("size", [1, 4, 9])
def test_the_same_symbols_are_taken(whole, size, rng):
    digits, scales, plan, places = whole
    symbols = Symbols(digits, scales_of, plan)
    coefficients = rng.standard_normal(scales.shape).astype(np.float32)
    taken = np.full(plan.symbols[-1], np.nan, np.float32)
    for seen in windows(size, 0):
        symbols.window(seen).take(coefficients[seen], taken)
    weight = np.exp2(-0.5 / OCTAVE * scales.reshape(-1)[places]).astype(np.float32)
    np.testing.assert_array_equal(taken, coefficients.reshape(-1)[places] * weight)


@pytest.mark.parametrize("size", [3, 5])
def test_overlapping_windows_are_cut_out_of_the_whole(whole, size, rng):
    digits, scales, plan, places = whole
    symbols, values = Symbols(digits, scales_of, plan), rng.standard_normal(plan.symbols[-1])
    levels = rng.random(plan.count).astype(np.float32)
    there, put, level = np.zeros(scales.size, bool), np.zeros(scales.size), np.zeros(scales.size)
    there[places], put[places] = True, values
    level[places] = levels[np.arange(len(places)) % plan.count]
    for seen in windows(size, 1):
        part = symbols.window(seen)
        np.testing.assert_array_equal(part.there, there.reshape(scales.shape)[seen])
        np.testing.assert_array_equal(part.by_tile(levels), level.reshape(scales.shape)[seen].astype("f4"))
        weight = np.exp2(-0.5 / OCTAVE * part.scales)
        expected = put.reshape(scales.shape)[seen] / weight
        np.testing.assert_allclose(part.put(values.astype(np.float32)), expected, rtol=1e-5)
