"""What strangers can hand to the commands: one line and an exit code, no traceback, nothing written."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from jaxcrypt import decrypt, encrypt, inspect, keygen
from jaxcrypt.crypto import canonical, sealed, sources
from jaxcrypt.crypto.filekey import Keyring
from jaxcrypt.errors import ExitCode, Refusal
from jaxcrypt.pictures import files as imaging

ROOT = Path(__file__).parent.parent
SHAPE = (16, 20, 3)
DIGEST = {"digest": np.zeros(4, np.uint32)}


@pytest.fixture
def key(tmp_path) -> Path:
    path = tmp_path / "secret.key"
    assert keygen.main(["--key", str(path)]) == ExitCode.OK
    return path


def picture(path: Path) -> Path:
    pixels = np.random.default_rng(0).integers(0, 256, SHAPE, np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def sealed_by_hand(path: Path, key: Path, system="logistic", side=None, original=SHAPE, options=()) -> Path:
    """A genuine sealed picture by someone who holds the key but not this program's care."""
    pixels = np.random.default_rng(1).integers(0, 256, SHAPE, np.uint8)
    file_key = Keyring([sources.key_file(key)]).new_file_key(b"file", system, options)
    made = sealed.seal(
        file_key,
        system=system,
        options=options,
        pixels=pixels,
        original=original,
        name="x.jpg",
        side=DIGEST if side is None else side,
    )
    with open(path, "wb") as file:
        made.write(file)
    return path


@pytest.mark.parametrize(
    ("what", "code"),
    [
        ({"side": {}}, ExitCode.TAMPERED),
        ({"side": {"digest": np.zeros((4, 4), np.float32)}}, ExitCode.TAMPERED),
        ({"original": (1, 1, 1)}, ExitCode.TAMPERED),
        ({"original": (20, 16, 3)}, ExitCode.TAMPERED),
        ({"original": (2**32 - 1, 2**32 - 1, 4)}, ExitCode.TAMPERED),  # would be laid out in endless tiles
        ({"system": "mixing"}, ExitCode.TAMPERED),
        ({"system": "nonesuch"}, ExitCode.BAD_INPUT),
        ({"options": (("strange", 3),)}, ExitCode.BAD_INPUT),
    ],
)
def test_genuine_headers_that_make_no_sense(tmp_path, key, capsys, what, code):
    cipher = sealed_by_hand(tmp_path / "h.png", key, **what)
    capsys.readouterr()
    assert decrypt.main([str(cipher), "-o", str(tmp_path / "out.png"), "--key-file", str(key)]) == code
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert not (tmp_path / "out.png").exists()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_side_information_that_is_no_number_is_a_damaged_header(tmp_path, key, capsys, monkeypatch, value):
    side = {name: np.full((1,), value, np.float32) for name in ("mean", "spread")}
    with monkeypatch.context() as careless:
        careless.setattr(canonical, "_is_finite", lambda array: True)
        cipher = sealed_by_hand(tmp_path / "h.png", key, "mixing", side, (15, 20, 3))
    capsys.readouterr()
    command = [str(cipher), "-o", str(tmp_path / "out.png"), "--key-file", str(key)]
    for more in ([], ["--recover"]):
        assert decrypt.main([*command, *more]) == ExitCode.TAMPERED
        (line,) = capsys.readouterr().err.splitlines()
        assert "header damaged" in line


def test_option_texts_do_not_steer_the_terminal(tmp_path, key, capsys):
    cipher = sealed_by_hand(tmp_path / "h.png", key, options=(("mode", "\x1b[2J\nall is well"),))
    assert inspect.main([str(cipher)]) == ExitCode.OK
    shown = capsys.readouterr().out
    assert "\x1b" not in shown
    assert not any(line.startswith("all is well") for line in shown.splitlines())


def test_file_names_do_not_steer_the_terminal(tmp_path, key, capsys):
    source = picture(tmp_path / "new\nline\x1b[31m.png")
    assert encrypt.main([str(source), "--key-file", str(key)]) == ExitCode.OK
    shown = capsys.readouterr().err
    assert "\x1b" not in shown
    assert len(shown.splitlines()) == 1


@pytest.mark.parametrize("name", [b"caf\xe9.png", b"\x83\x65\x83\x58\x83\x67.png", b"\xff\xfe.png"])
def test_names_that_are_no_utf8_come_back_byte_for_byte(tmp_path, key, capsys, name):
    folder, out, back = (os.fsencode(tmp_path / part) for part in ("in", "out", "back"))
    os.mkdir(folder)
    try:
        plain = picture(Path(os.fsdecode(folder + b"/" + name))).read_bytes()
    except OSError:
        pytest.skip("this file system takes no such names")
    for command, source, target in ((encrypt, folder, out), (decrypt, out, back)):
        assert command.main([os.fsdecode(source), "-o", os.fsdecode(target), "--key-file", str(key)]) == 0
    assert os.listdir(back) == [name]
    with open(back + b"/" + name, "rb") as file:
        assert file.read() == plain
    assert inspect.main([os.fsdecode(out + b"/" + name + b".png")]) == ExitCode.OK
    capsys.readouterr().out.encode()  # nothing that a strict stdout could not take


