"""Choosing a device: what is there is taken, what is not is refused with what to install."""

import os
import subprocess
import sys
from pathlib import Path

import jax
import pytest

from jaxcrypt import runtime
from jaxcrypt.errors import Refusal

ROOT = Path(__file__).parents[1]


@pytest.fixture
def machine(monkeypatch):
    """A machine with an NVIDIA GPU and a JAX for it alone: any other platform that is asked for fails."""
    asked = []
    config = {}

    def devices(platform=None):
        listed = [name for name in (config.get("jax_platforms") or "").split(",") if name]
        for name in (*listed, platform or "cpu"):
            if name not in ("cpu", "cuda", "gpu"):
                raise RuntimeError(f"Unable to initialize backend '{name}'")
        asked.append((platform, tuple(listed)))
        return ["device"]

    monkeypatch.setattr(jax, "devices", devices)
    monkeypatch.setattr(jax.config, "update", config.__setitem__)
    return asked


def test_a_gpu_is_found_whichever_maker_it_is_of(machine):
    runtime.start("gpu")
    assert machine == [("gpu", ())]  # neither CUDA nor ROCm is named: naming the absent one would fail


def test_an_absent_device_is_refused_with_what_to_install(machine):
    with pytest.raises(Refusal, match=r"--device tpu: JAX finds no such device here .*jaxcrypt\[tpu\]"):
        runtime.start("tpu")


@pytest.mark.skipif(jax.default_backend() == "gpu", reason="there is a GPU")
def test_gpu_without_one_is_one_line_whatever_the_environment_says():
    program = "from jaxcrypt import runtime; runtime.start('gpu')"
    for platforms in ("", "cpu"):
        env = {**os.environ, "PYTHONPATH": str(ROOT), "JAX_PLATFORMS": platforms}
        done = subprocess.run([sys.executable, "-c", program], env=env, capture_output=True, text=True)
        assert "Refusal: --device gpu: JAX finds no such device here" in done.stderr
        assert "jaxcrypt[cuda]" in done.stderr


def test_the_extras_that_refusals_name_exist():
    text = (ROOT / "pyproject.toml").read_text()
    assert "\ncuda = [" in text
    assert "\ntpu = [" in text


def test_a_cache_that_cannot_be_used_is_no_business_of_the_user(tmp_path):
    """A damaged entry, or no folder at all: a compilation more, and no line on stderr."""
    program = (
        "from jaxcrypt import runtime; runtime.start('cpu')\n"
        "import jax; print(jax.jit(lambda x: x * 2 + 1)(20.5))"
    )
    env = {**os.environ, "PYTHONPATH": str(ROOT), "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0"}
    cache = tmp_path / "cache"
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", program],
            env={**env, "JAX_COMPILATION_CACHE_DIR": str(cache)},
            capture_output=True,
            text=True,
            check=True,
        )
        assert (done.stdout, done.stderr) == ("42.0\n", "")
        for entry in cache.glob("*-cache"):
            entry.write_bytes(b"garbage")
    (tmp_path / "file").write_bytes(b"")
    env["JAX_COMPILATION_CACHE_DIR"] = str(tmp_path / "file")
    done = subprocess.run(
        [sys.executable, "-c", program], env=env, capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
