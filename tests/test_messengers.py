"""Pictures through messengers, as people send them: the commands, and chains of real programs."""

import io
import json
import shutil
import subprocess

import numpy as np
import pytest
from PIL import Image

from jaxcrypt import decrypt, encrypt, inspect, keygen, verify
from jaxcrypt.errors import ExitCode
from tests.support import psnr, waves

QUALITY = "75"


@pytest.fixture
def photo(tmp_path):
    """A JPEG of 240×176 with some texture."""
    rng = np.random.default_rng(7)
    pixels = waves((176, 240, 3)).astype(float) + rng.normal(0, 6, (176, 240, 3))
    path = tmp_path / "photo.jpg"
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(path, quality=80)
    return path


@pytest.fixture
def sealed(photo, key):
    """The photo's file in the pixels of a PNG."""
    target = photo.with_name("sealed.png")
    assert (
        encrypt.main([str(photo), "--robust", "exact", "--key-file", key, "-o", str(target)]) == ExitCode.OK
    )
    return target


def _opens(chat, photo, key):
    back = chat.with_name("back.jpg")
    given = [str(chat), "--key-file", key, "-o", str(back), "--force"]
    assert decrypt.main(given) == ExitCode.OK
    assert back.read_bytes() == photo.read_bytes()


def test_another_process_needs_key_and_received_file_alone(tmp_path, photo, sealed, key, warm):
    chat = tmp_path / "elsewhere" / "chat.jpg"
    chat.parent.mkdir()
    Image.open(sealed).save(chat, quality=75, subsampling=2)
    command = [warm, "jaxcrypt.decrypt", str(chat), "--key-file", key, "-o", str(tmp_path / "b.jpg")]
    subprocess.run(command, check=True, timeout=300)
    assert (tmp_path / "b.jpg").read_bytes() == photo.read_bytes()


def test_the_png_itself(photo, sealed, key, capsys):
    _opens(sealed, photo, key)
    assert verify.main([str(sealed), "--key-file", key]) == ExitCode.OK
    capsys.readouterr()
    assert inspect.main([str(sealed), "--json"]) == ExitCode.OK
    facts = json.loads(capsys.readouterr().out)
    assert facts["in_pixels"]
    assert facts["survives"] == 75
    assert facts["original"]["width"] == 240
    assert "name" not in facts


def test_capacity_is_told_before_the_work(photo, key, capsys):
    target = photo.with_name("s.png")
    given = [str(photo), "--robust", "exact", "--key-file", key, "-o", str(target)]
    assert encrypt.main([*given, "--survives", "50"]) == ExitCode.OK
    assert f"its file is {photo.stat().st_size}" in capsys.readouterr().err
    target.unlink()
    assert encrypt.main([*given, "--pixels", "0.5"]) == ExitCode.USAGE
    assert "--pixels 1." in capsys.readouterr().err
    assert not target.exists()


@pytest.mark.parametrize(
    "given",
    [
        ["--survives", "75"],
        ["--robust", "exact", "--pixels-only"],
        ["--robust", "exact", "--pixels", "many"],
        ["--robust", "exact", "--survives", "60"],
        ["--robust", "exact", "--write-header", "h"],
        ["--fit", "1280"],
    ],
)
def test_what_cannot_be_is_refused_in_one_line(photo, key, given, capsys):
    target = photo.with_name("s.png")
    assert encrypt.main([str(photo), "--key-file", key, "-o", str(target), *given]) == ExitCode.USAGE
    assert capsys.readouterr().err.count("\n") == 1
    assert not target.exists()


def test_a_rougher_way_is_told_and_nothing_written(photo, key, capsys):
    sealed, chat = photo.with_name("s.png"), photo.with_name("chat.jpg")
    full = ["--pixels", "2", "--inner-quality", "fit"]  # no room is left for redundancy
    given = [str(photo), "--robust", "exact", *full, "--key-file", key, "-o", str(sealed)]
    assert encrypt.main(given) == ExitCode.OK
    capsys.readouterr()
    Image.open(sealed).save(chat, quality=30)
    back = photo.with_name("back.jpg")
    assert decrypt.main([str(chat), "--key-file", key, "-o", str(back)]) == ExitCode.TAMPERED
    assert "rougher than JPEG 75" in capsys.readouterr().err
    assert not back.exists()


