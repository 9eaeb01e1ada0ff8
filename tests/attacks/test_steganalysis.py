"""Which picture a scramble of squares holds shows without its key; a cipher's noise shows nothing."""

import jax
import numpy as np

from jaxcrypt.attacks import steganalysis
from jaxcrypt.functional.scramble import scramble
from tests.attacks.conftest import scene

scrambled = jax.jit(scramble)


def test_a_scrambled_picture_is_named(rng):
    pictures = np.stack([scene(np.random.default_rng(i)) for i in range(12)])[:, None]
    candidates = np.stack([steganalysis.signature(picture) for picture in pictures])
    for index, picture in enumerate(pictures):
        key = rng.integers(0, 1 << 32, 8, dtype=np.uint32)
        shown = np.asarray(scrambled(picture, key)).astype(int) + rng.integers(-3, 4, picture.shape)
        assert steganalysis.named(np.clip(shown, 0, 255).astype(np.uint8), candidates) == index


def test_noise_is_the_same_whatever_it_hides(rng):
    pictures = np.stack([scene(np.random.default_rng(i)) for i in range(12)])[:, None]
    candidates = np.stack([steganalysis.signature(picture) for picture in pictures])
    noise = rng.integers(0, 256, (8, *pictures.shape[1:]), dtype=np.uint8)
    assert len({steganalysis.named(one, candidates) for one in noise}) == 1
