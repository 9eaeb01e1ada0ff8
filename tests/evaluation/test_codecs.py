"""The comparison with PCA and codecs: what it says fits the bytes, and what it measures."""

import io

import numpy as np
import pytest
from PIL import Image

from jaxcrypt.errors import Refusal
from jaxcrypt.evaluation.suites import codecs as comparison


def pictures(rng, count=3, side=16, channels=1):
    y, x = np.mgrid[:side, :side]
    slopes = rng.uniform(-5, 5, (count, 2, 1, 1, channels))
    made = 128 + slopes[:, 0] * (y - side / 2)[..., None] + slopes[:, 1] * (x - side / 2)[..., None]
    return np.clip(made, 0, 255).astype(np.uint8)


def test_pca_with_every_component_loses_only_the_rounding(rng):
    train = rng.integers(0, 256, (300, 4, 4, 1), dtype=np.uint8)
    made = comparison.pca(train, train[:20], 16)
    assert comparison.psnr(train[:20], made) > 40


def test_pca_keeps_the_components_that_matter(rng):
    faces = pictures(rng, 200)
    made = comparison.pca(faces[:150], faces[150:], 2)
    assert comparison.psnr(faces[150:], made) > 30


@pytest.mark.parametrize(("name", "channels"), [("WebP", 1), ("JPEG", 3), ("AVIF", 1)])
def test_codec_takes_the_highest_quality_that_fits(rng, name, channels):
    picture = rng.integers(0, 256, (1, 32, 32, channels), dtype=np.uint8)
    tight, loose = (comparison.codec(name, picture, count) for count in (700, 4000))
    assert tight.shape == picture.shape
    assert comparison.psnr(picture, tight) < comparison.psnr(picture, loose)
    with pytest.raises(Refusal, match=f"{name}: does not fit 10 bytes"):
        comparison.codec(name, picture, 10)


def test_best_fit_is_below_the_limit_and_the_next_quality_above(rng):
    image = Image.fromarray(rng.integers(0, 256, (32, 32), dtype=np.uint8))
    sizes = []
    for quality in range(101):
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=quality, **comparison.CODECS["JPEG"])
        sizes.append(buffer.tell())
    limit = sizes[60]
    best = max(q for q in range(101) if sizes[q] <= limit)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=best, **comparison.CODECS["JPEG"])
    wanted = np.asarray(Image.open(buffer))[..., None]
    np.testing.assert_array_equal(
        comparison.codec("JPEG", np.asarray(image)[None, ..., None], limit)[0], wanted
    )


def test_wrong_key_is_measured_against_other_pictures(rng):
    faces = pictures(rng, 4, 32)
    found = comparison.wrong_key(faces, faces)
    assert found["SSIM, picture and wrong key"] == pytest.approx(1, abs=1e-4)
    assert found["SSIM, picture and the next picture"] < 0.9


def test_small_pictures_and_empty_folders_are_refused(tmp_path):
    with pytest.raises(Refusal, match="no pictures"):
        comparison.read_folder(tmp_path, 64, False)
    Image.new("L", (30, 80)).save(tmp_path / "a.png")
    with pytest.raises(Refusal, match=r"a\.png: smaller than --size 64"):
        comparison.read_folder(tmp_path, 64, False)
    assert comparison.read_folder(tmp_path, 16, True).shape == (1, 16, 16, 3)
