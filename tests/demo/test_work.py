"""What the page does, without a page: sealing, opening, wrong keys, damage."""

import io

import numpy as np
import pytest
from PIL import Image

import jaxcrypt
from jaxcrypt.demo import figures, work
from jaxcrypt.errors import ExitCode, Refusal
from tests.support import photo, psnr

KEY = "a passphrase for this test"


@pytest.fixture
def file(tmp_path):
    return work.File("photo.jpg", photo(tmp_path / "photo.jpg", (64, 48)).read_bytes())


@pytest.fixture
def keys():
    return work.keys_of(KEY, None)


def test_encrypt_and_open(file, keys):
    made = work.encrypt(file, keys, work.Chosen("logistic"))
    assert made.exact
    assert np.array_equal(made.opened, made.plain)
    assert made.cipher.shape == made.plain.shape
    assert "no key fits" in made.refused
    assert made.wrong is None or psnr(made.wrong, made.plain) < 15
    opened = work.open_sealed(work.File("x.png", made.sealed), keys)
    assert "the very file" in opened.says
    assert opened.files == [("photo.jpg", file.data)]
    assert np.array_equal(opened.pictures[0], made.plain)


def test_other_keys_and_tampering(file, keys):
    sealed = work.encrypt(file, keys, work.Chosen("logistic")).sealed
    for data, opener, code in (
        (sealed, work.keys_of("another", None), ExitCode.NO_KEY),
        (sealed[:-100] + b"?" + sealed[-99:], keys, ExitCode.TAMPERED),
        (file.data, keys, ExitCode.BAD_INPUT),
    ):
        with pytest.raises(Refusal) as caught:
            work.open_sealed(work.File("x.png", data), opener)
        assert caught.value.code == code


def test_a_region_that_was_drawn_small(file, keys):
    drawn = np.zeros((24, 32), bool)
    drawn[6:12, 8:16] = True
    made = work.encrypt(file, keys, work.Chosen("logistic", region=drawn))
    changed = (made.cipher != made.plain).any(axis=2)
    assert not changed[:, :16].any()
    assert not changed[:12].any()
    assert changed[12:24, 16:32].mean() > 0.9
    with pytest.raises(Refusal, match="nothing is drawn"):
        work.encrypt(file, keys, work.Chosen("logistic", region=np.zeros((1, 1), bool)))


def test_key_images(file):
    image = work.File("key.png", work.new_key_image())
    made = work.encrypt(file, work.keys_of("", image), work.Chosen("logistic"))
    assert work.open_sealed(work.File("x.png", made.sealed), work.keys_of("", image))
    with pytest.raises(Refusal):
        work.open_sealed(work.File("x.png", made.sealed), work.keys_of(KEY, image))
    with pytest.raises(Refusal, match="give a passphrase"):
        work.keys_of("", None)


def test_damage(file, keys):
    chosen = work.Chosen("mixing")
    one = work.trial(work.check_photo(file), keys, chosen)
    cipher, back = work.damaged(one, keys, {})
    assert np.array_equal(cipher, one.cipher)
    assert psnr(back, one.plain) > 35
    cipher, worse = work.damaged(one, keys, {"noise": 6})
    assert not np.array_equal(cipher, one.cipher)
    assert 15 < psnr(worse, one.plain) < psnr(back, one.plain)


def test_what_a_page_takes(file, tmp_path):
    with pytest.raises(Refusal):
        work.check_photo(work.File("x.jpg", b"no picture"))
    buffer = io.BytesIO()
    Image.new("L", (4001, 3001)).save(buffer, "PNG")
    with pytest.raises(Refusal, match="megapixels"):
        work.check_photo(work.File("large.png", buffer.getvalue()))


def test_what_is_offered_comes_from_the_catalog():
    names = {entry.name: entry for entry in work.offered()}
    assert {"logistic", "stego"} <= set(names)
    assert "concatenation" not in names
    assert work.wants_cover(names["stego"]) == "cover"
    assert work.takes_region(names["logistic"])
    assert "rate=1/2" in work.choices(names["cyclegan"])
    assert not any(one.startswith("key_image") for one in work.choices(names["cyclegan"]))
    with pytest.raises(Refusal, match="add one"):
        work.Chosen("stego").inputs()


def test_figures_carry_their_own_bytes(rng):
    grey = rng.integers(0, 256, (40, 1000, 1), np.uint8)
    html = figures.picture(grey, "<b>&")
    assert "data:image/png;base64," in html
    assert "<b>" not in html
    assert "nothing" in figures.picture(None, "refused")
    drawn = figures.histogram(np.zeros((8, 8, 3), np.uint8), "flat")
    assert drawn.count("<polyline") == 3
    assert "0.000 bits" in drawn
    assert figures.histogram(grey, "noise").count("<polyline") == 1
    assert '"a&quot;.png"' in figures.download('a".png', b"x", "image/png", "Save")


def test_nothing_is_said_of_keys():
    assert KEY not in repr(work.keys_of(KEY, None))
    assert KEY not in repr(jaxcrypt.Keys(passphrase=KEY))
