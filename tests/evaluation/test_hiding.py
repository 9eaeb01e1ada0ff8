"""The measurement of hidden pictures: one table, and the sheet, from shipped weights."""

import functools
import io
import json

import numpy as np
import pytest
from PIL import Image

from jaxcrypt import evaluate
from jaxcrypt.attacks import srm, steganalysis
from jaxcrypt.errors import ExitCode, Refusal
from jaxcrypt.evaluation import subject
from jaxcrypt.evaluation.hiding import Hider, order, secrets_of
from jaxcrypt.evaluation.hiding_sheet import TITLES, draw_sheet
from jaxcrypt.pictures.damages import COVERT
from tests.support import picture

COVERS = np.stack([picture((64, 64, 3), seed) for seed in range(4)])


@pytest.fixture
def folder(tmp_path):
    for index, cover in enumerate(COVERS):
        Image.fromarray(cover).save(tmp_path / f"{index}.png")
    return tmp_path


def cells(text):
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if "|" in line]
    return dict(lines[2:])


def test_one_table_with_everything(folder, capsys):
    output = folder / "out"
    given = ["--system", "stego", "--data", str(folder), "--crop", "64", "--output", str(output)]
    assert evaluate.main(["hiding", *given]) == ExitCode.OK
    table = cells(capsys.readouterr().out)
    assert set(table) >= {"cover", "secret", "parameters", "SSIM with the secret: wrong key"}
    assert {f"secret after {damage.words}" for damage in COVERT} <= set(table)
    assert float(table["cover"].split()[0]) > 44
    stored = json.loads((output / "hiding.json").read_text())
    assert len(stored["rows"]) == 4
    assert stored["setting"]["crop"] == 64
    assert stored["digests"]["stego"].startswith("stego@")
    with Image.open(output / "hiding.png") as sheet:
        assert sheet.width == 280 * len(TITLES)


def test_detectors_are_trained_on_other_pictures(folder, tmp_path, capsys, monkeypatch):
    quick = functools.partial(steganalysis.network_accuracy, steps=3)
    monkeypatch.setattr(steganalysis, "network_accuracy", quick)
    training = tmp_path / "training"
    training.mkdir()
    for index in range(8):
        Image.fromarray(picture((64, 64, 3), 90 + index)).save(training / f"{index}.png")
    given = ["--data", str(folder), "--crop", "64", "--weights", "stego-robust", "--known", str(training)]
    given += ["--limit", "4", "--detector", "network", "--damage", "none", "--output", str(tmp_path / "out")]
    assert evaluate.main(["hiding", "--system", "stego", *given]) == ExitCode.OK
    table = cells(capsys.readouterr().out)
    assert {"detected by a small CNN", "secret after nothing"} <= set(table)


@pytest.mark.parametrize(
    ("given", "words"),
    [(["--detector", "network"], "wants --known"), (["--known", "x"], r"pip install 'jaxcrypt\[detect\]'")],
)
def test_detectors_that_cannot_run_are_refused_before_the_work(folder, given, words, monkeypatch):
    monkeypatch.setattr(srm, "available", lambda: False)
    with pytest.raises(Refusal, match=words):
        evaluate.main(["hiding", "--system", "stego", "--data", str(folder), *given])


def test_the_sheet_has_a_row_for_every_secret():
    three, single = (Hider(subject.load("stego", name)) for name in ("stego-three", None))
    sheet = Image.open(io.BytesIO(draw_sheet("three", three, COVERS)))
    one = Image.open(io.BytesIO(draw_sheet("one", single, COVERS[:2])))
    assert sheet.width == one.width == 280 * len(TITLES)
    assert sheet.height - one.height == 300 * (6 - 2)


def test_every_picture_hides_others_and_is_hidden():
    following = order(7, 0)
    assert sorted(following) == list(range(7))
    pictures = np.arange(7)
    assert all(len({*secrets_of(pictures, i, 3, following), i}) == 4 for i in range(7))
