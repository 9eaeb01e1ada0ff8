"""encrypt --system stego --cover: with the shipped weights, as a user meets it."""

import numpy as np
import pytest
from PIL import Image

from jaxcrypt import decrypt, encrypt, inspect
from jaxcrypt.crypto import bundle, sealed, sources
from jaxcrypt.crypto.filekey import Keyring
from jaxcrypt.errors import ExitCode
from tests.support import photo, picture, psnr


@pytest.fixture
def hidden(tmp_path, key):
    """A photo hidden in a cover of another size: paths of photo, cover and stego picture."""
    source, cover, out = photo(tmp_path / "photo.jpg"), tmp_path / "cover.png", tmp_path / "out.png"
    Image.fromarray(picture((70, 90, 3), 3)).save(cover)
    given = ["--system", "stego", "--cover", str(cover), str(source), "-o", str(out), "--key-file", key]
    assert encrypt.main(given) == ExitCode.OK
    return source, cover, out


def test_the_very_file_comes_back_out_of_the_cover(hidden, tmp_path, key):
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


def test_a_cover_is_needed_and_is_for_hiding_only(tmp_path, key, capsys):
    source = str(photo(tmp_path / "photo.png"))
    assert encrypt.main([source, "--system", "stego", "--key-file", key]) == ExitCode.USAGE
    assert "needs --cover FILE" in capsys.readouterr().err
    assert encrypt.main([source, "--cover", source, "--key-file", key]) == ExitCode.USAGE
    assert "--cover: is of --system stego, not of logistic" in capsys.readouterr().err


@pytest.fixture
def three(tmp_path, key):
    """Three photos, two of one name, hidden in one cover: their paths, and that of the stego picture."""
    folders = [tmp_path / name for name in "abc"]
    for folder in folders:
        folder.mkdir()
    names = ["x.jpg", "x.jpg", "y.png"]
    files = [photo(f / n, (40 + 8 * i, 48)) for i, (f, n) in enumerate(zip(folders, names, strict=True))]
    cover, out = tmp_path / "cover.png", tmp_path / "out.png"
    Image.fromarray(picture((64, 64, 3), 3)).save(cover)
    given = ["--system", "stego", "--weights", "stego-three", "--cover", str(cover), "--key-file", key]
    given += ["--secret", str(files[1]), "--secret", str(files[2]), str(files[0])]
    assert encrypt.main([*given, "-o", str(out)]) == ExitCode.OK
    assert encrypt.main([*given, "-o", str(tmp_path / "only.png"), "--pixels-only"]) == ExitCode.OK
    return files, out


def test_every_very_file_comes_back(three, tmp_path, key, capsys):
    files, out = three
    back = tmp_path / "back"
    back.mkdir()
    assert decrypt.main([str(out), "-o", str(back), "--key-file", key]) == ExitCode.OK
    for name, file in zip(("x.jpg", "x.2.jpg", "y.png"), files, strict=True):
        assert (back / name).read_bytes() == file.read_bytes()
    named = back / "first.jpg"
    assert decrypt.main([str(out), "-o", str(named), "--key-file", key]) == ExitCode.OK
    for name, file in zip(("first.jpg", "first.2.jpg", "first.3.png"), files, strict=True):
        assert (back / name).read_bytes() == file.read_bytes()
    assert inspect.main([str(out)]) == ExitCode.OK
    assert "the original files, several, exact" in capsys.readouterr().out
    assert decrypt.main([str(out), "-o", str(back / "p.png"), "--key-file", key, "--from-pixels"]) == 0
    assert np.asarray(Image.open(back / "p.3.png")).shape == (48, 56, 3)


def test_pixels_alone_give_every_picture_nearly(three, tmp_path, key):
    files, _ = three
    out = tmp_path / "only.png"
    assert decrypt.main([str(out), "-o", str(tmp_path / "p.png"), "--key-file", key]) == ExitCode.OK
    for name, file in zip(("p.png", "p.2.png", "p.3.png"), files, strict=True):
        assert psnr(np.asarray(Image.open(tmp_path / name)), np.asarray(Image.open(file))) > 24


def test_all_files_or_none(three, tmp_path, key, capsys):
    _, out = three
    back = tmp_path / "back"
    back.mkdir()
    (back / "y.png").write_bytes(b"mine")
    assert decrypt.main([str(out), "-o", str(back), "--key-file", key]) == ExitCode.USAGE
    assert "exists" in capsys.readouterr().err
    assert [path.name for path in back.iterdir()] == ["y.png"]
    assert decrypt.main([str(out), "-o", "-", "--key-file", key]) == ExitCode.USAGE
    assert "holds 3 files" in capsys.readouterr().err
    data = out.read_bytes()
    (tmp_path / "cut.png").write_bytes(data[: len(data) - 400])
    assert decrypt.main([str(tmp_path / "cut.png"), "-o", str(back), "--key-file", key, "--force"]) != 0
    assert (back / "y.png").read_bytes() == b"mine"
    given = ["--recover", str(tmp_path / "cut.png"), "-o", str(back), "--key-file", key]
    assert decrypt.main(given) == ExitCode.OK
    assert "the file itself is lost" in capsys.readouterr().err
    assert sorted(path.name for path in back.iterdir()) == ["x.2.png", "x.3.png", "x.png", "y.png"]


def test_a_key_holder_cannot_send_files_elsewhere(tmp_path, key, capsys):
    plain = bundle.pack([("x.jpg", b"one"), ("../y.jpg", b"two")])
    file_key = Keyring([sources.key_file(key)]).new_file_key(plain, "logistic", ())
    pixels = np.zeros((4, 4, 3), np.uint8)
    made = sealed.seal(
        file_key,
        system="logistic",
        options=(),
        pixels=pixels,
        original=pixels.shape,
        name="x.jpg",
        file=plain,
        several=True,
    )
    inner = tmp_path / "inner"
    inner.mkdir()
    with open(inner / "out.png", "wb") as file:
        made.write(file)
    assert decrypt.main([str(inner / "out.png"), "--key-file", key]) == ExitCode.TAMPERED
    assert "a name in it is unsafe" in capsys.readouterr().err
    assert [path.name for path in inner.iterdir()] == ["out.png"]
    assert not (tmp_path / "y.jpg").exists()
