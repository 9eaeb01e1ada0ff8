"""Folders are walked whole, once, in the order in which people count; what cannot be walked is named."""

import os
from pathlib import Path

import pytest

from jaxcrypt.errors import Refusal
from jaxcrypt.pictures.folders import find, find_all, natural_key, walk


def tree(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x")
    return root


def names(listing, root: Path) -> list[str]:
    return [path.relative_to(root).as_posix() for path in listing.files]


def test_natural_order():
    wanted = ["a", "B", "c", "image", "image1", "image2", "image10", "image10b", "image١٢", "x01", "x1"]
    assert sorted(set(wanted), key=natural_key) == wanted
    assert sorted(["2", "10", "a1", "1a"], key=natural_key) == ["1a", "2", "10", "a1"]


def test_files_come_in_natural_order_folder_by_folder(tmp_path):
    root = tree(tmp_path, "b/10.png", "b/9.png", "10/x", "9/x", "c.txt", ".hidden", ".d/x")
    assert names(walk(root), root) == ["9/x", "10/x", ".d/x", ".hidden", "b/9.png", "b/10.png", "c.txt"]


def test_linked_folders_are_walked_once(tmp_path):
    root = tree(tmp_path / "root", "real/a.png", "z.png")
    elsewhere = tree(tmp_path / "elsewhere", "b.png")
    (root / "linked").symlink_to(elsewhere)
    (root / "again").symlink_to(elsewhere)
    (root / "alias").symlink_to(root / "real")  # before "real" in any order
    (root / "real" / "self").symlink_to(root / "real")
    (root / "real" / "up").symlink_to(root)
    listing = walk(root)
    assert names(listing, root) == ["again/b.png", "real/a.png", "z.png"]
    assert not listing.unread


def test_a_link_above_the_folder_is_named_and_not_followed(tmp_path):
    root = tree(tmp_path / "root", "a.png")
    tree(tmp_path, "outside.png")
    (root / "up").symlink_to(tmp_path)
    listing = walk(root)
    assert names(listing, root) == ["a.png"]
    ((path, reason),) = listing.unread
    assert path == root / "up"
    assert "above" in reason


def test_folders_that_cannot_be_read_are_named(tmp_path, monkeypatch):
    root = tree(tmp_path, "good/a.png", "locked/b.png")
    real = os.scandir

    def guarded(path):
        if Path(path).name == "locked":  # root may read everything, so the refusal is made here
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", guarded)
    listing = walk(root)
    assert names(listing, root) == ["good/a.png"]
    assert listing.unread == [(root / "locked", "cannot be read (Permission denied)")]


def test_links_that_lead_nowhere_are_files(tmp_path):
    (tmp_path / "gone.png").symlink_to("nowhere")
    (tmp_path / "loop").symlink_to("loop")
    listing = walk(tmp_path)
    assert names(listing, tmp_path) == ["gone.png", "loop"]


def test_deep_trees(tmp_path):
    path, here = tmp_path, os.getcwd()
    try:
        os.chdir(tmp_path)
        for _ in range(300):
            os.mkdir("d")
            os.chdir("d")
        Path("x.png").write_bytes(b"x")
    finally:
        os.chdir(here)
    listing = walk(path)
    assert len(listing.files) == 1


@pytest.mark.parametrize("name", ["a b", "ü", "caf\udce9"])
def test_any_name(tmp_path, name):
    try:
        root = tree(tmp_path / name, "x")
    except OSError:
        pytest.skip("this file system takes no such names")
    assert names(walk(root), root) == ["x"]


def test_pictures_of_every_format_by_name(tmp_path):
    root = tree(
        tmp_path, "b.png", "a.JPG", "10.png", "9.png", "inner/c.webp", "inner/deep/d.tiff", "notes.txt"
    )
    wanted = ["10.png", "9.png", "a.JPG", "b.png", "inner/c.webp", "inner/deep/d.tiff"]
    assert [path.relative_to(root).as_posix() for path in find(root)] == wanted
    assert [path.name for path in find(root, limit=2)] == wanted[:2]
    assert len(find_all([root, root / "inner"], limit=1)) == 2


def test_no_folder_and_no_pictures_are_refused(tmp_path):
    with pytest.raises(Refusal, match=r"--known .*x: not a folder"):
        find(tmp_path / "x", "--known")
    with pytest.raises(Refusal, match=r"no pictures in this folder \(.*png"):
        find(tmp_path)
    (tree(tmp_path / "root", "a.png") / "up").symlink_to(tmp_path)
    with pytest.raises(Refusal, match=r"up: is a link to a folder above"):
        find(tmp_path / "root")
