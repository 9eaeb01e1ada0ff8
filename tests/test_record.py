"""Options: what people type, what headers store, and what is refused."""

import subprocess
import sys

import pytest

from jaxcrypt.declared import Input, Option, chosen
from jaxcrypt.errors import ExitCode, Refusal
from jaxcrypt.record import Call, Undriven

RATE = Option("rate", 1, "share of the bytes", {"1": 1, "1/2": 2, "1/4": 4})
SWITCH = Option("key_image", 0, "the key image as a condition", flag="--condition-on-key-image")
KEYED = Option("keyed", True, "hide with the key", {"yes": True, "no": False})


def test_what_is_typed_becomes_what_is_stored():
    assert [RATE.parse(text) for text in ("1", "1/2", "1/4", "2")] == [1, 2, 4, 2]
    assert KEYED.parse("no") is False
    assert SWITCH.parse("1") == 1
    with pytest.raises(Refusal, match=r"--rate 1/3: choose one of 1, 1/2, 1/4") as refused:
        RATE.parse("1/3")
    assert refused.value.code == ExitCode.USAGE


def test_flags_follow_from_names_unless_said_otherwise():
    assert RATE.flag == "--rate"
    assert SWITCH.flag == "--condition-on-key-image"
    assert Input("key_image", "picture", "").flag == "--key-image"
    assert SWITCH.is_switch
    assert not KEYED.is_switch


def test_options_that_were_not_given_are_at_their_defaults():
    assert chosen((RATE, SWITCH), ()) == {"rate": 1, "key_image": 0}
    assert chosen((RATE, SWITCH), (("rate", 4),)) == {"rate": 4, "key_image": 0}


@pytest.mark.parametrize("value", [3, "1/2", True, 1.0, None])
def test_values_that_no_choice_stands_for_are_refused(value):
    with pytest.raises(Refusal, match="--rate"):
        chosen((RATE,), (("rate", value),))


def test_unknown_options_are_refused_by_name():
    with pytest.raises(Refusal, match="option rounds: this System has rate"):
        chosen((RATE,), (("rounds", 1),))
    with pytest.raises(Refusal, match="option rounds: this System has none"):
        chosen((), (("rounds", 1),))


def test_what_is_only_trained_refuses_pictures():
    driver = Undriven()
    for refused in (
        lambda: driver.encrypt(Call(), [], []),
        lambda: driver.decrypt(Call(), [], [], (1, 1, 3)),
        lambda: driver.check((1, 1, 3), ()),
    ):
        with pytest.raises(Refusal, match="only trained"):
            refused()
    assert not driver.aligns(())


def test_record_and_catalog_need_no_jax():
    program = "import sys, jaxcrypt.record, jaxcrypt.systems.catalog; print('jax' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
