"""Files in the pixels: sealed, sent as JPEG, opened, as bytes."""

import io

import numpy as np
import pytest
from PIL import Image

from jaxcrypt.errors import ExitCode, Refusal
from jaxcrypt.sealing import carriers
from jaxcrypt.sealing.direct import seal
from jaxcrypt.sealing.keys import Keys
from jaxcrypt.sealing.unseal import unseal
from jaxcrypt.systems import catalog


def _keys(number: int = 0) -> Keys:
    from jaxcrypt.crypto.sources import Kind, Source

    return Keys(passphrase=Source(Kind.KEY_FILE, bytes([number]) * 32))


def _photo(seed: int = 0, size: tuple[int, int] = (150, 110)) -> bytes:
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 256, (9, 12, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(small).resize(size, Image.Resampling.BICUBIC).save(file, "JPEG", quality=85)
    return file.getvalue()


def _sealed(photo: bytes, keys: Keys | None = None, **how) -> np.ndarray:
    made = seal(photo, keys or _keys(), name="photo.jpg", options={"robust": "exact"}, **how)
    return np.asarray(Image.open(io.BytesIO(made)))


def _jpeg(pixels: np.ndarray, quality: int = 75) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=quality, subsampling=2)
    return file.getvalue()


def _refused(data: bytes, keys: Keys) -> Refusal:
    with pytest.raises(Refusal) as refused:
        unseal(data, keys, name="chat.jpg")
    return refused.value


def test_the_very_file_out_of_a_jpeg():
    opened = unseal(_jpeg(_sealed(_photo())), _keys())
    assert opened.files == [("photo.jpg", _photo())]
    assert opened.exact
    assert opened.authenticated


def test_more_pixels_outlive_more():
    pixels = _sealed(_photo(), pixels=9)
    assert abs(pixels.size / 3 / (150 * 110) - 9) < 0.7
    assert unseal(_jpeg(pixels, 60), _keys()).files[0][1] == _photo()


def test_another_key():
    refusal = _refused(_jpeg(_sealed(_photo())), _keys(1))
    assert refusal.code == ExitCode.NO_KEY


def test_altered_digits():
    pixels = _sealed(_photo(), pixels=4)
    grey = np.random.default_rng(0).normal(0, 60, pixels.shape[:2])[..., None]
    altered = np.clip(pixels + np.rint(grey), 0, 255).astype(np.uint8)
    refusal = _refused(_jpeg(altered, 90), _keys())
    assert refusal.code == ExitCode.TAMPERED
    assert "digits do not hold" in str(refusal)


def test_halves_of_two_pictures():
    first, second = _sealed(_photo(1), pixels=9), _sealed(_photo(2), pixels=9)
    half = first.shape[0] // 32 * 16
    joined = np.concatenate([first[:half], second[half:]])
    assert _refused(_jpeg(joined, 90), _keys()).code in (ExitCode.TAMPERED, ExitCode.BAD_INPUT)


def test_what_does_not_fit_is_told_what_would():
    rough = np.random.default_rng(0).normal(128, 20, (240, 320, 3)).clip(0, 255).astype(np.uint8)
    photo = _jpeg(rough, 90)
    with pytest.raises(Refusal, match=r"--pixels \d+\.\d\d or --inner-quality \d\d") as refused:
        _sealed(photo, pixels=1.2)
    hint = str(refused.value)
    times = float(hint.partition("--pixels ")[2].split()[0])
    assert unseal(_jpeg(_sealed(photo, pixels=times)), _keys()).files[0][1] == photo
    quality = int(hint.partition("--inner-quality ")[2].split()[0])
    (name, data), *_ = unseal(_jpeg(_sealed(photo, pixels=1.2, inner_quality=quality)), _keys()).files
    assert name == "photo.avif"
    assert Image.open(io.BytesIO(data)).size == (320, 240)


def test_a_longest_side():
    pixels = _sealed(_photo(), fit=400)
    assert max(pixels.shape) <= 400
    with pytest.raises(Refusal, match="longer --fit"):
        _sealed(_photo(), fit=80)


def test_recipients():
    from jaxcrypt.crypto import recipients

    identity = recipients.generate()
    keys = Keys(recipients=[identity.recipient()])
    opened = unseal(_jpeg(_sealed(_photo(size=(320, 240)), keys)), Keys(identities=[identity]))
    assert opened.files[0][1] == _photo(size=(320, 240))


def test_an_option_that_makes_no_sense():
    entry = catalog.entry(catalog.DEFAULT)
    assert carriers.travel(entry, {}) is None
    with pytest.raises(Refusal, match="--robust"):
        carriers.travel(entry, {"survives": 75})


def test_a_long_header_gets_the_macroblocks_that_it_needs():
    how = carriers.Travel(way=75)
    short, long = (carriers.plan(how, (240, 400, 3), 5000, head, (240, 400)) for head in (300, 1500))
    assert long.rows * long.columns >= 1300 > short.rows * short.columns
    assert long.plane == short.plane == (240, 400)
    # Rows beyond a tile's 64 say again what it says: beside a narrow plane there is more of the carrier.
    beside = carriers.plan(how, (240, 160, 3), 5000, 1500, (240, 160))
    assert beside.plane == (240, 160)
    assert min(beside.rows, 64) * min(beside.columns, 64) >= 1300
    with pytest.raises(carriers.TooSmall):
        carriers.plan(how, (240, 160, 3), 5000, 5000, (240, 160))


def test_beside_a_narrow_plane_the_file_comes_back_through_jpeg():
    photo = _photo(size=(80, 240))
    sealed = seal(photo, _keys(), name="p.jpg", system="denoiser", options={"robust": 1, "survives": 75})
    pixels = np.asarray(Image.open(io.BytesIO(sealed)))
    assert pixels.shape[1] > 80
    assert unseal(_jpeg(pixels), _keys(), name="chat.jpg").files[0][1] == photo
