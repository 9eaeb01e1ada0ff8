"""README and docs: commands work, pasted one after another into an empty folder; links lead somewhere."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from jaxcrypt.cli.command import EXIT_CODES
from jaxcrypt.systems import catalog

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"(<!-- not run in tests: [^>]+-->\n)?^```(sh|python)\n(.*?)^```", re.M | re.S)


def blocks(page: Path) -> list[tuple[str, str]]:
    """Language and text of the blocks that are meant to be run."""
    return [(language, text) for skip, language, text in BLOCK.findall(page.read_text()) if not skip]


@pytest.fixture
def folder(tmp_path):
    """What the pages take for granted: a photo, and others to hide and to hide in."""
    rng = np.random.default_rng(5)
    for name, shape in {
        "photo.jpg": (48, 64),
        "lake.jpg": (64, 80),
        "two.jpg": (40, 40),
        "three.png": (64, 48),
    }.items():
        coarse = Image.fromarray(rng.integers(0, 256, (3, 4, 3), np.uint8))  # few faces hold the photo
        coarse.resize(shape[::-1], Image.Resampling.BICUBIC).save(tmp_path / name)
    return tmp_path


@pytest.fixture
def environment(tmp_path_factory, warm):
    """An environment in which ``jaxcrypt`` is this checkout's."""
    programs = tmp_path_factory.mktemp("bin")
    command = programs / "jaxcrypt"
    command.write_text(f'#!/bin/sh\nexec "{warm}" jaxcrypt "$@"\n')
    command.chmod(0o755)
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    state = str(tmp_path_factory.mktemp("state"))
    return {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT), "XDG_STATE_HOME": state}


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page)], ids=lambda page: page.name)
def test_blocks_run_one_after_another(page, folder, environment):
    for language, text in blocks(page):
        program = ["bash", "-euo", "pipefail", "-c"] if language == "sh" else [sys.executable, "-c"]
        done = subprocess.run([*program, text], cwd=folder, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, f"{page.name}:\n{text}\n{done.stderr}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)", page.read_text()):
        assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_readme_names_every_system_and_exit_code():
    readme = (ROOT / "README.md").read_text()
    for name in catalog.NAMES:
        assert (f"`{name}" in readme) == catalog.entry(name).offered, name
    codes = {int(code) for code in re.findall(r"^\| (\d) \|", readme, re.M)}
    assert codes == {int(code) for code in re.findall(r"(?:^|  )(\d) [a-z]", EXIT_CODES)}
