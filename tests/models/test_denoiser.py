"""The denoiser's net: exact at no noise, one level or many, every parameter in use."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxcrypt.models.denoiser import Denoiser
from tests.support import parameters

NET = Denoiser(widths=(8, 12, 16), blocks=(1, 1, 1))
INIT, APPLY = jax.jit(NET.init), jax.jit(NET.apply)  # op by op they take many times as long


@pytest.fixture(scope="module")
def params():
    """Away from the start, where the last convolution is zero."""
    return parameters(NET, jnp.zeros((1, 16, 16, 3)), jnp.zeros(1))


def _picture(shape=(2, 24, 16, 3)):
    return jax.random.uniform(jax.random.key(2), shape, minval=-1.0)


def test_no_noise_leaves_the_picture_exactly(params):
    noisy = _picture()
    np.testing.assert_array_equal(APPLY({"params": params}, noisy, jnp.zeros(2)), noisy)


def test_a_plane_of_one_level_is_that_level(params):
    noisy = _picture()
    one = APPLY({"params": params}, noisy, jnp.array([0.1, 0.3]))
    plane = jnp.broadcast_to(jnp.array([0.1, 0.3])[:, None, None], noisy.shape[:3])
    np.testing.assert_allclose(APPLY({"params": params}, noisy, plane), one, atol=1e-6)
    assert np.abs(np.asarray(one - noisy)).max() > 1e-3


def test_starts_as_the_identity():
    fresh = INIT(jax.random.key(0), jnp.zeros((1, 16, 16, 3)), jnp.zeros(1))
    noisy = _picture()
    np.testing.assert_array_equal(APPLY(fresh, noisy, jnp.ones(2)), noisy)


def test_every_parameter_has_a_gradient(params):
    def loss(params):
        return jnp.mean(APPLY({"params": params}, _picture(), jnp.array([0.1, 0.4])) ** 2)

    for path, leaf in jax.tree_util.tree_leaves_with_path(jax.jit(jax.grad(loss))(params)):
        assert np.abs(np.asarray(leaf)).max() > 0, jax.tree_util.keystr(path)


def test_multiple_is_what_it_takes(params):
    assert NET.multiple == 8
    with pytest.raises((TypeError, ValueError)):
        APPLY({"params": params}, _picture((1, 12, 16, 3)), jnp.ones(1))
