"""JPEG as a channel: libjpeg's tables, reading them from noise, and what a cell says."""

import io

import numpy as np
import pytest
from PIL import Image
from scipy import stats
from scipy.fft import dctn

from jaxcrypt.functional import jpeg


def _through(pixels, quality, subsampling=0):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=quality, subsampling=subsampling)
    return np.asarray(Image.open(file))


def _bytes(shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)


@pytest.mark.parametrize("quality", [1, 10, 50, 75, 90, 100])
def test_tables_are_libjpegs(quality):
    file = io.BytesIO()
    Image.fromarray(_bytes((16, 16, 3))).save(file, "JPEG", quality=quality)
    theirs = Image.open(file).quantization
    ours = jpeg.tables(quality)
    np.testing.assert_array_equal(ours[0], theirs[0])
    np.testing.assert_array_equal(ours[1], theirs[1])
    np.testing.assert_array_equal(ours[2], theirs[1])


def test_blocks_are_scipys_dct_and_come_back():
    x = np.random.default_rng(1).standard_normal((16, 24, 2)).astype(np.float32)
    blocks = np.asarray(jpeg.blocks(x))
    np.testing.assert_allclose(blocks[4, 1].reshape(8, 8), dctn(x[8:16, 8:16, 1], norm="ortho"), atol=1e-5)
    np.testing.assert_allclose(jpeg.unblocks(blocks, x.shape), x, atol=1e-5)


@pytest.mark.parametrize("quality", [60, 75, 90, 95])
def test_quality_is_read_from_colour_noise(quality):
    assert jpeg.find_quality(_through(_bytes((130, 128, 3)), quality)) == quality


def test_quality_is_read_from_grey_noise():
    assert jpeg.find_quality(_through(_bytes((128, 128)), 80)[..., None]) == 80


def test_coarse_steps_are_read_nearly():
    assert abs(jpeg.find_quality(_through(_bytes((128, 128, 3)), 50)) - 50) <= 2


def test_noise_that_met_no_jpeg_has_no_quality():
    pixels = _bytes((128, 128, 3))
    assert jpeg.find_quality(pixels) is None
    noisy = pixels + 8 * np.random.default_rng(2).standard_normal(pixels.shape)
    assert jpeg.find_quality(np.clip(noisy, 0, 255).astype(np.uint8)) is None
    assert jpeg.find_quality(pixels[:8, :8]) is None


def test_in_cell_is_the_truncated_normal():
    mean = np.array([0.0, 5.0, -40.0, 3.0], np.float32)
    variance = np.array([1.0, 4.0, 100.0, 2.0], np.float32)
    centre = np.array([0.0, 4.0, 0.0, 3.0], np.float32)
    step = np.array([1.0, 2.0, 20.0, 200.0], np.float32)
    moments = jpeg.in_cell(mean, variance, centre, step)
    s = np.sqrt(variance)
    low, high = (centre - step / 2 - mean) / s, (centre + step / 2 - mean) / s
    np.testing.assert_allclose(moments[0], stats.truncnorm.mean(low, high, mean, s), rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(moments[1], stats.truncnorm.var(low, high, mean, s), rtol=2e-2)


def test_refine_knows_its_own_error():
    pixels = _bytes((64, 64, 3), 3)
    steps = jpeg.tables(75)
    centres = jpeg.cells(_through(pixels, 75).astype(np.float32), steps)
    mean = np.full(pixels.shape, 127.5, np.float32)
    better, noise = jpeg.refine(mean, np.float32(256**2 / 12), centres, steps, pixels.shape)
    true = np.mean((np.asarray(better) - pixels) ** 2)
    assert 0.6 < true / float(noise) < 1.4
    # Once the pixels are known roughly, coarse cells stop counting, and what is left of the cells is better.
    rough = (pixels + 10 * np.random.default_rng(4).standard_normal(pixels.shape)).astype(np.float32)
    again, finer = jpeg.refine(rough, np.float32(100.0), centres, steps, pixels.shape)
    assert float(finer) < 0.8 * float(noise)
    assert np.mean((np.asarray(again) - pixels) ** 2) < 0.8 * true
