"""The suite of files in pixels: what it counts, and how it says so."""

import numpy as np
import pytest
from PIL import Image

from jaxcrypt.errors import Refusal
from jaxcrypt.evaluation.setting import Setting
from jaxcrypt.evaluation.suites import travel
from jaxcrypt.systems import catalog


@pytest.fixture
def folder(tmp_path):
    """One small picture."""
    coarse = np.random.default_rng(0).integers(0, 256, (6, 8, 3), np.uint8)
    Image.fromarray(coarse).resize((128, 96), Image.Resampling.BICUBIC).save(tmp_path / "one.png")
    return str(tmp_path)


def test_counts_headers_and_files(folder):
    own = {"way": 75, "only": ["none", "JPEG 75, 4:2:0, Pillow", "JPEG 30"]}
    facts = travel.run(Setting((catalog.DEFAULT,), data=(folder,), own=own)).facts
    found = {name: (row["found"], row["exact"]) for name, row in facts["ways"].items()}
    assert found["none"] == found["JPEG 75, 4:2:0, Pillow"] == (1, 1)
    assert found["JPEG 30, 4:2:0, Pillow"][0] == 1
    assert "1/1" in travel.table(facts)


def test_a_way_that_is_not_there(folder):
    with pytest.raises(Refusal, match="--only"):
        travel.run(Setting((catalog.DEFAULT,), data=(folder,), own={"only": ["pigeon"]}))
