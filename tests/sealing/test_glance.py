"""A first look: name and small picture from the header alone, and which headers it does not believe."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest

import jaxcrypt
from jaxcrypt.crypto import pngreader
from jaxcrypt.errors import ExitCode, Refusal
from jaxcrypt.pictures import thumbnails
from jaxcrypt.sealing import glance
from jaxcrypt.sealing.seal import Sealer
from tests.support import photo, psnr

VECTORS = Path(__file__).parents[1] / "crypto" / "vectors"


@pytest.fixture
def keys(key):
    return jaxcrypt.Keys(key_file=key)


@pytest.fixture
def sealed(tmp_path, keys):
    """Sealed pictures, made of one photo: with a thumbnail, without, and the same with only the pixels."""
    data = photo(tmp_path / "photo.jpg", (80, 60)).read_bytes()
    made = {}
    for name, how in {
        "small": {"thumbnail": True},
        "bare": {},
        "pixels": {"thumbnail": True, "pixels_only": True},
        "nothing": {"pixels_only": True},
    }.items():
        made[name] = tmp_path / f"{name}.png"
        made[name].write_bytes(jaxcrypt.seal(data, keys, name="photo.jpg", **how))
    return made


def test_what_a_header_tells(sealed, keys, tmp_path):
    seen = glance.glance(sealed["small"], keys)
    assert (seen.name, seen.folder, seen.shape) == ("photo.jpg", (), (60, 80, 3))
    assert seen.length == (tmp_path / "photo.jpg").stat().st_size
    assert seen.thumbnail.shape == (60, 80, 3)
    assert glance.glance(sealed["bare"], keys).thumbnail is None
    assert glance.glance(sealed["pixels"], keys).length == 0


def test_small_pictures_show_the_photo(sealed, keys, tmp_path):
    plain = thumbnails.of_file((tmp_path / "photo.jpg").read_bytes(), "photo.jpg")
    for name, least in (("small", 25), ("pixels", 25), ("bare", 99)):
        shown = glance.small_picture(glance.glance(sealed[name], keys), keys)
        assert np.array_equal(shown, plain) or psnr(shown, plain) > least
    assert glance.small_picture(glance.glance(sealed["nothing"], keys), keys) is None


def test_its_length_says_nothing(keys, tmp_path, rng):
    lengths = set()
    for pixels in (np.zeros((64, 64, 3), np.uint8), rng.integers(0, 256, (64, 64, 3), np.uint8)):
        sealer = Sealer(keys, thumbnail=True)
        data = photo(tmp_path / "a.png").read_bytes()
        small = thumbnails.encode(pixels)
        plain = sealer.read(data)
        assert len(plain.extras.thumbnail) == len(small)
        lengths.add(len(small))
    assert lengths == {thumbnails.BYTES}


def test_neither_pixels_nor_payload_are_read(sealed, keys):
    data = bytearray(sealed["small"].read_bytes())
    for kind in (b"IDAT", pngreader.PAYLOAD_CHUNK):
        data[data.index(kind) + 9] ^= 1
    sealed["small"].write_bytes(data)
    assert glance.glance(sealed["small"], keys).thumbnail is not None


def test_other_keys_and_altered_headers(sealed, keys):
    other = jaxcrypt.Keys(passphrase="another")
    with pytest.raises(Refusal) as caught:
        glance.glance(sealed["small"], other)
    assert caught.value.code == ExitCode.NO_KEY
    data = bytearray(sealed["small"].read_bytes())
    at = data.index(pngreader.HEADER_CHUNK)
    data[at + 1000] ^= 1
    sealed["small"].write_bytes(data)
    with pytest.raises(Refusal, match="checksum"):
        glance.glance(sealed["small"], keys)


@pytest.mark.parametrize("path", sorted(VECTORS.glob("*.png")), ids=lambda path: path.name)
def test_stepping_over_gives_the_header_that_reading_gives(path):
    data = path.read_bytes()
    assert pngreader.read_header_chunk(io.BytesIO(data)) == pngreader.read(data).header
    for cut in range(0, len(data), 7):
        with pytest.raises(Refusal):
            pngreader.read_header_chunk(io.BytesIO(data[:cut]))


def test_hostile_chunks():
    def chunk(kind, body=b"", length=None):
        crc = zlib.crc32(kind + body)
        return (
            struct.pack(">I", len(body) if length is None else length) + kind + body + struct.pack(">I", crc)
        )

    begin = pngreader.SIGNATURE + chunk(b"IHDR", bytes(13))
    for data, says in (
        (b"GIF89a", "not a PNG"),
        (begin + chunk(b"IEND"), "no jaxcrypt header"),
        (begin + chunk(b"jcHD", length=1 << 31), "too large"),
        (begin + chunk(b"jcHD", b"x")[:-1] + b"?", "checksum"),
        (begin + chunk(b"IDAT", length=(1 << 32) - 1), "truncated"),
    ):
        with pytest.raises(Refusal, match=says):
            pngreader.read_header_chunk(io.BytesIO(data))


def test_what_is_sealed_already(sealed, keys, tmp_path):
    data = (tmp_path / "photo.jpg").read_bytes()
    sealer = Sealer(keys)
    (made,) = sealer.seal([sealer.read(data, "photo.jpg", folder=("2024", "summer"))])
    with (tmp_path / "deep.png").open("wb") as file:
        made.write(file)
    known = glance.sealed_already([tmp_path / "deep.png", sealed["bare"], tmp_path / "photo.jpg"], keys)
    assert known == {("2024", "summer", "photo.jpg"): tmp_path / "deep.png", ("photo.jpg",): sealed["bare"]}
