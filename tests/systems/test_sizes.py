"""Every System and option at the sizes that people have: a refusal comes before any work, and in one line.

That everything else comes back takes minutes a picture, so it runs on demand, all of it or some of it:

  JAXCRYPT_SIZES=all python -m pytest tests/systems/test_sizes.py -k comes_back
  JAXCRYPT_SIZES=640x480,12000x300 python -m pytest tests/systems/test_sizes.py -k "comes_back and denoiser"
"""

import itertools
import os

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
    """Every combination of the options' stored values; of many, those that lists show."""
    values = [
        [
            (option.name, value)
            for value in (map(option.parse, option.shown) if len(option.values) > 20 else option.values)
        ]
        for option in entry.options
    ]
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


def _asked():
    """The sizes that JAXCRYPT_SIZES names."""
    text = os.environ.get("JAXCRYPT_SIZES", "")
    return [size for size in SIZES if text == "all" or f"{size[0]}x{size[1]}" in text.split(",")]


def _scene(width, height, channels):
    """A smooth picture with edges and a little noise; its alpha is open but for a band."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    planes = [128 + 60 * np.sin(x / 90 + k) + 40 * ((x + k * y) // 50 % 2) - 20 for k in range(channels)]
    noise = np.random.default_rng(0).normal(0, 3, (height, width, channels))
    picture = np.clip(np.stack(planes, axis=2) + noise, 0, 255).astype(np.uint8)
    if channels == 4:
        picture[..., 3] = np.where(y < height / 2, 255, 128)
    return picture


@pytest.mark.timeout(0)
@pytest.mark.parametrize("name", [name for name in SHIPPED if not catalog.entry(name).traits.covert])
@pytest.mark.parametrize("size", _asked(), ids=lambda size: f"{size[0]}x{size[1]}")
def test_every_option_comes_back(ciphers, name, size):
    """Lossy Systems nearer than a flat picture, on pictures that have something to come back."""
    width, height = size
    ends = {o.name: [o.values[0], *o.values[1:-1][:2], o.values[-1]] for o in catalog.entry(name).options}
    one_by_one = [
        {},
        *({option: value} for option, values in ends.items() for value in dict.fromkeys(values)),
    ]
    for options, channels in itertools.product(one_by_one, (1, 3, 4)):
        cipher = ciphers[name]
        for option, value in options.items():
            cipher = cipher.chosen(option, value)
        needed = any(given.required for given in cipher.system.inputs) or options.get("key_image")
        if needed or _refusal(cipher, (height, width, channels)) is not None:
            continue
        picture = _scene(width, height, channels)
        [sealed] = cipher.encrypt([picture], [bytes(32)])
        [outcome] = cipher.decrypt([sealed], [bytes(32)], picture.shape)
        error = np.mean(np.square(outcome.pictures[0].astype(np.float32) - picture))
        words = f"{name} {options} {width}×{height}×{channels}: {error}"
        assert error == 0 if cipher.system.traits.exact else error < max(picture.var() / 4, 200), words
        print(words)
