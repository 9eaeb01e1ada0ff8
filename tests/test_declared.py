"""What is declared of options: choices that are few and named, or a range of whole numbers."""

import pytest

from jaxcrypt.declared import Option, Whole
from jaxcrypt.errors import Refusal

RANGE = Option("timestep", 500, "how far", Whole(1, 1000, 50))


@pytest.mark.parametrize("text", ["1", "37", "1000"])
def test_every_whole_number_of_a_range_is_a_choice(text):
    assert RANGE.parse(text) == int(text)
    RANGE.check(int(text))


@pytest.mark.parametrize("text", ["0", "1001", "-3", "1.5", "007", "", "²", "ten"])
def test_all_else_is_refused_in_few_words(text):
    with pytest.raises(Refusal, match=r"choose one of 1 to 1000$"):
        RANGE.parse(text)


@pytest.mark.parametrize("value", [0, 1001, True, "500", 3.0])
def test_stored_values_are_of_the_range(value):
    with pytest.raises(Refusal, match="choose one of 1 to 1000"):
        RANGE.check(value)


def test_lists_show_some_of_many_choices_and_all_of_few():
    assert RANGE.shown == [str(n) for n in range(50, 1001, 50)]
    assert RANGE.words == "1 to 1000"
    few = Option("rate", 1, "bytes", {"1": 1, "1/2": 2})
    assert few.shown == ["1", "1/2"]
    assert few.words == "1, 1/2"
    assert len(RANGE.values) == 1000
