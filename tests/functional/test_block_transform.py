"""The block transform is SciPy's DCT of an orthonormal colour basis, and undone exactly."""

import jax.numpy as jnp
import numpy as np
from scipy.fft import dctn

from jaxcrypt.functional.block_transform import BLOCK, COLOURS, PLANE, analyse, synthesise


def _picture(rng):
    return rng.uniform(0, 255, (2, 32, 48, 3)).astype(np.float32)


def test_agrees_with_scipy():
    picture = _picture(np.random.default_rng(0))
    coefficients = np.asarray(analyse(jnp.asarray(picture)))
    block = picture[1, 16:32, 32:48].astype(np.float64) @ COLOURS.T.astype(np.float64)
    wanted = np.concatenate([dctn(block[..., p], norm="ortho").reshape(-1) for p in range(3)])
    np.testing.assert_allclose(coefficients[1, 1, 2], wanted, atol=2e-3)


def test_round_trip_and_energy():
    picture = _picture(np.random.default_rng(1))
    coefficients = analyse(jnp.asarray(picture))
    assert coefficients.shape == (2, 2, 3, 3 * PLANE)
    assert np.isclose(np.sum(np.square(coefficients)), np.sum(np.square(picture)), rtol=1e-5)
    np.testing.assert_allclose(synthesise(coefficients), picture, atol=2e-3)


def test_equal_planes_are_luminance_alone():
    grey = np.repeat(np.random.default_rng(2).uniform(0, 255, (1, BLOCK, BLOCK, 1)), 3, axis=3)
    coefficients = np.asarray(analyse(jnp.asarray(grey, jnp.float32)))
    assert np.abs(coefficients[..., PLANE:]).max() < 1e-3 < np.abs(coefficients[..., :PLANE]).max()
