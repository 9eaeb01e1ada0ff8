"""The robust layout: within its budget, there and back, and found again after a cut."""

import numpy as np
import pytest

from jaxcrypt.functional import jpeg_layout


def _photo(shape=(64, 96, 3)):
    y, x = np.mgrid[: shape[0], : shape[1]]
    planes = [110 + 70 * np.sin(x / 17 + k) + 40 * np.cos(y / 13 - k) for k in range(shape[2])]
    return np.clip(np.stack(planes, -1), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("strength", jpeg_layout.STRENGTHS)
@pytest.mark.parametrize("shape", [(256, 256, 3), (61, 99, 3), (200, 40, 1), (64, 80, 4), (64, 80, 2)])
def test_no_more_pixels_than_the_strength_says(shape, strength):
    layout = jpeg_layout.plan(shape, strength)
    if layout is None:  # four planes in one picture's worth of luma
        assert strength == 1
        return
    height, width, channels = layout.cipher_shape
    assert height * width <= strength * shape[0] * shape[1]
    assert channels == 1
    assert height % 8 == width % 8 == 0
    assert layout.symbols >= 1.01 * layout.samples
    assert len(set(layout.carriers)) == layout.carried
    assert jpeg_layout.ORDER[jpeg_layout.PILOT] not in layout.carriers


def test_tiny_pictures_have_no_layout():
    assert jpeg_layout.plan((8, 8, 3), 1) is None
    assert jpeg_layout.plan((2, 200, 3), 3) is None


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_samples_come_back(channels):
    photo = _photo((64, 96, channels))
    layout = jpeg_layout.plan(photo.shape, 2)
    samples = jpeg_layout.to_samples(photo, layout)
    assert samples.shape == (layout.samples,)
    back = jpeg_layout.to_picture(samples, layout)
    assert np.abs(back.astype(int) - photo).mean() < 1.0


def _cipher(layout, seed=0):
    rng = np.random.default_rng(seed)
    symbols = rng.standard_normal(layout.symbols).astype(np.float32)
    pilots = rng.standard_normal(layout.grid[0] * layout.grid[1]).astype(np.float32)
    return symbols, pilots, jpeg_layout.lay_out(symbols, pilots, layout)


@pytest.mark.parametrize("strength", jpeg_layout.STRENGTHS)
def test_symbols_come_back_from_the_pixels(strength):
    layout = jpeg_layout.plan((64, 96, 3), strength)
    symbols, pilots, cipher = _cipher(layout)
    assert cipher.dtype == np.uint8
    assert cipher.shape == layout.cipher_shape
    assert np.mean((cipher == 0) | (cipher == 255)) < 0.02
    received = jpeg_layout.coefficients(cipher)
    error = received[:, layout.carriers].reshape(-1) / layout.amplitude - symbols
    assert np.sqrt(np.mean(error**2)) < 0.06
    error = received[:, jpeg_layout.ORDER[jpeg_layout.PILOT]] / layout.amplitude - pilots
    assert np.sqrt(np.mean(error**2)) < 0.06


@pytest.mark.parametrize("cut", [(0, 0), (16, 40), (13, 22)])
def test_a_part_is_found_where_it_was(cut):
    layout = jpeg_layout.plan((64, 96, 3), 2)
    _, pilots, cipher = _cipher(layout)
    part = cipher[cut[0] : cut[0] + 64, cut[1] : cut[1] + 48, 0].astype(np.float32) - 128
    assert jpeg_layout.find_offset(part, pilots, layout.grid) == cut


def test_what_is_no_part_is_not_found():
    layout = jpeg_layout.plan((64, 96, 3), 2)
    _, pilots, _ = _cipher(layout)
    _, _, other = _cipher(layout, seed=9)
    assert jpeg_layout.find_offset(other[..., 0].astype(np.float32) - 128, pilots, layout.grid) is None
