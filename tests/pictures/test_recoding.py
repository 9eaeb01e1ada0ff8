"""JPEG files recoded by Lepton: the same bytes again, or not at all."""

import io
import struct

import numpy as np
import pytest
from PIL import Image

from jaxcrypt.pictures import recoding

pytest.importorskip("lepton_jpeg_python", reason="the extra jpeg")


def _jpeg(**how) -> bytes:
    small = np.random.default_rng(0).integers(0, 256, (12, 16, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(small).resize((160, 120), Image.Resampling.BICUBIC).save(file, "JPEG", **how)
    return file.getvalue()


@pytest.mark.parametrize(
    "how", [{"quality": 90}, {"quality": 75, "progressive": True}, {"quality": 95, "subsampling": 0}]
)
def test_byte_for_byte_and_smaller(how):
    file = _jpeg(**how)
    packed = recoding.pack(file)
    assert len(packed) < 0.95 * len(file)
    assert recoding.unpack(packed) == recoding.unpack(packed + bytes(100)) == file


def test_with_what_follows_the_picture():
    file = _jpeg(quality=90) + b"a motion photo's film"
    packed = recoding.pack(file)
    assert packed is None or recoding.unpack(packed) == file


@pytest.mark.parametrize("file", [b"", b"\x89PNG", b"\xff\xd8\xff", _jpeg(quality=90)[:300]])
def test_what_is_no_whole_jpeg_is_left(file):
    packed = recoding.pack(file)
    assert packed is None or recoding.unpack(packed) == file


def test_what_nothing_made():
    packed = recoding.pack(_jpeg(quality=90))
    for other in (b"", packed[:-1], packed + b"\1", struct.pack(">I", 40) + bytes(40)):
        with pytest.raises(recoding.Lost):
            recoding.unpack(other)


def test_without_lepton(monkeypatch):
    packed = recoding.pack(_jpeg(quality=90))
    monkeypatch.setattr(recoding, "installed", lambda: False)
    assert recoding.pack(_jpeg(quality=90)) is None
    with pytest.raises(recoding.Missing, match="pip install"):
        recoding.unpack(packed)
