"""Coefficients of JPEG files: read, hidden behind a look, packed, written; no other is ever changed."""

import functools
import io

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("jpeglib", reason="the extra jpeg reads and writes coefficients")

from jaxcrypt.pictures import blockcodec, coefficients, jpegmarkers, looks
from jaxcrypt.pictures.jpegmarkers import Damaged
from tests.support import waves

SAMPLINGS = ["4:4:4", "4:2:2", "4:2:0", "grey", "progressive"]


@functools.cache
def taken(kind="4:2:0", size=(75, 101)):
    """A JPEG whose sides are no multiples of its units."""
    file, pixels = io.BytesIO(), waves((*size, 3)) // 2 + np.random.default_rng(1).integers(0, 90, (*size, 3))
    image = Image.fromarray(pixels.astype(np.uint8))
    how = {"progressive": True} if kind == "progressive" else {}
    how |= {"subsampling": kind} if kind.startswith("4") else {}
    (image.convert("L") if kind == "grey" else image).save(file, "JPEG", quality=85, **how)
    return jpegmarkers.take_apart(file.getvalue())


@functools.cache
def read(kind="4:2:0"):
    """Its coefficients; a process reads them, once."""
    return coefficients.read(taken(kind))


def box(bare):
    mask = np.zeros((bare.height, bare.width), bool)
    mask[20:50, 30:71] = True
    return looks.units_of(mask, bare)


def decoded(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data))).astype(int)


@pytest.mark.parametrize("kind", SAMPLINGS)
def test_coefficients_are_what_the_samples_were_made_from(kind):
    """An inverse DCT of my own of the luminance, against Pillow's samples."""
    jpeg, bare = taken(kind), read(kind)
    n = np.arange(8)
    basis = np.cos((2 * n[None] + 1) * n[:, None] * np.pi / 16) / 2 * np.where(n == 0, 2**-0.5, 1)[:, None]
    blocks = basis.T @ (bare.planes[0] * bare.tables[0].astype(float)) @ basis + 128
    rows, columns = blocks.shape[:2]
    mine = blocks.transpose(0, 2, 1, 3).reshape(8 * rows, 8 * columns)[: bare.height, : bare.width]
    image = Image.open(io.BytesIO(jpeg.with_applications(jpeg.colours())))
    image.draft("L" if kind == "grey" else "YCbCr", image.size)
    theirs = np.asarray(image.convert("YCbCr") if kind != "grey" else image).reshape(75, 101, -1)[..., 0]
    assert np.abs(np.clip(mine, 0, 255) - theirs).max() < 2.5


@pytest.mark.parametrize("look", looks.LOOKS)
@pytest.mark.parametrize("kind", SAMPLINGS)
def test_a_look_changes_its_units_and_no_other(kind, look):
    jpeg, bare = taken(kind), read(kind)
    inside = box(bare)
    hidden = looks.hide(bare, inside, look, bytes(range(32)))
    assert blockcodec.same_outside(bare, hidden, inside)
    assert not blockcodec.same_outside(bare, hidden, np.zeros_like(inside))
    written = jpegmarkers.take_apart(coefficients.write(jpeg, hidden))
    again = coefficients.read(written)
    assert blockcodec.same_outside(again, hidden, np.zeros_like(inside))
    shown = decoded(written.with_applications(jpeg.colours())).reshape(75, 101, -1)
    plain = decoded(jpeg.with_applications(jpeg.colours())).reshape(75, 101, -1)
    assert (shown[24:48, 34:64] != plain[24:48, 34:64]).mean() > 0.9
    assert (shown[:12] == plain[:12]).all()


def test_noise_and_fill_do_not_depend_on_what_they_hide():
    bare = read()
    inside = box(bare)
    other = blockcodec.unpack(blockcodec.pack(bare, inside), bare, inside).with_planes(
        [np.where(plane > 3, 0, plane) for plane in bare.planes]
    )
    marks = list(coefficients.blocks_of(inside, bare.sampling, bare.planes))
    for look in looks.LOOKS:
        some, others = (looks.hide(one, inside, look, bytes(32)) for one in (bare, other))
        equal = [
            np.array_equal(a[m], b[m]) for a, b, m in zip(some.planes, others.planes, marks, strict=True)
        ]
        assert all(equal) is (look not in looks.TELLING)


@pytest.mark.parametrize("kind", SAMPLINGS)
def test_packed_blocks_come_back(kind):
    bare = read(kind)
    inside = box(bare)
    hidden = looks.hide(bare, inside, "noise", bytes(32))
    back = blockcodec.unpack(blockcodec.pack(bare, inside), hidden, inside)
    for plane, restored in zip(bare.planes, back.planes, strict=True):
        np.testing.assert_array_equal(plane, restored)


def test_packed_blocks_that_make_no_sense_are_refused():
    bare = read()
    inside = box(bare)
    data = blockcodec.pack(bare, inside)
    wider = inside.copy()
    wider[0] = True
    for broken, units in [(data[:-9], inside), (data + b"x", inside), (b"", inside), (data, wider)]:
        with pytest.raises(Damaged):
            blockcodec.unpack(broken, bare, units)


def test_units_travel_as_few_bytes():
    inside = np.zeros((188, 250), bool)
    inside[60:110, 90:140] = True
    data = blockcodec.pack_units(inside)
    assert data.size < 200
    np.testing.assert_array_equal(blockcodec.unpack_units(data, inside.shape), inside)
    for broken in (data[:-3], np.zeros(4, np.uint8), blockcodec.pack_units(inside[:100])):
        with pytest.raises(Damaged):
            blockcodec.unpack_units(broken, inside.shape)


def test_zigzag_is_the_standard_s():
    """T.81, figure 5, first and last rows."""
    order = np.empty(64, int)
    order[blockcodec.ZIGZAG] = np.arange(64)
    np.testing.assert_array_equal(order.reshape(8, 8)[0], [0, 1, 5, 6, 14, 15, 27, 28])
    np.testing.assert_array_equal(order.reshape(8, 8)[7], [35, 36, 48, 49, 57, 58, 62, 63])


def test_a_scan_that_does_not_decode_is_damaged():
    jpeg = taken()
    broken = jpegmarkers.Jpeg(jpeg.applications, jpeg.tables[1:], jpeg.scans, jpeg.frame)
    with pytest.raises(Damaged):
        coefficients.read(broken)