CHAINS = {
    "cjpeg": [["cjpeg", "-quality", QUALITY, "-outfile", "{out}.jpg", "{in}.ppm"]],
    "convert": [["convert", "{in}.png", "-quality", QUALITY, "{out}.jpg"]],
    "ffmpeg": [
        [
            "ffmpeg",
            "-loglevel",
            "error",
            "-y",
            "-i",
            "{in}.png",
            "-pix_fmt",
            "yuvj420p",
            "-q:v",
            "2",
            "{out}.jpg",
        ]
    ],
    "cjpeg, djpeg, convert": [
        ["cjpeg", "-quality", "92", "-outfile", "{in}.a.jpg", "{in}.ppm"],
        ["djpeg", "-bmp", "-outfile", "{in}.a.bmp", "{in}.a.jpg"],
        ["convert", "{in}.a.bmp", "-quality", QUALITY, "{out}.jpg"],
    ],
}


@pytest.mark.parametrize("chain", CHAINS)
def test_chains_of_real_programs(tmp_path, photo, sealed, key, chain):
    for program in {step[0] for step in CHAINS[chain]}:
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    shutil.copy(sealed, tmp_path / "in.png")
    Image.open(sealed).save(tmp_path / "in.ppm")
    names = {"in": str(tmp_path / "in"), "out": str(tmp_path / "out")}
    for step in CHAINS[chain]:
        told = [part.replace("{in}", names["in"]).replace("{out}", names["out"]) for part in step]
        subprocess.run(told, check=True, timeout=120, capture_output=True)
    _opens(tmp_path / "out.jpg", photo, key)


@pytest.mark.parametrize("version", ["6b", "turbo210", "mozjpeg403", "9e"])
def test_other_libjpegs(photo, sealed, key, version):
    jpeglib = pytest.importorskip("jpeglib", reason="the extra jpeg brings several libjpegs")
    chat = photo.with_name("chat.jpg")
    with jpeglib.version(version):
        picture = jpeglib.from_spatial(np.asarray(Image.open(sealed)))
        picture.samp_factor = ((2, 2), (1, 1), (1, 1))
        picture.write_spatial(str(chat), qt=75)
    _opens(chat, photo, key)


def test_picture_and_file_together(photo, key, capsys):
    target, chat = photo.with_name("s.png"), photo.with_name("chat.jpg")
    given = [str(photo), "--system", "denoiser", "--robust", "1", "--survives", "75", "--key-file", key]
    assert encrypt.main([*given, "-o", str(target)]) == ExitCode.OK
    Image.open(target).save(chat, quality=75)
    _opens(chat, photo, key)
    Image.open(target).save(chat, quality=50)
    back = photo.with_name("again.png")
    assert decrypt.main([str(chat), "--key-file", key, "-o", str(back)]) == ExitCode.TAMPERED
    assert "--recover" in capsys.readouterr().err
    assert decrypt.main([str(chat), "--key-file", key, "-o", str(back), "--recover"]) == ExitCode.RECOVERED
    shown = np.asarray(Image.open(back.with_name("again.unauthenticated.png"))).astype(float)
    plain = np.asarray(Image.open(io.BytesIO(photo.read_bytes()))).astype(float)
    assert 10 * np.log10(255**2 / np.mean((shown - plain) ** 2)) > 25


def test_a_robust_picture_opens_without_a_saved_header(photo, key):
    target, chat = photo.with_name("s.png"), photo.with_name("chat.jpg")
    given = [str(photo), "--system", "denoiser", "--robust", "2", "--key-file", key, "-o", str(target)]
    assert encrypt.main(given) == ExitCode.OK
    _opens(target, photo, key)
    picture = Image.open(target)
    picture.crop((21, 13, picture.width, picture.height - 5)).save(chat, quality=80)
    back = photo.with_name("again.png")
    assert decrypt.main([str(chat), "--key-file", key, "-o", str(back), "--recover"]) == ExitCode.RECOVERED
    shown = np.asarray(Image.open(back.with_name("again.unauthenticated.png"))).astype(float)
    plain = np.asarray(Image.open(photo)).astype(float)
    assert 10 * np.log10(255**2 / np.mean((shown - plain) ** 2)) > 34


@pytest.mark.parametrize("kind", ["passphrase", "key image", "recipient"])
@pytest.mark.parametrize("form", [["--robust", "exact"], ["--system", "denoiser", "--robust", "1"]])
def test_any_key_opens_what_came_out_of_a_jpeg(tmp_path, monkeypatch, photo, kind, form):
    sealing, opening = _keys(kind, tmp_path, monkeypatch)
    target, chat, back = (photo.with_name(name) for name in ("s.png", "chat.jpg", "back.jpg"))
    if kind == "recipient" and "exact" in form:  # whose stanza wants a wide picture; others grow for it
        Image.open(photo).resize((640, 176)).save(photo, quality=80)
    fit = ["--survives", "75"]
    assert encrypt.main([str(photo), *form, *fit, *sealing, "-o", str(target)]) == ExitCode.OK
    Image.open(target).save(chat, quality=75)
    assert decrypt.main([str(chat), *opening, "-o", str(back)]) == ExitCode.OK
    assert back.read_bytes() == photo.read_bytes()
    other = tmp_path / "other"
    assert keygen.main(["--key", str(other)]) == ExitCode.OK
    assert decrypt.main([str(chat), "--key-file", str(other), "-o", str(back), "--force"]) == ExitCode.NO_KEY
    assert back.read_bytes() == photo.read_bytes()


