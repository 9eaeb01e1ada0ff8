"""Files that were taken wrongly, through the commands: what is written, what is said, and by whom."""

import hashlib
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from jaxcrypt import decrypt, encrypt, keygen
from jaxcrypt.crypto import keyimage, sources
from jaxcrypt.errors import ExitCode

ROOT = Path(__file__).parent.parent
TAKEN = ("g2-trns.png", "ztxt-2mb.png", "text-badcrc.png")
REFUSED = {
    "idat-badcrc.png": "damaged",
    "tiff-jpeg-damaged-two-lines.tif": "damaged",
    "tiff-rgb-float32-not-a-picture.tif": "more than 8 bits a sample",
    "bmp-444-bitfields-called-damaged.bmp": "this kind of BMP is not read",
}


@pytest.fixture
def faults(real_data):
    folder = real_data / "faults"
    if not folder.is_dir():
        pytest.skip("this folder of real pictures has no files that were taken wrongly")
    return folder


@pytest.fixture
def key(tmp_path, capfd):
    assert keygen.main(["--key", str(tmp_path / "k")]) == ExitCode.OK
    capfd.readouterr()
    return ["--key-file", str(tmp_path / "k")]


@pytest.mark.parametrize("name", TAKEN)
def test_taken_whole_and_as_pixels(faults, tmp_path, key, capfd, name):
    source, cipher, back = faults / name, str(tmp_path / "c.png"), tmp_path / "back.png"
    assert encrypt.main([str(source), *key, "-o", cipher]) == ExitCode.OK
    assert decrypt.main([cipher, *key, "-o", str(back)]) == ExitCode.OK
    assert back.read_bytes() == source.read_bytes()
    assert encrypt.main([str(source), *key, "-o", cipher, "--pixels-only", "--force"]) == ExitCode.OK
    assert decrypt.main([cipher, *key, "-o", str(back), "--force"]) == ExitCode.OK
    with Image.open(back) as image:
        assert image.mode == ("LA" if name == "g2-trns.png" else "RGB")
    said = capfd.readouterr().err.splitlines()
    assert len(said) == 4
    assert "exact samples" in said[3]


@pytest.mark.parametrize("name", REFUSED)
def test_refused_in_one_line_by_its_reason(faults, tmp_path, key, capfd, name):
    code = encrypt.main([str(faults / name), *key, "-o", str(tmp_path / "c.png")])
    assert code == ExitCode.BAD_INPUT
    (line,) = capfd.readouterr().err.splitlines()
    assert REFUSED[name] in line
    assert line.startswith(f"jaxcrypt: {faults / name}: ")
    assert line.count(name) == 1
    assert not (tmp_path / "c.png").exists()


def test_the_secret_of_a_grey_picture_of_two_bits(faults, tmp_path):
    """As docs/FORMAT.md says it, by hand: levels times 85, alpha 0 where a level is that of tRNS."""
    data = (faults / "g2-trns.png").read_bytes()
    with Image.open(faults / "g2-trns.png") as image:
        grey = np.asarray(image)
    (mark,) = struct.unpack_from(">H", data, data.index(b"tRNS") + 4)
    alpha = np.where(grey == 85 * mark, 0, 255).astype(np.uint8)
    rgba = np.stack([grey, grey, grey, alpha], axis=-1)
    height, width = grey.shape
    wanted = hashlib.sha256(b"jaxcrypt/1 key image" + struct.pack(">II", width, height) + rgba.tobytes())
    assert keyimage.key_image(faults / "g2-trns.png").secret == wanted.digest()


def test_process_substitution_gives_picture_and_key(tmp_path):
    """A shell's <(…) can be read once only, and has no name."""
    pixels = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "p.png")
    source = sources.Source(sources.Kind.KEY_FILE, bytes(range(32)))
    (tmp_path / "k").write_text(sources.encode_key_file(source))
    tool = f'PYTHONPATH="{ROOT}" "{sys.executable}" -m jaxcrypt'
    steps = (
        f"{tool} encrypt <(cat p.png) -o c.png --key-file <(cat k)",
        f"{tool} encrypt <(cat p.png) --key-file k > d.png",
        f"{tool} decrypt <(cat c.png) --key-file <(cat k) > back.png",
        f"{tool} decrypt d.png --key-file k -o /dev/stdout > more.png",
    )
    for step in steps:
        done = subprocess.run(["bash", "-c", step], cwd=tmp_path, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
    for name in ("back.png", "more.png"):
        assert (tmp_path / name).read_bytes() == (tmp_path / "p.png").read_bytes()


def test_an_animation_as_pixels_is_not_called_exact(tmp_path, key, capfd):
    rng = np.random.default_rng(0)
    frames = [Image.fromarray(rng.integers(0, 256, (20, 30, 3), np.uint8)) for _ in range(3)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    cipher = str(tmp_path / "c.png")
    assert encrypt.main([str(tmp_path / "a.gif"), *key, "-o", cipher, "--pixels-only"]) == ExitCode.OK
    assert "as pixels the first of 3 frames alone" in capfd.readouterr().err
    assert decrypt.main([cipher, *key, "-o", str(tmp_path / "back.png")]) == ExitCode.OK
    assert "exact" not in capfd.readouterr().err
