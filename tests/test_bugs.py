"""A bug is called one, with an exit code of its own; what a System refuses on purpose is damage."""

import json
import os

from jaxcrypt import decrypt, encrypt
from jaxcrypt.errors import ExitCode, Refusal
from tests.support import ramps


def test_a_bug_is_called_one_and_ends_no_folder_run(tmp_path, key, monkeypatch, capsys):
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    for number in range(3):
        ramps(folder / f"{number}.png", (20 + number, 20))
    from jaxcrypt.sealing import cipher

    work = cipher.Cipher.encrypt

    def breaks(self, pictures, *more):
        if pictures[0].shape[1] == 21:
            raise TypeError("cannot reshape array")
        return work(self, pictures, *more)

    monkeypatch.setattr(cipher.Cipher, "encrypt", breaks)
    given = [str(folder), "-o", str(out), "--key-file", key, "--json"]
    assert encrypt.main(given) == ExitCode.FAILED
    told = capsys.readouterr()
    assert sorted(json.loads(line)["exit"] for line in told.out.splitlines()) == [0, 0, ExitCode.INTERNAL]
    assert "internal error, TypeError: cannot reshape array" in told.err
    assert "Traceback" not in told.err
    assert sorted(os.listdir(out)) == ["0.png.png", "2.png.png"]
    monkeypatch.setenv("JAXCRYPT_DEBUG", "1")
    alone = [str(folder / "1.png"), "--key-file", key, "-o", str(tmp_path / "c.png")]
    assert encrypt.main(alone) == ExitCode.INTERNAL
    assert "Traceback" in capsys.readouterr().err


def test_a_bug_while_decoding_is_not_called_tampering(tmp_path, key, monkeypatch, capsys):
    source, sealed = ramps(tmp_path / "p.png"), tmp_path / "c.png"
    assert encrypt.main([str(source), "--key-file", key, "-o", str(sealed), "--pixels-only"]) == ExitCode.OK
    from jaxcrypt.sealing import cipher

    def breaks(*_):
        raise AttributeError("no such attribute")

    monkeypatch.setattr(cipher.Cipher, "decrypt", breaks)
    told = [str(sealed), "--key-file", key, "-o", str(tmp_path / "b.png")]
    assert decrypt.main(told) == ExitCode.INTERNAL
    assert "internal error, AttributeError" in capsys.readouterr().err


def test_what_a_system_refuses_while_decoding_is_damage_and_names_the_file(
    tmp_path, key, monkeypatch, capsys
):
    source, sealed = ramps(tmp_path / "p.png"), tmp_path / "c.png"
    assert encrypt.main([str(source), "--key-file", key, "-o", str(sealed), "--pixels-only"]) == ExitCode.OK
    from jaxcrypt.sealing import cipher

    def refuses(*_):
        raise Refusal("a cipher picture of another size")

    monkeypatch.setattr(cipher.Cipher, "decrypt", refuses)
    told = [str(sealed), "--key-file", key, "-o", str(tmp_path / "b.png")]
    assert decrypt.main(told) == ExitCode.TAMPERED
    assert capsys.readouterr().err.endswith(f"\njaxcrypt: {sealed}: a cipher picture of another size\n")
