"""Progress of what is worked on side by side."""

import pytest

from jaxcrypt.systems.drivers import host


def test_shares_add_up_whatever_their_order():
    told = []
    first, second = host.shares(told.append, 2)
    first(0.5), second(1.0), first(0.75), first(1.0)
    assert told == pytest.approx([0.25, 0.75, 0.875, 1.0])


def test_nobody_is_told():
    assert host.shares(None, 3) == [None, None, None]
