"""The autoencoder's linear start, its quantiser, and what its output depends on."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.fft import dctn

from jaxcrypt.models.autoencoder import (
    Autoencoder,
    compand,
    dct_matrix,
    dequantise,
    expand,
    quantise,
    straight_through,
    zigzag,
)
from jaxcrypt.models.layers import depth_to_space, space_to_depth

BITS = (5, 3, 2, 2, 1, 1, 1, 1) + (0,) * 248


def net(channels=1, bits=BITS, **kwargs):
    bits = bits + (0,) * (256 * (channels - 1))
    settings = {"features": 8, "encoder_blocks": 1, "decoder_blocks": 1} | kwargs
    return Autoencoder(bits=bits, cell=0.05, channels=channels, **settings)


def stirred(params, rng):
    """Parameters away from the start, where residual branches are zero and would hide mistakes."""
    return jax.tree.map(lambda p: p + 0.1 * rng.standard_normal(p.shape).astype(np.float32), params)


def test_space_and_depth_undo_each_other(rng):
    x = rng.standard_normal((2, 8, 12, 3)).astype(np.float32)
    y = space_to_depth(x, 4)
    np.testing.assert_array_equal(y[1, 1, 2], x[1, 4:8, 8:12].reshape(-1))
    np.testing.assert_array_equal(depth_to_space(y, 4), x)


def test_columns_are_scipys_dct_in_jpeg_order(rng):
    patch = rng.standard_normal((16, 16))
    wanted = [dctn(patch, norm="ortho")[i, j] for i, j in zigzag()]
    np.testing.assert_allclose(patch.ravel() @ dct_matrix(1), wanted, atol=1e-5)
    assert zigzag()[:6] == [(0, 0), (0, 1), (1, 0), (2, 0), (1, 1), (0, 2)]


def test_colour_transform_is_orthonormal_and_starts_with_luminance(rng):
    matrix = dct_matrix(3)
    np.testing.assert_allclose(matrix.T @ matrix, np.eye(768), atol=1e-5)
    grey = np.repeat(rng.standard_normal((256, 1)), 3, axis=1).ravel()
    assert np.abs(grey @ matrix[:, 256:]).max() < 1e-5


def test_expand_undoes_compand(rng):
    u = rng.standard_normal((50, 3)).astype(np.float32)
    scale = jnp.asarray([0.5, 1.0, 4.0])
    np.testing.assert_allclose(expand(compand(u, scale), scale), u, rtol=1e-4, atol=1e-5)


def test_quantiser_is_exact_and_reaches_its_ends():
    bits = (1, 3, 8)
    y = jnp.asarray([[-1.0, -1.0, -1.0], [1.0, 1.0, 1.0], [-0.01, 0.01, 0.5]])
    np.testing.assert_array_equal(quantise(y, bits), [[0, 0, 0], [1, 7, 255], [0, 4, 192]])
    every = jnp.arange(256)[:, None] * jnp.ones((1, 3), jnp.int32) % jnp.asarray([2, 8, 256])
    np.testing.assert_array_equal(quantise(dequantise(every, bits), bits), every)


def test_rounding_lets_gradients_through():
    y = jnp.asarray([[0.3, -0.7]])
    np.testing.assert_array_equal(
        jax.grad(lambda y: (3 * straight_through(y, (2, 2))).sum())(y), [[3.0, 3.0]]
    )


@pytest.mark.parametrize("channels", [1, 3])
def test_untrained_it_is_transform_coding(rng, channels):
    fine = (8,) * (256 * channels)
    model = Autoencoder(fine, 0.02, channels, features=8, encoder_blocks=1, decoder_blocks=1)
    x = rng.uniform(-0.5, 0.5, (2, 32, 48, channels)).astype(np.float32)
    params = jax.jit(model.init)(jax.random.key(0), x)
    encode, decode = (jax.jit(functools.partial(model.apply, method=name)) for name in ("encode", "decode"))
    indices = encode(params, x)
    assert indices.shape == (2, 2, 3, 256 * channels)
    back = decode(params, indices)
    np.testing.assert_allclose(back, jax.jit(model.apply)(params, x), atol=1e-5)
    assert np.abs(back - x).max() < 0.1


def test_what_lies_beyond_the_reach_has_no_influence(rng):
    model = net()
    x = rng.uniform(-1, 1, (1, 16 * 13, 16, 1)).astype(np.float32)
    params = stirred(jax.jit(model.init)(jax.random.key(0), x[:, :16]), rng)
    moved = x.copy()
    moved[:, :16] *= -1
    encode = jax.jit(functools.partial(model.apply, method=lambda m, v: m.encoder(v)))
    decode = jax.jit(functools.partial(model.apply, method=lambda m, v: m.decoder(v)))
    latents = [encode(params, v) for v in (x, moved)]
    changed = np.flatnonzero(np.abs(latents[0] - latents[1]).max((0, 2, 3)) > 0)
    assert changed.max() == model.reach[0] // 16
    y = 0.9 * latents[0]  # away from the ends, which the quantiser never gives
    decoded = [decode(params, v) for v in (y, y.at[:, 0].multiply(-1))]
    changed = np.flatnonzero(np.abs(decoded[0] - decoded[1]).max((0, 2, 3)) > 0)
    assert model.reach[1] <= changed.max() < model.reach[1] + 16


def test_bits_must_be_given_for_every_coefficient():
    with pytest.raises(ValueError, match="256 coefficients"):
        Autoencoder(BITS[:8], 0.05, 1, 8, 1, 1).init(jax.random.key(0), jnp.zeros((1, 8, 8, 1)))
