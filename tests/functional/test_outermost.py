"""Step counts for the outermost bytes: they lower the error as much as is said, and stay in their room."""

import jax
import jax.numpy as jnp
import numpy as np

from jaxcrypt.functional import companding, outermost

compand, measure = jax.jit(companding.compand), jax.jit(outermost.measure)
plainly, expand = jax.jit(companding.expand), jax.jit(outermost.expand)


def _sent(count=1 << 17):
    rng = np.random.default_rng(0)
    values, dither = (jnp.asarray(rng.standard_normal((2, count)), jnp.float32) for _ in range(2))
    return values, dither, compand(values, dither)


def test_error_is_what_is_claimed():
    values, dither, data = _sent()
    counts = measure(values, dither, data)
    assert counts.shape == (2, outermost.capacity(values.shape[1]))
    assert int(counts.max()) < outermost.COUNTS
    plain = np.mean(np.square(plainly(data, dither) - values))
    told = np.mean(np.square(expand(data, dither, counts) - values))
    assert np.isclose(told, outermost.error(), rtol=0.15)  # the few values beyond 4.26 make it vary
    assert told < plain / 5


def test_more_outermost_bytes_than_room_are_survived():
    values = jnp.full((1, 640), 3.0).at[0, 5].set(-3.3)
    dither = jnp.zeros((1, 640))
    data = compand(values, dither)
    expanded = np.asarray(expand(data, dither, measure(values, dither, data)))[0]
    room = outermost.capacity(640)
    assert room < 640
    assert abs(expanded[5] + 3.3) < 0.06
    assert np.abs(expanded[:5] - 3.0).max() < 0.06
    np.testing.assert_allclose(expanded[room:], plainly(data, dither)[0, room:])


def test_without_outermost_bytes_nothing_changes():
    values = jnp.zeros((1, 96))
    data = compand(values, values)
    counts = measure(values, values, data)
    assert not counts.any()
    np.testing.assert_array_equal(expand(data, values, counts), plainly(data, values))
