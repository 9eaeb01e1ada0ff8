"""PSNR and SSIM against scikit-image."""

import numpy as np
import pytest
from skimage import data, filters, metrics

from jaxcrypt.metrics import image


def pairs():
    photo = data.astronaut()[100:230, 60:161].astype(np.float32) / 255
    rng = np.random.default_rng(5)
    yield photo, np.clip(photo + rng.normal(0, 0.1, photo.shape), 0, 1).astype(np.float32)
    yield photo, filters.gaussian(photo, 2, channel_axis=-1).astype(np.float32)
    yield photo, 1 - photo
    yield photo, photo
    yield np.full_like(photo, 0.5), np.full_like(photo, 0.52)


@pytest.mark.parametrize(("first", "second"), list(pairs()))
def test_ssim_equals_scikit_image(first, second):
    expected = metrics.structural_similarity(first, second, channel_axis=-1, data_range=1.0)
    np.testing.assert_allclose(image.ssim(first[None], second[None]), [expected], atol=1e-4)


def test_psnr_and_mse_equal_scikit_image(rng):
    first, second = rng.random((2, 3, 20, 31, 3), dtype=np.float32)
    for i in range(3):
        expected = metrics.peak_signal_noise_ratio(first[i], second[i], data_range=1.0)
        np.testing.assert_allclose(image.psnr(first, second)[i], expected, rtol=1e-5)
        expected = metrics.mean_squared_error(first[i], second[i])
        np.testing.assert_allclose(image.mse(first, second)[i], expected, rtol=1e-5)


def test_equal_pictures_have_infinite_psnr(rng):
    picture = rng.random((1, 8, 8, 1), dtype=np.float32)
    assert np.isinf(image.psnr(picture, picture)[0])


def test_eight_bits(rng):
    levels = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1)
    np.testing.assert_allclose(image.as_8_bits(levels / np.float32(255)) * 255, levels, atol=1e-4)
    assert image.as_8_bits(np.float32([[[[1.7]]]])).item() == 1.0


def test_ssim_refuses_pictures_below_its_window():
    with pytest.raises(ValueError, match="7×7"):
        image.ssim(np.zeros((1, 6, 40, 3), np.float32), np.zeros((1, 6, 40, 3), np.float32))
