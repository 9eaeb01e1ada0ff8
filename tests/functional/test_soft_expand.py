"""Posterior means of mixed values behind noisy bytes, against integration by brute force."""

import numpy as np
import pytest
from scipy import stats

from jaxcrypt.functional import companding, soft_expand


def test_posterior_is_the_integral():
    z = np.linspace(-6, 6, 20_001)
    byte = 256 * stats.norm.cdf(z) - 0.5
    weight = stats.norm.pdf(z, 0.4, 0.5) * stats.norm.pdf(180.0, byte, 9.0)
    mean = np.average(z, weights=weight)
    var = np.average((z - mean) ** 2, weights=weight)
    moments = soft_expand.posterior(np.float32([180.0]), 81.0, np.float32([0.4]), 0.25, False)
    np.testing.assert_allclose(moments[0], mean, atol=2e-3)
    np.testing.assert_allclose(moments[1], var, rtol=2e-2)


@pytest.mark.parametrize("sigma", [2.0, 8.0, 25.0])
def test_it_errs_as_it_says_and_less_than_the_plain_inverse(sigma):
    rng = np.random.default_rng(1)
    z = rng.standard_normal(40_000).astype(np.float32)
    byte = np.floor(256 * stats.norm.cdf(z))
    received = np.clip(np.rint(byte + sigma * rng.standard_normal(z.shape)), 0, 255).astype(np.float32)
    mean, variance = soft_expand.posterior(received, sigma**2, np.zeros_like(z), 1.0, True)
    error = np.mean((mean - z) ** 2)
    assert error == pytest.approx(variance.mean(), rel=0.12)
    plain = np.mean((companding.CENTROIDS[received.astype(int)] - z) ** 2)
    assert error < plain
    assert plain == pytest.approx(soft_expand.expansion_error(sigma**2), rel=0.06)
    assert soft_expand.byte_noise(plain) == pytest.approx(sigma**2, rel=0.1)


def test_no_noise_but_rounding():
    assert soft_expand.byte_noise(soft_expand.expansion_error(0.0) * 0.9) == pytest.approx(1 / 12)


def test_predict_is_the_mean_of_the_byte():
    rng = np.random.default_rng(2)
    draws = 256 * stats.norm.cdf(0.7 + 0.3 * rng.standard_normal(200_000)) - 0.5
    mean, variance = soft_expand.predict(np.float32([0.7]), 0.09)
    np.testing.assert_allclose(mean, draws.mean(), atol=0.3)
    np.testing.assert_allclose(variance, draws.var(), rtol=0.02)


def test_extrinsic_times_prior_is_the_posterior():
    r, tau = soft_expand.extrinsic(0.8, 0.2, 0.5, 1.0)
    assert 1 / tau + 1 / 1.0 == pytest.approx(1 / 0.2)
    assert (r / tau + 0.5) * 0.2 == pytest.approx(0.8)
