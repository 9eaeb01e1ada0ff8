"""keygen makes files that the other commands read, private where they must be, and never overwrites."""

import os
import stat
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from jaxcrypt import keygen
from jaxcrypt.crypto import keyimage, recipients, signing, sources
from jaxcrypt.errors import ExitCode


def _mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_key_file(tmp_path, capsys):
    path = tmp_path / "my.key"
    assert keygen.main(["--key", str(path)]) == ExitCode.OK
    assert sources.key_file(path).kind is sources.Kind.KEY_FILE
    assert _mode(path) == 0o600
    printed = capsys.readouterr().out
    assert "Keep it secret" in printed
    assert path.read_text().splitlines()[-1] not in printed


def test_two_keys_differ(tmp_path):
    for name in ("a", "b"):
        keygen.main(["--key", str(tmp_path / name)])
    assert sources.key_file(tmp_path / "a") != sources.key_file(tmp_path / "b")


def test_recipient_pair(tmp_path, capsys):
    path = tmp_path / "me"
    assert keygen.main(["--recipient", str(path)]) == ExitCode.OK
    identity = recipients.read_identity(path)
    assert recipients.read_recipient(tmp_path / "me.pub") == identity.recipient()
    assert _mode(path) == 0o600
    assert "me.pub: give it to" in capsys.readouterr().out


def test_signing_pair(tmp_path):
    path = tmp_path / "sign"
    assert keygen.main(["--signing", str(path)]) == ExitCode.OK
    signature = signing.read_signer(path).sign(b"m")
    assert signing.read_verifier(tmp_path / "sign.pub").verify(signature, b"m")
    assert _mode(path) == 0o600


def test_private_whatever_the_umask(tmp_path):
    before = os.umask(0)
    try:
        keygen.main(["--recipient", str(tmp_path / "me")])
    finally:
        os.umask(before)
    assert _mode(tmp_path / "me") == 0o600


def test_key_image_and_its_key_file_are_one_key(tmp_path):
    picture = tmp_path / "key.png"
    assert keygen.main(["--image", str(picture)]) == ExitCode.OK
    assert np.asarray(Image.open(picture)).std() > 70
    assert _mode(picture) == 0o600
    assert keygen.main(["--from-picture", str(picture)]) == ExitCode.OK
    assert sources.key_file(tmp_path / "key.png.key") == keyimage.key_image(picture)
    assert keygen.main(["--from-picture", str(picture), "-o", str(tmp_path / "other")]) == ExitCode.OK
    assert sources.key_file(tmp_path / "other") == keyimage.key_image(picture)


@pytest.mark.parametrize("kind", ["--key", "--image", "--recipient", "--signing"])
def test_overwrites_only_by_force(tmp_path, capsys, kind):
    path = tmp_path / "key"
    path.write_text("precious")
    assert keygen.main([kind, str(path)]) == ExitCode.USAGE
    assert path.read_text() == "precious"
    assert list(tmp_path.iterdir()) == [path]
    error = capsys.readouterr().err
    assert "--force" in error
    assert error.count("\n") == 1
    path.chmod(0o644)
    assert keygen.main([kind, str(path), "--force"]) == ExitCode.OK
    assert _mode(path) == 0o600


def test_an_old_public_half_stops_a_new_pair(tmp_path):
    (tmp_path / "me.pub").write_text("someone else's")
    assert keygen.main(["--recipient", str(tmp_path / "me")]) == ExitCode.USAGE
    assert not (tmp_path / "me").exists()


@pytest.mark.parametrize(
    ("argv", "code"),
    [
        ([], ExitCode.USAGE),
        (["--key", "a", "--image", "b"], ExitCode.USAGE),
        (["--key", "a", "-o", "b"], ExitCode.USAGE),
        (["--key", "no/such/folder/a"], ExitCode.USAGE),
        (["--from-picture", "none.png"], ExitCode.BAD_INPUT),
    ],
)
def test_refusals(tmp_path, monkeypatch, capsys, argv, code):
    monkeypatch.chdir(tmp_path)
    assert keygen.main(argv) == code
    assert capsys.readouterr().err.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_flat_picture_makes_no_key(tmp_path, capsys):
    Image.new("RGB", (100, 100), "blue").save(tmp_path / "blue.png")
    assert keygen.main(["--from-picture", str(tmp_path / "blue.png")]) == ExitCode.BAD_INPUT
    assert "too flat" in capsys.readouterr().err
    assert not (tmp_path / "blue.png.key").exists()


def test_neither_jax_nor_the_key_code_is_imported_for_help():
    code = (
        "import sys\nfrom jaxcrypt import keygen\n"
        "try: keygen.main(['--help'])\nexcept SystemExit: pass\n"
        "assert not {'jax', 'numpy', 'PIL', 'cryptography'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)
