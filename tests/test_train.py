"""The command ``train``: what it refuses, in one line, and what it leaves behind."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CONFIG = "tests/training/toy_config.py"


def command(*arguments, name="train"):
    env = {**os.environ, "PYTHONPATH": str(ROOT), "XLA_FLAGS": ""}
    return subprocess.run(
        [sys.executable, "-m", "tests.training.toy_command", name, *arguments],
        cwd=ROOT, env=env, capture_output=True, text=True,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--config", CONFIG, "--config.tarin.steps=3"], "did you mean --config.train?"),
        (["--config", CONFIG, "--config.train.stesp=3"], "did you mean --config.train.steps?"),
        (["--config", CONFIG, "--config.train.steps=many"], "--config.train.steps=many: invalid literal"),
        (["--config", CONFIG, "--wrokdir=x"], "Did you mean: workdir"),
        (["--config", CONFIG, "extra"], "extra: not an option"),
        (["--config", "configs/no_such.py"], "configs/no_such.py: cannot be read: "),
        (["--config", "pyproject.toml"], "pyproject.toml: cannot be read: "),
        ([], "--config FILE is needed"),
        (["--config", CONFIG, "--config.mesh.fsdp=5"], "config.mesh: data=-1, fsdp=5 does not fit"),
        (["--config", CONFIG, "--config.system=tyo"], "unknown"),
        (["--config", CONFIG, "--config.optimizer.name=adma"], "did you mean adam?"),
    ],
)
def test_mistakes_are_one_line(tmp_path, arguments, reason):
    done = command("--workdir", str(tmp_path), *arguments)
    assert done.returncode == 2
    lines = done.stderr.splitlines()
    assert lines[-1].startswith("jaxcrypt: ")
    assert reason in lines[-1]
    assert "Traceback" not in done.stderr


def test_the_workdir_is_needed():
    assert "--workdir FOLDER is needed" in command("--config", CONFIG).stderr


@pytest.mark.slow
def test_a_run_with_profile_and_memory_then_evaluation(tmp_path):
    done = command(
        "--config", CONFIG, "--workdir", str(tmp_path), "--profile=2", "--memory",
        "--config.train.substeps=2", "--config.train.log_every=2",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    for said in ("Total: 305", "images/s", "input wait", "ETA", "profile of steps", "peak memory"):
        assert said in done.stderr
    assert list((tmp_path / "profile").rglob("*.xplane.pb"))
    assert list((tmp_path / "tensorboard").iterdir())
    log = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    by_step = {(line["step"], name): value for line in log for name, value in line.items()}
    assert by_step[12, "net/loss"] < by_step[2, "net/loss"]
    assert 0 <= by_step[12, "input/wait_share"] <= 1
    assert by_step[12, "validation/psnr"] != by_step[12, "validation_raw/psnr"]
    assert by_step[12, "peak_memory_gib"] > 0
    assert json.loads((tmp_path / "config.json").read_text())["train"]["substeps"] == 2
