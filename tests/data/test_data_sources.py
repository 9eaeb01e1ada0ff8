"""The builders: plain folders, Images/ + Key/, CelebA's layout; splits, masks, broken files, the cache."""

import io
import os
import re
import shutil

import numpy as np
import pytest
from data_pictures import numbers, save, spec
from PIL import Image

from jaxcrypt.data import default_config, pipeline
from jaxcrypt.data import prepare as preparing
from jaxcrypt.data.config import sources
from jaxcrypt.data.listing import pictures, set_aside
from jaxcrypt.errors import Refusal

NONE = {"file": "", "fraction": 0.0, "last": 0}
FACES = ["000001.jpg", "000002.jpg", "000003.jpg", "000004.jpg"]


def names(config, split="train"):
    """The names of a split's records, as stored."""
    records = preparing.records(sources(config)[0][1], split)
    return [records.data[index]["name"].decode() for index in range(len(records))]


def test_pictures_are_listed_below_subfolders_and_by_name(tmp_path):
    flat = np.zeros((4, 4, 3), np.uint8)
    for name in ("b.png", "a/z.jpg", "a/y.WEBP", ".hidden.png", "b.mask.png"):
        save(tmp_path / name, flat)
    (tmp_path / "notes.txt").write_text("no picture")
    assert list(pictures(tmp_path)) == ["a/y.WEBP", "a/z.jpg", "b.png"]


def test_a_folder_without_pictures_is_refused(tmp_path):
    with pytest.raises(Refusal, match=f"{re.escape(str(tmp_path))}: holds no pictures"):
        pictures(tmp_path)


def test_a_dangling_link_is_a_broken_picture(settings, numbered, caplog):
    root = numbered(3)
    (root / "001b.png").symlink_to(root / "gone.png")
    assert names(settings(path=str(root))) == ["000.png", "001.png", "002.png"]
    assert "1 of 4 pictures skipped" in caplog.text
    assert "001b.png" in caplog.text
    with pytest.raises(Refusal, match=r"001b\.png"):
        names(settings(path=str(root), broken="refuse"))


def test_a_folder_is_walked_once_whatever_links_lead_to_it(numbered, tmp_path):
    root = numbered(2)
    (root / "again").symlink_to(root)
    (root / "inner").mkdir()
    save(root / "inner" / "x.png", np.zeros((4, 4, 3), np.uint8))
    (root / "inner" / "up").symlink_to(root)
    elsewhere = tmp_path / "elsewhere"
    save(elsewhere / "y.png", np.zeros((4, 4, 3), np.uint8))
    (root / "linked").symlink_to(elsewhere)
    assert list(pictures(root)) == ["000.png", "001.png", "inner/x.png", "linked/y.png"]


def test_a_folder_that_cannot_be_read_is_named(numbered, monkeypatch):
    root = numbered(2)
    (root / "closed").mkdir()
    really = os.scandir

    def scandir(path):
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", str(path))
        return really(path)

    monkeypatch.setattr(os, "scandir", scandir)
    with pytest.raises(Refusal, match="closed: cannot be read"):
        pictures(root)


def test_names_that_are_not_utf_8_train(settings, numbered):
    root = numbered(2)
    os.rename(root / "001.png", os.fsencode(root) + b"/caf\xe9.png")
    assert names(settings(path=str(root))) == ["000.png", "caf\\xe9.png"]


def test_a_listed_file_chooses_the_validation_pictures(settings, numbered, tmp_path):
    listed = tmp_path / "validation.txt"
    listed.write_text("003.png\n\n001.png\n")
    config = settings(path=str(numbered(5)), validation={"file": str(listed)})
    assert names(config, "validation") == ["001.png", "003.png"]
    assert names(config) == ["000.png", "002.png", "004.png"]
    listed.write_text("003.png\n9.png\n")
    with pytest.raises(Refusal, match=r"names what .* does not hold: 9\.png"):
        names(config)


def test_a_share_by_hash_stays_when_pictures_come_and_go():
    many = [f"{n}.png" for n in range(2000)]
    chosen = set_aside(many, {**NONE, "fraction": 0.1}, "folder")
    assert 150 < len(chosen) < 250
    assert set_aside(many[:1000], {**NONE, "fraction": 0.1}, "folder") == chosen & set(many[:1000])


def test_setting_everything_aside_is_refused():
    with pytest.raises(Refusal, match="none to train on"):
        set_aside(["a.png", "b.png"], {**NONE, "last": 2}, "folder")


def test_prepared_data_is_used_again_until_the_folder_changes(settings, numbered, monkeypatch):
    root = numbered(3)
    config = settings(path=str(root))
    done = []
    monkeypatch.setattr(preparing, "prepare", lambda b, really=preparing.prepare: (done.append(b), really(b)))
    names(config)
    assert names(config) == ["000.png", "001.png", "002.png"]
    assert len(done) == 1
    save(root / "001.png", np.full((8, 8, 3), 77, np.uint8))
    assert 77 in numbers(next(pipeline(config, spec(3), split="train")))
    assert len(done) == 2


