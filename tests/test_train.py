"""The command ``train``: what it refuses, in one line, and what it leaves behind."""

import functools
import json
import os
import re
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from jaxcrypt.errors import Refusal
from jaxcrypt.training.defaults import check, complete
from tests.compiling import FLAGS
from tests.training import toys

ROOT = Path(__file__).parents[1]
CONFIG = "tests/training/toy_config.py"


TOY = ("tests.training.toy_command", "train")


@pytest.fixture(scope="module")
def command(warm):
    """Runs ``train``, or another module, with ``arguments``."""

    def run(*arguments, module=TOY, program=(warm,), cwd=ROOT, **how):
        env = {**os.environ, "PYTHONPATH": str(ROOT), "XLA_FLAGS": FLAGS}
        command = [*program, *module, *arguments]
        return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, **how)

    return run


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
def test_mistakes_are_one_line(tmp_path, arguments, reason, command):
    done = command("--workdir", str(tmp_path), *arguments)
    assert done.returncode == 2
    lines = done.stderr.splitlines()
    assert lines[-1].startswith("jaxcrypt: ")
    assert reason in lines[-1]
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("setting", "reason"),
    [
        ("ema=2", "config.ema=2.0: must be from 0 to below 1"),
        ("optimizer.lr=-1", "config.optimizer.lr=-1.0: must be above 0"),
        ("optimizer.b1=1", "config.optimizer.b1=1.0: must be from 0 to below 1"),
        ("optimizer.clip_norm=-1", "config.optimizer.clip_norm=-1.0: must be 0 or more"),
        ("train.log_every=0", "config.train.log_every=0: must be a whole number of at least 1"),
        ("train.eval_batches=-1", "config.train.eval_batches=-1: must be a whole number of at least 0"),
        ("train.keep_last=0", "config.train.keep_last=0: must be a whole number of at least 1"),
    ],
)
def test_numbers_that_make_no_sense_are_refused_before_anything_is_made(setting, reason):
    config = complete(toys.config())
    *sections, name = setting.partition("=")[0].split(".")
    node = functools.reduce(lambda node, section: node[section], sections, config)
    node[name] = type(node[name])(setting.partition("=")[2])
    with pytest.raises(Refusal, match=re.escape(reason)):
        check(config)


def test_a_phase_of_its_own_is_checked_too():
    config = complete({**toys.config().to_dict(), "phases": {"net": {"optimizer": {"lr": 0.0}}}})
    with pytest.raises(Refusal, match=r"config\.phases\.net\.optimizer\.lr=0\.0: must be above 0"):
        check(config)


def one_line(done, code, reason):
    """The command ended with ``code`` and one line of ours; nobody else said anything."""
    assert done.returncode == code, done.stderr
    lines = done.stderr.splitlines()
    assert [line for line in lines if line.startswith("jaxcrypt: ")] == [lines[-1]]
    assert reason in lines[-1]
    assert "Traceback" not in done.stderr
    assert len(lines) < 60


@pytest.fixture(scope="module")
def trained(tmp_path_factory, command):
    """A run of eight steps with two checkpoints; copy it, do not change it."""
    workdir = tmp_path_factory.mktemp("trained")
    done = command("--config", CONFIG, "--workdir", str(workdir), "--config.train.steps=8")
    assert done.returncode == 0, done.stderr
    return workdir


def content(workdir):
    return {path: path.read_bytes() for path in sorted(workdir.rglob("*")) if path.is_file()}


@pytest.mark.slow
def test_another_system_or_shape_in_the_workdir_is_refused_and_changes_nothing(trained, tmp_path, command):
    workdir = tmp_path / "run"
    shutil.copytree(trained, workdir)
    before = content(workdir)
    done = command("--config", "configs/denoiser.py", "--workdir", str(workdir))
    one_line(done, 2, "holds a run of toy, not of denoiser; choose another --workdir, or --restart")
    done = command("--config", CONFIG, "--workdir", str(workdir), "--config.system=autoencoder")
    one_line(done, 2, "config.model: is not one for the System autoencoder (it lacks grey")
    done = command("--config", CONFIG, "--workdir", str(workdir), "--config.model.gan=True")
    one_line(done, 3, "does not fit this System and config")
    assert content(workdir) == before


