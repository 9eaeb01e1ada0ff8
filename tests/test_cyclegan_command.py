"""encrypt --system cyclegan with the shipped weights, as a user meets it: rates, a condition, recovery."""

from fractions import Fraction

import numpy as np
import pytest
from PIL import Image

from jaxcrypt import decrypt, encrypt, keygen
from jaxcrypt.errors import ExitCode
from tests.support import picture, psnr

GIVEN = ["--system", "cyclegan"]


@pytest.fixture
def plain(tmp_path):
    path = tmp_path / "plain.png"
    Image.fromarray(picture((80, 96, 3), 3)).save(path)
    return path


def _samples(path):
    return np.asarray(Image.open(path))


@pytest.mark.parametrize(("rate", "least"), [("1", 45), ("1/2", 36), ("1/4", 30)])
def test_rates(plain, tmp_path, key, rate, least):
    out, back = tmp_path / "out.png", tmp_path / "back.png"
    given = [*GIVEN, "--rate", rate, "--pixels-only", "--key-file", key]
    assert encrypt.main([str(plain), "-o", str(out), *given]) == ExitCode.OK
    share = _samples(out).size / _samples(plain).size
    wanted = float(Fraction(rate))
    assert 0.8 * wanted < share < wanted
    assert decrypt.main([str(out), "-o", str(back), "--key-file", key]) == ExitCode.OK
    assert psnr(_samples(back), _samples(plain)) > least


def test_a_cipher_that_became_a_jpeg_is_recovered(plain, tmp_path, key):
    out, web, header = tmp_path / "out.png", tmp_path / "web.jpg", tmp_path / "out.hdr"
    given = [*GIVEN, "--robust", "2", "--key-file", key, "--write-header", str(header)]
    assert encrypt.main([str(plain), "-o", str(out), *given]) == ExitCode.OK
    Image.open(out).convert("RGB").save(web, quality=75)
    back = tmp_path / "back.png"
    told = ["--recover", "--header", str(header), "--key-file", key, "-o", str(back)]
    assert decrypt.main([str(web), *told]) == ExitCode.RECOVERED
    recovered = next(tmp_path.glob("back*"))
    assert psnr(_samples(recovered), _samples(plain)) > 26


def test_the_key_image_as_a_condition(plain, tmp_path, key, capsys):
    image, out, back = tmp_path / "key.png", tmp_path / "out.png", tmp_path / "back.png"
    assert keygen.main(["--image", str(image)]) == 0
    given = [*GIVEN, "--condition-on-key-image", "--pixels-only", "-o", str(out)]
    assert encrypt.main([str(plain), *given, "--key-file", key]) == ExitCode.USAGE
    assert "--key-image FILE" in capsys.readouterr().err
    assert encrypt.main([str(plain), *given, "--key-image", str(image)]) == ExitCode.OK
    assert decrypt.main([str(out), "-o", str(back), "--key-image", str(image)]) == ExitCode.OK
    assert psnr(_samples(back), _samples(plain)) > 45


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--rate", "1/3"], "--rate"),
        (["--rate", "1/2", "--robust", "1"], "leave out --rate"),
        (["--system", "mixing", "--rate", "1/2"], "--rate: is of --system cyclegan, not of mixing"),
        (
            ["--system", "mixing", "--condition-on-key-image"],
            "--condition-on-key-image: is of --system cyclegan",
        ),
    ],
)
def test_senseless_options_are_refused(plain, tmp_path, key, capsys, options, says):
    image = tmp_path / "key.png"
    keygen.main(["--image", str(image)])
    out = tmp_path / "out.png"
    named = [] if "--system" in options else GIVEN
    given = ["-o", str(out), "--key-image", str(image), *named, *options]
    assert encrypt.main([str(plain), *given]) in (ExitCode.USAGE, ExitCode.FAILED)
    assert says in capsys.readouterr().err
    assert not out.exists()


def test_a_picture_that_does_not_suit_costs_the_others_nothing(plain, tmp_path, key, capsys):
    folder, out = tmp_path / "in", tmp_path / "sealed"
    folder.mkdir()
    Image.fromarray(picture((6, 6, 3), 4)).save(folder / "a.png")
    plain.rename(folder / "b.png")
    given = [*GIVEN, "--robust", "1", "--key-file", key, "-o", str(out)]
    assert encrypt.main([str(folder), *given]) == ExitCode.FAILED
    assert [path.name for path in out.iterdir()] == ["b.png.png"]
    assert "a.png: --robust 1: a picture of 6×6 is too small for it" in capsys.readouterr().err
