"""``rekey``: the same picture for other keys."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from jaxcrypt import decrypt, encrypt, inspect, keygen, rekey
from jaxcrypt.errors import ExitCode
from tests.support import ramps


def test_rekey_gives_the_same_pixels_to_other_keys(tmp_path, key, capsys):
    assert keygen.main(["--key", str(tmp_path / "new.key")]) == ExitCode.OK
    for who in ("alice", "sign"):
        kind = "--recipient" if who == "alice" else "--signing"
        assert keygen.main([kind, str(tmp_path / who)]) == ExitCode.OK
    source, sealed, moved = ramps(tmp_path / "photo.png"), tmp_path / "c.png", tmp_path / "m.png"
    given = ["--key-file", key, "-o", str(sealed), "--sign", str(tmp_path / "sign")]
    assert encrypt.main([str(source), *given]) == ExitCode.OK
    told = [str(sealed), "-o", str(moved), "--key-file", key]
    assert rekey.main(told) == ExitCode.USAGE
    new = ["--new-recipient", str(tmp_path / "alice.pub"), "--new-key-file", str(tmp_path / "new.key")]
    capsys.readouterr()
    assert rekey.main([*told, *new]) == ExitCode.OK
    assert "its signature is gone" in capsys.readouterr().err
    assert np.array_equal(Image.open(moved), Image.open(sealed))
    back = ["-o", str(tmp_path / "back.png"), "--force"]
    assert decrypt.main([str(moved), "--key-file", key, *back]) == ExitCode.NO_KEY
    for opening in (["--identity", str(tmp_path / "alice")], ["--key-file", str(tmp_path / "new.key")]):
        assert decrypt.main([str(moved), *opening, *back]) == ExitCode.OK
        assert (tmp_path / "back.png").read_bytes() == source.read_bytes()
    damaged = bytearray(sealed.read_bytes())
    damaged[80] ^= 1
    sealed.write_bytes(damaged)
    assert rekey.main([*told, *new, "--force"]) == ExitCode.TAMPERED


@pytest.mark.parametrize(("name", "says"), [("there.png", "exists"), ("new.webp", "is a PNG")])
def test_rekey_refuses_an_output_before_it_reads_keys(tmp_path, name, says, monkeypatch, capsys):
    (tmp_path / "there.png").write_bytes(b"kept")
    monkeypatch.setattr("jaxcrypt.cli.keyoptions.read_keys", lambda *_, **__: pytest.fail("keys were read"))
    given = ["--key-file", "k", "--new-key-file", "n", "-o", str(tmp_path / name)]
    assert rekey.main([str(tmp_path / "sealed.png"), *given]) == ExitCode.USAGE
    assert says in capsys.readouterr().err
    assert (tmp_path / "there.png").read_bytes() == b"kept"


def test_rekey_takes_one_new_passphrase(tmp_path, capsys):
    given = ["--key-file", "k", "--new-passphrase", "--new-passphrase-env", "WORDS"]
    assert rekey.main(["sealed.png", "-o", str(tmp_path / "x.png"), *given]) == ExitCode.USAGE
    assert "--new-passphrase-env: not allowed with argument --new-passphrase" in capsys.readouterr().err


def test_rekey_keeps_the_version_of_older_files(tmp_path, key):
    older = Path(__file__).parent / "fixtures" / "older"
    sealed, moved = older / "sealed" / "stego-three.png", tmp_path / "m.png"
    told = [str(sealed), "-o", str(moved), "--key-file", str(older / "keys" / "key.txt")]
    assert rekey.main([*told, "--new-key-file", key]) == ExitCode.OK
    versions = [inspect.describe(path.read_bytes())["version"] for path in (sealed, moved)]
    assert versions == [2, 2]
    assert decrypt.main([str(moved), "-o", f"{tmp_path}/back/", "--key-file", key]) == ExitCode.OK
    assert len(os.listdir(tmp_path / "back")) == 3
