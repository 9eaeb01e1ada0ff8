"""Reading pictures: every promised format and mode, and one clear line for everything else."""

import base64
import contextlib
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

from jaxcrypt.errors import ExitCode, Refusal
from jaxcrypt.pictures.files import encode_png, load_picture, picture_size

ENV = dict(os.environ, PYTHONPATH=str(Path(__file__).parents[2]))


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
    "truncated png": (lambda c: encoded(Image.fromarray(c), "PNG")[:-200], "truncated or damaged"),
    "truncated jpeg": (lambda c: encoded(Image.fromarray(c), "JPEG")[:-90], "truncated or damaged"),
    "truncated webp": (lambda c: encoded(Image.fromarray(c), "WEBP")[:-90], "damaged"),
    "cut in the header": (lambda c: encoded(Image.fromarray(c), "PNG")[:20], "picture"),
    "huge": (lambda c: png_header(100_000, 100_000), "megapixels"),
    "float tiff": (lambda c: encoded(Image.fromarray(c[..., 0].astype(np.float32)), "TIFF"), "8 bits"),
    "float rgb tiff": (
        lambda c: tiff(c.astype("<f4"), 32, 3),
        "more than 8 bits a sample (32, floating point)",
    ),
    "32-bit tiff": (lambda c: encoded(Image.fromarray(c[..., 0].astype(np.int32)), "TIFF"), "32 bits"),
    "signed tiff": (lambda c: tiff(c.view(np.int8), 8, 2), "signed samples of 8 bits"),
    "signed 16-bit tiff": (lambda c: tiff(c.astype("<i2"), 16, 2), "signed samples of 16 bits"),
    "unknown compression": (lambda c: tiff(c, 8, 1, compression=34661), "TIFF compression (34661)"),
    "12-bit jpeg": (lambda c: wide_jpeg(c), "more than 8 bits a sample (12)"),
    "lossless jpeg": (
        lambda c: encoded(Image.fromarray(c), "JPEG").replace(b"\xff\xc0", b"\xff\xc3"),
        "lossless",
    ),
    "bmp 4444": (lambda c: bitfields_bmp(), "this kind of BMP is not read (16 bits a pixel, compression 3)"),
    "heic without its reader": (lambda c: b"\0\0\0\x18ftypheic" + bytes(60), "jaxcrypt[heic]"),
    "jpeg 2000": (lambda c: encoded(Image.fromarray(c), "JPEG2000"), "is JPEG 2000, which is not read"),
    "svg": (lambda c: b"<svg xmlns='http://www.w3.org/2000/svg'/>", "is SVG"),
    "png without its end": (lambda c: encoded(Image.fromarray(c), "PNG")[:-12], "cut short"),
    "png cut by one byte": (lambda c: encoded(Image.fromarray(c), "PNG")[:-1], "cut short"),
    "png pixels altered": (
        lambda c: altered(encoded(Image.fromarray(c), "PNG"), b"IDAT", 9),
        "checksum of its IDAT",
    ),
    "png end altered": (
        lambda c: altered(encoded(Image.fromarray(c), "PNG"), b"IEND", 4),
        "checksum of its IEND",
    ),
    "png of another kind": (lambda c: encoded(Image.fromarray(c), "PNG").replace(b"IDAT", b"IDOT"), "'IDOT'"),
}


def altered(data: bytes, kind: bytes, further: int) -> bytes:
    at = data.index(kind) + further
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def wide_jpeg(colours) -> bytes:
    data = encoded(Image.fromarray(colours), "JPEG")
    at = data.index(b"\xff\xc0") + 4
    return data[:at] + b"\x0c" + data[at + 1 :]


def bitfields_bmp() -> bytes:
    masks = struct.pack("<4I", 0xF00, 0xF0, 0xF, 0xF000)
    head = struct.pack("<IiiHHIIiiII", 56, 4, 4, 1, 16, 3, 32, 2835, 2835, 0, 0) + masks
    return b"BM" + struct.pack("<IHHI", 14 + 56 + 32, 0, 0, 70) + head + bytes(32)


def tiff(samples: np.ndarray, bits: int, format: int, compression: int = 1) -> bytes:
    """A TIFF of one strip by hand, little-endian: samples ``[H, W, C]`` as they are."""
    height, width, channels = samples.shape
    body = samples.tobytes()
    after = 8 + len(body)
    entries = [
        (256, 3, 1, width), (257, 3, 1, height), (258, 3, channels, after), (259, 3, 1, compression),
        (262, 3, 1, 2), (273, 4, 1, 8), (277, 3, 1, channels), (278, 3, 1, height), (279, 4, 1, len(body)),
        (339, 3, channels, after + 2 * channels),
    ]  # fmt: skip
    values = struct.pack(f"<{2 * channels}H", *[bits] * channels, *[format] * channels)
    directory = struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return b"II*\0" + struct.pack("<I", after + len(values)) + body + values + directory + bytes(4)


