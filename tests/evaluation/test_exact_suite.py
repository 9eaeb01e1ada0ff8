"""Pixels made exact by what travels beside them: measured, and told."""

import json

import numpy as np
import pytest
from PIL import Image

from jaxcrypt import evaluate
from jaxcrypt.errors import ExitCode
from jaxcrypt.evaluation.suites import exact
from tests.support import picture


def test_exact_samples_and_what_they_cost(tmp_path, capsys):
    Image.fromarray(picture((40, 48, 3))).save(tmp_path / "a.png")
    given = ["exact", "--system", "mixing", "--data", str(tmp_path), "--crop", "32"]
    assert evaluate.main([*given, "--output", str(tmp_path / "out")]) == ExitCode.OK
    told = capsys.readouterr().out
    assert "Exact in the end: 1 of 1." in told
    assert "bytes that mend them" in told
    facts = json.loads((tmp_path / "out" / "exact.json").read_text())
    costs = {name: 100 * values[0] for name, values in facts["values"].items()}
    more = {**facts, "values": {name: [*values, 3 * values[0]] for name, values in facts["values"].items()}}
    *_, one, other = (" ".join(line.split()) for line in exact.beside([facts, more]).splitlines())
    alone = costs["residual"]
    assert f"| {alone:.2f}% ({alone:.2f} to {alone:.2f}) |" in one
    assert f"| {2 * alone:.2f}% ({alone:.2f} to {3 * alone:.2f}) |" in other
    assert one.startswith("| mixing")
    assert ", 32×32" in one
    assert "| 1 of 1" in one


def test_systems_that_are_exact_have_nothing_to_mend(tmp_path):
    Image.fromarray(np.zeros((40, 48, 3), np.uint8)).save(tmp_path / "a.png")
    with pytest.raises(Exception, match="lossy"):
        evaluate.main(["exact", "--system", "logistic", "--data", str(tmp_path)])
