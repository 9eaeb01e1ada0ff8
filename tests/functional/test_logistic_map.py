"""The fixed-point logistic map against Python's big integers."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxcrypt.functional import logistic_map

FULL = 2**64 - 1
EDGES = (0, 1, FULL, 1 << 63, (1 << 63) - 1, 3 << 62, 1 << 62, (3 << 62) - 1)


def exact_step(x: int) -> int:
    y = 2 * x & FULL
    y = y if x >> 63 else FULL - y
    return FULL - (y * y >> 64)


def limbs(states) -> tuple:
    return (
        jnp.asarray([x >> 32 for x in states], jnp.uint32),
        jnp.asarray([x & 0xFFFFFFFF for x in states], jnp.uint32),
    )


@pytest.fixture(params=["cpu", "gpu"])
def backend(request, monkeypatch):
    """What the array code believes it runs on: CPUs have products of 64 bits."""
    monkeypatch.setattr(jax, "default_backend", lambda: request.param)


def test_orbits_are_exact(rng, backend):
    states = [int.from_bytes(rng.bytes(8), "little") for _ in range(50)] + list(EDGES)
    made = np.asarray(logistic_map.orbits(*limbs(states), logistic_map.MAX_STEPS))
    for row in made:
        states = [exact_step(x) for x in states]
        assert row.tolist() == [x >> 16 & 0xFFFFFFFF for x in states]


def test_it_is_the_logistic_map():
    for x in (0.1, 0.49, 0.7, 0.999):
        assert exact_step(int(x * 2**64)) / 2**64 == pytest.approx(4 * x * (1 - x), abs=1e-12)


def test_no_seed_hangs():
    made = np.asarray(logistic_map.orbits(*limbs(EDGES), logistic_map.MAX_STEPS))
    assert all(len(set(column.tolist())) > 20 for column in made.T)


def test_long_orbits_are_refused():
    with pytest.raises(ValueError, match="64"):
        logistic_map.orbits(*limbs([1]), 65)


def test_the_round_function_is_three_steps(rng, backend):
    x, k1, k2 = (rng.integers(0, 2**32, 100, np.uint32).tolist() for _ in range(3))
    made = jax.jit(jax.vmap(logistic_map.round_function))(
        *(jnp.asarray(one, jnp.uint32) for one in (x, k1, k2))
    )
    assert made.dtype == jnp.uint32
    for word, first, second, found in zip(x, k1, k2, made.tolist(), strict=True):
        state = (first + word * 0x9E3779B1 & 0xFFFFFFFF) << 32 | second ^ word
        for _ in range(3):
            state = exact_step(state)
        assert found == state >> 16 & 0xFFFFFFFF


def test_round_function_spreads_every_bit(rng):
    x, k1, k2 = (rng.integers(0, 2**32, 2000, np.uint32) for _ in range(3))
    round_function = jax.jit(logistic_map.round_function)
    base = np.asarray(round_function(x, k1, k2))
    for bit in range(32):
        changed = np.asarray(round_function(x ^ np.uint32(1 << bit), k1, k2)) ^ base
        share = np.unpackbits(changed.view(np.uint8)).mean()
        assert 0.48 < share < 0.52, bit
