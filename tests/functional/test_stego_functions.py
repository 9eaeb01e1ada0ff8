"""What hiding is made of: a transform that is its own inverse, a scramble undone, digits that stay."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxcrypt.functional.lattice import embed, extract
from jaxcrypt.functional.scramble import scramble as scrambled
from jaxcrypt.functional.wavelet import haar, inverse_haar

KEY = np.arange(8, dtype=np.uint32)
scramble = jax.jit(scrambled, static_argnames="inverse")


def test_haar_is_orthonormal_and_undone(rng):
    x = rng.normal(size=(2, 8, 12, 3)).astype(np.float32)
    bands = haar(x, 2)
    assert bands.shape == (2, 2, 3, 48)
    np.testing.assert_allclose(np.sum(bands**2), np.sum(x**2), rtol=1e-5)
    np.testing.assert_allclose(inverse_haar(bands, 2), x, atol=1e-5)


def test_haar_of_one_block():
    """By hand: a b / c d = 1 2 / 3 6."""
    block = np.array([[1, 2], [3, 6]], np.float32)[None, :, :, None]
    np.testing.assert_allclose(haar(block).ravel(), [6, -2, -3, 1])


def test_scramble_is_undone_and_keeps_every_sample_or_its_inverse(rng):
    pictures = rng.integers(0, 256, (3, 16, 40, 3), dtype=np.uint8)
    made = np.asarray(scramble(pictures, KEY))
    assert (made != pictures).mean() > 0.9
    folded = [np.bincount(np.minimum(x, 255 - x).ravel(), minlength=256) for x in (made, pictures)]
    np.testing.assert_array_equal(*folded)
    np.testing.assert_array_equal(scramble(made, KEY, inverse=True), pictures)


def test_scramble_depends_on_every_word_of_the_key(rng):
    pictures = rng.integers(0, 256, (1, 32, 32, 3), dtype=np.uint8)
    made = np.asarray(scramble(pictures, KEY))
    for word in range(8):
        other = KEY.copy()
        other[word] ^= 1 << 31
        assert np.mean(np.asarray(scramble(pictures, other)) != made) > 0.9


@pytest.mark.parametrize(("depth", "error"), [(1, 0.5), (2, 1.5), (3, 5.5), (4, 21.5)])
def test_digits_come_back_and_cost_what_theory_says(rng, depth, error):
    cover = rng.integers(32, 224, (64, 64, 3), dtype=np.uint8)
    digits = rng.integers(0, 1 << depth, cover.shape)
    depths = jnp.full(3, depth)
    stego = np.asarray(jax.jit(embed)(cover, digits, depths))
    np.testing.assert_array_equal(extract(stego, depths), digits)
    change = stego.astype(int) - cover
    assert abs(change).max() == 1 << (depth - 1)
    assert abs(np.mean(change**2) / error - 1) < 0.05
    assert abs(change.mean()) < 0.1 * 2**depth


def test_digits_come_back_at_the_ends_of_the_range():
    values, digits = np.meshgrid(np.r_[0:20, 236:256], np.arange(16))
    cover = values.astype(np.uint8)[..., None]
    stego = embed(cover, digits[..., None], jnp.array([4]))
    np.testing.assert_array_equal(extract(stego, jnp.array([4]))[..., 0], digits)
    assert np.abs(np.asarray(stego).astype(int) - cover).max() < 16
