"""Geometry and colour; a mask stays on what it was drawn around, whatever happens to the picture."""

import numpy as np
import pytest
from data_pictures import save, spec
from PIL import Image

from jaxcrypt.data import pipeline
from jaxcrypt.data.transforms import Cut, Geometry, resize, scale, to_grey
from jaxcrypt.errors import Refusal

MARKER = np.array([250, 20, 20])


def marked(rng, size=(48, 64)):
    """A dull picture with a red rectangle, and the mask of the rectangle."""
    image = rng.integers(60, 120, (*size, 3), np.uint8)
    mask = np.zeros(size, bool)
    top, left = (int(rng.integers(n // 2)) for n in size)
    mask[top : top + size[0] // 3, left : left + size[1] // 3] = True
    image[mask] = MARKER
    return image, mask


@pytest.mark.parametrize("fit", ["crop", "cover", "resize"])
@pytest.mark.parametrize("box", [(), (3, 5, 43, 61)])
@pytest.mark.parametrize("size", [(24, 24), (40, 30), (96, 80)])
def test_the_mask_follows_its_picture(settings, tmp_path, rng, fit, box, size):
    root = tmp_path / "marked"
    for number in range(4):
        image, mask = marked(rng)
        save(root / f"{number}.png", image)
        save(root / f"{number}.mask.png", mask.astype(np.uint8) * 255)
    config = settings(path=str(root), fit=fit, box=box)
    batches = pipeline(config, spec(8, size, image=3, mask=1), split="train")
    covered = 0
    for _ in range(2):
        batch = next(batches)
        bright = batch["image"][..., 0] > 185  # resizing blends the rim: at least half of it
        rim = bright != batch["mask"]
        assert rim.mean() < 0.04
        inside = batch["mask"] & ~rim
        assert np.abs(batch["image"][inside].astype(int) - MARKER)[:, 1:].max() < 80
        covered += batch["mask"].sum()
    assert covered > 200


def test_masks_of_a_folder_are_found_by_name(settings, tmp_path, rng):
    image, mask = marked(rng, (16, 16))
    for name in ("a.jpg", "b.png"):
        save(tmp_path / "pictures" / name, image)
    for name in ("a.png", "b.png.mask.png"):
        save(tmp_path / "masks" / name, mask.astype(np.uint8) * 255)
    config = settings(path=str(tmp_path / "pictures"), masks=str(tmp_path / "masks"), flip=False)
    batch = next(pipeline(config, spec(2, (16, 16), image=3, mask=1), split="train"))
    assert (batch["mask"] == mask).all()
    assert batch["mask"].dtype == bool


def test_a_picture_without_a_mask_is_named(settings, numbered):
    batches = pipeline(settings(path=str(numbered(1))), spec(1, image=3, mask=1), split="train")
    with pytest.raises(Refusal, match=r"000\.png has no mask"):
        next(batches)


def test_a_mask_of_another_size_is_refused(settings, numbered):
    root = numbered(1)
    save(root / "000.mask.png", np.zeros((9, 8), np.uint8))
    with pytest.raises(Refusal, match=r"the mask is 8×9, its picture 8×8"):
        pipeline(settings(path=str(root), broken="refuse"), spec(1, image=3, mask=1), split="train")


def test_windows_lie_everywhere_in_training_and_at_the_centre_in_evaluation():
    image = np.arange(10 * 12, dtype=np.uint8).reshape(10, 12, 1)
    rng = np.random.default_rng(0)
    corners = {int(Cut((4, 5), random=True)({"image": image}, rng)["image"][0, 0, 0]) for _ in range(800)}
    assert corners == {12 * top + left for top in range(7) for left in range(8)}
    assert (Cut((4, 6))({"image": image}, rng)["image"] == image[3:7, 3:9]).all()


def test_half_of_the_cuts_are_flipped():
    image = np.arange(6, dtype=np.uint8).reshape(1, 6, 1)
    rng = np.random.default_rng(0)
    cuts = [Cut((1, 6), flip=True)({"image": image}, rng)["image"] for _ in range(400)]
    flipped = sum((cut == image[:, ::-1]).all() for cut in cuts)
    assert all((cut == image).all() or (cut == image[:, ::-1]).all() for cut in cuts)
    assert 150 < flipped < 250


def test_area_resize_takes_means_and_masks_the_nearest_pixel():
    image = np.arange(64, dtype=np.uint8).reshape(8, 8, 1) * 3
    means = image.reshape(4, 2, 4, 2).mean(axis=(1, 3))
    assert np.abs(resize(image, (4, 4), "area")[..., 0] - means).max() <= 0.5
    mask = np.kron(np.eye(4, dtype=bool), np.ones((2, 2), bool))
    assert (resize(mask, (4, 4), "area") == np.eye(4, dtype=bool)).all()


def test_bicubic_resize_is_pillows(rng):
    image = rng.integers(0, 256, (20, 30, 3), np.uint8)
    wanted = np.asarray(Image.fromarray(image).resize((12, 9), Image.Resampling.BICUBIC))
    assert (resize(image, (9, 12), "bicubic") == wanted).all()


def test_how_pictures_come_to_size():
    tall = np.zeros((100, 60, 3), np.uint8)
    assert scale(tall, Geometry((32, 32), fit="crop")).shape == (100, 60, 3)
    assert scale(tall, Geometry((90, 90), fit="crop")).shape == (150, 90, 3)
    assert scale(tall, Geometry((30, 30), fit="cover")).shape == (50, 30, 3)
    assert scale(tall, Geometry((30, 40), fit="resize")).shape == (30, 40, 3)
    assert scale(tall, Geometry((8, 8), box=(10, 20, 40, 50))).shape == (30, 30, 3)


def test_a_box_beyond_the_picture_is_refused():
    with pytest.raises(Refusal, match=r"x\.png: is 6×5, and config\.data\.box=\(0, 0, 5, 7\) reaches beyond"):
        scale(np.zeros((5, 6, 3), np.uint8), Geometry((2, 2), box=(0, 0, 5, 7)), "x.png")


def test_grey_is_the_luma_of_pillow(rng):
    image = rng.integers(0, 256, (20, 20, 3), np.uint8)
    luma = np.asarray(Image.fromarray(image).convert("L")).astype(int)
    made = to_grey(image)
    assert np.abs(made.astype(int) - luma[..., None]).max() <= 1
    assert (made == made[..., :1]).all()


def test_a_share_of_the_training_examples_is_made_grey(settings, tmp_path, rng):
    for number in range(4):
        save(tmp_path / "p" / f"{number}.png", rng.integers(0, 256, (8, 8, 3), np.uint8))
    config = settings(path=str(tmp_path / "p"), grey=0.5)
    batch = next(pipeline(config, spec(200), split="train"))["image"]
    grey = (batch == batch[..., :1]).all(axis=(1, 2, 3)).mean()
    assert 0.35 < grey < 0.65