def test_a_preparation_that_fails_leaves_nothing(settings, numbered, tmp_path):
    root = numbered(3)
    (root / "001.png").write_bytes(b"not a picture")
    config = settings(path=str(root), broken="refuse")
    with pytest.raises(Refusal, match=r"001\.png: not a picture"):
        names(config)
    assert not list((tmp_path / "cache").rglob("*.array_record*"))


def test_broken_pictures_are_skipped_named_and_counted(settings, numbered, caplog):
    root = numbered(4)
    (root / "001.png").write_bytes((root / "001.png").read_bytes()[:40])
    (root / "002.png").write_bytes(b"")
    assert names(settings(path=str(root))) == ["000.png", "003.png"]
    assert "2 of 4 pictures skipped" in caplog.text
    assert "001.png" in caplog.text
    assert "002.png: is empty" in caplog.text


def test_a_folder_of_broken_pictures_is_refused(settings, numbered):
    root = numbered(2)
    for path in root.iterdir():
        path.write_bytes(b"\x89PNG")
    with pytest.raises(Refusal, match="not one of 2 pictures can be read"):
        names(settings(path=str(root)))


def test_files_are_stored_as_they_are_and_others_as_their_pixels(settings, tmp_path, rng):
    root = tmp_path / "mixed"
    pixels = rng.integers(0, 256, (12, 10, 3), np.uint8)
    save(root / "a.jpg", pixels)
    save(root / "b.bmp", pixels)
    turned = Image.fromarray(pixels)
    turned.getexif()[0x0112] = 6
    turned.save(root / "c.png", exif=turned.getexif())
    Image.fromarray(pixels[..., 0]).save(root / "d.png")
    records = preparing.records(sources(settings(path=str(root)))[0][1], "train")
    assert records.data[0]["image"] == (root / "a.jpg").read_bytes()
    assert records.data[1]["image"].startswith(b"\x89PNG")
    assert records.data[3]["image"] == (root / "d.png").read_bytes()
    config = settings(path=str(root), crop="centre", flip=False)
    batch = next(pipeline(config, spec(4, (12, 10)), split="train"))
    assert (batch["image"] == pixels).all(axis=(1, 2, 3)).any()
    assert Image.open(io.BytesIO(records.data[2]["image"])).size == (12, 10)


def pair_folder(root, images, keys):
    for part, files in (("Images", images), ("Key", keys)):
        (root / part).mkdir(parents=True)
        for number, name in enumerate(files):
            value = number if part == "Images" else 100 + number
            save(root / part / name, np.full((8, 8, 3), value, np.uint8))
    return root


def test_each_picture_comes_with_its_key(settings, tmp_path):
    root = pair_folder(tmp_path / "p", ["a.png", "b.png", "c.png"], ["keya.png", "keyb.bmp", "keyc.png"])
    config = settings(kind="image_key", path=str(root))
    wanted = spec(3, image=3, key_image=3)
    wanted["key_image"] = type(wanted["image"])((3, 5, 6, 3), np.uint8)
    for _ in range(2):
        batch = next(pipeline(config, wanted, split="train"))
        assert sorted(numbers(batch)) == [0, 1, 2]
        assert [n + 100 for n in numbers(batch)] == numbers(batch, "key_image")
        assert batch["key_image"].shape == (3, 5, 6, 3)


@pytest.mark.parametrize(
    ("images", "keys", "message"),
    [
        (["a.png", "b.png"], ["keya.png"], r"without a key: b\.png"),
        (["a.png"], ["keya.png", "keyz.png"], r"keys without a picture: keyz\.png"),
        (["a.png", "a.bmp"], ["keya.png"], r"several pictures of one name: a\.bmp, a\.png"),
        (["a.png"], ["keya.png", "keya.bmp"], r"several keys for one picture: keya\.bmp, keya\.png"),
    ],
)
def test_missing_and_ambiguous_pairs_are_named(settings, tmp_path, images, keys, message):
    root = pair_folder(tmp_path / "p", images, keys)
    with pytest.raises(Refusal, match=message) as refusal:
        names(settings(kind="image_key", path=str(root)))
    assert "\n" not in str(refusal.value)


def test_every_problem_of_a_pairing_stands_in_one_line(settings, tmp_path):
    root = pair_folder(tmp_path / "p", [f"{n}.png" for n in range(9)], ["keyx.png"])
    with pytest.raises(Refusal, match=r"without a key: 0\.png, .* and 5 more; keys without a picture: keyx"):
        names(settings(kind="image_key", path=str(root)))
    shutil.rmtree(root / "Key")
    with pytest.raises(Refusal, match="has no folder Key"):
        names(settings(kind="image_key", path=str(root)))


