"""What a worker does: every file once, whatever happens in between; bad ones with reasons. No Beam here."""

import hashlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from jaxcrypt import keygen
from jaxcrypt.bulk.store import Store, naming_key
from jaxcrypt.bulk.work import ALREADY, DECRYPT, ENCRYPT, MADE, REFUSED, Task, Worker
from jaxcrypt.crypto import sources
from jaxcrypt.errors import ExitCode, Refusal
from tests.support import photo

ROOT = Path(__file__).parents[2]
PROGRAM = """
import sys
from pathlib import Path
from jaxcrypt.bulk.work import ENCRYPT, Task, Worker
worker = Worker(Task(ENCRYPT, sys.argv[2], key_file=sys.argv[3]))
for path in sorted(Path(sys.argv[1]).iterdir()):
    list(worker.work([str(path)]))
"""


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for index, size in enumerate([(24, 16), (24, 16), (16, 24), (20, 20)]):
        photo(folder / f"{index}.png", size, compress_level=index)
    return folder


def paths(folder):
    return [
        str(path) for path in sorted(folder.rglob("*")) if path.is_file() and "receipts" not in path.parts
    ]


def states(results):
    return sorted(result.state for result in results)


def test_there_and_back(photos, key, tmp_path):
    sealed, back = tmp_path / "sealed", tmp_path / "back"
    results = list(Worker(Task(ENCRYPT, str(sealed), key)).work(paths(photos)))
    distinct = {hashlib.sha256(Path(path).read_bytes()).digest() for path in paths(photos)}
    assert states(results).count(MADE) == len(distinct) == len(paths(sealed))
    assert states(Worker(Task(ENCRYPT, str(sealed), key)).work(paths(photos))) == [ALREADY] * 4
    results = list(Worker(Task(DECRYPT, str(back), key)).work(paths(sealed)))
    assert {result.state for result in results} == {MADE}
    assert {hashlib.sha256(Path(path).read_bytes()).digest() for path in paths(back)} == distinct
    names = {json.loads(path.read_bytes())["original"] for path in (back / "receipts").rglob("*.json")}
    assert names <= {f"{index}.png" for index in range(4)}


def test_names_tell_nothing_to_those_without_the_key(photos, key, tmp_path):
    data = (photos / "0.png").read_bytes()
    secret = sources.key_file(key).secret
    named = Store(tmp_path, naming_key(secret)).name(data)
    assert named != Store(tmp_path).name(data) == hashlib.sha256(data).hexdigest()[:40]
    list(Worker(Task(ENCRYPT, str(tmp_path / "sealed"), key)).work([str(photos / "0.png")]))
    (output,) = paths(tmp_path / "sealed")
    assert Path(output).stem == named


def test_bad_pictures_are_told_and_cost_nobody_else(photos, key, tmp_path):
    (photos / "bad.jpg").write_bytes(b"no picture")
    (photos / "cut.png").write_bytes((photos / "0.png").read_bytes()[:60])
    results = list(Worker(Task(ENCRYPT, str(tmp_path / "sealed"), key)).work(paths(photos)))
    refused = {Path(one.path).name: one for one in results if one.state == REFUSED}
    assert set(refused) == {"bad.jpg", "cut.png"}
    assert refused["bad.jpg"].code == ExitCode.BAD_INPUT
    assert refused["bad.jpg"].reason.count("bad.jpg") == 1
    assert len(results) == 6


def test_another_key_and_tampering(photos, key, tmp_path):
    sealed = tmp_path / "sealed"
    list(Worker(Task(ENCRYPT, str(sealed), key)).work(paths(photos)))
    keygen.main(["--key", str(tmp_path / "other")])
    results = list(Worker(Task(DECRYPT, str(tmp_path / "x"), str(tmp_path / "other"))).work(paths(sealed)))
    assert {result.code for result in results} == {ExitCode.NO_KEY}
    first = Path(paths(sealed)[0])
    first.write_bytes(first.read_bytes()[:-5])
    (result,) = Worker(Task(DECRYPT, str(tmp_path / "x"), key)).work([str(first)])
    assert (result.state, result.code) == (REFUSED, ExitCode.TAMPERED)


def test_an_output_without_a_receipt_gets_one(photos, key, tmp_path):
    sealed = tmp_path / "sealed"
    list(Worker(Task(ENCRYPT, str(sealed), key)).work([str(photos / "0.png")]))
    (output,), (receipt,) = paths(sealed), (sealed / "receipts").rglob("*.json")
    before = Path(output).read_bytes()
    receipt.unlink()
    assert states(Worker(Task(ENCRYPT, str(sealed), key)).work([str(photos / "0.png")])) == [ALREADY]
    assert json.loads(receipt.read_bytes())["sha256"] == hashlib.sha256(before).hexdigest()
    Path(output).unlink()
    assert states(Worker(Task(ENCRYPT, str(sealed), key)).work([str(photos / "0.png")])) == [MADE]
    assert json.loads(receipt.read_bytes())["bytes"] == Path(output).stat().st_size


def test_two_workers_at_once_leave_one(photos, key, tmp_path):
    store = Store(tmp_path / "out")
    name = store.name(b"input")
    assert store.put(name, ".png", lambda file: file.write(b"first"))
    assert not store.put(name, ".png", lambda file: file.write(b"second"))
    assert (tmp_path / "out" / name[:2] / f"{name}.png").read_bytes() == b"first"
    assert store.receipt(name)["sha256"] == hashlib.sha256(b"first").hexdigest()


def test_keys_are_refused_before_any_work(tmp_path, photos):
    with pytest.raises(Refusal):
        Worker(Task(ENCRYPT, str(tmp_path), str(photos / "0.png")))
    with pytest.raises(Refusal, match="no key given"):
        Worker(Task(ENCRYPT, str(tmp_path)))


@pytest.mark.skipif(os.name != "posix", reason="kills processes by signal")
def test_kills_at_any_moment(key, tmp_path):
    photos, sealed = tmp_path / "photos", tmp_path / "sealed"
    photos.mkdir()
    for index in range(60):
        photo(photos / f"{index:02}.png", (20 + index % 3, 17), compress_level=index % 9)
        (photos / f"{index:02}.png").write_bytes((photos / f"{index:02}.png").read_bytes() + bytes([index]))
    command = [sys.executable, "-c", PROGRAM, str(photos), str(sealed), key]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    for wanted in (1, 20, 40):
        with subprocess.Popen(command, env=environment) as job:
            while job.poll() is None and len(list(sealed.glob("??/*.png"))) < wanted:
                time.sleep(0.005)
            job.kill()
    subprocess.run(command, env=environment, check=True, timeout=300)
    assert len(paths(sealed)) == len(list((sealed / "receipts").rglob("*.json"))) == 60
    back = Worker(Task(DECRYPT, str(tmp_path / "back"), key)).work(paths(sealed))
    assert states(back) == [MADE] * 60
    files = {Path(path).read_bytes() for path in paths(tmp_path / "back")}
    assert files == {path.read_bytes() for path in photos.iterdir()}
