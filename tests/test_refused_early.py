"""What cannot be done is refused before any work: nothing is loaded or decoded, no folder is made."""

import json

import numpy as np
import pytest
from PIL import Image

from jaxcrypt import decrypt, encrypt, evaluate
from jaxcrypt.cli import command as cli
from jaxcrypt.errors import ExitCode
from jaxcrypt.evaluation import setting
from tests.evaluation.subjects import Xor, toy


@pytest.fixture
def photo(tmp_path, rng):
    path = tmp_path / "photo.png"
    Image.fromarray(rng.integers(0, 256, (16, 16, 3), np.uint8)).save(path)
    return path


@pytest.fixture
def idle(monkeypatch):
    """Whatever starts JAX, or loads weights, fails."""

    def work(*args, **kwargs):
        raise AssertionError("work was begun")

    for place in (
        "jaxcrypt.runtime.start",
        "jaxcrypt.sealing.seal.load",
        "jaxcrypt.sealing.policy.load_stored",
    ):
        monkeypatch.setattr(place, work)


def test_pictures_on_the_way_of_a_system_without_any(photo, key, tmp_path, capsys, monkeypatch, request):
    sealed, way = tmp_path / "sealed.png", tmp_path / "way"
    given = ["--key-file", key, "-o"]
    assert encrypt.main([str(photo), *given, str(sealed)]) == ExitCode.OK
    request.getfixturevalue("idle")
    told = [
        str(sealed),
        *given,
        str(tmp_path / "back.png"),
        "--from-pixels",
        "--save-intermediates",
        str(way),
    ]
    assert decrypt.main(told) == ExitCode.USAGE
    assert "logistic decodes in one step; leave it out" in capsys.readouterr().err
    assert not way.exists()


@pytest.mark.usefixtures("idle")
def test_regions_of_a_picture_that_grows(photo, key, tmp_path, capsys):
    told = [str(photo), "--key-file", key, "-o", str(tmp_path / "sealed.png"), "--roi", "0,0,8x8"]
    assert encrypt.main([*told, "--system", "denoiser", "--robust", "2"]) == ExitCode.USAGE
    assert "--roi with --robust: a robust picture grows" in capsys.readouterr().err


def test_results_that_are_there_are_kept_unless_forced(photo, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(
        setting.subject, "load", lambda name, weights, options, seed: Xor(name, toy().cipher, seed)
    )
    data, output = tmp_path / "photos", tmp_path / "results"
    data.mkdir()
    photo.rename(data / "photo.png")
    told = ["damage", "--data", str(data), "--crop", "16", "--damage", "noise=8", "--output", str(output)]
    assert cli.entry(evaluate.main, told) == ExitCode.OK
    before = json.loads((output / "damage.json").read_text())
    assert cli.entry(evaluate.main, [*told, "--seed", "1"]) == ExitCode.USAGE
    said = capsys.readouterr().err
    assert "damage.json: exists; give --force to overwrite, or another folder with --output" in said
    assert json.loads((output / "damage.json").read_text()) == before
    assert cli.entry(evaluate.main, [*told, "--seed", "1", "--force"]) == ExitCode.OK
    assert json.loads((output / "damage.json").read_text())["setting"]["seed"] == 1
