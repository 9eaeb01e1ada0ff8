"""A System made ready: options typed or stored, inputs, weights, and what is refused before work starts."""

import dataclasses

import numpy as np
import pytest

from jaxcrypt import zoo
from jaxcrypt.declared import Entry, Input, Option, Traits
from jaxcrypt.errors import ExitCode, Refusal
from jaxcrypt.record import Outcome, Sealed, System, Undriven
from jaxcrypt.sealing import cipher
from jaxcrypt.systems import catalog

KEY = bytes(range(32))
DEPTH = Option(
    "depth", 1, "how deep", {"low": 1, "high": 2}, arguments={2: "none: so deep that all can look"}
)
MASK = Input("mask", "mask", "where")
MORE = Input("more", "pictures", "further ones", most=1)


class Recorder(Undriven):
    """Remembers its calls; refuses pictures wider than 8."""

    def encrypt(self, call, pictures, keys):
        self.call = call
        return [Sealed(picture) for picture in pictures]

    def decrypt(self, call, sealed, keys, shape, lost=None):
        return [Outcome([one.pixels]) for one in sealed]

    def check(self, shape, options):
        if shape[1] > 8:
            raise Refusal("too wide")


def system(**changes) -> System:
    functions = dict.fromkeys(("init", "batch", "encrypt", "decrypt", "outputs"), lambda *_: {})
    traits = Traits(channels=(1, 3), argument="as good as ever")
    declared = {"name": "toy", "options": (DEPTH,), "inputs": (MASK, MORE), "traits": traits}
    return System(stages=(), **functions, **{**declared, "driver": Recorder(), **changes})


@pytest.fixture(autouse=True)
def entry(monkeypatch):
    made = Entry("toy", "nowhere", "a toy", (DEPTH,), (MASK, MORE))
    monkeypatch.setitem(catalog._ENTRIES, "toy", made)


def test_the_driver_gets_all_options_and_the_inputs():
    ready = cipher.Cipher(system()).given({"mask": np.zeros((4, 4), bool)}).chosen("depth", "high")
    picture = np.zeros((4, 4, 3), np.uint8)
    seen = []
    [sealed] = ready.encrypt([picture], [KEY], seen.append)
    call = ready.system.driver.call
    assert call.options == (("depth", 2),)
    assert set(call.inputs) == {"mask"}
    assert call.progress == seen.append
    assert ready.decrypt([sealed], [KEY], picture.shape)[0].pictures[0] is picture


def test_the_argument_follows_the_options():
    ready = cipher.Cipher(system())
    assert ready.argument == "as good as ever"
    assert ready.with_options(["depth=high"]).argument == "none: so deep that all can look"
    assert ready.with_options(["depth=2"]).stored == (("depth", 2),)
    last = Option("open", 0, "whether all can look", arguments={1: "none: all can look"})
    both = cipher.Cipher(system(options=(DEPTH, last))).with_options(["depth=high", "open=1"])
    assert both.argument == "none: all can look"


@pytest.mark.parametrize(
    ("do", "says", "code"),
    [
        (lambda c: c.chosen("depth", "middle"), "--depth middle: choose one of low, high", ExitCode.USAGE),
        (lambda c: c.chosen("robust", 1), "--robust: --system toy has no such option", ExitCode.USAGE),
        (lambda c: c.with_options(["depth"]), "--option depth: must be NAME=VALUE", ExitCode.USAGE),
        (lambda c: c.given({"cover": 1}), "input cover: --system toy takes mask, more", ExitCode.USAGE),
        (lambda c: c.given({"more": [1, 2]}), "--more: 2 given; these weights take 1", ExitCode.USAGE),
        (lambda c: c.check((4, 4, 4), "x"), "x: is RGBA; this System takes L, RGB", ExitCode.BAD_INPUT),
        (lambda c: c.check((4, 9, 3), "x"), "x: too wide", ExitCode.BAD_INPUT),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(do, says, code):
    with pytest.raises(Refusal, match=says) as refused:
        do(cipher.Cipher(system()))
    assert refused.value.code == code


def _serve(monkeypatch, made: System, entry_system: str = "toy") -> None:
    about = {"name": "there", "system": entry_system, "sha256": "ab" * 32}
    monkeypatch.setattr(zoo, "load", lambda name: (made, {"params": {}}, about))


def test_weights_stand_in_the_header_by_name_and_digest(monkeypatch):
    _serve(monkeypatch, system())
    ready = cipher.load("toy", "./there", {"depth": "high"})
    assert ready.stored == (("depth", 2), ("weights", "there@abababababababab"))
    again = cipher.load_stored("toy", ready.stored, "./there", "x.png")
    assert again.options == (("depth", 2),)
    with pytest.raises(Refusal, match="made with the weights there@0000"):
        cipher.load_stored("toy", (("weights", "there@0000"),), "./there", "x.png")


def test_weights_that_weaken_a_system_must_be_asked_for_by_name(monkeypatch):
    weak = system(options=(dataclasses.replace(DEPTH, default=2),))
    _serve(monkeypatch, weak)
    with pytest.raises(Refusal, match=r"were trained with depth=high; .* say --depth high"):
        cipher.load("toy", "./there")
    assert cipher.load("toy", "./there", {"depth": "high"}).argument.startswith("none")
    assert cipher.load("toy", "./there", {"depth": "low"}).argument == "as good as ever"


def test_weights_of_another_system_are_refused(monkeypatch):
    _serve(monkeypatch, system(name="other"))
    with pytest.raises(Refusal, match="belong to the System other, not toy"):
        cipher.load("toy", "./there")
    stored = (("weights", "there@abababababababab"),)
    assert cipher.load_stored("toy", stored, "./there", "x.png")  # its entry says toy, as old ones do
    _serve(monkeypatch, system(name="other"), "other")
    with pytest.raises(Refusal, match="made by toy with weights of other"):
        cipher.load_stored("toy", stored, "./there", "x.png")


def test_headers_with_options_from_elsewhere_are_refused():
    with pytest.raises(Refusal, match=r"x\.png: has options that the System 'logistic' lacks here"):
        cipher.load_stored("logistic", (("rounds", 3),), None, "x.png")
    with pytest.raises(Refusal, match=r"x\.png: made by the System 'nonesuch', which is not installed"):
        cipher.load_stored("nonesuch", (), None, "x.png")


def test_the_ablation_runs_with_its_weights_under_both_names():
    ready = cipher.load("concatenation")
    assert ready.weights.startswith("cyclegan-concatenation@")
    assert "never for use" in ready.argument
    assert cipher.load_stored("cyclegan", ready.stored, None, "x.png").name == "concatenation"
    with pytest.raises(Refusal, match="belong to the System concatenation, not cyclegan"):
        cipher.load("cyclegan", "cyclegan-concatenation")
