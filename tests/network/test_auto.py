"""``encrypt --system auto``: what it chooses, what it says, what it refuses."""

import pytest
from PIL import Image

from jaxcrypt import decrypt, encrypt
from jaxcrypt.errors import ExitCode
from tests.support import photo


def _encrypt(tmp_path, key, *more):
    picture = photo(tmp_path / "photo.png")
    sealed = tmp_path / "sealed.png"
    argv = [str(picture), "-o", str(sealed), "--key-file", key, "--system", "auto", "--force", *more]
    return encrypt.main(argv), picture, sealed


def test_the_very_file_comes_back_and_the_choice_is_explained(tmp_path, key, capsys):
    code, picture, sealed = _encrypt(tmp_path, key, "--explain")
    told = capsys.readouterr().err
    assert code == ExitCode.OK
    assert "plan: logistic, with the very file" in told
    assert "threat calm" in told
    back = tmp_path / "back.png"
    assert decrypt.main([str(sealed), "-o", str(back), "--key-file", key]) == ExitCode.OK
    assert back.read_bytes() == picture.read_bytes()


def test_a_slow_network_makes_a_smaller_picture_where_that_will_do(tmp_path, key, capsys):
    how = ("--close", "--experimental", "--patience", "1")
    code, _, sealed = _encrypt(tmp_path, key, *how, "--mbit", "0.02", "--dry-run", "--explain")
    assert code == ExitCode.OK
    told = capsys.readouterr().err
    assert "rate 4" in told
    assert "pixels only" in told
    assert not sealed.exists()


def test_what_is_to_survive_jpeg_does_so_file_and_all(tmp_path, key, capsys):
    code, picture, sealed = _encrypt(tmp_path, key, "--survive", "jpeg")
    assert code == ExitCode.OK, capsys.readouterr().err
    encoded, back = tmp_path / "encoded.jpg", tmp_path / "back.png"
    Image.open(sealed).convert("RGB").save(encoded, quality=80)
    assert decrypt.main([str(encoded), "-o", str(back), "--key-file", key]) == ExitCode.OK
    assert back.read_bytes() == picture.read_bytes()


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--survive", "noise"], "--experimental"),
        (["--survive", "noise", "--experimental", "--threat", "alarmed"], "at threat alarmed"),
        (["--survive", "rain"], "--survive rain"),
        (["--mbit", "0"], "--mbit"),
        (["--rate", "1/2"], "--rate: is of --system cyclegan"),
        (["--weights", "cyclegan"], "--weights"),
        (["--ordinary", "--cover", "nowhere.png", "--experimental"], "nowhere.png"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_line(tmp_path, key, capsys, more, said):
    code, _, sealed = _encrypt(tmp_path, key, *more)
    told = capsys.readouterr().err
    assert code in (ExitCode.USAGE, ExitCode.BAD_INPUT)
    assert said in told
    assert told.count("\n") == 1
    assert not sealed.exists()


def test_help_lists_it(capsys):
    assert encrypt.main(["--system", "--help"]) == ExitCode.OK
    assert "auto: chosen by" in capsys.readouterr().out
    assert encrypt.main(["--system", "auto", "--help"]) == ExitCode.OK
    assert "--survive" in capsys.readouterr().out
