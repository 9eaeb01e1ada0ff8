"""The pipeline on Beam's direct runner, and the job that is killed. Skipped where apache-beam is missing."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import photo

pytest.importorskip("apache_beam", reason="bulk jobs need apache-beam: pip install 'jaxcrypt[bulk]'")
ROOT = Path(__file__).parents[2]


def launch(script, *arguments, cwd):
    command = [sys.executable, str(ROOT / "launch" / script), *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=500)


@pytest.mark.parametrize("workers", [1, 2])
def test_there_and_back(key, tmp_path, workers):
    photos = tmp_path / "photos"
    (photos / "inner").mkdir(parents=True)
    for index in range(6):
        photo(photos / "inner" / f"{index}.png", (16 + index // 3 * 8, 16 + index))
    (photos / "bad.jpg").write_bytes(b"no picture")
    keys = ["--key-file", key, "--workers", workers, "--batch", 2]
    done = launch("bulk.py", "encrypt", "--input", "photos", "--output", "sealed", *keys, cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    assert "made: 6\nalready: 0\nrefused: 1\n" in done.stdout
    told = "".join(path.read_text() for path in tmp_path.glob("sealed-refused*.jsonl"))
    assert json.loads(told)["path"] == "photos/bad.jpg"
    again = ["--json", "counted.json"]
    launch("bulk.py", "encrypt", "--input", "photos", "--output", "sealed", *keys, *again, cwd=tmp_path)
    assert json.loads((tmp_path / "counted.json").read_text())["already"] == 6
    done = launch("bulk.py", "decrypt", "--input", "sealed", "--output", "back", *keys, cwd=tmp_path)
    assert (done.returncode, "made: 6" in done.stdout) == (0, True), done.stderr
    back = {path.read_bytes() for path in (tmp_path / "back").glob("??/*.png")}
    assert back == {path.read_bytes() for path in photos.rglob("*.png")}


def test_a_job_that_is_killed_leaves_every_picture_once(tmp_path):
    done = launch("try_kills.py", "--pictures", 60, "--kills", 3, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "kills: 3" in done.stdout


def test_usage(key, tmp_path):
    (tmp_path / "photos").mkdir()
    for arguments, says in (
        (["--input", "none", "--key-file", key], "no such folder"),
        (["--input", "photos"], "give a key"),
        (["--input", "photos", "--key-file", key, "--identity", key], "goes with"),
        (["--input", "photos", "--key-file", "none"], "none"),
        (["--input", "photos", "--key-file", key, "--batch", "0"], "at least 1"),
    ):
        done = launch("bulk.py", "encrypt", "--output", "out", *arguments, cwd=tmp_path)
        assert (done.returncode != 0, says in done.stderr) == (True, True), done.stderr
        assert "Traceback" not in done.stderr
