"""Thumbnails: always 4096 bytes, a plain WebP at their front, nothing else decoded."""

import io

import numpy as np
import pytest
from PIL import Image

from jaxcrypt.errors import Refusal
from jaxcrypt.pictures import thumbnails
from tests.support import photo, psnr, waves


@pytest.mark.parametrize(
    ("shape", "size"),
    [((300, 400, 3), (144, 192)), ((400, 100, 1), (192, 48)), ((5, 7, 4), (5, 7)), ((1, 1000, 2), (1, 192))],
)
def test_round_trip(shape, size):
    pixels = waves(shape)
    if shape[2] in (2, 4):
        pixels[..., -1] = 255
    data = thumbnails.encode(pixels)
    assert len(data) == thumbnails.BYTES
    back = thumbnails.decode(data)
    assert back.shape == (*size, 3)
    assert psnr(thumbnails.shrink(pixels), back) > 27


def test_any_reader_of_webp_shows_it():
    data = thumbnails.encode(waves((90, 120, 3)))
    image = Image.open(io.BytesIO(data))
    assert (image.format, image.size) == ("WEBP", (120, 90))


def test_noise_fits_too(rng):
    data = thumbnails.encode(rng.integers(0, 256, (512, 512, 3), np.uint8))
    assert len(data) == thumbnails.BYTES
    assert thumbnails.decode(data).shape[0] <= thumbnails.SIDE


def test_transparent_stands_before_white():
    pixels = np.zeros((20, 20, 4), np.uint8)
    assert (thumbnails.shrink(pixels) == 255).all()


def test_nothing_else_is_decoded(tmp_path):
    good = thumbnails.encode(waves((60, 60, 3)))
    large, moving = io.BytesIO(), io.BytesIO()
    Image.new("RGB", (300, 300)).save(large, "WEBP")
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    frames[0].save(moving, "WEBP", save_all=True, append_images=frames[1:])
    png = photo(tmp_path / "a.png").read_bytes()[: thumbnails.BYTES]
    for bad in (
        good[:-1],
        good[:-1] + b"\1",
        good[:20] + bytes(thumbnails.BYTES - 20),
        png.ljust(thumbnails.BYTES, b"\0"),
        large.getvalue().ljust(thumbnails.BYTES, b"\0"),
        moving.getvalue().ljust(thumbnails.BYTES, b"\0"),
        bytes(thumbnails.BYTES),
    ):
        with pytest.raises(Refusal, match="no thumbnail"):
            thumbnails.decode(bad)


def test_large_jpegs_are_decoded_small_and_upright(tmp_path):
    path = photo(tmp_path / "large.jpg", (1600, 1200))
    exact = thumbnails.shrink(np.asarray(Image.open(path)))
    assert psnr(thumbnails.of_file(path.read_bytes(), "large.jpg"), exact) > 30
    exif = Image.Exif()
    exif[0x112] = 6
    turned = photo(tmp_path / "turned.jpg", (1600, 1200), exif=exif)
    assert thumbnails.of_file(turned.read_bytes(), "turned.jpg").shape == (192, 144, 3)