@pytest.fixture
def celeba(tmp_path):
    root = tmp_path / "celeba"
    for number, name in enumerate(FACES):
        save(root / "img_align_celeba" / name, np.full((109, 89, 3), 40 * number, np.uint8))
    rows = [" ".join([name, *(["1", "-1"] * 20)]) for name in FACES]
    header = " ".join(f"attribute{n}" for n in range(40))
    (root / "list_attr_celeba.txt").write_text("\n".join(["4", header, *rows]) + "\n")
    marks = [" ".join([name, *(str(10 * i + n) for n in range(10))]) for i, name in enumerate(FACES)]
    (root / "list_landmarks_align_celeba.txt").write_text("\n".join(["4", "lefteye_x …", *marks]))
    (root / "list_eval_partition.txt").write_text(
        "\n".join(f"{name} {part}" for name, part in zip(FACES, (0, 0, 1, 2), strict=True))
    )
    return root


def test_celeba_is_split_by_its_partition(settings, celeba):
    config = settings(kind="celeba", path=str(celeba))
    splits = {split: names(config, split) for split in ("train", "validation", "test")}
    assert splits == {"train": FACES[:2], "validation": FACES[2:3], "test": FACES[3:]}


def test_celeba_annotations_and_box(settings, celeba):
    config = settings(kind="celeba", path=str(celeba), box=(21, 4, 101, 84), fit="resize")
    batch = next(pipeline(config, spec(1, (64, 64), image=3, labels=40), split="validation"))
    assert batch["labels"].tolist() == [[1, 0] * 20]
    assert (batch["image"] == 80).all()
    record = preparing.records(sources(config)[0][1], "test").data[0]
    assert record["landmarks"].tolist() == list(range(30, 40))
    assert record["box"].tolist() == [-1] * 4  # the list is absent


def test_celeba_takes_further_validation_pictures_from_a_list(settings, celeba):
    listed = celeba / "validation.txt"
    listed.write_text("000002.jpg\n")
    config = settings(kind="celeba", path=str(celeba), validation={"file": str(listed)})
    assert names(config, "validation") == ["000003.jpg", "000002.jpg"]
    assert names(config) == ["000001.jpg"]


def test_celeba_lists_that_do_not_fit_are_refused(settings, celeba):
    partition = celeba / "list_eval_partition.txt"
    partition.write_text(partition.read_text().replace("000002.jpg 0\n", ""))
    config = settings(kind="celeba", path=str(celeba))
    with pytest.raises(Refusal, match=r"says nothing of 000002\.jpg"):
        names(config)
    partition.write_text("000001.jpg 0 5\n")
    with pytest.raises(Refusal, match=r"row 1 has 3 fields; wanted are 2"):
        names(config)
    partition.unlink()
    with pytest.raises(Refusal, match=r"list_eval_partition\.txt: cannot be read"):
        names(config)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"kind": "folders"}, "config.data.kind=folders: unknown; choose one of folder"),
        ({"path": "/no/such/place"}, "config.data.path=/no/such/place: no such folder"),
        ({"path": ""}, "config.data.path: is empty"),
        ({"pth": "x"}, "config.data.pth: unknown; did you mean config.data.path"),
        ({"validation": {"lst": 3}}, "config.data.validation.lst: unknown; did you mean"),
        ({"validation": {"last": 3, "fraction": 0.1}}, "give one of file, fraction, last"),
        ({"fit": "stretch"}, "choose one of crop, cover, resize"),
        ({"box": (3, 0, 2, 9)}, r"config.data.box=\(3, 0, 2, 9\)"),
        ({"threads": 0}, "config.data.threads=0: must be a whole number of at least 1"),
        ({"grey": 1.5}, "config.data.grey=1.5"),
        ({"kind": "tfds"}, "config.data.name: say which TFDS set"),
        ({"mix": {"a": {"weight": 0.0}}}, "config.data.mix.a.weight=0.0"),
        ({"mix": {"a": {"path": "/none"}}}, "config.data.mix.a.path=/none: no such folder"),
    ],
)
def test_settings_that_make_no_sense_are_refused_by_name(tmp_path, given, message):
    config = {**default_config().to_dict(), "path": str(tmp_path), **given}
    with pytest.raises(Refusal, match=message) as refusal:
        sources(config)
    assert "\n" not in str(refusal.value)


def test_the_cache_may_be_named_by_the_environment(numbered, tmp_path, monkeypatch):
    monkeypatch.setenv("JAXCRYPT_CACHE", str(tmp_path / "elsewhere"))
    config = default_config()
    config.path = str(numbered(2))
    names(config)
    assert list((tmp_path / "elsewhere" / "picture_folder").iterdir())


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write anywhere")
def test_a_cache_that_cannot_be_written_is_refused(settings, numbered, tmp_path):
    (tmp_path / "cache").mkdir(mode=0o500)
    with pytest.raises(Refusal, match=r"config\.data\.cache: cannot write"):
        names(settings(path=str(numbered(2))))


def test_real_faces(settings, real_data):
    config = settings(
        kind="folder", path=str(real_data / "faces64" / "test"), validation={"last": 32}, fit="resize"
    )
    batch = next(pipeline(config, spec(16, (64, 64), image=1), split="validation"))
    assert batch["image"].shape == (16, 64, 64, 1)
    assert batch["image"].std() > 30
