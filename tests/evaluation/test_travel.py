"""The suite of pictures through messengers: what it counts, and how it says so."""

import numpy as np
import pytest
from PIL import Image

from jaxcrypt.errors import Refusal
from jaxcrypt.evaluation import travelled, ways
from jaxcrypt.evaluation.setting import Setting
from jaxcrypt.evaluation.suites import travel
from jaxcrypt.systems import catalog


@pytest.fixture
def folder(tmp_path):
    """Two small pictures."""
    for name in ("one", "two"):
        coarse = np.random.default_rng(len(name)).integers(0, 256, (6, 8, 3), np.uint8)
        Image.fromarray(coarse).resize((128, 96), Image.Resampling.BICUBIC).save(tmp_path / f"{name}.png")
    return str(tmp_path)


def _setting(folder, system=catalog.DEFAULT, options=(), **own):
    return Setting((system,), options=options, data=(folder,), own=own)


def test_counts_headers_and_files(folder):
    only = ["none", "JPEG 75, 4:2:0, Pillow", "JPEG 30"]
    facts = travel.run(_setting(folder, way=75, only=only)).facts
    assert list(facts["times"]) == ["one.png", "two.png"]
    for row in facts["ways"].values():
        assert not row["missed"]
    for name in ("none", "JPEG 75, 4:2:0, Pillow"):
        assert not facts["ways"][name]["inexact"]
    lines = travel.table(facts).splitlines()
    row = next(line for line in lines if line.startswith("| JPEG 75"))
    assert row.count("2/2") == 2


def test_headers_alone_by_every_encoder(folder):
    facts = travel.run(_setting(folder, headers=True, only=["JPEG 50"])).facts
    assert not any(row["missed"] for row in facts["ways"].values())
    text = travel.table(facts)
    assert "| JPEG 50, 4:4:4" in text
    assert "Pillow" in text


def test_what_does_not_fit_is_counted(folder):
    facts = travel.run(_setting(folder, pixels=1.0, only=["none"])).facts
    assert set(facts["refused"]) == {"one.png", "two.png"}
    assert "2 refused" in travel.table(facts)


def test_a_way_that_is_not_there(folder):
    with pytest.raises(Refusal, match="--only"):
        travel.run(_setting(folder, only=["pigeon"]))


def test_block_scrambling_goes_the_same_ways(folder, tmp_path):
    sending = travelled.Sending(only=("JPEG 75, 4:2:0, Pillow",), scrambled=True, how={"options": _EXACT})
    told = travelled.send(sending, tmp_path / "one.png")
    (row,) = told["scrambled"].values()
    assert 25 < row["psnr"] < 60
    assert row["bits"] < next(iter(told["ways"].values()))["bits"]


_EXACT = {"robust": "exact", "survives": 75}


def test_all_encoders_read_alike():
    pixels = np.full((32, 48, 3), 90, np.uint8)
    for name, way in ways.chosen(75, True, ["JPEG 75"]).items():
        with Image.open(_file(way(Image.fromarray(pixels)))) as image:
            assert (image.format, image.size) == ("JPEG", (48, 32)), name
            assert (image.layer[0][1:3] == (2, 2)) == ("4:2:0" in name)


def _file(data):
    import io

    return io.BytesIO(data)
