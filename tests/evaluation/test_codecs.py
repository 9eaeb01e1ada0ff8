"""The comparison with PCA and codecs: what it says fits the bytes, and what it measures."""

import io

import numpy as np
import pytest
from PIL import Image

from jaxcrypt.errors import Refusal
from jaxcrypt.evaluation import imagecodecs
from jaxcrypt.evaluation.report import plain
from jaxcrypt.evaluation.setting import Setting
from jaxcrypt.evaluation.suites import codecs
from jaxcrypt.metrics.image import mean, psnr
from tests.evaluation.subjects import toy


def pictures(rng, count=3, side=16, channels=1):
    y, x = np.mgrid[:side, :side]
    slopes = rng.uniform(-5, 5, (count, 2, 1, 1, channels))
    made = 128 + slopes[:, 0] * (y - side / 2)[..., None] + slopes[:, 1] * (x - side / 2)[..., None]
    return np.clip(made, 0, 255).astype(np.uint8)


def test_pca_with_every_component_loses_only_the_rounding(rng):
    train = rng.integers(0, 256, (300, 4, 4, 1), dtype=np.uint8)
    assert mean(psnr(codecs.pca(train, train[:20], 16), train[:20])).psnr > 40


def test_pca_keeps_the_components_that_matter(rng):
    faces = pictures(rng, 200)
    assert mean(psnr(codecs.pca(faces[:150], faces[150:], 2), faces[150:])).psnr > 30


@pytest.mark.parametrize(("name", "channels"), [("WebP", 1), ("JPEG", 3), ("AVIF", 1)])
def test_a_codec_takes_the_highest_quality_that_fits(rng, name, channels):
    picture = rng.integers(0, 256, (32, 32, channels), dtype=np.uint8)
    tight, loose = (imagecodecs.best_fit(name, picture, room) for room in (700, 4000))
    assert tight.shape == picture.shape
    assert psnr(tight, picture) < psnr(loose, picture)
    with pytest.raises(Refusal, match=f"{name}: does not fit 10 bytes"):
        imagecodecs.best_fit(name, picture, 10)


def test_best_fit_is_below_the_limit_and_the_next_quality_above(rng):
    image = Image.fromarray(rng.integers(0, 256, (32, 32), dtype=np.uint8))
    files = []
    for quality in range(101):
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=quality, **imagecodecs.CODECS["JPEG"])
        files.append(buffer.getvalue())
    limit = len(files[60])
    best = max(q for q in range(101) if len(files[q]) <= limit)
    wanted = np.asarray(Image.open(io.BytesIO(files[best])))[..., None]
    np.testing.assert_array_equal(imagecodecs.best_fit("JPEG", np.asarray(image)[..., None], limit), wanted)


@pytest.mark.parametrize(
    ("sizes", "beyond", "best"), [([5, 6, 7, 20, 7, 30], 0, 2), ([5, 6, 7, 20, 7, 30], 5, 4)]
)
def test_files_that_do_not_grow_with_the_quality(sizes, beyond, best):
    """A file of so many bytes for each quality; all above are too long."""

    def save(quality):
        return bytes([quality]) * (sizes[quality] if quality < len(sizes) else 99)

    assert imagecodecs.best_quality(save, 10, beyond)[0] == best
    assert imagecodecs.best_quality(save, 4) is None


def test_the_best_avif_fits_and_is_no_worse_than_one_subsampling(rng):
    picture = np.repeat(np.repeat(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8), 8, 0), 8, 1)
    whole, best = (
        imagecodecs.sealed_avif(picture, 4, given) for given in (("4:4:4",), imagecodecs.SUBSAMPLINGS)
    )
    assert max(whole.bytes, best.bytes) <= picture.nbytes // 4
    assert psnr(best.picture, picture) >= psnr(whole.picture, picture) > 20


def test_jpeg2000_is_exact_where_it_fits(rng):
    smooth = np.ascontiguousarray(np.broadcast_to(np.arange(64, dtype=np.uint8)[:, None, None], (64, 64, 3)))
    assert np.isinf(psnr(imagecodecs.sealed_jpeg2000(smooth, 2).picture, smooth))
    noise = rng.integers(0, 256, (64, 64, 3), dtype=np.uint8)
    made = imagecodecs.sealed_jpeg2000(noise, 4)
    assert made.bytes <= noise.nbytes // 4
    assert psnr(made.picture, noise) < 30


def test_a_wrong_key_is_measured_against_other_pictures(rng):
    faces = pictures(rng, 4, 32)
    alike = codecs.wrong_key(faces, faces)
    assert alike["SSIM, picture and wrong key"] == pytest.approx(1, abs=1e-4)
    assert alike["SSIM, picture and the next picture"] < 0.9


def test_what_goes_through_the_cipher_comes_back(rng):
    faces = pictures(rng, 66)
    opened, wrong, count = codecs.through_cipher(toy(), faces)
    np.testing.assert_array_equal(opened, faces)
    assert count == faces[0].nbytes
    assert (wrong != faces).mean() > 0.9


def test_a_run_makes_a_table(tmp_path, rng):
    for index, face in enumerate(pictures(rng, 8, 32, 3)):
        Image.fromarray(face).save(tmp_path / f"{index}.png")
    own = {"grey": True, "known": str(tmp_path), "codecs": ["JPEG"]}
    setting = Setting(("logistic",), data=(str(tmp_path),), crop=24, limit=3, own=own)
    facts = plain({"setting": setting.facts(), **codecs.run(setting).facts})
    assert facts["bytes"] == 24 * 24
    table = codecs.table(facts)
    assert "logistic: 3 pictures, centre 24×24, seed 0; 24×24×1, 576 bytes each" in table
    assert "| PCA, 576 × 8 bits " in table
    assert "exact" in table


def test_pictures_of_several_kinds_are_refused(tmp_path):
    Image.new("L", (30, 80)).save(tmp_path / "a.png")
    Image.new("RGB", (30, 80)).save(tmp_path / "b.png")
    paths = sorted(tmp_path.glob("*"))
    with pytest.raises(Refusal, match=r"a\.png: 30×80 is smaller than --crop 64"):
        codecs.stack(paths, 64, False)
    with pytest.raises(Refusal, match=r"b\.png: .* give --crop or --grey"):
        codecs.stack(paths, 16, False)
    assert codecs.stack(paths, 16, True).shape == (2, 16, 16, 1)
    (tmp_path / "a.png").unlink()
    with pytest.raises(Refusal, match="PCA is for grey pictures"):
        codecs.run(Setting(("logistic",), data=(str(tmp_path),), own={"known": str(tmp_path)}, limit=1))
