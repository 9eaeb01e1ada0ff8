"""Regions through whole Systems: the inside comes back, the outside never changes, nothing grows."""

import numpy as np
import pytest

from jaxcrypt.errors import ExitCode, Refusal
from jaxcrypt.record import Call, Sealed
from jaxcrypt.systems.drivers import masks
from jaxcrypt.systems.logistic import tiles as logistic
from jaxcrypt.systems.mixing import system as mixing
from tests.support import waves

KEY, OTHER = bytes(range(32)), bytes([1, *range(1, 32)])
DRIVERS = {"logistic": logistic.SYSTEM.driver, "mixing": mixing.SYSTEM.driver}


def disc(shape=(40, 56)):
    y, x = np.mgrid[: shape[0], : shape[1]]
    return np.hypot(y - 20, x - 30) < 14


def sealed(name, picture, mask, key=KEY):
    (one,) = DRIVERS[name].encrypt(Call(inputs={"mask": mask}), [picture], [key])
    return one


def opened(name, one, shape, key=KEY, lost=None):
    (outcome,) = DRIVERS[name].decrypt(Call(), [one], [key], shape, lost)
    return outcome.pictures[0]


def psnr(a, b):
    return 10 * np.log10(255**2 / np.mean(np.square(a.astype(float) - b)))


@pytest.mark.parametrize("name", DRIVERS)
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_inside_comes_back_and_outside_never_changes(name, channels):
    picture, mask = waves((40, 56, channels)), disc()
    one = sealed(name, picture, mask)
    assert one.pixels.shape == picture.shape
    np.testing.assert_array_equal(one.pixels[~mask], picture[~mask])
    assert (one.pixels[mask] != picture[mask]).mean() > 0.98
    back = opened(name, one, picture.shape)
    np.testing.assert_array_equal(back[~mask], picture[~mask])
    if name == "logistic":
        np.testing.assert_array_equal(back, picture)
    else:
        assert psnr(back[mask], picture[mask]) > 38


@pytest.mark.parametrize("name", DRIVERS)
def test_a_wrong_key_gives_nothing_of_the_region(name):
    picture, mask = waves(), disc()
    back = opened(name, sealed(name, picture, mask), picture.shape, OTHER)
    flat = np.broadcast_to(picture[mask].mean(axis=0), picture[mask].shape)
    assert psnr(back[mask], picture[mask]) < psnr(flat, picture[mask]) + 0.3
    np.testing.assert_array_equal(back[~mask], picture[~mask])


@pytest.mark.parametrize("name", DRIVERS)
@pytest.mark.parametrize("pixels", [1, 2, 5, 40 * 56])
def test_regions_of_few_pixels_and_of_all(name, pixels):
    picture, mask = waves(), np.zeros(40 * 56, bool)
    mask[:pixels] = True
    mask = mask.reshape(40, 56)
    back = opened(name, sealed(name, picture, mask), picture.shape)
    assert np.abs(back.astype(int) - picture).max() <= (0 if name == "logistic" else 16)


def test_the_inside_is_that_of_the_row_of_its_pixels():
    picture, mask = waves(), disc()
    (row,) = logistic.SYSTEM.driver.encrypt(Call(), [picture[mask][None]], [KEY])
    one = sealed("logistic", picture, mask)
    np.testing.assert_array_equal(one.pixels[mask], row.pixels[0])
    np.testing.assert_array_equal(one.side["digest"], row.side["digest"])
    assert set(one.side) == {"digest", "mask"}


def test_lost_pixels_cost_quality_and_those_outside_cost_nothing():
    picture, mask = waves(), disc()
    one = sealed("mixing", picture, mask)
    gone, lost = one.pixels.copy(), np.zeros(mask.shape, bool)
    lost[:18], lost[:, :10] = True, True
    gone[lost & mask] = 0
    told = opened("mixing", Sealed(gone, one.side), picture.shape, lost=[lost])
    blind = opened("mixing", Sealed(gone, one.side), picture.shape)
    assert psnr(told[mask], picture[mask]) > psnr(blind[mask], picture[mask]) + 3
    outside = opened("mixing", one, picture.shape, lost=[~mask])
    assert psnr(outside[mask], picture[mask]) > 38


def test_masks_that_do_not_fit_are_refused():
    for mask, words in (
        (np.ones((5, 5), bool), "5×5, the picture 56×40"),
        (np.zeros((40, 56), bool), "empty"),
    ):
        with pytest.raises(Refusal, match=words):
            sealed("logistic", waves(), mask)


@pytest.mark.parametrize("name", DRIVERS)
def test_headers_that_no_encryption_makes_are_refused(name):
    picture, mask = waves(), disc()
    one = sealed(name, picture, mask)
    larger = masks.pack(np.ones_like(mask))
    for change in ({"mask": one.side["mask"][:-2]}, {"mask": larger[:-1]}, {"rest": np.zeros(3, np.float32)}):
        bad = Sealed(one.pixels, one.side | change)
        if name == "logistic" and "rest" in change:
            continue  # it has none, so nothing reads it
        with pytest.raises(Refusal) as refusal:
            opened(name, bad, picture.shape)
        assert refusal.value.code == ExitCode.TAMPERED
    with pytest.raises(Refusal):
        opened(name, one, (40, 57, 3))
