"""The launchers that need a cluster print what they would run."""

import os
import shlex
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ARGUMENTS = ["--config", "configs/a b.py", "--workdir", "/tmp/W", "--config.train.steps=3"]


def dry(script, **env):
    done = subprocess.run(
        [ROOT / "launch" / script, *ARGUMENTS],
        env={**os.environ, "DRY_RUN": "1", "PYTHON": "python", "VENV": "venv", **env},
        capture_output=True,
        text=True,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("several_gpus.sh", ["python", "-m", "jaxcrypt.train", "--device", "gpu"]),
        (
            "slurm.sh",
            ["srun", "--kill-on-bad-exit=1", "venv/bin/python", "-m", "jaxcrypt.train", "--distributed"],
        ),
        ("evaluate_checkpoints.sh", ["python", "-m", "jaxcrypt.evaluate", "checkpoints", "--watch"]),
    ],
)
def test_arguments_arrive_whole(script, expected):
    code, out, _ = dry(script)
    assert code == 0
    assert shlex.split(out) == [*expected, *ARGUMENTS]


def test_every_host_of_a_tpu_pod_gets_the_command():
    code, out, _ = dry("tpu_pod.sh", TPU="pod", ZONE="z")
    assert code == 0
    *ssh, remote = shlex.split(out)
    assert ssh == [
        "gcloud",
        "compute",
        "tpus",
        "tpu-vm",
        "ssh",
        "pod",
        "--zone",
        "z",
        "--worker=all",
        "--command",
    ]
    train = shlex.split(remote)
    assert train[train.index("-m") : train.index("--config")] == [
        "-m",
        "jaxcrypt.train",
        "--distributed",
        "--device",
        "tpu",
    ]
    assert train[train.index("--config") :] == ARGUMENTS


def test_what_names_the_data_goes_to_every_host_of_a_tpu_pod():
    _, out, _ = dry("tpu_pod.sh", TPU="pod", ZONE="z", JAXCRYPT_DATA="/mnt/my data")
    train = shlex.split(shlex.split(out)[-1])
    assert train[:4] == ["cd", "jaxcrypt", "&&", "JAXCRYPT_DATA=/mnt/my data"]


def test_a_requeued_job_does_not_restart_its_run():
    ARGUMENTS.append("--restart")
    try:
        assert "--restart" in dry("slurm.sh")[1]
        assert "--restart" not in dry("slurm.sh", SLURM_RESTART_COUNT="1")[1]
    finally:
        ARGUMENTS.pop()


def test_a_sweep_is_every_combination_each_in_a_folder_of_its_own():
    command = [
        ROOT / "launch" / "sweep.sh",
        "--config",
        "c.py",
        "--workdir",
        "runs",
        "--config.train.steps=2",
    ]
    env = {**os.environ, "DRY_RUN": "1", "PYTHON": "python"}
    varied = ["--", "optimizer.lr=1e-3,3e-4", "train.seed=0,1"]
    done = subprocess.run([*command, *varied], env=env, capture_output=True, text=True)
    lines = [shlex.split(line) for line in done.stdout.splitlines()]
    assert [line[-4:] for line in lines] == [
        ["--workdir", f"runs/optimizer.lr={lr},train.seed={seed}", f"--config.optimizer.lr={lr}",
         f"--config.train.seed={seed}"]
        for lr in ("1e-3", "3e-4") for seed in (0, 1)
    ]  # fmt: skip
    assert all(line[:5] == ["python", "-m", "jaxcrypt.train", "--config", "c.py"] for line in lines)
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    assert done.returncode == 2
    assert "say what to vary" in done.stderr


def test_a_tpu_pod_without_a_name_is_refused():
    code, _, err = dry("tpu_pod.sh")
    assert code != 0
    assert "name the TPU" in err


@pytest.mark.parametrize("script", sorted(path.name for path in (ROOT / "launch").glob("*.sh")))
def test_every_script_is_executable_and_parses(script):
    path = ROOT / "launch" / script
    assert os.access(path, os.X_OK)
    assert subprocess.run(["bash", "-n", path]).returncode == 0
