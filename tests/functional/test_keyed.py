"""Standard normal values from key stream, as many as are asked for."""

import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from jaxcrypt.functional.keyed import gaussians


@pytest.mark.parametrize("count", [1, 2047, 2048, 2049, 4800, 6144, 10_000])
def test_every_count_of_words_gives_normal_values(rng, count):
    words = rng.integers(0, 1 << 32, count, dtype=np.uint32)
    halves = np.concatenate([words & 0xFFFF, words >> 16])
    expected = scipy.stats.norm.ppf((halves + 0.5) / 65536)
    np.testing.assert_allclose(gaussians(jnp.asarray(words)), expected, atol=2e-4)