def _keys(kind, folder, monkeypatch):
    """Options to encrypt with, and to decrypt with."""
    if kind == "passphrase":
        path = folder / "words"
        path.write_text("correct horse battery staple\n")
        return (["--passphrase-file", str(path)],) * 2
    if kind == "key image":
        path = folder / "key.png"
        assert keygen.main(["--image", str(path)]) == ExitCode.OK
        return (["--key-image", str(path)],) * 2
    monkeypatch.chdir(folder)
    assert keygen.main(["--recipient", str(folder / "me")]) == ExitCode.OK
    return ["--recipient", str(folder / "me.pub")], ["--identity", str(folder / "me")]


def test_a_signature_is_refused_by_its_size(photo, key, tmp_path, capsys):
    assert keygen.main(["--signing", str(tmp_path / "signer")]) == ExitCode.OK
    capsys.readouterr()
    given = [str(photo), "--key-file", key, "-o", str(photo.with_name("s.png")), "--robust", "exact"]
    assert encrypt.main([*given, "--sign", str(tmp_path / "signer")]) == ExitCode.USAGE
    told = capsys.readouterr().err
    assert "3.4 kB" in told
    assert told.count("\n") == 1


def test_a_robust_picture_that_is_longer_than_it_may_be(photo, key, capsys):
    target = photo.with_name("s.png")
    given = [str(photo), "--system", "denoiser", "--robust", "2", "--key-file", key, "-o", str(target)]
    assert encrypt.main([*given, "--fit", "200"]) == ExitCode.USAGE
    assert "--fit 200; shrink the photo" in capsys.readouterr().err
    assert not target.exists()
    assert encrypt.main([*given, "--fit", "1280"]) == ExitCode.OK


def test_the_best_inner_quality_that_fits(photo, key, capsys):
    target, back = photo.with_name("s.png"), photo.with_name("back.avif")
    given = [str(photo), "--robust", "exact", "--key-file", key, "-o", str(target), "--inner-quality", "fit"]
    assert encrypt.main(given) == ExitCode.USAGE
    assert "--pixels or --fit" in capsys.readouterr().err
    assert encrypt.main([*given, "--pixels", "3"]) == ExitCode.OK
    assert "encoded anew as AVIF" in capsys.readouterr().err
    assert decrypt.main([str(target), "--key-file", key, "-o", str(back)]) == ExitCode.OK
    assert Image.open(back).size == Image.open(photo).size


def test_a_header_that_is_too_long_for_pixels_is_refused_before_the_work(tmp_path, photo, capsys):
    target, friends = tmp_path / "s.png", [tmp_path / f"friend{number}" for number in range(4)]
    for friend in friends:
        assert keygen.main(["--recipient", str(friend)]) == ExitCode.OK
    given = [str(photo), "--system", "cyclegan", "--robust", "1", "--survives", "75", "-o", str(target)]
    recipients = [flag for friend in friends for flag in ("--recipient", f"{friend}.pub")]
    capsys.readouterr()
    assert encrypt.main([*given, *recipients]) == ExitCode.USAGE
    told = capsys.readouterr().err
    assert "--write-header" in told
    assert told.count("\n") == 1
    assert not target.exists()


def test_a_learned_code_carries_its_header_in_its_pixels(tmp_path, key, capsys):
    pixels = waves((320, 416, 3)).astype(float) + np.random.default_rng(7).normal(0, 6, (320, 416, 3))
    pixels = pixels.clip(0, 255).astype(np.uint8)
    photo, sealed, chat = tmp_path / "photo.png", tmp_path / "sealed.png", tmp_path / "chat.jpg"
    Image.fromarray(pixels).save(photo)
    given = [str(photo), "--system", "cyclegan", "--robust", "1", "--pixels-only", "--key-file", key]
    assert encrypt.main([*given, "-o", str(sealed)]) == ExitCode.OK
    assert "--write-header" not in capsys.readouterr().err  # nothing needs to be kept beside
    received = Image.open(sealed)
    received.resize((291, 224), Image.Resampling.LANCZOS).save(chat, quality=80)
    given = [str(chat), "--key-file", key, "--recover", "--json", "-o", str(tmp_path / "back.png")]
    assert decrypt.main(given) == ExitCode.RECOVERED
    told = json.loads(capsys.readouterr().out)
    opened = psnr(np.asarray(Image.open(told["output"])), pixels)
    assert opened > 20
    assert abs(told["estimated_psnr"] - opened) < 3
