"""Ciphers that keep magnitudes, norms or block means are linked to their photos; others are not."""

import numpy as np
import pytest

from jaxcrypt.attacks import linkage
from jaxcrypt.attacks.significance import by_chance


@pytest.fixture(scope="module")
def photos():
    rng = np.random.default_rng(3)
    y, x = np.mgrid[:64, :64]
    made = []
    for _ in range(24):
        planes = [
            128
            + rng.uniform(10, 90)
            * np.sin(x / rng.uniform(2, 20) + rng.uniform(0, 6))
            * np.cos(y / rng.uniform(2, 20))
            + rng.normal(0, rng.uniform(0, 12), x.shape)
            for _ in range(3)
        ]
        made.append(np.stack(planes, -1))
    return np.clip(made, 0, 255).astype(np.uint8)


def test_the_ablations_are_told(photos):
    plain = linkage.links(linkage.white_noise(photos, 0), photos)["block means"]
    natural = linkage.links(linkage.natural_key(photos, 0), photos)["block means"]
    assert plain.likeness > natural.likeness > 0.1
    assert plain.share > 0.15
    assert not by_chance(plain.p)
    assert natural.p < 0.01
    flipped = linkage.links(linkage.sign_flips(photos, 0), photos)
    assert flipped["magnitudes"].share > 0.3
    assert not by_chance(flipped["magnitudes"].p)
    assert not by_chance(flipped["norm"].p)


def test_uniform_noise_tells_nothing(photos):
    noise = np.random.default_rng(0).integers(0, 256, photos.shape, np.uint8)
    for link in linkage.links(noise, photos).values():
        assert by_chance(link.p)
        assert link.share < 0.3


def test_a_cipher_may_be_larger_than_its_photo(photos):
    noise = np.random.default_rng(0).integers(0, 256, (24, 66, 64, 3), np.uint8)
    assert set(linkage.links(noise, photos)) == {"block means", "norm", "magnitudes"}
