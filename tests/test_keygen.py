"""keygen makes files that the other commands read, private where they must be, and never overwrites."""

import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from jaxcrypt import keygen
from jaxcrypt.crypto import keyimage, recipients, signing, sources
from jaxcrypt.errors import ExitCode

ROOT = Path(__file__).parent.parent


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


def test_a_passphrase_is_printed_alone(capsysbinary):
    assert keygen.main(["--passphrase"]) == ExitCode.OK
    out, err = capsysbinary.readouterr()
    assert re.fullmatch(rb"([a-z]{5}-){4}[a-z]{5}\n", out)
    assert b"Keep it secret" in err
    assert keygen.main(["--passphrase"]) == ExitCode.OK
    assert capsysbinary.readouterr().out != out


def test_a_passphrase_file_is_private_and_read_back(tmp_path, capsys):
    path = tmp_path / "words.txt"
    assert keygen.main(["--passphrase", str(path)]) == ExitCode.OK
    words = path.read_text().strip()
    assert sources.read_passphrase(file=path) == sources.passphrase(words)
    assert _mode(path) == 0o600
    assert words not in capsys.readouterr().out


@pytest.mark.parametrize("kind", ["--key", "--image"])
def test_a_secret_that_goes_to_stdout_goes_alone(tmp_path, kind):
    for name in ("-", "/dev/stdout"):
        done = subprocess.run(
            [sys.executable, "-m", "jaxcrypt.keygen", kind, name], capture_output=True, cwd=ROOT
        )
        assert done.returncode == 0
        (tmp_path / "k").write_bytes(done.stdout)
        assert (sources.key_file if kind == "--key" else keyimage.key_image)(tmp_path / "k")
        assert b"Keep it secret" in done.stderr


def test_no_device_is_replaced(tmp_path, capsys):
    assert keygen.main(["--key", os.devnull, "--force"]) == ExitCode.OK
    assert not os.path.isfile(os.devnull)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    assert keygen.main(["--recipient", str(pipe), "--force"]) == ExitCode.USAGE
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert "pair" in capsys.readouterr().err


def test_names_do_not_steer_the_terminal(tmp_path, capsys):
    assert keygen.main(["--key", str(tmp_path / "k\x1b[2J\nall is well")]) == ExitCode.OK
    shown = capsys.readouterr().out
    assert "\x1b" not in shown
    assert len(shown.splitlines()) == 1


def test_names_that_are_no_utf8(tmp_path):
    """Told after the key was written, so telling must not fail."""
    path = os.fsencode(tmp_path) + b"/caf\xe9"
    command = [os.fsencode(sys.executable), b"-m", b"jaxcrypt.keygen", b"--recipient", path]
    done = subprocess.run(command, capture_output=True, cwd=ROOT, env=dict(os.environ, PYTHONUTF8="1"))
    if not os.path.exists(path):
        pytest.skip("this file system takes no such names")
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_picture_that_can_be_guessed_makes_no_key(tmp_path, capsys):
    y, x = np.mgrid[:128, :128]
    Image.fromarray((x ^ y).astype(np.uint8)).save(tmp_path / "xor.png")
    assert keygen.main(["--from-picture", str(tmp_path / "xor.png")]) == ExitCode.BAD_INPUT
    assert "can be guessed" in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["--key", "--image", "--recipient", "--signing", "--passphrase"])
def test_overwrites_only_by_force(tmp_path, capsys, kind):
    path = tmp_path / "key"
    path.write_text("precious")
    assert keygen.main([kind, str(path)]) == ExitCode.USAGE
    assert path.read_text() == "precious"
    assert list(tmp_path.iterdir()) == [path]
    error = capsys.readouterr().err
    assert "--force" in error
    assert " -o" not in error  # which it would refuse
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
