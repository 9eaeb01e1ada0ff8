"""Pixels made exact by what travels beside them: measured, and told."""

import numpy as np
import pytest
from PIL import Image

from jaxcrypt import evaluate
from jaxcrypt.errors import ExitCode
from tests.support import picture


def test_exact_samples_and_what_they_cost(tmp_path, capsys):
    Image.fromarray(picture((40, 48, 3))).save(tmp_path / "a.png")
    given = ["exact", "--system", "mixing", "--data", str(tmp_path), "--crop", "32"]
    assert evaluate.main([*given, "--output", str(tmp_path / "out")]) == ExitCode.OK
    told = capsys.readouterr().out
    assert "Exact in the end: 1 of 1." in told
    assert "bytes that mend them" in told


def test_systems_that_are_exact_have_nothing_to_mend(tmp_path):
    Image.fromarray(np.zeros((40, 48, 3), np.uint8)).save(tmp_path / "a.png")
    with pytest.raises(Exception, match="lossy"):
        evaluate.main(["exact", "--system", "logistic", "--data", str(tmp_path)])
