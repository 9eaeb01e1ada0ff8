"""Reading pictures: every promised format and mode."""

import io
import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from jaxcrypt.pictures.files import encode_png, load_picture, picture_size
from tests.pictures.file_bytes import AVIF_10, AVIF_12, animation, encoded, grey16, png_file, tiff, with_chunk

ENV = dict(os.environ, PYTHONPATH=str(Path(__file__).parents[2]))


@pytest.mark.parametrize("format", ["PNG", "BMP", "TIFF"])
def test_lossless_formats_give_the_very_samples(colours, format):
    picture = load_picture(encoded(Image.fromarray(colours), format))
    np.testing.assert_array_equal(picture.pixels, colours)


@pytest.mark.parametrize("format", ["JPEG", "WEBP", "AVIF"])
def test_lossy_formats_decode_as_pillow_does(colours, format):
    data = encoded(Image.fromarray(colours), format)
    np.testing.assert_array_equal(load_picture(data).pixels, np.asarray(Image.open(io.BytesIO(data))))


@pytest.mark.parametrize(
    ("mode", "expected"),
    [("1", "L"), ("L", "L"), ("LA", "LA"), ("P", "RGB"), ("RGB", "RGB"), ("RGBA", "RGBA")],
)
def test_png_modes(colours, mode, expected):
    image = Image.fromarray(colours).convert(mode)
    picture = load_picture(encoded(image, "PNG"))
    assert picture.mode == expected
    np.testing.assert_array_equal(picture.pixels.squeeze(), np.asarray(image.convert(expected)).squeeze())


def test_palette_with_transparency_keeps_it(colours):
    image = Image.fromarray(colours).convert("P")
    picture = load_picture(encoded(image, "PNG", transparency=bytes(range(0, 256))))
    assert picture.mode == "RGBA"
    assert len(np.unique(picture.pixels[..., 3])) > 2


def test_cmyk_becomes_rgb(colours):
    data = encoded(Image.fromarray(colours).convert("CMYK"), "TIFF")
    assert load_picture(data).mode == "RGB"


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(orientation):
    # A marker in the top-left corner as stored; PIL's own table says where a viewer shows it.
    stored = np.zeros((16, 24, 3), np.uint8)
    stored[:4, :4] = 255
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = load_picture(encoded(Image.fromarray(stored), "PNG", exif=exif))
    corners = {1: (0, 0), 2: (0, -1), 3: (-1, -1), 4: (-1, 0), 5: (0, 0), 6: (0, -1), 7: (-1, -1), 8: (-1, 0)}
    assert picture.pixels.shape == ((16, 24, 3) if orientation < 5 else (24, 16, 3))
    assert picture.pixels[corners[orientation]].min() == 255
    assert (picture.pixels > 128).mean() < 0.1


def test_one_pixel():
    assert load_picture(encoded(Image.new("L", (1, 1), 7), "PNG")).pixels.tolist() == [[[7]]]


@pytest.mark.parametrize("format", ["GIF", "PNG", "WEBP", "TIFF", "AVIF"])
def test_of_several_frames_the_first_is_taken_and_that_is_said(colours, format):
    first = load_picture(animation(format, colours))
    alone = load_picture(encoded(Image.fromarray(colours), format))
    assert first.changes == (f"the first of 3 {'pages' if format == 'TIFF' else 'frames'} alone",)
    assert first.pixels.shape[:2] == (13, 21)
    if format in ("PNG", "TIFF"):
        np.testing.assert_array_equal(first.pixels, alone.pixels)
        assert alone.changes == ()


def test_sixteen_bits_become_the_upper_eight_and_that_is_said():
    values = np.array([[0, 255, 256, 0x1234], [0xFF00, 0xFFFF, 0x80FF, 77]], np.uint16)
    picture = load_picture(grey16(values))
    np.testing.assert_array_equal(picture.pixels[..., 0], values >> 8)
    assert picture.changes == ("16 bits a sample became 8",)
    picture = load_picture(grey16(values, transparent=0x80FF))
    assert picture.mode == "LA"
    np.testing.assert_array_equal(picture.pixels[..., 1], np.where(values == 0x80FF, 0, 255))
    wide = np.repeat(values[..., None], 3, axis=2).astype("<u2")
    picture = load_picture(tiff(wide, 16, 1))
    np.testing.assert_array_equal(picture.pixels, wide >> 8)
    assert picture.changes == ("16 bits a sample became 8",)


