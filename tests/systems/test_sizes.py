"""Every System and option at the sizes that people have: a refusal comes before any work, and in one line."""

import itertools

import numpy as np
import pytest

from jaxcrypt import zoo
from jaxcrypt.errors import ExitCode, Refusal
from jaxcrypt.sealing.cipher import load
from jaxcrypt.systems import catalog

SIZES = (
    *((1, 1), (37, 53), (640, 480), (800, 600), (1080, 1080), (1152, 864), (1280, 720), (1600, 1200)),
    *((1920, 1080), (4000, 3000), (12_000, 300), (1170, 2532)),
)
ANYTHING = ("logistic", "mixing")  # of any size, with or without alpha
SHIPPED = [
    name
    for name in catalog.NAMES
    if name in ANYTHING or (catalog.entry(name).weights or name) in zoo.manifest()
]


def _variants(entry):
    """Every combination of the options' stored values."""
    values = [[(option.name, value) for value in option.values] for option in entry.options]
    return [dict(chosen) for chosen in itertools.product(*values)]


@pytest.fixture(scope="module")
def ciphers():
    return {name: load(name) for name in SHIPPED}


def _refusal(cipher, shape):
    try:
        cipher.check(shape, "photo.png")
    except Refusal as refusal:
        return refusal
    return None


@pytest.mark.parametrize("name", SHIPPED)
def test_what_is_refused_is_refused_at_once(ciphers, name):
    for options in _variants(catalog.entry(name)):
        cipher = ciphers[name]
        for option, value in options.items():
            cipher = cipher.chosen(option, value)
        for (width, height), channels in itertools.product(SIZES, (1, 3, 4)):
            refusal = _refusal(cipher, (height, width, channels))
            if refusal is not None and refusal.code != ExitCode.USAGE:
                assert str(refusal).startswith("photo.png: ")
                assert "\n" not in str(refusal)
            if refusal is None:
                assert channels in cipher.system.traits.channels
            elif channels in cipher.system.traits.channels and min(width, height) >= 128:
                # Of ordinary sizes only options that exclude each other, or alpha at the least strength.
                assert refusal.code == ExitCode.USAGE or "take 2 or 3" in str(refusal)
            assert refusal is None or name not in ANYTHING


@pytest.mark.parametrize("name", ANYTHING)
@pytest.mark.parametrize("size", [(1, 1), (37, 53), (300, 1)])
def test_what_is_not_refused_comes_back(ciphers, name, size, rng):
    picture = rng.integers(0, 256, (*size, 3), np.uint8)
    [sealed] = ciphers[name].encrypt([picture], [bytes(32)])
    [outcome] = ciphers[name].decrypt([sealed], [bytes(32)], picture.shape)
    error = np.abs(outcome.pictures[0].astype(int) - picture)
    assert error.max() == 0 if ciphers[name].system.traits.exact else error.mean() < 12
