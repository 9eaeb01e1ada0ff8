"""encrypt --covert and decrypt --covert as a user meets them (small weights, nothing trained)."""

import io
import json
import pathlib
import random

import numpy as np
import pytest
from PIL import Image

import jaxcrypt
from jaxcrypt import decrypt, encrypt, generate, keygen
from jaxcrypt.crypto import pngreader
from jaxcrypt.errors import ExitCode, Refusal
from jaxcrypt.pictures.files import encode_png
from jaxcrypt.pictures.sheets import cells
from jaxcrypt.systems.dcgan import inner
from tests.support import picture
from tests.systems.dcgan_toy import written

SHAPE = (24, 20, 1)


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    return written(tmp_path_factory.mktemp("zoo"))


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "photo.png"
    Image.fromarray(picture(SHAPE).squeeze()).save(path)
    return str(path)


@pytest.fixture
def other(tmp_path):
    path = tmp_path / "another.key"
    assert keygen.main(["--key", str(path)]) == ExitCode.OK
    return str(path)


def wanted():
    """The photo as the small file in the faces shows it: grey, for colour takes half as many faces again."""
    return inner.unpack(inner.pack(picture(SHAPE), 10), SHAPE).squeeze()


def is_the_photo(opened):
    assert [name for name, _ in opened.files] == ["photo.png"]
    assert (opened.from_pixels, opened.exact, opened.system) == (True, False, "dcgan")
    np.testing.assert_array_equal(opened.pictures[0].squeeze(), wanted())


def sealing(key, weights):
    return ["--system", "dcgan", "--weights", weights, "--quality", "10", "--covert", "--key-file", key]


def chunks(data):
    kinds, at = [], 8
    while at < len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        kinds.append(data[at + 4 : at + 8])
        at += 12 + length
    return kinds


def test_a_sheet_without_a_header_opens_as_a_file_and_as_bytes(tmp_path, photo, key, other, weights, capsys):
    out, back = tmp_path / "faces.png", tmp_path / "back.png"
    assert encrypt.main([photo, "-o", str(out), "--json", *sealing(key, weights)]) == ExitCode.OK
    told = json.loads(capsys.readouterr().out)
    assert 0 <= told["redundancy_left"] <= 1
    assert told["apart"] < 0.5
    plain = tmp_path / "plain.png"
    assert generate.main(["--weights", weights, "-o", str(plain), "--count", "4"]) == ExitCode.OK
    assert set(chunks(out.read_bytes())) == set(chunks(plain.read_bytes()))
    assert not pngreader.read(out.read_bytes(), "out").payload

    given = [str(out), "--weights", weights, "--covert"]
    assert decrypt.main([*given, "-o", str(back), "--key-file", key]) == ExitCode.OK
    np.testing.assert_array_equal(np.asarray(Image.open(back)), wanted())
    is_the_photo(jaxcrypt.unseal(out.read_bytes(), jaxcrypt.Keys(key_file=key), covert=True, weights=weights))

    wrong = ["--key-file", other, "-o", str(tmp_path / "no.png")]
    assert decrypt.main([*given, *wrong]) == ExitCode.NO_KEY
    assert "no key fits" in capsys.readouterr().err
    assert not (tmp_path / "no.png").exists()


def test_one_face_a_file_opens_in_any_order_without_a_lid(tmp_path, photo, key, weights):
    folder, back = tmp_path / "faces", tmp_path / "back.png"
    assert encrypt.main([photo, "--sheet", str(folder), *sealing(key, weights)]) == ExitCode.OK
    files = sorted(folder.iterdir())
    assert [file.name for file in files] == [f"{n:06d}.png" for n in range(len(files))]
    names = [file.name for file in files]
    random.Random(0).shuffle(names)
    for file, name in zip(files, names, strict=True):
        file.rename(folder / f"_{name}")
    (folder / f"_{names[0]}").unlink()  # the first face: one of the two that open the others
    given = ["-o", str(back), "--weights", weights, "--covert", "--key-file", key]
    assert decrypt.main([str(folder), *given]) == ExitCode.OK
    np.testing.assert_array_equal(np.asarray(Image.open(back)), wanted())


def test_bytes_go_in_and_a_sheet_comes_out(photo, key, other, weights):
    keys, data = jaxcrypt.Keys(key_file=key), pathlib.Path(photo).read_bytes()
    how = {"weights": weights, "options": {"quality": 10}}
    sheet = jaxcrypt.seal(data, keys, name="photo.png", covert=True, **how)
    one_by_one = [encode_png(cell) for cell in cells(np.array(Image.open(io.BytesIO(sheet))), 64)[::-1]]
    is_the_photo(jaxcrypt.unseal(one_by_one, keys, covert=True, weights=weights))
    with pytest.raises(Refusal, match="no key fits"):
        jaxcrypt.unseal(one_by_one[:1], jaxcrypt.Keys(key_file=other), covert=True, weights=weights)
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
    assert "photo.png: is no colour picture" in capsys.readouterr().err
    colour = tmp_path / "colour.png"
    Image.new("RGB", (20, 24)).save(colour)
    assert decrypt.main([str(colour), *given]) == ExitCode.BAD_INPUT
    assert "colour.png: a sheet of 20×24" in capsys.readouterr().err
