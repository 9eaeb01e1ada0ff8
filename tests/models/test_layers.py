"""Layers that nets share."""

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn

from jaxcrypt.models.layers import Conv


def test_a_pointwise_convolution_and_its_derivatives_are_those_of_a_convolution():
    x = np.random.default_rng(0).normal(size=(3, 6, 4, 5)).astype(np.float32)
    ours, plain = Conv(7, (1, 1)), nn.Conv(7, (1, 1))
    params = plain.init(jax.random.key(0), x)
    assert (ours.apply(params, x) == plain.apply(params, x)).all()

    def slopes(net):
        def value(params, x):
            return jnp.sum(jnp.sin(net.apply(params, x)))

        second = jax.grad(lambda params: jnp.sum(jax.grad(value, 1)(params, x) ** 2))
        forwards = jax.jvp(lambda x: value(params, x), (x,), (jnp.ones_like(x),))
        return jax.grad(value, (0, 1))(params, x), second(params), forwards

    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=2e-4), slopes(ours), slopes(plain))
