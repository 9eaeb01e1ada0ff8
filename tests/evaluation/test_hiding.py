"""The evaluation of hidden pictures: one table under its command, and the sheet, from shipped weights."""

import functools
import io
import json

import numpy as np
import pytest
from PIL import Image

from jaxcrypt.attacks import steganalysis
from jaxcrypt.errors import ExitCode
from jaxcrypt.evaluation.hiding import Hider, order, quality, secrets_of
from jaxcrypt.evaluation.hiding_damage import DAMAGE
from jaxcrypt.evaluation.hiding_sheet import TITLES, draw_sheet
from jaxcrypt.evaluation.suites import hiding as evaluation_stego
from jaxcrypt.sealing import cipher
from tests.systems.test_autoencoder import picture

COVERS = np.stack([picture((64, 64, 3), seed) for seed in range(4)])


@pytest.fixture
def folder(tmp_path):
    for index, cover in enumerate(COVERS):
        Image.fromarray(cover).save(tmp_path / f"{index}.png")
    return tmp_path


def test_one_table_under_its_command(folder, capsys):
    given = ["--data", str(folder), "--size", "64", "--output", str(folder / "out")]
    assert evaluation_stego.main(given) == ExitCode.OK
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"`python -m jaxcrypt.evaluation.suites.hiding {' '.join(given)}`"
    table = dict(line.strip("| ").split(" | ") for line in lines[4:])
    assert set(table) >= {"cover", "secret", "parameters", "SSIM with the secret: wrong key"}
    assert {f"secret after {name}" for name in DAMAGE} <= set(table)
    assert float(table["cover"].split()[0]) > 44
    stored = json.loads((folder / "out" / "stego.json").read_text())
    assert stored["table"] == table
    assert len(stored["rows"]) == 4


def test_detectors_are_trained_on_other_pictures(folder, tmp_path, capsys, monkeypatch):
    quick = functools.partial(steganalysis.network_accuracy, steps=3)
    monkeypatch.setattr(steganalysis, "network_accuracy", quick)
    training = tmp_path / "training"
    training.mkdir()
    for index in range(8):
        Image.fromarray(picture((64, 64, 3), 90 + index)).save(training / f"{index}.png")
    given = ["--data", str(folder), "--size", "64", "--weights", "stego-robust", "--detect", str(training)]
    assert evaluation_stego.main(given) == ExitCode.OK
    out = capsys.readouterr().out
    assert "| detected by SPAM features, linear | " in out
    assert "| detected by small CNN | " in out


def test_the_sheet_has_a_row_for_every_secret():
    three, single = (Hider(cipher.load("stego", name), 0) for name in ("stego-three", None))
    sheet = Image.open(io.BytesIO(draw_sheet("three", three, COVERS)))
    one = Image.open(io.BytesIO(draw_sheet("one", single, COVERS[:2])))
    assert sheet.width == one.width == 280 * len(TITLES)
    assert sheet.height - one.height == 300 * (6 - 2)


def test_damage_keeps_the_size_and_does_damage():
    for name, damage in DAMAGE.items():
        damaged = damage(COVERS[0], np.random.default_rng(0))
        assert damaged.shape == COVERS[0].shape, name
        assert damaged.dtype == np.uint8
        assert 10 < quality(damaged[None], COVERS[:1])[0] < 60, name


def test_every_picture_hides_others_and_is_hidden():
    following = order(7, 0)
    assert sorted(following) == list(range(7))
    pictures = np.arange(7)
    assert all(len({*secrets_of(pictures, i, 3, following), i}) == 4 for i in range(7))
