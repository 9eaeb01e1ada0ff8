"""inspect shows the public header, and nothing that needs a key."""

import inspect as standard_inspect
import io
import json
import os
import subprocess
import sys
import types

import numpy as np
import pytest

from jaxcrypt import inspect
from jaxcrypt.crypto import recipients, sealed, signing, sources
from jaxcrypt.crypto.filekey import Keyring
from jaxcrypt.errors import ExitCode


@pytest.fixture
def picture(tmp_path):
    secret = [sources.Source(sources.Kind.KEY_FILE, bytes(32))]
    keyring = Keyring(secret, [recipients.generate().recipient()] * 2)
    options = (("rounds", 2),)
    key = keyring.new_file_key(b"the file" * 40, "logistic", options)
    made = sealed.seal(
        key,
        system="logistic",
        options=options,
        pixels=np.zeros((6, 5, 3), np.uint8),
        original=(5, 5, 3),
        name="secret-name.jpg",
        file=b"the file" * 40,
        signer=signing.generate(),
    )
    buffer = io.BytesIO()
    made.write(buffer)
    (tmp_path / "x.png").write_bytes(buffer.getvalue())
    (tmp_path / "x.header").write_bytes(made.header)
    return tmp_path / "x.png"


def test_text(picture, capsys):
    assert inspect.main([str(picture)]) == ExitCode.OK
    text = capsys.readouterr().out
    for words in (
        "logistic",
        "rounds=2",
        "5×6 RGB",
        "5×5 RGB",
        "key file, or one of 2 recipients",
        "signed    yes",
    ):
        assert words in text
    assert "secret-name" not in text


def test_json(picture, capsys):
    assert inspect.main([str(picture), "--json"]) == ExitCode.OK
    facts = json.loads(capsys.readouterr().out)
    assert facts["system"] == "logistic"
    assert facts["options"] == {"rounds": 2}
    assert facts["cipher"] == {"width": 5, "height": 6, "mode": "RGB"}
    assert facts["original"] == {"width": 5, "height": 5, "mode": "RGB"}
    assert facts["stanzas"] == 3
    assert facts["signed"] is True
    assert facts["payload_bytes"] == 320 + 16  # 320 is its own Padmé length


def test_stdin_and_several_files(picture, tmp_path, capsys, monkeypatch):
    data = picture.read_bytes()
    monkeypatch.setattr("sys.stdin", types.SimpleNamespace(buffer=_Pipe(data)))
    assert inspect.main(["-", "--json"]) == ExitCode.OK
    assert json.loads(capsys.readouterr().out)["file"] == "stdin"
    (tmp_path / "y.png").write_bytes(data)
    (tmp_path / "z.png").write_bytes(b"no picture")
    names = [str(tmp_path / name) for name in ("x.png", "y.png", "z.png")]
    assert inspect.main(names[:2]) == ExitCode.OK
    assert capsys.readouterr().out.count("system    logistic") == 2
    for arguments in (names, [str(tmp_path)]):
        assert inspect.main([*arguments, "--json"]) == ExitCode.FAILED
        told = capsys.readouterr()
        lines = [json.loads(line) for line in told.out.splitlines()]
        assert [line.get("file") for line in lines] == [*names[:2], None]
        assert lines[2]["exit"] == ExitCode.BAD_INPUT
        assert "1 of 3 files failed" in told.err


class _Pipe(io.BytesIO):
    """Standard input that brings these bytes."""

    def fileno(self):
        return os.open(os.devnull, os.O_RDONLY)


def test_saved_header(picture, capsys):
    assert inspect.main(["--header", str(picture.with_name("x.header")), "--json"]) == ExitCode.OK
    facts = json.loads(capsys.readouterr().out)
    assert facts["system"] == "logistic"
    assert "payload_bytes" not in facts


def test_refusals(picture, tmp_path, capsys):
    plain = tmp_path / "plain.png"
    plain.write_bytes(b"hello")
    cut = tmp_path / "cut.png"
    cut.write_bytes(picture.read_bytes()[:-20])
    for argv, code in (
        ([], ExitCode.USAGE),
        ([str(plain)], ExitCode.BAD_INPUT),
        ([str(tmp_path / "none")], ExitCode.BAD_INPUT),
        ([str(cut)], ExitCode.TAMPERED),
        (["--header", str(plain)], ExitCode.TAMPERED),
    ):
        assert inspect.main(argv) == code
        captured = capsys.readouterr()
        assert captured.err.count("\n") == 1
        assert not captured.out


def test_its_name_does_not_shadow_the_standard_module(picture):
    assert standard_inspect.signature(inspect.main)
    run = [sys.executable, "-m", "jaxcrypt.inspect", str(picture)]
    assert subprocess.run(run, capture_output=True, check=True).stdout
