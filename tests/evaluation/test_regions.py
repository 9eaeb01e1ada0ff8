"""Regions of photos: where they lie, what is measured of them, and what a wrong key is compared with."""

import dataclasses
import json
import re
import time
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from jaxcrypt.declared import Traits
from jaxcrypt.errors import Refusal
from jaxcrypt.evaluation import places
from jaxcrypt.evaluation.report import plain
from jaxcrypt.evaluation.setting import Setting
from jaxcrypt.evaluation.subject import Subject
from jaxcrypt.evaluation.suites import regions
from jaxcrypt.metrics import inception
from jaxcrypt.pictures import damages
from jaxcrypt.record import Outcome, Sealed
from jaxcrypt.sealing.cipher import Cipher
from jaxcrypt.systems.catalog import entry
from jaxcrypt.systems.logistic.system import build


class InPlace:
    """A driver that XORs a region with a stream of its key, and so knows nothing of damage."""

    def check(self, shape, options):
        pass

    def encrypt(self, call, pictures, keys):
        mask = call.inputs.get("mask", np.ones(pictures[0].shape[:2], bool))
        return [Sealed(self._xored(p, mask, k), {"mask": mask}) for p, k in zip(pictures, keys, strict=True)]

    def decrypt(self, call, sealed, keys, shape, lost=None):
        pictures = [self._xored(s.pixels, s.side["mask"], k) for s, k in zip(sealed, keys, strict=True)]
        return [Outcome([picture], report={"algebraic": picture // 2}) for picture in pictures]

    def _xored(self, picture, mask, key):
        stream = np.random.default_rng(np.frombuffer(key, np.uint32)).integers(
            0, 256, picture.shape, np.uint8
        )
        return np.where(mask[..., None], picture ^ stream, picture)


@pytest.fixture
def subject(monkeypatch):
    system = dataclasses.replace(
        build(), driver=InPlace(), inputs=entry("diffusion").inputs, traits=Traits(channels=(3,))
    )
    own = Subject("in place", Cipher(system))
    monkeypatch.setattr(Setting, "subjects", lambda self: [own])
    return own


@pytest.mark.parametrize("text", ["box=24", "ellipse=24"])
def test_regions_have_their_size_and_lie_anywhere(text, rng):
    kind = places.parse(text)
    masks = [kind.mask((50, 70), rng) for _ in range(40)]
    sums = {int(mask.sum()) for mask in masks}
    assert len({tuple(np.argwhere(mask)[0]) for mask in masks}) > 10
    if text.startswith("box"):
        assert sums == {24 * 24}
    else:
        wanted = np.pi * 12 * 12 * 0.75
        assert all(abs(size - wanted) < 0.1 * wanted for size in sums)


def test_sides_are_drawn_between_bounds(rng):
    kind = places.parse("box=10-20")
    sides = {int(kind.mask((40, 30), rng).sum()) ** 0.5 for _ in range(80)}
    assert (min(sides), max(sides)) == (10, 20)


@pytest.mark.parametrize("text", ["ring=9", "box", "box=3", "box=1.5", "box=96-", "box=96-40", "mask=3"])
def test_what_is_no_region_is_refused(text):
    with pytest.raises(Refusal, match="--region"):
        places.parse(text)


def test_results_are_a_table_of_what_was_measured(subject, tmp_path, rng):
    y, x = np.mgrid[:64, :64]
    photo = np.stack([128 + 60 * np.sin(x / (5 + k)) + 0.5 * y for k in range(3)], -1).clip(0, 255)
    (tmp_path / "photos").mkdir()
    Image.fromarray(photo.astype(np.uint8)).save(tmp_path / "photos" / "a.png")
    own = {
        "region": ["box=32"],
        "damage": ["none", "noise=4"],
        "alone": True,
        "sheet": str(tmp_path / "sheet.png"),
    }
    result = regions.run(Setting(data=(str(tmp_path / "photos"),), own=own))
    columns = result.facts["values"]["box=32"]
    assert columns["nothing"]["region"] == [np.inf]
    assert columns["nothing"][regions.ALONE] == [np.inf]
    assert columns["nothing"][regions.ALGEBRA][0] < 20
    assert columns[damages.parse("noise=4").words]["region"][0] < 45
    keys = result.facts["keys"]
    assert keys["right"] == [np.inf]
    assert max(keys["wrong"][0], keys["flipped"][0]) < keys["flat"][0]
    assert abs(keys["blocks"][0]) < 4
    facts = json.loads(json.dumps(plain({**result.facts, "setting": Setting().facts()})))
    text = regions.table(facts)
    assert "| box 32 | 1  | nothing" in text
    assert "exact" in text
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.size == (128, 192)


def test_stored_masks_are_regions_of_the_pictures_that_have_one(subject, tmp_path, rng):
    photos, masks = tmp_path / "photos", tmp_path / "masks"
    photos.mkdir()
    masks.mkdir()
    for name in "ab":
        Image.fromarray(rng.integers(0, 256, (40, 48, 3), np.uint8)).save(photos / f"{name}.png")
    mask = np.zeros((40, 48), np.uint8)
    mask[5:25, 9:30] = 255
    Image.fromarray(mask).save(masks / "b.png.mask.png")
    own = {"region": ["mask", "box=16"], "damage": ["none"], "masks": str(masks), "threads": 2}
    facts = regions.run(Setting(data=(str(photos),), own=own)).facts
    assert len(facts["values"]["mask"]["nothing"]["region"]) == 1
    assert len(facts["values"]["box=16"]["nothing"]["region"]) == 2
    assert len(facts["keys"]["wrong"]) == 3
    (tmp_path / "none").mkdir()
    for given, words in (
        ({"masks": str(tmp_path / "none")}, "no mask of any"),
        ({"masks": ""}, "go together"),
    ):
        with pytest.raises(Refusal, match=words):
            regions.run(Setting(data=(str(photos),), own=own | given))


def test_what_takes_too_long_is_measured_in_part(subject, tmp_path, rng, monkeypatch):
    for name in "ab":
        Image.fromarray(rng.integers(0, 256, (40, 48, 3), np.uint8)).save(tmp_path / f"{name}.png")
    clock = iter(range(0, 99, 3))
    fake = SimpleNamespace(monotonic=lambda: next(clock), perf_counter=time.perf_counter)
    monkeypatch.setattr(regions, "time", fake)
    own = {"region": ["box=16"], "damage": ["none"], "seconds": 4}
    facts = regions.run(Setting(data=(str(tmp_path),), own=own)).facts
    assert facts["names"] == ["a.png"]
    assert "Stopped after 1 of 2 regions" in regions.table({**facts, "setting": Setting().facts()})
    with pytest.raises(Refusal, match="--seconds 2"):
        regions.run(Setting(data=(str(tmp_path),), own=own | {"seconds": 2}))


def test_squares_lie_in_the_region():
    picture = np.arange(40 * 50 * 3, dtype=np.uint32).astype(np.uint8).reshape(40, 50, 3)
    mask = np.zeros((40, 50), bool)
    mask[3:23, 5:31] = True
    assert places.squares(picture, mask, 8).shape == (6, 8, 8, 3)
    np.testing.assert_array_equal(places.squares(picture, mask, 8)[0], picture[3:11, 5:13])
    mask[4, 6] = False
    assert len(places.squares(picture, mask, 8)) == 5
    assert places.squares(picture, mask, 32).shape == (0, 32, 32, 3)


def test_sets_of_squares_are_compared(subject, tmp_path, rng, monkeypatch):
    """By a stand-in for Inception: what came back undamaged is the photo's, after noise it is not."""
    monkeypatch.setattr(regions.fid, "LEAST", 8)
    monkeypatch.setenv("JAXCRYPT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(inception, "find", lambda path: path)
    monkeypatch.setattr(inception, "digest", lambda path: "stand-in")
    monkeypatch.setattr(inception, "load", lambda path: None)
    monkeypatch.setattr(
        inception, "features", lambda layers, x: x[:, ::32, ::32, 0].reshape(len(x), -1) / 255.0
    )
    (tmp_path / "photos").mkdir()
    for name in "ab":
        Image.fromarray(rng.integers(0, 256, (128, 130, 3), np.uint8)).save(
            tmp_path / "photos" / f"{name}.png"
        )
    own = {"region": ["box=128"], "damage": ["none", "noise=60"], "fid": True}
    setting = Setting(data=(str(tmp_path / "photos"),), own=own)
    facts = regions.run(setting).facts
    distances = {name: told["fid"] for name, told in facts["fid"].items()}
    assert abs(distances["nothing"]) < 1e-9
    assert distances[damages.parse("noise=60").words] > 1e-3
    assert "KID" in regions.table({**facts, "setting": setting.facts()})
    with pytest.raises(Refusal, match="these have 2"):
        regions.run(Setting(data=setting.data, own=own | {"region": ["box=64"]}))


def test_results_of_several_systems_and_folders_stand_side_by_side():
    def facts(label, values, algebra=None):
        columns = {"region": values} | ({regions.ALGEBRA: algebra} if algebra else {})
        keys = dict.fromkeys(("wrong", "flipped", "flat"), [10.0] * len(values)) | {
            "blocks": [0.1] * len(values)
        }
        shared = {"keys": keys, "seconds": [1.0] * len(values), "wanted": 2, "threads": 1, "pictures": 2}
        return {"label": label, "values": {"box=96": {"nothing": columns}}, **shared}

    several = [
        facts("a", [50.0, 52.0], [40.0, 41.0]),
        facts("b", ["exact"]),
        facts("a", [57.0, 61.0], [42.0, 45.0]),
    ]
    told = re.sub(" +", " ", regions.beside(several))
    assert "| region | damage | a | a, plain inversion | b |" in told
    assert "| box 96 | nothing | 55.00 (50.0) of 4 | 42.00 (40.0) of 4 | exact of 1 |" in told
    assert "Stopped after 1 of 2 regions" in told
    assert "Stopped after 4" not in told
    assert "0 of 4 outside the 99% of white noise; correlation +0.10 ± 0.00" in told