@pytest.mark.parametrize(("data", "bits"), [(AVIF_10, 10), (AVIF_12, 12)])
def test_deep_avif(data, bits):
    picture = load_picture(data)
    assert picture.pixels.shape == (8, 8, 3)
    assert picture.changes == (f"{bits} bits a sample became 8",)


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
@pytest.mark.parametrize("extra", [0, 0xFF00])
def test_the_transparent_level_of_a_grey_png(bits, extra):
    """At every depth, samples are spread over 0 to 255; of the level in tRNS the low bits count."""
    levels = np.arange(min(1 << bits, 16))
    packed = np.packbits((levels[:, None] >> np.arange(bits - 1, -1, -1) & 1).astype(np.uint8).reshape(-1))
    level = int(levels[-2])
    data = png_file(
        len(levels), 1, bits, 0, b"\0" + packed.tobytes(), (b"tRNS", struct.pack(">H", level | extra))
    )
    pixels = load_picture(data).pixels
    np.testing.assert_array_equal(pixels[0, :, 0], levels * (255 // ((1 << bits) - 1)))
    np.testing.assert_array_equal(pixels[0, :, 1], np.where(levels == level, 0, 255))


def test_conversions_that_are_not_exact_are_said(colours):
    image = Image.fromarray(colours)
    assert load_picture(encoded(image.convert("CMYK"), "TIFF")).changes == ("CMYK became RGB",)
    assert load_picture(encoded(image.convert("CMYK"), "JPEG")).changes == ("CMYK became RGB",)
    for mode in ("1", "L", "LA", "P", "RGB", "RGBA"):
        assert load_picture(encoded(image.convert(mode), "PNG")).changes == ()


@pytest.mark.parametrize(
    ("kind", "body", "crc"),
    [
        (b"zTXt", b"Comment\0\0" + zlib.compress(bytes(1 << 21)), 0),
        (b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(bytes(1 << 21)), 0),
        (b"iCCP", b"profile\0\0" + zlib.compress(bytes(1 << 21)), 0),
        (b"tEXt", b"Comment\0" + bytes(1 << 21), 0),
        (b"tEXt", b"Comment\0hello", 1),
        (b"gAMA", b"", 0),
        (b"pHYs", b"x", 0),
    ],
)
def test_chunks_that_concern_no_pixel_refuse_no_picture(colours, kind, body, crc):
    data = with_chunk(encoded(Image.fromarray(colours), "PNG"), kind, body, crc)
    np.testing.assert_array_equal(load_picture(data).pixels, colours)


def test_damaged_frames_refuse_no_picture(colours):
    data = bytearray(animation("PNG", colours))
    at = data.index(b"fdAT")
    data[at + 4 : at + 20] = bytes(16)
    picture = load_picture(bytes(data))
    np.testing.assert_array_equal(picture.pixels, colours)
    assert picture.changes == ("the first of 3 frames alone",)


def test_bytes_behind_the_end_of_a_png_are_no_damage(colours):
    data = encoded(Image.fromarray(colours), "PNG") + b"appended"
    np.testing.assert_array_equal(load_picture(data).pixels, colours)


def test_colour_profiles_are_kept(colours):
    from PIL import ImageCms

    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for format in ("PNG", "JPEG", "TIFF", "WEBP"):
        data = encoded(Image.fromarray(colours), format, icc_profile=profile)
        assert load_picture(data).icc == profile
    again = encode_png(colours, profile)
    assert load_picture(again).icc == profile


def test_heic_is_read_where_its_reader_is_there(colours, tmp_path):
    heif = pytest.importorskip("pillow_heif")
    heif.register_heif_opener()
    data = encoded(Image.fromarray(np.kron(colours, np.ones((4, 4, 1), np.uint8))), "HEIF", quality=90)
    picture = load_picture(data)
    assert (picture.format, picture.pixels.shape, picture.changes) == ("HEIF", (52, 84, 3), ())
    (tmp_path / "photo.heic").write_bytes(data)
    assert picture_size(data) == picture_size(tmp_path / "photo.heic") == (84, 52)


def test_pillow_heif_is_imported_for_heic_only(tmp_path, colours):
    """It takes a while, and who has no HEIC need not have it."""
    for format in ("PNG", "AVIF", "JPEG"):
        (tmp_path / format).write_bytes(encoded(Image.fromarray(colours), format))
    program = (
        "import sys\nfrom jaxcrypt.pictures.files import load_picture, picture_size\n"
        "for name in sys.argv[1:]: load_picture(name); picture_size(name)\n"
        "assert 'pillow_heif' not in sys.modules"
    )
    files = [str(path) for path in tmp_path.iterdir()]
    subprocess.run([sys.executable, "-c", program, *files], check=True, env=ENV)


def test_strips_join_without_a_seam(rng, monkeypatch):
    monkeypatch.setattr("jaxcrypt.pictures.files._STRIP_BYTES", 100)
    pixels = rng.integers(0, 256, (31, 17, 4), dtype=np.uint8)
    np.testing.assert_array_equal(load_picture(encoded(Image.fromarray(pixels), "PNG")).pixels, pixels)