def test_a_folder_goes_on_after_a_name_that_is_too_long(tmp_path, key, capsys):
    folder = tmp_path / "in"
    folder.mkdir()
    picture(folder / ("a" * 251 + ".png"))
    picture(folder / "b.png")
    out = tmp_path / "out"
    assert encrypt.main([str(folder), "-o", str(out), "--key-file", str(key)]) == ExitCode.FAILED
    assert os.listdir(out) == ["b.png.png"]
    assert "too long" in capsys.readouterr().err


@pytest.mark.parametrize("target", ["nowhere.png", "circle.png"])
def test_links_that_lead_nowhere_are_not_passed_over(tmp_path, key, capsys, target):
    folder = tmp_path / "in"
    folder.mkdir()
    picture(folder / "a.png")
    (folder / "circle.png").symlink_to(folder / target)
    out = tmp_path / "out"
    assert encrypt.main([str(folder), "-o", str(out), "--key-file", str(key)]) == ExitCode.FAILED
    assert os.listdir(out) == ["a.png.png"]
    assert "circle.png: " in capsys.readouterr().err


def test_a_slash_at_the_end_means_a_folder(tmp_path, key, capsys):
    source = picture(tmp_path / "a.png")
    command = [str(source), "--key-file", str(key), "-o"]
    assert encrypt.main([*command, f"{tmp_path}/new/inner/"]) == ExitCode.OK
    assert (tmp_path / "new" / "inner" / "a.png.png").is_file()
    capsys.readouterr()
    assert encrypt.main([*command, f"{source}/"]) == ExitCode.USAGE
    assert "is a file, not a folder" in capsys.readouterr().err


def test_a_folder_into_itself_is_told_what_is_wrong(tmp_path, key, capsys):
    picture(tmp_path / "a.png")
    code = encrypt.main([str(tmp_path), "-o", str(tmp_path), "--key-file", str(key)])
    assert code == ExitCode.USAGE
    assert "a folder of their own" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--key-image", "--key-file"])
def test_force_never_overwrites_a_key(tmp_path, option, capsys):
    kept = tmp_path / "key.png"
    assert keygen.main(["--image" if option == "--key-image" else "--key", str(kept)]) == ExitCode.OK
    before = kept.read_bytes()
    source = picture(tmp_path / "a.png")
    code = encrypt.main([str(source), option, str(kept), "-o", str(kept), "--force"])
    assert code == ExitCode.USAGE
    assert kept.read_bytes() == before


@pytest.mark.parametrize("number", ["-1", "99999999999", "913"])
def test_descriptors_that_cannot_be(tmp_path, number, capsys):
    source = picture(tmp_path / "a.png")
    code = encrypt.main([str(source), f"--passphrase-fd={number}"])
    assert code in (ExitCode.USAGE, ExitCode.BAD_INPUT)
    assert "descriptor" in capsys.readouterr().err


@pytest.mark.parametrize("closed", [0, 1, 2])
def test_closed_standard_streams(tmp_path, key, closed):
    """Nothing that is opened later may land on their numbers, where other code writes."""
    picture(tmp_path / "a.png")
    arguments = "- -o out.png" if closed == 0 else "a.png -o -" if closed == 1 else "a.png -o out.png"
    redirection = f"{closed}{'<' if closed == 0 else '>'}&-"
    command = f'"{sys.executable}" -m jaxcrypt.encrypt {arguments} --key-file "{key}" {redirection}'
    run = subprocess.run(
        ["sh", "-c", command],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert "Traceback" not in run.stderr
    assert run.returncode == (ExitCode.BAD_INPUT, ExitCode.USAGE, ExitCode.OK)[closed]
    assert (tmp_path / "out.png").exists() == (closed == 2)


def test_no_home_costs_only_the_cache(monkeypatch):
    from jaxcrypt import runtime

    def homeless():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("JAXCRYPT_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.delenv("JAX_COMPILATION_CACHE_DIR", raising=False)
    monkeypatch.setattr(Path, "home", homeless)
    runtime.prepare("auto")
    assert "JAX_COMPILATION_CACHE_DIR" not in os.environ


def test_endless_files_end(monkeypatch):
    monkeypatch.setattr(imaging, "MAX_FILE", 1 << 26)
    with pytest.raises(Refusal, match="larger than"):
        imaging.read_file("/dev/zero")
