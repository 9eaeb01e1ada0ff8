"""inspect shows the public header, and nothing that needs a key."""

import inspect as standard_inspect
import io
import json
import subprocess
import sys

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
