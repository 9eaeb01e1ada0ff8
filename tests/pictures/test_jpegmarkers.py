"""JPEG files by their segments: what is kept, what is left out, and that hostile bytes end in one error."""

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from jaxcrypt.pictures import jpegmarkers
from jaxcrypt.pictures.jpegmarkers import Damaged
from tests.support import waves


def jpeg(**how) -> bytes:
    file = io.BytesIO()
    Image.fromarray(waves((48, 72, 3))).save(file, "JPEG", **how)
    return file.getvalue()


def test_what_pillow_wrote_is_told_apart():
    taken = jpegmarkers.take_apart(jpeg(subsampling="4:2:2", progressive=True))
    assert taken.frame.size == (48, 72)
    assert taken.frame.progressive
    assert taken.frame.sampling == ((1, 2), (1, 1), (1, 1))
    assert taken.space == jpegmarkers.YCBCR
    assert taken.scans.startswith(b"\xff\xda")
    assert taken.scans.endswith(b"\xff\xd9")


def test_colours_are_known_by_their_segments():
    assert jpegmarkers.take_apart(jpeg(keep_rgb=True)).space == jpegmarkers.RGB
    file = io.BytesIO()
    Image.fromarray(waves((16, 16, 1))[..., 0]).save(file, "JPEG")
    assert jpegmarkers.take_apart(file.getvalue()).space == jpegmarkers.GREY
    file = io.BytesIO()
    Image.new("CMYK", (16, 16)).save(file, "JPEG")
    assert jpegmarkers.take_apart(file.getvalue()).space == 0


def test_only_what_decides_colours_is_kept():
    exif = Image.Exif()
    exif[0x10F] = "a camera"
    data = jpeg(exif=exif, icc_profile=b"profile" * 20000, comment=b"a secret") + b"a preview"
    taken = jpegmarkers.take_apart(data)
    kept = taken.with_applications(taken.colours())
    for left_out in (b"a camera", b"a secret", b"a preview"):
        assert left_out in data
        assert left_out not in kept
    with Image.open(io.BytesIO(kept)) as image:
        assert image.info["icc_profile"] == b"profile" * 20000
        image.load()


def test_written_segments_are_what_pillow_reads():
    profile = bytes(range(256)) * 600
    for turned in (1, 6):
        taken = jpegmarkers.take_apart(jpeg(keep_rgb=True))
        own = (
            jpegmarkers.colour_segment(taken.space),
            *jpegmarkers.orientation_segment(turned),
            *jpegmarkers.profile_segments(profile),
        )
        with Image.open(io.BytesIO(taken.with_applications(own))) as image:
            assert image.info["icc_profile"] == profile
            assert image.getexif().get(0x112, 1) == turned
            assert image.info["adobe_transform"] == 0


@pytest.mark.parametrize("cut", [0, 1, 2, 3, 19, 21, 200, 640, -2, -1])
def test_cut_files_are_damaged(cut):
    with pytest.raises(Damaged):
        jpegmarkers.take_apart(jpeg()[:cut])


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_hostile_bytes_end_in_one_error(data):
    changed = bytearray(jpeg(progressive=data.draw(st.booleans())))
    for _ in range(data.draw(st.integers(1, 4))):
        changed[data.draw(st.integers(2, len(changed) - 1))] = data.draw(st.integers(0, 255))
    try:
        taken = jpegmarkers.take_apart(bytes(changed))
    except Damaged:
        return
    assert 1 <= len(taken.frame.ids) <= 4
