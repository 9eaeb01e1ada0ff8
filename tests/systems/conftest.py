"""Fixtures of the Systems' tests."""

import jax
import pytest

from jaxcrypt.systems.catalog import build
from tests.systems.cyclegan_small import small_config


@pytest.fixture(scope="module")
def fast_rng():
    """Random numbers whose programs compile many times faster, for a module."""
    with jax.default_prng_impl("unsafe_rbg"):
        yield


@pytest.fixture(scope="module")
def untrained():
    """Small nets as they start: the scales' profile, and a denoiser that leaves pictures alone."""
    system = build("cyclegan", small_config())
    params, extra = jax.jit(lambda: system.init(jax.random.key(0), None))()
    return system, {"params": params, "extra": extra}
