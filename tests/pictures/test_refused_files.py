"""Files that are no picture, or none that is read: one clear line, and nothing from any library."""

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from jaxcrypt.errors import ExitCode, Refusal
from jaxcrypt.pictures.files import load_picture
from tests.pictures.file_bytes import (
    AVIF_10,
    altered,
    bitfields_bmp,
    encoded,
    png_header,
    tiff,
    wide_jpeg,
    with_chunk,
)

ENV = dict(os.environ, PYTHONPATH=str(Path(__file__).parents[2]))


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
