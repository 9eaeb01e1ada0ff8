"""What decryption writes: pictures only unless told otherwise, under names that nothing runs or obeys."""

import io

import numpy as np
import pytest
from PIL import Image

from jaxcrypt import decrypt, encrypt, keygen
from jaxcrypt.crypto import bundle, recipients, sealed
from jaxcrypt.crypto.filekey import Keyring
from jaxcrypt.errors import ExitCode, Refusal
from jaxcrypt.sealing import naming

SHAPE = (20, 24, 3)


def picture(kind="JPEG", shape=SHAPE) -> bytes:
    file = io.BytesIO()
    y, x = np.mgrid[: shape[0], : shape[1]]
    Image.fromarray(np.stack([9 * x, 11 * y, x + y], axis=-1).astype(np.uint8)).save(file, kind)
    return file.getvalue()


@pytest.mark.parametrize(
    ("named", "written"),
    [
        ("photo.jpg", "photo.jpg"),
        ("photo.JPG", "photo.JPG"),
        ("really-a-jpeg.png", "really-a-jpeg.png"),
        ("photo", "photo.jpg"),
        (".bash_profile", "_bash_profile.jpg"),
        (".jpg", "_jpg.jpg"),
        ("Makefile", "Makefile.jpg"),
        ("conftest.py", "conftest.py.jpg"),
        ("-rf", "_rf.jpg"),
        ("C:x.jpg", "C_x.jpg"),
        ("CON.jpg", "_CON.jpg"),
        ("a\u202egpj.exe", "a_gpj.exe.jpg"),
        ("line\u2028break.jpg", "line_break.jpg"),
        ("photo.jpg.", "photo.jpg_.jpg"),
    ],
)
def test_names_are_made_safe_and_get_a_pictures_suffix(named, written):
    files = naming.pictures_only([(named, picture())], SHAPE, "x")
    assert [name for name, _ in files] == [written]
    assert bool(naming.renamed([named], [written])) == (named != written)


def test_names_that_become_one_are_kept_apart():
    files = [(name, picture()) for name in ("a:b.jpg", "a?b.jpg", "a_b.jpg")]
    names = [name for name, _ in naming.pictures_only(files, SHAPE, "x")]
    assert names == ["a_b.jpg", "a_b.2.jpg", "a_b.3.jpg"]
    assert naming.picture_names(["x.jpg", "x.png"], 3) == ["x.png", "x.2.png", "x.3.png"]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"#!/bin/sh\nrm -rf ~\n", ExitCode.BAD_INPUT),
        (b"", ExitCode.BAD_INPUT),
        (picture(shape=(20, 25, 3)), ExitCode.TAMPERED),
    ],
)
def test_other_payloads_are_refused(data, code):
    with pytest.raises(Refusal) as refused:
        naming.pictures_only([("photo.jpg", data)], SHAPE, "x.png")
    assert refused.value.code == code
    assert str(refused.value).startswith("x.png: ")


def test_a_stranger_with_a_public_key_writes_no_program(tmp_path, monkeypatch, capsys):
    """Name and bytes are the stranger's choice; the command runs in a home folder."""
    identity = recipients.generate()
    (tmp_path / "me").write_text(identity.text())
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.chdir(home)

    def send(files, several=False):
        plain = bundle.pack(files) if several else files[0][1]
        key = Keyring(recipients=[identity.recipient()]).new_file_key(plain, "logistic", ())
        pixels = np.zeros(SHAPE, np.uint8)
        made = sealed.seal(
            key,
            system="logistic",
            options=(),
            pixels=pixels,
            original=SHAPE,
            name=files[0][0],
            file=plain,
            several=several,
        )
        with open("holiday.png", "wb") as file:
            made.write(file)

    told = ["holiday.png", "--identity", str(tmp_path / "me")]
    send([(".bash_profile", b"echo owned")])
    assert decrypt.main(told) == ExitCode.BAD_INPUT
    assert decrypt.main([*told, "--recover"]) == ExitCode.BAD_INPUT
    send([("photo.jpg", picture()), ("conftest.py", b"raise SystemExit")], several=True)
    assert decrypt.main(told) == ExitCode.BAD_INPUT
    assert [path.name for path in home.iterdir()] == ["holiday.png"]
    send([(".profile", picture())])
    capsys.readouterr()
    assert decrypt.main(told) == ExitCode.OK
    assert "it calls itself '.profile': written as _profile.jpg" in capsys.readouterr().err
    assert sorted(path.name for path in home.iterdir()) == ["_profile.jpg", "holiday.png"]
    send([(".profile", b"anything")])
    assert decrypt.main([*told, "--any-file"]) == ExitCode.OK
    assert (home / "_profile").read_bytes() == b"anything"


def test_secrets_keep_their_names_where_no_file_travels(tmp_path):
    key = tmp_path / "k"
    assert keygen.main(["--key", str(key)]) == ExitCode.OK
    names = ("first.jpg", "second.png", "third.jpg")
    for name in names:
        (tmp_path / name).write_bytes(picture("PNG" if name.endswith("png") else "JPEG"))
    Image.new("RGB", (64, 64), (90, 120, 60)).save(tmp_path / "cover.png")
    given = ["--system", "stego", "--weights", "stego-three", "--cover", str(tmp_path / "cover.png")]
    given += [text for name in names[1:] for text in ("--secret", str(tmp_path / name))]
    out = tmp_path / "out.png"
    told = [str(tmp_path / names[0]), "-o", str(out), "--key-file", str(key), *given, "--pixels-only"]
    assert encrypt.main(told) == ExitCode.OK
    assert decrypt.main([str(out), "-o", f"{tmp_path}/back/", "--key-file", str(key)]) == ExitCode.OK
    written = sorted(path.name for path in (tmp_path / "back").iterdir())
    assert written == ["first.png", "second.png", "third.png"]
