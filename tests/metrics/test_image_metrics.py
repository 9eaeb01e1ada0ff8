"""Picture metrics against scikit-image."""

import math

import jax.numpy as jnp
import numpy as np
import pytest
from skimage import data
from skimage.metrics import mean_squared_error, peak_signal_noise_ratio, structural_similarity

from jaxcrypt.metrics import image as metrics


def pictures(rng):
    """A photo at three damages, a bright flat picture with faint noise, and pure noise; [5, 96, 120, 3]."""
    photo = data.astronaut()[:96, 100:220]
    damaged = [np.clip(photo + rng.normal(0, s, photo.shape), 0, 255) for s in (1, 10, 60)]
    flat = np.full(photo.shape, 250)
    noise = rng.integers(0, 256, photo.shape)
    plain = np.stack([photo, photo, photo, flat, photo]).astype(np.uint8)
    other = np.stack([*damaged, flat + rng.integers(-1, 2, photo.shape), noise]).astype(np.uint8)
    return plain, other


def test_mse_and_psnr_equal_scikit_image(rng):
    plain, other = pictures(rng)
    ours = metrics.psnr(other, plain)
    theirs = [peak_signal_noise_ratio(a, b, data_range=255) for a, b in zip(plain, other, strict=True)]
    np.testing.assert_allclose(ours, theirs, rtol=1e-12)
    np.testing.assert_allclose(metrics.psnr(other / 255, plain / np.float32(255)), theirs, rtol=1e-12)
    errors = metrics.mse(jnp.asarray(other) / 255, jnp.asarray(plain) / 255)
    expected = [mean_squared_error(a / 255, b / 255) for a, b in zip(plain, other, strict=True)]
    np.testing.assert_allclose(errors, expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("gaussian", "sample_covariance"), [(False, True), (False, False), (True, True), (True, False)]
)
def test_ssim_equals_scikit_image(rng, gaussian, sample_covariance):
    plain, other = pictures(rng)
    options = {"gaussian_weights": gaussian, "use_sample_covariance": sample_covariance}
    theirs = [
        structural_similarity(a, b, data_range=255, channel_axis=-1, **options)
        for a, b in zip(plain, other, strict=True)
    ]
    ours = metrics.ssim(
        jnp.asarray(plain) / 255,
        jnp.asarray(other) / 255,
        gaussian=gaussian,
        sample_covariance=sample_covariance,
    )
    np.testing.assert_allclose(ours, theirs, atol=1e-4)
    scaled = metrics.ssim(
        plain, other, data_range=255, gaussian=gaussian, sample_covariance=sample_covariance
    )
    np.testing.assert_allclose(scaled, theirs, atol=1e-4)


def test_psnr_is_that_of_the_eight_bit_picture():
    plain = np.full((1, 8, 8, 3), 100 / 255, np.float32)
    assert np.isinf(metrics.psnr(plain + 0.4 / 255, plain)[0])  # rounds to the very picture
    assert metrics.psnr(plain + 0.6 / 255, plain)[0] == pytest.approx(20 * np.log10(255))
    assert metrics.psnr(plain[0], plain[0]) == np.inf, "one picture has one PSNR"
    assert metrics.decibels([1.0, 0.0]).tolist() == [pytest.approx(20 * np.log10(255)), np.inf]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([math.inf, math.inf], "exact"),
        ([45.0, 40.0], "42.50 (40.0)"),
        ([45.0, math.inf, 40.0, math.nan], "42.50 (40.0), 1 of 3 exact"),
    ],
)
def test_exact_pictures_are_counted_not_averaged(values, words):
    assert metrics.mean(values).words == words


def test_a_mean_of_nothing_is_no_number():
    assert math.isnan(metrics.mean([math.nan]).psnr)
    assert math.isnan(metrics.mean([]).psnr)
    assert metrics.words(math.inf) == "exact"
    assert metrics.words(45.678) == "45.68 dB"


def test_what_has_no_measure_is_refused():
    small = jnp.zeros((1, 6, 20, 3))
    with pytest.raises(ValueError, match="7×7"):
        metrics.ssim(small, small)
    with pytest.raises(ValueError, match="one shape"):
        metrics.mse(small, jnp.zeros((1, 6, 20, 1)))
    with pytest.raises(ValueError, match="one shape"):
        metrics.psnr(np.zeros((6, 20, 3)), np.zeros((6, 20, 1)))


def test_flat_mean_is_the_best_flat_picture(rng):
    plain, _ = pictures(rng)
    flat = metrics.flat_mean(plain)
    assert flat.dtype == np.uint8
    best = metrics.psnr(flat, plain)
    for shift in (-2, 2):
        assert (metrics.psnr((flat.astype(int) + shift).astype(np.uint8), plain) < best).all()
    level = metrics.flat_mean(plain[0] / 255)
    assert level.shape == plain[0].shape
    assert level.flat[0] == pytest.approx(plain[0].mean() / 255)
