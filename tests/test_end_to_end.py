"""Train, kill, resume, evaluate, export, encrypt, decrypt: the real commands, one after another."""

import json
import os
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from jaxcrypt.errors import ExitCode
from tests.compiling import FLAGS

ROOT = Path(__file__).parents[1]
CONFIG = ROOT / "tests" / "end_to_end_config.py"


def environment(pictures, cache):
    env = {**os.environ, "PYTHONPATH": str(ROOT), "JAXCRYPT_TEST_PICTURES": str(pictures)}
    return {**env, "XLA_FLAGS": FLAGS, "JAXCRYPT_CACHE": str(cache)}


def smooth(rng, size):
    """A face would do; so do soft blobs of colour."""
    small = Image.fromarray(rng.integers(0, 256, (5, 5, 3), dtype=np.uint8))
    return small.resize((size, size), Image.Resampling.BICUBIC)


@pytest.mark.slow
def test_from_pictures_to_a_cipher_and_back(tmp_path, rng, warm):
    pictures, workdir, zoo = tmp_path / "pictures", tmp_path / "run", tmp_path / "zoo"
    pictures.mkdir()
    for index in range(20):
        smooth(rng, 32).save(pictures / f"{index:02d}.png")
    smooth(rng, 40).save(tmp_path / "photo.png")
    env = environment(pictures, tmp_path / "cache")

    def command(name, *arguments, code=0):
        done = subprocess.run(
            [warm, f"jaxcrypt.{name}", *map(str, arguments)],
            cwd=ROOT, env=env, capture_output=True, text=True, timeout=300,
        )  # fmt: skip
        assert done.returncode == code, done.stderr
        return done

    train = ["--config", CONFIG, "--workdir", workdir]
    first = subprocess.Popen(
        [warm, "jaxcrypt.train", *map(str, train)],
        cwd=ROOT, env=env, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    deadline = time.monotonic() + 240
    while not (workdir / "checkpoints" / "5").is_dir():
        assert first.poll() is None, first.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.05)
    first.kill()
    first.communicate()

    resumed = command("train", *train, "--config.train.steps=20")
    assert "resuming from the checkpoint at step" in resumed.stderr
    assert (workdir / "checkpoints" / "20").is_dir()
    command("evaluate", "checkpoints", "--workdir", workdir)
    (measured,) = json.loads((workdir / "evaluation" / "checkpoints.json").read_text())["rows"]
    assert measured["validation/psnr"] > 20
    again = command("evaluate", "checkpoints", "--workdir", workdir, code=ExitCode.USAGE)
    assert "checkpoints.json" in again.stderr
    assert "--force" in again.stderr
    command("export", "--workdir", workdir, "--name", "autoencoder", "--zoo", zoo)

    command("keygen", "--key", tmp_path / "key")
    weights = ["--weights", zoo / "autoencoder.safetensors", "--key-file", tmp_path / "key"]
    sealed, back = tmp_path / "sealed.png", tmp_path / "back.png"
    seal = ["--system", "autoencoder", "--pixels-only", *weights, "-o", sealed]
    command("encrypt", tmp_path / "photo.png", *seal)
    command("decrypt", sealed, *weights, "-o", back)
    plain, decrypted = (
        np.asarray(Image.open(p).convert("RGB"), float) for p in (tmp_path / "photo.png", back)
    )
    assert 10 * np.log10(255**2 / np.mean((plain - decrypted) ** 2)) > 20
