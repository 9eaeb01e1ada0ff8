"""Runs that are stopped, by the real command in processes of their own, and go on as if never stopped."""

import functools
import json
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

from tests.compiling import FLAGS

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "tests" / "training" / "toy_config.py"
STEPS = 24


@pytest.fixture(scope="module")
def start(warm):
    return functools.partial(_start, warm)


def _start(program, workdir, launcher=None, delay=0.0, steps=STEPS):
    """Train, in one process or by ``launcher``; ``program`` stands for ``python``."""
    env = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHON": program, "XLA_FLAGS": FLAGS}
    arguments = ["--config", str(CONFIG), "--workdir", str(workdir), f"--config.data.delay={delay}"]
    arguments += [f"--config.train.steps={steps}"]
    if launcher:
        env |= {"TRAIN": "tests.training.toy_command train", "PORT": str(free_port())}
        command = [str(ROOT / "launch" / launcher), *arguments]
    else:
        command = [program, "-m", "tests.training.toy_command", "train", *arguments]
    return subprocess.Popen(command, cwd=ROOT, env=env, stderr=subprocess.PIPE, text=True)


def free_port():
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return held.getsockname()[1]


def finish(process):
    _, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    return err


def losses(workdir):
    """Loss by step; of a step that was done again, the later one."""
    log = workdir / "log.jsonl"
    lines = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    return {line["step"]: line["net/loss"] for line in lines if "net/loss" in line}


def wait_for(process, condition):
    deadline = time.monotonic() + 240
    while not condition():
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline, "the run does not get there"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def never_stopped(start, tmp_path_factory):
    workdir = tmp_path_factory.mktemp("never_stopped")
    finish(start(workdir))
    return losses(workdir)


@pytest.mark.slow
def test_killed_and_terminated_runs_go_on_exactly(start, tmp_path, never_stopped):
    process = start(tmp_path, delay=0.3)
    wait_for(process, lambda: 6 in losses(tmp_path) and (tmp_path / "checkpoints" / "4").is_dir())
    process.kill()
    process.communicate()
    assert STEPS not in losses(tmp_path)

    process = start(tmp_path, delay=0.3)
    wait_for(process, lambda: 9 in losses(tmp_path))
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 128 + signal.SIGTERM
    assert "resuming from the checkpoint at step 4" in err
    assert "stopped by SIGTERM at step" in err.splitlines()[-1]
    stopped = max(losses(tmp_path))
    assert stopped < STEPS
    assert (tmp_path / "checkpoints" / str(stopped)).is_dir()

    assert f"resuming from the checkpoint at step {stopped}" in finish(start(tmp_path))
    assert losses(tmp_path) == never_stopped


@pytest.mark.slow
def test_two_processes_train_as_one_and_stop_together(start, tmp_path, never_stopped):
    """Gloo between two processes of two devices each; SIGTERM reaches both, one process takes over."""
    process = start(tmp_path, launcher="local_two_process.sh", delay=0.3)
    wait_for(process, lambda: 5 in losses(tmp_path))
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 128 + signal.SIGTERM, err
    stopped = max(losses(tmp_path))
    assert stopped < STEPS
    err = finish(start(tmp_path, launcher="local_two_process.sh"))
    assert err.count(f"resuming from the checkpoint at step {stopped}") == 2
    assert losses(tmp_path) == pytest.approx(never_stopped, rel=1e-4)
    assert f"resuming from the checkpoint at step {STEPS}" in finish(start(tmp_path, steps=STEPS + 2))
    assert max(losses(tmp_path)) == STEPS + 2
