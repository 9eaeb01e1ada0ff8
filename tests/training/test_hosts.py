"""Two hosts of one run: what they must agree on, and that none waits for one that is gone."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from jaxcrypt import runtime, train
from jaxcrypt.errors import Refusal
from tests.compiling import FLAGS

ROOT = Path(__file__).parents[2]
CONFIG = "tests/training/toy_config.py"


def start(program, process, port, *arguments, **env):
    """Host ``process`` of two, each with one device; ``program`` stands for ``python``."""
    env = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "XLA_FLAGS": FLAGS,
        "JAXCRYPT_COORDINATOR": f"127.0.0.1:{port}",
        "JAXCRYPT_PROCESSES": "2",
        "JAXCRYPT_PROCESS": str(process),
        "TOY_PATIENCE": "12",  # of the usual 30 seconds
        **env,
    }
    command = [program, "-m", "tests.training.toy_command", "train", "--config", CONFIG, *arguments]
    return subprocess.Popen(command, cwd=ROOT, env=env, stderr=subprocess.PIPE, text=True)


def free_port():
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return held.getsockname()[1]


@pytest.fixture
def pair(warm):
    """Starts two hosts, whose further arguments may differ; both are gone at the end."""
    started = []

    def begin(*arguments, first=(), second=(), program=warm):
        port = free_port()
        started.extend(start(program, i, port, *arguments, *own) for i, own in enumerate((first, second)))
        return started

    yield begin
    for process in started:
        process.kill()
        process.wait()


def ended(process, seconds):
    """Exit code and stderr of a process that ends within ``seconds``."""
    err = process.communicate(timeout=seconds)[1]
    return process.returncode, err


def wait_for_step(workdir, step):
    """Return when the run has logged ``step``."""
    for _ in range(600):
        log = workdir / "log.jsonl"
        if log.exists() and any(json.loads(line)["step"] >= step for line in log.read_text().splitlines()):
            return
        time.sleep(0.2)
    raise AssertionError("the run never came so far")


def child(process):
    """The process that ``process`` supervises."""
    return int(Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()[0])


def one_line(err):
    lines = [line for line in err.splitlines() if line.startswith("jaxcrypt: ")]
    assert len(lines) == 1, err
    for sign in ("Traceback", "stack trace", "F0", "F1"):
        assert not any(line.startswith(sign) for line in err.splitlines()), err
    return lines[0]


LONG = ("--config.train.steps=100000", "--config.data.delay=0.05", "--config.train.checkpoint_every=100000")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("second", "reason"),
    [
        (["--config.train.seed=7"], "config.train.seed: 0 on host 0, 7 on host 1"),
        (["--restart"], "--restart: False on host 0, True on host 1"),
    ],
)
def test_hosts_that_were_told_different_things_refuse_in_one_line(pair, tmp_path, second, reason):
    for process in pair("--workdir", str(tmp_path), second=second):
        code, err = ended(process, 300)
        assert (code, reason in one_line(err)) == (2, True), err
    assert not (tmp_path / "checkpoints").exists()


@pytest.mark.slow
def test_hosts_with_workdirs_of_their_own_refuse_in_one_line(pair, tmp_path):
    own = [["--workdir", str(tmp_path / name)] for name in "ab"]
    for process in pair(first=own[0], second=own[1]):
        code, err = ended(process, 300)
        assert code == 2
        assert "is not seen by host 1; it must be a folder that all hosts share" in one_line(err)


@pytest.mark.slow
@pytest.mark.parametrize("lost", [0, 1])
def test_a_lost_host_ends_the_run_of_the_other_within_a_minute(pair, tmp_path, lost):
    hosts = pair("--workdir", str(tmp_path), *LONG)
    wait_for_step(tmp_path, 5)
    hosts[lost].kill()
    began = time.monotonic()
    code, err = ended(hosts[1 - lost], 60)
    assert time.monotonic() - began < 60
    assert code == 1, err
    why = (
        "this host was ended, as host 0 is lost" if lost == 0 else "host 1 has given no sign of life for 12 s"
    )
    assert why in one_line(err)
    assert "the last checkpoint stands" in err


@pytest.mark.slow
def test_one_host_that_is_asked_to_stop_stops_both_and_the_run_goes_on(pair, tmp_path):
    hosts = pair("--workdir", str(tmp_path), *LONG)
    wait_for_step(tmp_path, 5)
    hosts[1].send_signal(signal.SIGTERM)
    ends = [ended(process, 60) for process in hosts]
    assert [code for code, _ in ends] == [143, 143], ends
    said = {one_line(err) for _, err in ends}
    assert len(said) == 1
    assert "stopped by SIGTERM at step" in said.pop()
    assert len(list((tmp_path / "checkpoints").iterdir())) == 1


@pytest.mark.slow
def test_a_host_that_is_stuck_is_ended_by_a_stop_request_within_a_minute(pair, tmp_path):
    hosts = pair("--workdir", str(tmp_path), *LONG, program=sys.executable)  # whose child is the worker
    wait_for_step(tmp_path, 5)
    worker = child(hosts[1])
    os.kill(worker, signal.SIGSTOP)
    hosts[0].send_signal(signal.SIGTERM)
    code, err = ended(hosts[0], 60)
    assert code in (1, 143)
    assert "host 1 has given no sign of life" in one_line(err)
    os.kill(worker, signal.SIGKILL)


@pytest.mark.parametrize("variable", ["JAXCRYPT_PROCESSES", "JAXCRYPT_PROCESS"])
def test_hosts_that_are_not_numbered_are_refused(monkeypatch, variable):
    for name in ("JAXCRYPT_COORDINATOR", "JAXCRYPT_PROCESSES", "JAXCRYPT_PROCESS"):
        monkeypatch.setenv(name, "2")
    monkeypatch.setenv(variable, "two")
    with pytest.raises(Refusal, match=f"{variable}=two: must be a whole number"):
        runtime.join_hosts()


SLURM = {
    "SLURM_JOB_ID": "4711", "SLURM_STEP_NODELIST": "localhost", "SLURM_NTASKS": "1", "SLURM_PROCID": "0",
    "SLURM_LOCALID": "0", "SLURM_STEP_NUM_NODES": "1", "SLURM_NTASKS_PER_NODE": "1",
}  # fmt: skip


GPUS = [
    ({"CUDA_VISIBLE_DEVICES": "0,1,2,3,4,5,6,7"}, "0,1,2,3,4,5,6,7"),
    ({"CUDA_VISIBLE_DEVICES": "4,5"}, "0,1"),  # counted among those that are visible
    ({"SLURM_GPUS_ON_NODE": "4"}, "0,1,2,3"),
    ({"SLURM_GPUS_ON_NODE": "8", "SLURM_NTASKS_PER_NODE": "8", "SLURM_LOCALID": "3"}, "3"),
]
PROGRAM = """
import json, os, sys, warnings, jax
from jaxcrypt import runtime
warnings.simplefilter("ignore")
for given in json.loads(sys.argv[1]):
    if not os.fork():
        os.environ.update(given)
        runtime.join_hosts(True)
        print(jax.config.values["jax_cuda_visible_devices"], flush=True)
        os._exit(0)
    os.wait()
"""


def test_under_slurm_a_task_takes_all_gpus_that_are_its_own():
    env = {name: value for name, value in os.environ.items() if not name.startswith(("SLURM", "CUDA", "JAX"))}
    env |= {"PYTHONPATH": str(ROOT), "JAX_PLATFORMS": "cpu", **SLURM}
    jobs = [str(free_port() % 4096) for _ in GPUS]  # of which JAX makes the coordinator's port
    given = json.dumps([one | {"SLURM_JOB_ID": job} for (one, _), job in zip(GPUS, jobs, strict=True)])
    command = [sys.executable, "-c", PROGRAM, given]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=300)
    assert done.stdout.split() == [devices for _, devices in GPUS], done.stderr


def test_a_bucket_is_refused_as_a_workdir(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Refusal, match="--workdir gs://b/w: must be a folder; mount the bucket"):
        train._local_folder("gs://b/w")
    assert not list(tmp_path.iterdir())
