"""encrypt --system diffusion with the shipped weights: a mask, steps, pictures on the way."""

import numpy as np
import pytest
from PIL import Image

from jaxcrypt import decrypt, encrypt, keygen
from jaxcrypt.errors import ExitCode
from tests.support import picture, psnr


@pytest.fixture(scope="module")
def sealed(tmp_path_factory):
    """The folder, key file and plain samples of a photo whose middle was encrypted."""
    folder = tmp_path_factory.mktemp("diffusion")
    plain, mask = picture((64, 96, 3), 3), np.zeros((64, 96), np.uint8)
    mask[16:48, 20:80] = 255
    Image.fromarray(plain).save(folder / "plain.png")
    Image.fromarray(mask).save(folder / "mask.png")
    assert keygen.main(["--key", str(folder / "key")]) == ExitCode.OK
    given = ["--system", "diffusion", "--roi", str(folder / "mask.png"), "--key-file", str(folder / "key")]
    out = ["-o", str(folder / "out.png")]
    assert encrypt.main([str(folder / "plain.png"), *given, *out, "--pixels-only"]) == ExitCode.OK
    assert encrypt.main([str(folder / "plain.png"), *given, "-o", str(folder / "whole.png")]) == ExitCode.OK
    return folder, plain, mask > 0


def _open(folder, *more, name="out.png"):
    (folder / "back.png").unlink(missing_ok=True)
    given = ["-o", str(folder / "back.png"), "--key-file", str(folder / "key"), *more]
    return decrypt.main([str(folder / name), *given])


def test_the_region_comes_back_from_the_file_alone(sealed):
    folder, plain, mask = sealed
    cipher = np.asarray(Image.open(folder / "out.png"))
    assert cipher.shape == plain.shape
    np.testing.assert_array_equal(cipher[~mask], plain[~mask])
    assert _open(folder, "--steps", "1") == ExitCode.OK
    back = np.asarray(Image.open(folder / "back.png"))
    np.testing.assert_array_equal(back[~mask], plain[~mask])
    assert psnr(back[mask], plain[mask]) > 44


def test_pictures_on_the_way_are_saved(sealed, capsys):
    folder, plain, mask = sealed
    assert _open(folder, "--save-intermediates", str(folder / "way"), "--steps", "1") == ExitCode.OK
    steps = [np.asarray(Image.open(path)) for path in sorted((folder / "way" / "out").iterdir())]
    assert len(steps) == 2
    assert psnr(steps[0][mask], plain[mask]) < psnr(steps[1][mask], plain[mask])
    assert _open(folder, "--save-intermediates", str(folder / "none"), name="whole.png") == ExitCode.USAGE
    assert "--from-pixels" in capsys.readouterr().err
    assert not (folder / "none").exists()


def test_pictures_on_the_way_that_exist_are_refused_before_the_work(sealed, monkeypatch, capsys):
    folder, *_ = sealed
    (folder / "old" / "out").mkdir(parents=True)
    (folder / "old" / "out" / "00.png").write_bytes(b"kept")
    monkeypatch.setattr("jaxcrypt.sealing.begun.Begun.finish", lambda *_: pytest.fail("decoded"))
    assert _open(folder, "--save-intermediates", str(folder / "old")) == ExitCode.USAGE
    assert "00.png: exists" in capsys.readouterr().err
    assert not (folder / "back.png").exists()


def test_options_of_decryption_are_no_options_of_encryption(sealed, capsys):
    folder, *_ = sealed
    given = [
        "--system",
        "diffusion",
        "--steps",
        "2",
        "-o",
        str(folder / "more.png"),
        "--key-file",
        str(folder / "key"),
    ]
    assert encrypt.main([str(folder / "plain.png"), *given]) == ExitCode.USAGE
    assert "--steps" in capsys.readouterr().err
    assert _open(folder, "--steps", "3") == ExitCode.USAGE
    assert "--steps 3: choose one of 1, 2, 4, 8, 16" in capsys.readouterr().err
