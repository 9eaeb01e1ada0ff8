"""A region under keyed mixing with the shipped denoiser: undamaged, re-encoded, partly lost, a wrong key."""

import io

import numpy as np
import pytest
from PIL import Image

from jaxcrypt.errors import ExitCode, Refusal
from jaxcrypt.record import Sealed
from jaxcrypt.sealing.cipher import load

KEY, OTHER = bytes(range(32)), bytes([1, *range(1, 32)])
SHAPE = (128, 136, 3)


def photo():
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    planes = [128 + 80 * np.sin(x / 19 + c) * np.cos(y / (17 + c)) + 20 * (x > 60) for c in range(3)]
    return np.stack(planes, axis=-1).astype(np.uint8)


def disc():
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    return np.hypot(y - 63, x - 70) < 45


PLAIN, MASK = photo(), disc()


@pytest.fixture(scope="module")
def cipher():
    return load("denoiser", inputs={"mask": MASK})


@pytest.fixture(scope="module")
def sealed(cipher):
    (one,) = cipher.encrypt([PLAIN], [KEY])
    return one


def psnr(a):
    return 10 * np.log10(255**2 / np.mean(np.square(a[MASK].astype(float) - PLAIN[MASK])))


def opened(cipher, one, key=KEY, lost=None):
    (outcome,) = cipher.decrypt([one], [key], SHAPE, lost)
    return outcome.pictures[0]


def test_the_region_comes_back_and_nothing_else_changes(cipher, sealed):
    assert sealed.pixels.shape == SHAPE
    np.testing.assert_array_equal(sealed.pixels[~MASK], PLAIN[~MASK])
    back = opened(cipher, sealed)
    np.testing.assert_array_equal(back[~MASK], PLAIN[~MASK])
    assert psnr(back) > 50


def test_a_jpeg_of_the_whole_picture_is_seen_through(cipher, sealed):
    file = io.BytesIO()
    Image.fromarray(sealed.pixels).save(file, "JPEG", quality=75, subsampling=0)
    received = Sealed(np.asarray(Image.open(file)), sealed.side)
    by_algebra = load("mixing", inputs={"mask": MASK})
    assert psnr(opened(cipher, received)) > psnr(opened(by_algebra, received)) + 8


def test_lost_pixels_cost_little(cipher, sealed):
    lost = np.zeros(MASK.shape, bool)
    lost[40:60, 50:90] = True
    gone = sealed.pixels.copy()
    gone[lost] = 0
    assert psnr(opened(cipher, Sealed(gone, sealed.side), lost=[lost])) > 30


def test_a_wrong_key_makes_nothing_up_from_the_surroundings(cipher, sealed):
    flat = np.broadcast_to(PLAIN[MASK].mean(axis=0), PLAIN.shape)
    assert psnr(opened(cipher, sealed, OTHER)) < psnr(flat) + 0.3


def test_what_does_not_go_together_is_refused(cipher, sealed):
    with pytest.raises(Refusal, match="--robust"):
        cipher.chosen("robust", 1).encrypt([PLAIN], [KEY])
    for change in ({"rest": sealed.side["rest"][:-1]}, {"mask": sealed.side["mask"][:-1]}):
        with pytest.raises(Refusal) as refusal:
            opened(cipher, Sealed(sealed.pixels, sealed.side | change))
        assert refusal.value.code == ExitCode.TAMPERED
