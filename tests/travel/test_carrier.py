"""Carriers by themselves: digits, header and place after what messengers do."""

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from jaxcrypt.travel import beacon, carrier, digits, headline, received
from jaxcrypt.travel.carrier import Layout
from jaxcrypt.travel.lattice import WAYS, lattice

KEY = bytes(range(32))
HEADER = np.random.default_rng(5).bytes(230)


def _layout(way: int, rows: int = 16, columns: int = 20) -> Layout:
    length = digits.capacity(rows * columns, way, lattice(way)) - 7
    return Layout(rows * 16, columns * 16, (0, 0), way, length)


def _made(layout: Layout) -> tuple[np.ndarray, bytes]:
    data = np.random.default_rng(layout.way).bytes(layout.length)
    return carrier.make(layout, HEADER, data, KEY), data


def _sent(pixels: np.ndarray, kind: str = "JPEG", **how) -> received.Received:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind, **how)
    again = np.asarray(Image.open(io.BytesIO(file.getvalue())).convert("RGB"))
    return received.receive(file.getvalue(), again)


def _found(sent: received.Received, layout: Layout) -> tuple[bytes, received.Received]:
    header, place = carrier.find(sent)
    return header[: len(HEADER)], carrier.settled(sent, header, place, (layout.height, layout.width))


@pytest.mark.parametrize("way", WAYS)
def test_full_of_digits_through_the_very_jpeg_that_was_asked_for_and_better_ones(way):
    layout = _layout(way)
    pixels, data = _made(layout)
    for quality in (way, way + 3, 98):
        header, read = _found(_sent(pixels, quality=quality, subsampling=2), layout)
        assert header == HEADER
        assert carrier.read_digits(read, layout, KEY) == data


def test_full_of_digits_through_full_chroma_and_as_png():
    layout = _layout(75)
    pixels, data = _made(layout)
    for how in ({"quality": 75, "subsampling": 0}, {"kind": "PNG"}):
        _, read = _found(_sent(pixels, **how), layout)
        assert carrier.read_digits(read, layout, KEY) == data


def test_what_is_too_rough_or_under_another_key_decodes_to_nothing():
    layout = _layout(75)
    pixels, _ = _made(layout)
    header, rough = _found(_sent(pixels, quality=30, subsampling=2), layout)
    assert header == HEADER
    assert carrier.read_digits(rough, layout, KEY) is None
    assert carrier.read_digits(_found(_sent(pixels, "PNG"), layout)[1], layout, bytes(32)) is None


@pytest.mark.parametrize("cut", [(0, 0, 0, 0), (37, 51, 9, 5)])
@pytest.mark.parametrize("scale", [0.7, 1, 2])
def test_the_header_of_a_part_that_was_resized(cut, scale):
    layout = _layout(75, 24, 36)
    pixels, _ = _made(layout)
    top, left, bottom, right = cut
    part = Image.fromarray(pixels[top : layout.height - bottom, left : layout.width - right])
    size = round(part.width * scale), round(part.height * scale)
    part = part.resize(size, Image.Resampling.NEAREST if scale == 2 else Image.Resampling.LANCZOS)
    header, read = _found(_sent(np.asarray(part), quality=80), layout)
    assert header == HEADER
    assert not read.missing[top + 2 : -bottom - 2, left + 2 : -right - 2].any()
    assert read.missing[: max(top - 2, 0)].all()


@pytest.mark.parametrize("scale", [1, 0.7])
def test_the_header_is_read_although_the_beacon_is_a_pixel_off(scale, monkeypatch):
    layout = _layout(75, 24, 36)
    pixels, _ = _made(layout)
    part = Image.fromarray(pixels[37:-9, 51:-5])
    part = part.resize((round(part.width * scale), round(part.height * scale)), Image.Resampling.LANCZOS)
    sent = _sent(np.asarray(part), quality=80)
    true = beacon.find(sent.planes[..., 1:])
    for down, across in ((0, -1), (1, 0), (-1, 1)):
        off = replace(true, top=true.top + down / true.down, left=true.left + across / true.across)
        monkeypatch.setattr(beacon, "find", lambda chroma, off=off: off)
        header, _ = _found(sent, layout)
        assert header == HEADER


def test_a_plane_stays_as_it_was():
    plane = np.clip(np.random.default_rng(0).normal(128, 48, (264, 392)), 0, 255).astype(np.uint8)
    layout = Layout(264, 392, (264, 392))
    header, read = _found(_sent(carrier.make(layout, HEADER, plane=plane), "PNG"), layout)
    assert header == HEADER
    luma, missing = carrier.read_plane(read, layout)
    error = luma[..., 0].astype(float) - plane
    assert np.sqrt(np.mean(error**2)) < 1.5
    assert not missing.any()


def test_plane_and_digits_beside_each_other():
    plane = np.clip(np.random.default_rng(0).normal(128, 48, (120, 200)), 0, 255).astype(np.uint8)
    layout = Layout(256, 208, (120, 200), 75, 4000)
    data = np.random.default_rng(1).bytes(4000)
    _, read = _found(_sent(carrier.make(layout, HEADER, data, KEY, plane), quality=75), layout)
    assert carrier.read_digits(read, layout, KEY) == data
    luma, _ = carrier.read_plane(read, layout)
    assert luma.shape == (120, 200, 1)
    assert np.corrcoef(luma.reshape(-1), plane.reshape(-1))[0, 1] > 0.97


def test_an_ordinary_picture_carries_nothing():
    rng = np.random.default_rng(3)
    noise = rng.integers(0, 256, (200, 300, 3), dtype=np.uint8)
    smooth = np.add.outer(np.arange(200), np.arange(300))[..., None].repeat(3, 2) // 2 % 256
    assert carrier.find(_sent(noise // 2 + smooth.astype(np.uint8) // 2, quality=80)) is None


def test_layouts_that_no_writer_makes():
    assert _layout(75).possible()
    assert not Layout(256, 320, (0, 0), 75, 10**6).possible()
    assert not Layout(250, 320, (0, 0), 75, 100).possible()
    assert not Layout(256, 320, (300, 320), 75, 100).possible()
    assert not Layout(256, 320).possible()


def test_a_message_that_is_too_long_for_a_header():
    with pytest.raises(ValueError, match="too long"):
        headline.signs(bytes(headline.MOST), 64, 64)
