"""What the catalog promises of Systems, tried on pictures that a release sealed."""

from pathlib import Path

import numpy as np
import pytest

from jaxcrypt import Keys
from jaxcrypt.pictures import damages
from jaxcrypt.pictures.files import load_picture
from jaxcrypt.record import Sealed
from jaxcrypt.sealing.unseal import Opener
from jaxcrypt.systems import catalog

FOLDER = Path(__file__).parents[1] / "fixtures" / "older"
TRIED = {"noise": "noise=4", "jpeg444": "jpeg444=90", "jpeg": "jpeg=75", "blocks": "blocks=0.1"}
PROMISES = [
    (name, damage)
    for name in ("mixing", "denoiser", "cyclegan")
    for damage in sorted(catalog.entry(name).traits.survives)
]


@pytest.fixture(scope="module")
def opener():
    return Opener(Keys(key_file=FOLDER / "keys" / "key.txt"), from_pixels=True)


def _opened(opener, name):
    begun = opener.begin((FOLDER / "sealed" / f"{name}.png").read_bytes(), name)
    return begun.opened, begun.pixels


@pytest.mark.parametrize(("name", "damage"), PROMISES)
def test_what_a_system_survives(opener, name, damage):
    """Better than a flat picture by 3 dB, or the promise is none."""
    sturdy = damage in ("jpeg", "cut")  # these need the option that says so
    opened, pixels = _opened(opener, f"{name}-robust2" if sturdy else name)
    rng, lost = np.random.default_rng(3), None
    if damage == "cut":
        pixels = np.ascontiguousarray(pixels[8:])
    else:
        pixels, lost = damages.parse(TRIED[damage])(pixels, rng)
    shape = tuple(opened.header.original)
    sealed = Sealed(pixels, {array: np.asarray(value) for array, value in opened.side.items()})
    gaps = None if lost is None else [lost]
    [outcome] = opener.policy.cipher(opened).decrypt([sealed], [opened.key.subkey("system")], shape, gaps)
    plain = load_picture(FOLDER / "plain" / "colour.png").pixels
    flat = np.var(plain.astype(float), axis=(0, 1)).mean()
    assert np.mean((outcome.pictures[0].astype(float) - plain) ** 2) < flat / 2


@pytest.mark.parametrize(
    "name", [name for name in catalog.NAMES if (FOLDER / "sealed" / f"{name}.png").exists()]
)
def test_which_cipher_pictures_keep_the_shape(opener, name):
    opened, pixels = _opened(opener, name)
    assert (pixels.shape == tuple(opened.header.original)) >= catalog.entry(name).traits.keeps_shape