@pytest.mark.slow
def test_checkpoints_of_which_none_is_sound_are_refused_until_restart_is_said(trained, tmp_path, command):
    workdir = tmp_path / "run"
    shutil.copytree(trained, workdir)
    for step in ("4", "8"):
        for path in (workdir / "checkpoints" / step / "state").rglob("*"):
            if path.is_file():
                path.write_bytes(b"")
    for _ in range(2):
        done = command("--config", CONFIG, "--workdir", str(workdir), "--config.train.steps=8")
        one_line(done, 3, "none of its checkpoints is sound; --restart begins the run anew")
    done = command("--config", CONFIG, "--workdir", str(workdir), "--config.train.steps=4", "--restart")
    assert done.returncode == 0, done.stderr
    assert {path.name for path in (workdir / "before-restart-1" / "checkpoints").iterdir()} == {"4", "8"}
    assert [path.name for path in (workdir / "checkpoints").iterdir()] == ["4"]


@pytest.mark.slow
def test_a_full_disk_is_one_line(tmp_path, command):
    def few_bytes():
        resource.setrlimit(resource.RLIMIT_FSIZE, (6_000, 6_000))

    done = command(
        "--config", CONFIG, "--workdir", str(tmp_path), program=(sys.executable, "-m"), preexec_fn=few_bytes
    )
    one_line(done, 1, "(File too large)")


@pytest.mark.slow
def test_no_validation_pictures_are_refused_at_the_start_or_never_asked_for(tmp_path, monkeypatch, command):
    rng = np.random.default_rng(0)
    for number in range(16):
        pixels = rng.integers(0, 256, (32, 32, 3), np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{number:02d}.png")
    monkeypatch.setenv("JAXCRYPT_TEST_PICTURES", str(tmp_path))
    monkeypatch.setenv("JAXCRYPT_CACHE", str(tmp_path / "cache"))
    arguments = ["--config", "tests/end_to_end_config.py", "--workdir", str(tmp_path / "run")]
    arguments += ["--config.data.validation.last=0", "--config.train.steps=2"]
    train = ("jaxcrypt.train",)
    one_line(command(*arguments, module=train), 3, "or config.train.eval_every=0")
    assert not (tmp_path / "run").exists()
    done = command(*arguments, "--config.train.eval_every=0", module=train)
    assert done.returncode == 0, done.stderr
    assert "train: 16 pictures of" in done.stderr
    assert (tmp_path / "run" / "checkpoints" / "2").is_dir()


@pytest.mark.slow
def test_a_config_that_varies_another_trains_from_any_folder(tmp_path, monkeypatch, command):
    config = ROOT / "configs" / "stego_three.py"
    monkeypatch.setenv("JAXCRYPT_DATA", str(tmp_path))
    done = command("--config", str(config), "--workdir", "run", module=("jaxcrypt.train",), cwd=tmp_path)
    one_line(done, 3, "no such folder")  # it has come as far as its data


def test_the_workdir_is_needed(command):
    assert "--workdir FOLDER is needed" in command("--config", CONFIG).stderr


@pytest.mark.slow
def test_a_run_with_profile_and_memory_then_evaluation(tmp_path, command):
    done = command(
        "--config", CONFIG, "--workdir", str(tmp_path), "--profile=2", "--memory",
        "--config.train.substeps=2", "--config.train.log_every=2", "--config.optimizer.warmup_steps=4",
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
    assert [by_step[step, "net/lr"] for step in (2, 4, 6, 12)] == pytest.approx([2.5e-4, 7.5e-4, 1e-3, 1e-3])
    assert by_step[12, "validation/psnr"] != by_step[12, "validation_raw/psnr"]
    assert by_step[12, "peak_memory_gib"] > 0
    assert json.loads((tmp_path / "config.json").read_text())["train"]["substeps"] == 2
