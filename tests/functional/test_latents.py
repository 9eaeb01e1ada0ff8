"""Bits as normal latents: their distribution, and that they come back."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from jaxcrypt.functional import latents

embed, extract = (jax.jit(f, static_argnames="bits") for f in (latents.embed, latents.extract))
dithers, normal = jax.jit(latents.dithers), jax.jit(latents.normal)


def drawn(rng, bits, shape):
    symbols = rng.integers(0, 2**bits, shape)
    dither = dithers(jnp.asarray(rng.integers(0, 2**32, shape, np.uint32)))
    return symbols, dither


@pytest.mark.parametrize("bits", [1, 3, 8, latents.MAX_BITS])
def test_symbols_come_back(rng, bits):
    symbols, dither = drawn(rng, bits, (200, 100))
    z = embed(jnp.asarray(symbols), dither, bits=bits)
    extracted, sure = extract(z, jnp.full(z.shape, 1e-4), dither, bits=bits)
    np.testing.assert_array_equal(extracted, symbols)
    assert float(sure.min()) > 3


@pytest.mark.parametrize("bits", [1, 8])
def test_latents_are_standard_normal(rng, bits):
    symbols, dither = drawn(rng, bits, 200_000)
    z = np.asarray(embed(jnp.asarray(symbols), dither, bits=bits))
    assert np.isfinite(z).all()
    assert stats.kstest(z, "norm").pvalue > 1e-3
    low, high = np.quantile(z, [1e-4, 1 - 1e-4])
    assert low == pytest.approx(-3.719, abs=0.1)
    assert high == pytest.approx(3.719, abs=0.1)


def test_tails_are_those_of_scipy():
    share = jnp.asarray([2.0**-24, 2.0**-14, 0.1, 0.5, 0.9, 1 - 2.0**-14, 1 - 2.0**-24])
    np.testing.assert_allclose(normal(share), stats.norm.ppf(np.asarray(share, float)), atol=2e-5)


def test_without_the_dither_nothing_shows_where_bins_end(rng):
    """Bin centres in place of dither would pile up on a lattice."""
    symbols, dither = drawn(rng, 4, 100_000)

    def place(dither):
        return stats.norm.cdf(np.asarray(embed(jnp.asarray(symbols), dither, bits=4))) * 16 % 1

    assert stats.kstest(place(dither), "uniform").pvalue > 1e-3
    assert stats.kstest(place(jnp.full(symbols.shape, 0.5)), "uniform").pvalue < 1e-9


def test_errors_come_where_the_ratio_says_unsure(rng):
    symbols, dither = drawn(rng, 5, 200_000)
    z = embed(jnp.asarray(symbols), dither, bits=5)
    sigma = 0.02
    seen = z + sigma * rng.standard_normal(z.shape).astype(np.float32)
    extracted, sure = extract(seen, jnp.full(z.shape, sigma), dither, bits=5)
    wrong, sure = np.asarray(extracted) != symbols, np.asarray(sure)
    assert 0.01 < wrong.mean() < 0.5
    for low, high in ((0.2, 0.8), (1.0, 2.0), (2.5, 3.5)):
        part = (sure > low) & (sure < high)
        assert wrong[part].mean() == pytest.approx(np.mean(1 / (1 + np.exp(sure[part]))), rel=0.25)
