"""encrypt --covert and decrypt --covert as a user meets them (small weights, nothing trained)."""

import io
import json
import pathlib
import random

import numpy as np
import pytest
from PIL import Image

import jaxcrypt
from jaxcrypt import decrypt, encrypt, generate
from jaxcrypt.crypto import pngreader
from jaxcrypt.errors import ExitCode, Refusal
from jaxcrypt.pictures.files import encode_png
from jaxcrypt.pictures.sheets import cells
from jaxcrypt.systems.dcgan import inner
from tests.support import picture
from tests.systems.dcgan_toy import written

SHAPE = (24, 20, 3)


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    return written(tmp_path_factory.mktemp("zoo"))


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "photo.png"
    Image.fromarray(picture(SHAPE)).save(path)
    return str(path)


def sealing(key, weights):
    return ["--system", "dcgan", "--weights", weights, "--quality", "10", "--covert", "--key-file", key]


def chunks(data):
    kinds, at = [], 8
    while at < len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        kinds.append(data[at + 4 : at + 8])
        at += 12 + length
    return kinds


def test_a_sheet_without_a_header_and_one_face_a_file(tmp_path, photo, key, weights, capsys):
    out, folder = tmp_path / "faces.png", tmp_path / "faces"
    assert encrypt.main([photo, "-o", str(out), "--json", *sealing(key, weights)]) == ExitCode.OK
    told = json.loads(capsys.readouterr().out)
    assert 0 <= told["redundancy_left"] <= 1
    assert told["apart"] < 0.5
    plain = tmp_path / "plain.png"
    assert generate.main(["--weights", weights, "-o", str(plain), "--count", "4"]) == ExitCode.OK
    assert set(chunks(out.read_bytes())) == set(chunks(plain.read_bytes()))

    assert encrypt.main([photo, "--sheet", str(folder), *sealing(key, weights)]) == ExitCode.OK
    files = sorted(folder.iterdir())
    assert [file.name for file in files] == [f"{n:06d}.png" for n in range(len(files))]
    names = [file.name for file in files]
    random.Random(0).shuffle(names)
    for file, name in zip(files, names, strict=True):
        file.rename(folder / f"_{name}")
    (folder / f"_{names[0]}").unlink()  # the first face: one of the two that open the others
    wanted, given = inner.unpack(inner.pack(picture(SHAPE), 10), SHAPE), ["--weights", weights, "--covert"]
    for source, back in ((out, tmp_path / "back.png"), (folder, tmp_path / "again.png")):
        assert decrypt.main([str(source), "-o", str(back), "--key-file", key, *given]) == ExitCode.OK
        np.testing.assert_array_equal(np.asarray(Image.open(back)), wanted)

    (tmp_path / "words").write_text("quite another key")
    wrong = ["--passphrase-file", str(tmp_path / "words"), "-o", str(tmp_path / "no.png")]
    assert decrypt.main([str(out), *given, *wrong]) == ExitCode.NO_KEY
    assert "no key fits" in capsys.readouterr().err
    assert not (tmp_path / "no.png").exists()
    assert not pngreader.read(out.read_bytes(), "out").payload


def test_bytes_go_in_and_a_sheet_comes_out(photo, key, weights):
    keys, data = jaxcrypt.Keys(key_file=key), pathlib.Path(photo).read_bytes()
    how = {"weights": weights, "options": {"quality": 10}}
    sheet = jaxcrypt.seal(data, keys, name="photo.png", covert=True, **how)
    pixels = np.array(Image.open(io.BytesIO(sheet)))
    one_by_one = [encode_png(cell) for cell in cells(pixels, 64)[::-1]]
    wanted = inner.unpack(inner.pack(picture(SHAPE), 10), SHAPE)
    for pictures in (sheet, one_by_one):
        opened = jaxcrypt.unseal(pictures, keys, covert=True, weights=weights)
        assert [name for name, _ in opened.files] == ["photo.png"]
        assert (opened.from_pixels, opened.exact, opened.system) == (True, False, "dcgan")
        np.testing.assert_array_equal(opened.pictures[0], wanted)
    with pytest.raises(Refusal, match="no key fits"):
        jaxcrypt.unseal(sheet, jaxcrypt.Keys(passphrase="another one"), covert=True, weights=weights)
    with pytest.raises(Refusal, match="attach: needs a header, which covert leaves out"):
        jaxcrypt.seal(data, keys, covert=True, attach=[])
    with pytest.raises(Refusal, match="signed_by: needs a header"):
        jaxcrypt.unseal(sheet, keys, covert=True, signed_by=key)
    with pytest.raises(Refusal, match="several pictures at once: only with covert"):
        jaxcrypt.unseal([sheet, sheet], keys)


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (["--hide-size"], "--hide-size: needs a header, which --covert leaves out"),
        (["--write-header", "h"], "--write-header: needs a header, which --covert leaves out"),
        (["--survives", "jpeg-90"], "--survives: faces that travel alone must arrive as they were sent"),
    ],
)
def test_what_needs_a_header_is_refused(tmp_path, photo, key, weights, more, says, capsys):
    out = tmp_path / "faces.png"
    assert encrypt.main([photo, "-o", str(out), *sealing(key, weights), *more]) == ExitCode.USAGE
    assert says in capsys.readouterr().err
    assert not out.exists()


def test_other_systems_and_recipients_are_refused(tmp_path, photo, key, capsys):
    out = str(tmp_path / "faces.png")
    assert encrypt.main([photo, "-o", out, "--covert", "--key-file", key]) == ExitCode.USAGE
    assert "pictures of --system logistic need their header" in capsys.readouterr().err
    given = [photo, "-o", out, "--system", "dcgan", "--covert", "--recipient", "friend.pub"]
    assert encrypt.main(given) == ExitCode.USAGE
    assert "--recipient: needs a header" in capsys.readouterr().err


def test_pictures_that_nothing_made_are_refused_by_name(tmp_path, photo, key, weights, capsys):
    given = ["--covert", "--weights", weights, "--key-file", key, "-o", str(tmp_path / "no.png")]
    assert decrypt.main([photo, *given]) == ExitCode.BAD_INPUT
    assert "photo.png: a sheet of 20×24" in capsys.readouterr().err
    grey = tmp_path / "grey.png"
    Image.new("L", (64, 64)).save(grey)
    assert decrypt.main([str(grey), *given]) == ExitCode.BAD_INPUT
    assert "grey.png: is no colour picture" in capsys.readouterr().err
