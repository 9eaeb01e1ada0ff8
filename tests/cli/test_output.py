"""Outputs are whole or absent."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import Image

from jaxcrypt import encrypt
from jaxcrypt.cli.output import Targets, write_whole
from jaxcrypt.errors import ExitCode, Refusal


@pytest.fixture(params=["unnamed", "named"])
def file_system(request, monkeypatch):
    if request.param == "named":
        monkeypatch.delattr(os, "O_TMPFILE", raising=False)
    return request.param


def test_written_and_nothing_beside_it(tmp_path, file_system):
    write_whole(tmp_path / "a", lambda file: file.write(b"whole"), force=False)
    assert (tmp_path / "a").read_bytes() == b"whole"
    assert os.listdir(tmp_path) == ["a"]


def test_never_overwrites_without_force(tmp_path, file_system):
    target = tmp_path / "a"
    target.write_bytes(b"old")
    with pytest.raises(Refusal, match="--force"):
        write_whole(target, lambda file: file.write(b"new"), force=False)
    assert target.read_bytes() == b"old"
    write_whole(target, lambda file: file.write(b"new"), force=True)
    assert target.read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["a"]


def test_a_failure_half_way_leaves_nothing(tmp_path, file_system):
    def fail(file):
        file.write(b"half")
        raise RuntimeError("stop")

    with pytest.raises(RuntimeError):
        write_whole(tmp_path / "a", fail, force=False)
    assert os.listdir(tmp_path) == []


def test_a_folder_that_refuses_is_one_line(tmp_path):
    with pytest.raises(Refusal, match="cannot be written") as refused:
        write_whole(tmp_path / "missing" / "a", lambda file: None, force=False)
    assert refused.value.code == ExitCode.FAILED


def test_targets_refused_before_work(tmp_path):
    photo = tmp_path / "photo.png"
    photo.write_bytes(b"x")
    (tmp_path / "link.png").symlink_to(photo)
    os.link(photo, tmp_path / "hard.png")
    for name in ("photo.png", "./photo.png", "link.png", "hard.png"):
        with pytest.raises(Refusal, match="is an input"):
            Targets([photo], force=True).claim(tmp_path / name)
    with pytest.raises(Refusal, match="exists"):
        Targets([], force=False).claim(photo)
    with pytest.raises(Refusal, match="is a folder"):
        Targets([], force=True).claim(tmp_path)
    with pytest.raises(Refusal, match="no such folder"):
        Targets([], force=True).claim(tmp_path / "no" / "a")
    targets = Targets([], force=True)
    targets.claim(photo)
    with pytest.raises(Refusal, match="two inputs"):
        targets.claim(photo)


@pytest.mark.skipif(not hasattr(os, "O_TMPFILE"), reason="needs unnamed files")
def test_kill_while_writing_leaves_none_of_it(tmp_path):
    program = (
        "import sys, time; from pathlib import Path; from jaxcrypt.cli.output import write_whole\n"
        "def write(file):\n"
        "    file.write(b'half'); file.flush(); print('ready', flush=True); time.sleep(60)\n"
        "write_whole(Path(sys.argv[1]), write, False)"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path / "a")],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parent.parent,
    )
    assert child.stdout.readline() == b"ready\n"
    child.send_signal(signal.SIGKILL)
    child.wait()
    time.sleep(0.05)
    assert os.listdir(tmp_path) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_picture_and_its_header_are_written_both_or_neither(tmp_path, key, capsys):
    photo, sealed, header = (tmp_path / name for name in ("photo.png", "sealed.png", "sealed.hdr"))
    Image.new("RGB", (20, 10), "red").save(photo)
    given = [str(photo), "--key-file", key, "-o"]
    assert encrypt.main([*given, str(sealed), "--write-header", "/dev/full"]) == ExitCode.FAILED
    assert not sealed.exists()
    assert encrypt.main([*given, "/dev/full", "--write-header", str(header)]) == ExitCode.FAILED
    assert not header.exists()
    assert capsys.readouterr().err.count("/dev/full") == 2
    assert encrypt.main([*given, str(sealed), "--write-header", str(header)]) == ExitCode.OK
    assert sealed.exists()
    assert header.exists()
