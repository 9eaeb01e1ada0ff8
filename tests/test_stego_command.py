"""encrypt --system stego --cover: with the shipped weights, as a user meets it."""

import numpy as np
import pytest
from PIL import Image

from jaxcrypt import decrypt, encrypt
from jaxcrypt.errors import ExitCode
from tests.systems.test_autoencoder import picture, psnr
from tests.test_commands import key, photo  # noqa: F401  (a fixture)


@pytest.fixture
def hidden(tmp_path, key):  # noqa: F811
    """A photo hidden in a cover of another size: paths of photo, cover and stego picture."""
    source, cover, out = photo(tmp_path / "photo.jpg"), tmp_path / "cover.png", tmp_path / "out.png"
    Image.fromarray(picture((70, 90, 3), 3)).save(cover)
    given = ["--system", "stego", "--cover", str(cover), str(source), "-o", str(out), "--key-file", key]
    assert encrypt.main(given) == ExitCode.OK
    return source, cover, out


def test_the_very_file_comes_back_out_of_the_cover(hidden, tmp_path, key):  # noqa: F811
    source, cover, out = hidden
    front = [np.asarray(Image.open(path)) for path in (out, cover)]
    assert front[0].shape == front[1].shape
    assert psnr(*front) > 44
    back = tmp_path / "back.jpg"
    assert decrypt.main([str(out), "-o", str(back), "--key-file", key]) == ExitCode.OK
    assert back.read_bytes() == source.read_bytes()
    pixels = tmp_path / "pixels.png"
    assert decrypt.main([str(out), "-o", str(pixels), "--key-file", key, "--from-pixels"]) == ExitCode.OK
    assert psnr(np.asarray(Image.open(pixels)), np.asarray(Image.open(source))) > 30


def test_a_cover_is_needed_and_is_for_hiding_only(tmp_path, key, capsys):  # noqa: F811
    source = str(photo(tmp_path / "photo.png"))
    assert encrypt.main([source, "--system", "stego", "--key-file", key]) == ExitCode.USAGE
    assert "needs --cover FILE" in capsys.readouterr().err
    assert encrypt.main([source, "--cover", source, "--key-file", key]) == ExitCode.USAGE
    assert "hides nothing in a cover" in capsys.readouterr().err
