"""Cipher pictures that are no uniform noise, against nulls of their own layout."""

import dataclasses

import numpy as np
import pytest

from jaxcrypt.attacks import nulls, pictures
from jaxcrypt.attacks.rows import CHANCE, FALLS, WEAKENED
from jaxcrypt.attacks.victim import Victim
from jaxcrypt.functional import jpeg_layout
from jaxcrypt.record import Sealed
from jaxcrypt.sealing.cipher import Cipher
from jaxcrypt.systems.catalog import build


@pytest.fixture(scope="module")
def robust():
    return Victim("denoiser", Cipher(build("denoiser"), {}, (("robust", 2),)))


@pytest.fixture(scope="module")
def small(judged):
    return pictures.windows(judged, 48, 24, 3, 0)


def test_uniform_ciphers_have_no_null(logistic, mixing):
    random = np.random.default_rng(0)
    plain = Victim("denoiser", Cipher(build("denoiser")))
    assert all(victim.null((48, 48, 3), random) is None for victim in (logistic, mixing, plain))


def test_a_null_is_shaped_as_ciphers_are(robust, small):
    null = robust.null(small.shape[1:], np.random.default_rng(0))
    ciphers, _ = robust.encrypt(small[:1], robust.subkeys(small[:1], 0))
    assert (null.shape, null.dtype) == (ciphers.shape[1:], ciphers.dtype)


def test_keyed_mixing_in_the_layout_is_as_its_null(robust, small):
    rows = nulls.rows(robust, small, 0)
    assert [row.verdict for row in rows if not row.weakened] == [CHANCE] * 5
    assert [row.verdict for row in rows if row.weakened] == [WEAKENED]
    assert all(row.control.surely_in for row in rows if not row.weakened)


class Unmixed:
    """A driver that lays the picture's own samples out, unmixed, at random signs."""

    def __init__(self, driver):
        self._driver = driver

    def __getattr__(self, name):
        return getattr(self._driver, name)

    def encrypt(self, call, photos, keys):
        made = []
        for photo, key in zip(photos, keys, strict=True):
            layout = jpeg_layout.plan(photo.shape, 2)
            samples = jpeg_layout.to_samples(photo, layout)
            samples = np.resize((samples - samples.mean()) / (samples.std() + 1e-3), layout.symbols)
            random = np.random.default_rng(list(key))
            signs = random.choice([-1, 1], layout.symbols)
            pilots = random.standard_normal(layout.grid[0] * layout.grid[1]).astype(np.float32)
            made.append(Sealed(jpeg_layout.lay_out((signs * samples).astype(np.float32), pilots, layout)))
        return made


def test_a_layout_without_mixing_falls(robust, small):
    driver = Unmixed(robust.system.driver)
    shown = Victim("unmixed", Cipher(dataclasses.replace(robust.system, driver=driver), {}, (("robust", 2),)))
    rows = {(row.attack, row.granted.partition(",")[0]): row.verdict for row in nulls.rows(shown, small, 0)}
    assert rows["statistics", "ciphers of chosen pictures: flat"] == FALLS
