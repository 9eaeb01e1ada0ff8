"""docs/ADDING-A-SYSTEM.md, followed to the letter: files are created, none of this package is edited."""

import os
import re
import subprocess
import tomllib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "ADDING-A-SYSTEM.md").read_text()


def _titled(language: str) -> dict[str, str]:
    return dict(re.findall(rf'^```{language} title="([^"]+)"\n(.*?)^```', PAGE, re.M | re.S))


@pytest.fixture
def package(tmp_path):
    """The page's files, and what installing them would leave: an entry point's metadata."""
    for name, text in _titled("python").items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    project = tomllib.loads(re.search(r"^```toml\n(.*?)^```", PAGE, re.M | re.S)[1])["project"]
    info = tmp_path / f"{project['name']}-{project['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    )
    points = project["entry-points"]["jaxcrypt.systems"]
    lines = [f"{name} = {target}" for name, target in points.items()]
    (info / "entry_points.txt").write_text("\n".join(["[jaxcrypt.systems]", *lines, ""]))
    return tmp_path


def test_the_page_makes_a_system_that_trains_encrypts_and_decrypts(package, rng, warm):
    data = package / "data"
    data.mkdir()
    for number in range(6):
        coarse = Image.fromarray(rng.integers(0, 256, (5, 5, 3), np.uint8))
        coarse.resize((41, 38), Image.Resampling.BICUBIC).save(data / f"{number}.png")
    (package / "photo.png").write_bytes((data / "0.png").read_bytes())
    run = [warm, "jaxcrypt"]
    path = os.pathsep.join([str(package), str(ROOT)])
    environment = {
        **os.environ,
        "PYTHONPATH": path,
        "JAXCRYPT_DATA": str(data),
        "JAXCRYPT_CACHE": str(package),
    }
    subprocess.run([*run, "keygen", "--key", "k"], cwd=package, env=environment, check=True)
    for line in _titled("sh")["after installation"].strip().splitlines():
        command = [*run, *line.removeprefix("jaxcrypt ").split()]
        done = subprocess.run(command, cwd=package, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, f"{line}\n{done.stderr}"
        if line.endswith("--help"):
            assert "half of each side under ChaCha20" in done.stdout
    sealed, photo, back = (
        np.asarray(Image.open(package / name)) for name in ("sealed.png", "photo.png", "back.png")
    )
    assert sealed.shape == (19, 21, 3)
    assert back.shape == photo.shape
    assert np.mean((back.astype(float) - photo) ** 2) < np.var(photo) / 4
