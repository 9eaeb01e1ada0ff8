"""The ResNet-UNet: what each path contributes, and that every parameter learns."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxcrypt.models.unet import HIGHEST, LOWEST, ResUNet, embed
from tests.support import parameters

NET = ResUNet(widths=(4, 8, 8, 12), blocks=(1, 1, 1, 1), attention=(2, 3), heads=2, time=16, key_features=8)
INIT, APPLY = jax.jit(NET.init), jax.jit(NET.apply)  # op by op they take many times as long


def _inputs(height=16, width=24):
    rngs = jax.random.split(jax.random.key(2), 3)
    pictures = [jax.random.normal(rng, (2, height, width, 8)) for rng in rngs[:2]]
    return (*pictures, jnp.array([[0.1, 0.2], [0.5, 0.5]]), jax.random.normal(rngs[2], (2, 16, 16, 3)))


@pytest.fixture(scope="module")
def params():
    """Away from the start, where the last convolutions are zero."""
    return parameters(NET, *_inputs())


def test_starts_with_no_noise_found_in_any_size():
    start = INIT(jax.random.key(0), *_inputs())
    for height, width in ((16, 24), (8, 8)):
        noise = APPLY(start, *_inputs(height, width))
        assert noise.shape == (2, height, width, 3)
        assert not np.asarray(noise).any()


def test_every_parameter_of_every_path_has_a_gradient(params):
    def loss(params):
        return jnp.mean(APPLY({"params": params}, *_inputs()) ** 2)

    for path, leaf in jax.tree_util.tree_leaves_with_path(jax.jit(jax.grad(loss))(params)):
        assert np.abs(np.asarray(leaf)).max() > 0, jax.tree_util.keystr(path)


@pytest.mark.parametrize("which", range(4), ids=["picture", "received", "levels", "key_image"])
def test_every_input_matters(params, which):
    inputs = list(_inputs())
    before = APPLY({"params": params}, *inputs)
    inputs[which] = inputs[which] * 0.5
    assert np.abs(np.asarray(APPLY({"params": params}, *inputs) - before)).max() > 1e-4


def test_full_resolution_detail_reaches_the_end(params):
    """A change that no lower scale can see (the mean of each 2×2 stays) comes out where it went in."""
    seen, *rest = _inputs()
    checks = jnp.zeros_like(seen).at[:, 8:10, 8:10, 0].set(jnp.array([[1.0, -1.0], [-1.0, 1.0]]))
    moved = APPLY({"params": params}, seen + checks, *rest) - APPLY({"params": params}, seen, *rest)
    change = np.abs(np.asarray(moved)).max(axis=(0, 3))
    assert np.unravel_index(change.argmax(), change.shape)[0] in range(6, 12)


def test_times_differ_between_all_levels():
    levels = jnp.geomspace(LOWEST, HIGHEST, 40)
    made = np.asarray(embed(levels, 32))
    assert made.shape == (40, 32)
    nearest = np.linalg.norm(made[1:] - made[:-1], axis=1)
    assert nearest.min() > 0.1
