"""Reading pictures: every promised format and mode, and one clear line for everything else."""

import base64
import contextlib
import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from jaxcrypt.errors import ExitCode, Refusal
from jaxcrypt.pictures.files import load_picture


def encoded(image: Image.Image, format: str, **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


@pytest.fixture
def colours(rng):
    return rng.integers(0, 256, (13, 21, 3), dtype=np.uint8)


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


def png_header(width: int, height: int, bits: int = 8) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    start = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + start + chunk(b"IDAT", zlib.compress(b"\0" * 64)) + chunk(b"IEND", b"")


def animation(format: str, colours) -> bytes:
    frames = [Image.fromarray(np.roll(colours, shift, 0)) for shift in range(3)]
    return encoded(frames[0], format, save_all=True, append_images=frames[1:])


# 8×8 ramps by libavif, 10 and 12 bits a sample: Pillow opens both as 8 bits.
AVIF_10 = base64.b64decode(
    "AAAAIGZ0eXBhdmlmAAAAAGF2aWZtaWYxbWlhZk1BMUEAAADrbWV0YQAAAAAAAAAhaGRscgAAAAAAAAAAcGljdAAAAAAAAAAAAAAA"
    "AAAAAAAOcGl0bQAAAAAAAQAAAB5pbG9jAAAAAEQAAAEAAQAAAAEAAAETAAAAJAAAAChpaW5mAAAAAAABAAAAGmluZmUCAAAAAAEA"
    "AGF2MDFDb2xvcgAAAABqaXBycAAAAEtpcGNvAAAAFGlzcGUAAAAAAAAACAAAAAgAAAAQcGl4aQAAAAADCgoKAAAADGF2MUOBIEAA"
    "AAAAE2NvbHJuY2x4AAIAAgAGgAAAABdpcG1hAAAAAAAAAAEAAQQBAoMEAAAALG1kYXQSAAoIOAi/bwICBpAyFhlCYwTAADQAAACQ"
    "P5wjFSsFb9qFUoA="
)
AVIF_12 = base64.b64decode(
    "AAAAHGZ0eXBhdmlmAAAAAGF2aWZtaWYxbWlhZgAAAOttZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAAAAAAAAAAAAAA"
    "AA5waXRtAAAAAAABAAAAHmlsb2MAAAAARAAAAQABAAAAAQAAAQ8AAAAjAAAAKGlpbmYAAAAAAAEAAAAaaW5mZQIAAAAAAQAAYXYw"
    "MUNvbG9yAAAAAGppcHJwAAAAS2lwY28AAAAUaXNwZQAAAAAAAAAIAAAACAAAABBwaXhpAAAAAAMMDAwAAAAMYXYxQ4FAYAAAAAAT"
    "Y29scm5jbHgAAgACAAaAAAAAF2lwbWEAAAAAAAAAAQABBAECgwQAAAArbWRhdBIACghYCL9rQICBojIVGUJjBMAANAAAkD+cIxUr"
    "BW/ahVKA"
)

REFUSED = {
    "empty": (lambda c: b"", "empty"),
    "text": (lambda c: b"hello, I am not a picture at all", "not a picture"),
    "gif": (lambda c: encoded(Image.fromarray(c), "GIF"), "not a picture"),
    "truncated png": (lambda c: encoded(Image.fromarray(c), "PNG")[:-200], "truncated or damaged"),
    "truncated jpeg": (lambda c: encoded(Image.fromarray(c), "JPEG")[:-90], "truncated or damaged"),
    "truncated webp": (lambda c: encoded(Image.fromarray(c), "WEBP")[:-90], "damaged"),
    "cut in the header": (lambda c: encoded(Image.fromarray(c), "PNG")[:20], "picture"),
    "huge": (lambda c: png_header(100_000, 100_000), "megapixels"),
    "apng": (lambda c: animation("PNG", c), "animated"),
    "animated webp": (lambda c: animation("WEBP", c), "animated"),
    "multi-page tiff": (lambda c: animation("TIFF", c), "multi-page"),
    "16-bit grey": (lambda c: encoded(Image.fromarray(c[..., 0].astype(np.uint16)), "PNG"), "8 bits"),
    "16-bit rgb": (lambda c: png_header(4, 4, bits=16), "8 bits"),
    "float tiff": (lambda c: encoded(Image.fromarray(c[..., 0].astype(np.float32)), "TIFF"), "8 bits"),
    "10-bit avif": (lambda c: AVIF_10, "8 bits a sample (10)"),
    "12-bit avif": (lambda c: AVIF_12, "8 bits a sample (12)"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refusals_are_one_line_and_name_the_file(colours, tmp_path, case):
    make, says = REFUSED[case]
    path = tmp_path / "holiday.img"
    path.write_bytes(make(colours))
    with pytest.raises(Refusal) as refused:
        load_picture(path)
    message = str(refused.value)
    assert refused.value.code == ExitCode.BAD_INPUT
    assert "\n" not in message
    assert "holiday.img" in message
    assert says in message


def test_avif_boxes_that_make_no_sense_end_the_search():
    """Whatever the sizes in its boxes say, a damaged file is a picture or a Refusal, and soon."""
    rng = np.random.default_rng(3)
    for _ in range(200):
        data = bytearray(AVIF_10)
        data[rng.integers(4, 300)] = rng.choice([0, 1, 255, rng.integers(256)])
        with contextlib.suppress(Refusal):
            load_picture(bytes(data))


def test_missing_and_folder(tmp_path):
    with pytest.raises(Refusal, match="no such file"):
        load_picture(tmp_path / "nothing.png")
    with pytest.raises(Refusal, match="folder"):
        load_picture(tmp_path)


def test_strips_join_without_a_seam(rng, monkeypatch):
    monkeypatch.setattr("jaxcrypt.pictures.files._STRIP_BYTES", 100)
    pixels = rng.integers(0, 256, (31, 17, 4), dtype=np.uint8)
    np.testing.assert_array_equal(load_picture(encoded(Image.fromarray(pixels), "PNG")).pixels, pixels)
