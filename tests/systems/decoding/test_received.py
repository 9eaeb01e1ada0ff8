"""Whether a cipher picture was touched on its way."""

import pytest

from jaxcrypt.systems.decoding.received import untouched


@pytest.mark.parametrize("pilots", [100, 10_000, 1_000_000, 100_000_000])
def test_some_percent_more_than_rounding_is_no_damage_at_any_size(pilots):
    assert untouched(1.08e-3, 1e-3, pilots)


@pytest.mark.parametrize("pilots", [10_000, 1_000_000])
def test_a_quarter_more_than_rounding_is_damage(pilots):
    assert not untouched(1.25e-3, 1e-3, pilots)


def test_few_pilots_say_less():
    assert untouched(1.5e-3, 1e-3, 100)
    assert not untouched(2e-3, 1e-3, 100)