@pytest.mark.parametrize("case", REFUSED)
def test_refusals_are_one_line_and_name_the_file(colours, tmp_path, monkeypatch, capfd, case):
    make, says = REFUSED[case]
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    path = tmp_path / "holiday.img"
    path.write_bytes(make(colours))
    with pytest.raises(Refusal) as refused:
        load_picture(path)
    message = str(refused.value)
    assert refused.value.code == ExitCode.BAD_INPUT
    assert "\n" not in message
    assert "holiday.img" in message
    assert says in message
    assert capfd.readouterr() == ("", "")  # nor does any library add lines of its own


def test_avif_boxes_that_make_no_sense_end_the_search():
    """Whatever the sizes in its boxes say, a damaged file is a picture or a Refusal, and soon."""
    rng = np.random.default_rng(3)
    for _ in range(200):
        data = bytearray(AVIF_10)
        data[rng.integers(4, 300)] = rng.choice([0, 1, 255, rng.integers(256)])
        with contextlib.suppress(Refusal):
            load_picture(bytes(data))


@pytest.mark.parametrize("format", ["GIF", "PNG", "WEBP", "TIFF", "AVIF"])
def test_of_several_frames_the_first_is_taken_and_that_is_said(colours, format):
    first = load_picture(animation(format, colours))
    alone = load_picture(encoded(Image.fromarray(colours), format))
    assert first.changes == (f"the first of 3 {'pages' if format == 'TIFF' else 'frames'} alone",)
    assert first.pixels.shape[:2] == (13, 21)
    if format in ("PNG", "TIFF"):
        np.testing.assert_array_equal(first.pixels, alone.pixels)
        assert alone.changes == ()


def grey16(values, transparent=None) -> bytes:
    """A grey PNG of 16 bits."""
    body = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    mark = [] if transparent is None else [(b"tRNS", struct.pack(">H", transparent))]
    return png_file(values.shape[1], values.shape[0], 16, 0, body, *mark)


def png_file(width, height, bits, colour, body, *more) -> bytes:
    head = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    chunks = [(b"IHDR", head), *more, (b"IDAT", zlib.compress(body)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


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


def with_chunk(data: bytes, kind: bytes, body: bytes, crc: int = 0) -> bytes:
    """The PNG with one chunk more after its header; ``crc`` is XORed to the right checksum."""
    whole = struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body) ^ crc)
    return data[:33] + whole + data[33:]


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


def test_libraries_say_nothing_of_their_own(tmp_path, colours):
    """libtiff prints from C, Pillow warns of sizes and logs: a command shows one line, ours."""
    damaged = bytearray(encoded(Image.fromarray(colours), "TIFF", compression="jpeg"))
    at = bytes(damaged).index(b"\xff\xdb")
    damaged[at : at + 40] = bytes(40)
    (tmp_path / "a.tif").write_bytes(damaged)
    (tmp_path / "b.png").write_bytes(png_header(19_000, 19_000))
    program = (
        "import sys\nfrom jaxcrypt.errors import Refusal\n"
        "from jaxcrypt.pictures.files import load_picture, picture_size\n"
        "for name in sys.argv[1:]:\n"
        "    picture_size(name)\n"
        "    try: load_picture(name)\n    except Refusal as refusal: print(refusal)"
    )
    (tmp_path / "c.png").write_bytes(with_chunk(encoded(Image.fromarray(colours), "PNG"), b"acTL", bytes(8)))
    files = [str(tmp_path / name) for name in ("a.tif", "b.png", "c.png")]
    done = subprocess.run([sys.executable, "-c", program, *files], capture_output=True, text=True, env=ENV)
    assert done.stderr == ""
    assert len(done.stdout.splitlines()) == 2


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


FAULTS = {
    "g2-trns.png": None,
    "ztxt-2mb.png": None,
    "text-badcrc.png": None,
    "idat-badcrc.png": "damaged picture (the checksum of its IDAT is wrong)",
    "tiff-jpeg-damaged-two-lines.tif": "damaged picture",
    "tiff-rgb-float32-not-a-picture.tif": "more than 8 bits a sample",
    "bmp-444-bitfields-called-damaged.bmp": "this kind of BMP is not read",
}


@pytest.mark.parametrize("name", FAULTS)
def test_files_that_were_taken_wrongly(real_data, capfd, name):
    path = real_data / "faults" / name
    if not path.exists():
        pytest.skip("this folder of real pictures has no such files")
    if FAULTS[name] is None:
        assert load_picture(path).mode == ("LA" if name.startswith("g2") else "RGB")
    else:
        with pytest.raises(Refusal) as refused:
            load_picture(path)
        assert FAULTS[name] in str(refused.value)
    assert capfd.readouterr() == ("", "")


def test_missing_and_folder(tmp_path):
    with pytest.raises(Refusal, match="no such file"):
        load_picture(tmp_path / "nothing.png")
    with pytest.raises(Refusal, match="folder"):
        load_picture(tmp_path)


def test_strips_join_without_a_seam(rng, monkeypatch):
    monkeypatch.setattr("jaxcrypt.pictures.files._STRIP_BYTES", 100)
    pixels = rng.integers(0, 256, (31, 17, 4), dtype=np.uint8)
    np.testing.assert_array_equal(load_picture(encoded(Image.fromarray(pixels), "PNG")).pixels, pixels)
