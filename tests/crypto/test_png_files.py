"""PNG: what the writer writes every reader reads, and what other programs re-save still opens."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from jaxcrypt.crypto import pngpixels, pngreader, pngwriter
from jaxcrypt.errors import ExitCode, Refusal


def _png(pixels, header=b"head", payload=(b"one", b"two")):
    buffer = io.BytesIO()
    pngwriter.write(buffer, pixels, header, payload)
    return buffer.getvalue()


def _chunk(kind, data):
    buffer = io.BytesIO()
    pngwriter.write_chunk(buffer, kind, data)
    return buffer.getvalue()


def _pictures(rng):
    noise = rng.integers(0, 256, (37, 53, 4), np.uint8)
    ramp = np.add.outer(np.arange(300), 2 * np.arange(200)).astype(np.uint8)
    for channels in (1, 2, 3, 4):
        yield noise[..., :channels]
        yield np.stack([np.roll(ramp, k, 0) for k in range(channels)], axis=-1)
        yield np.zeros((5, 7, channels), np.uint8)
        yield noise[:1, :1, :channels]
        yield np.repeat(noise[..., :channels], 9, axis=1)


def test_pillow_reads_what_is_written(rng):
    for pixels in _pictures(rng):
        image = Image.open(io.BytesIO(_png(pixels)))
        image.load()
        assert np.array_equal(np.asarray(image).reshape(pixels.shape), pixels)


def test_reader_reads_what_is_written(rng):
    for pixels in _pictures(rng):
        container = pngreader.read(_png(pixels))
        assert container.shape == pixels.shape
        assert container.header == b"head"
        assert [bytes(piece) for piece in container.payload] == [b"one", b"two"]
        assert np.array_equal(container.decode(), pixels)


def test_noise_is_stored_and_photos_are_deflated(rng):
    noise = rng.integers(0, 256, (100, 100, 3), np.uint8)
    assert len(noise.tobytes()) < len(_png(noise)) < 1.01 * len(noise.tobytes()) + 200
    smooth = np.add.outer(np.arange(300), np.arange(300)).astype(np.uint8)[..., None]
    assert len(_png(smooth)) < 0.1 * smooth.size


def test_large_pictures_are_streamed(rng):
    pixels = rng.integers(0, 256, (1500, 1000, 3), np.uint8)
    container = pngreader.read(_png(pixels))
    assert len(container._idat) > 3
    assert max(map(len, container._idat)) < 3 << 20
    assert np.array_equal(container.decode(), pixels)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("options", [{}, {"optimize": True}, {"compress_level": 1}])
def test_lossless_resave_by_another_program(rng, channels, options):
    pixels = rng.integers(0, 256, (20, 30, channels), np.uint8)
    buffer = io.BytesIO()
    Image.open(io.BytesIO(_png(pixels))).save(buffer, "PNG", **options)
    assert np.array_equal(pngreader.read(buffer.getvalue()).decode(), pixels)


def test_palette_and_bilevel_resaves(rng):
    grey = np.repeat(rng.integers(0, 2, (9, 9, 1), np.uint8) * 255, 3, axis=2)
    for mode in ("1", "P", "L"):
        buffer = io.BytesIO()
        Image.fromarray(grey).convert(mode).save(buffer, "PNG")
        decoded = pngreader.read(buffer.getvalue()).decode()
        assert np.array_equal(pngpixels.with_channels(decoded, 3), grey)


def _by_hand(bits, colour, body, *more):
    head = struct.pack(">IIBBBBB", 4, 4, bits, colour, 0, 0, 0)
    chunks = [(b"IHDR", head), *more, (b"IDAT", zlib.compress(body)), (b"IEND", b"")]
    return pngwriter.SIGNATURE + b"".join(_chunk(kind, data) for kind, data in chunks)


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_resaves_as_fewer_bits_with_a_transparent_level(rng, bits):
    """What shrinks PNGs makes of grey and alpha, where every transparent pixel has one level."""
    levels = rng.integers(0, 1 << bits, (4, 4))
    levels[0] = [0, 1, 0, 1]
    rows = np.packbits(
        (levels[..., None] >> np.arange(bits - 1, -1, -1) & 1).astype(np.uint8).reshape(4, -1), axis=1
    )
    body = b"".join(b"\0" + row.tobytes() for row in rows)
    data = _by_hand(bits, 0, body, (b"tRNS", struct.pack(">H", 1)))
    grey = (levels * (255 // ((1 << bits) - 1))).astype(np.uint8)
    wanted = np.stack([grey, np.where(levels == 1, 0, 255).astype(np.uint8)], axis=-1)
    container = pngreader.read(data)
    assert np.array_equal(container.decode(), wanted)


def test_chunks_in_another_order_and_bytes_behind_the_end():
    early = _chunk(b"jcPL", b"one") + _chunk(b"jcHD", b"head")
    body = _ihdr() + early + _IDAT + _chunk(b"jcPL", b"two") + _END
    container = pngreader.read(pngwriter.SIGNATURE + body + b"appended")
    assert container.header == b"head"
    assert [bytes(piece) for piece in container.payload] == [b"one", b"two"]
    assert not container.decode().any()


def test_resaves_with_much_text_are_read(rng):
    pixels = np.cumsum(rng.integers(0, 3, (20, 30, 3)), axis=1).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    data = buffer.getvalue()
    text = _chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(1 << 21)))
    assert np.array_equal(pngreader.read(data[:33] + text + data[33:]).decode(), pixels)


def test_with_channels_loses_nothing(rng):
    colour = rng.integers(0, 256, (4, 4, 3), np.uint8)
    opaque = np.concatenate([colour, np.full((4, 4, 1), 255, np.uint8)], axis=2)
    assert np.array_equal(pngpixels.with_channels(opaque, 3), colour)
    assert np.array_equal(pngpixels.with_channels(colour, 4), opaque)
    grey = colour[..., :1]
    assert np.array_equal(pngpixels.with_channels(np.repeat(grey, 3, axis=2), 1), grey)
    assert np.array_equal(pngpixels.with_channels(grey, 2)[..., 1], np.full((4, 4), 255))
    assert pngpixels.with_channels(colour, 1) is None
    opaque[0, 0, 3] = 254
    assert pngpixels.with_channels(opaque, 3) is None


def _ihdr(width=4, height=4, depth=8, colour=2, interlace=0):
    return _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlace))


_IDAT = _chunk(b"IDAT", zlib.compress(bytes(4 * 13)))
_END = _chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("body", "code", "words"),
    [
        (_ihdr(depth=16) + _IDAT + _END, ExitCode.BAD_INPUT, "16 bits"),
        (_ihdr(20_000, 20_000) + _IDAT + _END, ExitCode.BAD_INPUT, "no size"),
        (_ihdr(0, 4) + _IDAT + _END, ExitCode.BAD_INPUT, "no size"),
        (_ihdr(colour=5) + _IDAT + _END, ExitCode.BAD_INPUT, "colour type"),
        (_ihdr() + _chunk(b"acTL", bytes(8)) + _IDAT + _END, ExitCode.BAD_INPUT, "animated"),
        (_IDAT + _END, ExitCode.BAD_INPUT, "picture header"),
        (b"", ExitCode.TAMPERED, "truncated"),
        (_ihdr() + _IDAT, ExitCode.TAMPERED, "truncated"),
        (_ihdr() + _END, ExitCode.TAMPERED, "no pixel data"),
        (_ihdr() + _chunk(b"ABCD", b"") + _IDAT + _END, ExitCode.TAMPERED, "critical"),
        (_ihdr() + _IDAT + _chunk(b"jcHD", b"1") * 2 + _END, ExitCode.TAMPERED, "two headers"),
        (_ihdr() + _IDAT[:-1] + b"\0" + _END, ExitCode.TAMPERED, "checksum"),
    ],
)
def test_refusals(body, code, words):
    with pytest.raises(Refusal, match=words) as caught:
        pngreader.read(pngwriter.SIGNATURE + body, "x.png")
    assert caught.value.code == code
    assert "x.png" in str(caught.value)


@pytest.mark.parametrize("data", [b"", b"\xff\xd8\xff\xe0 a jpeg", b"\x89PNG"])
def test_not_a_png(data):
    with pytest.raises(Refusal, match="not a sealed picture"):
        pngreader.read(data)


def test_missing_header_names_the_way_out():
    plain = pngwriter.SIGNATURE + _ihdr() + _IDAT + _END
    with pytest.raises(Refusal, match="--header FILE") as caught:
        pngreader.read(plain).need_header()
    assert caught.value.code == ExitCode.BAD_INPUT
    stripped = pngwriter.SIGNATURE + _ihdr() + _IDAT + _chunk(b"jcPL", b"x") + _END
    with pytest.raises(Refusal, match="--header FILE") as caught:
        pngreader.read(stripped).need_header()
    assert caught.value.code == ExitCode.TAMPERED


@pytest.mark.parametrize(
    "idat", [zlib.compress(bytes(51)), zlib.compress(bytes(5300)), zlib.compress(bytes(52))[:-4]]
)
def test_pixel_data_too_short_too_long_or_without_checksum(idat):
    data = pngwriter.SIGNATURE + _ihdr() + _chunk(b"IDAT", idat) + _END
    with pytest.raises(Refusal, match="pixel data") as caught:
        pngreader.read(data).decode()
    assert caught.value.code == ExitCode.TAMPERED


def test_deflate_bomb_is_cut_short():
    """Ten gigabytes of zeros in 10 MB of chunk: reading stops where the picture is full."""
    deflate = zlib.compressobj(9)
    block = deflate.compress(bytes(1 << 26)) + deflate.flush(zlib.Z_FULL_FLUSH)
    repeat = deflate.compress(bytes(1 << 26)) + deflate.flush(zlib.Z_FULL_FLUSH)
    data = pngwriter.SIGNATURE + _ihdr() + _chunk(b"IDAT", block + repeat * 150) + _END
    with pytest.raises(Refusal, match="pixel data"):
        pngreader.read(data).decode()


def test_lenient_reading_keeps_what_there_is(rng):
    pixels = rng.integers(0, 256, (400, 500, 3), np.uint8)
    whole = _png(pixels)
    cut = whole[: len(whole) // 2]
    container = pngreader.read(cut, lenient=True)
    decoded, missing = container.decode_damaged()
    rows = int((~missing).sum())
    assert container.damaged
    assert 150 < rows < 210
    assert np.array_equal(decoded[:rows], pixels[:rows])
    flipped = bytearray(whole)
    flipped[5000] ^= 1
    decoded, missing = pngreader.read(bytes(flipped), lenient=True).decode_damaged()
    assert not missing.any()
    assert (decoded != pixels).sum() == 1


def test_lenient_reading_finds_the_header_behind_damage(rng):
    whole = bytearray(_png(rng.integers(0, 256, (40, 50, 3), np.uint8), b"the header"))
    whole[33:37] = b"\xff\xff\xff\xff"  # the length of the first IDAT
    container = pngreader.read(bytes(whole), lenient=True)
    assert container.header == b"the header"
    assert [bytes(piece) for piece in container.payload] == [b"one", b"two"]


def test_damage_behind_the_pixels_leaves_them_whole(rng):
    """A filtered picture, which Pillow decodes, cut within what follows its pixel data."""
    pixels = np.cumsum(rng.integers(0, 3, (20, 30, 3)), axis=1).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    data = buffer.getvalue()
    end = data.index(b"IEND") - 4
    behind = io.BytesIO()
    pngwriter.write_chunk(behind, b"jcPL", bytes(500))
    cut = data[:end] + behind.getvalue()[:300]
    decoded, missing = pngreader.read(cut, lenient=True).decode_damaged()
    np.testing.assert_array_equal(decoded, pixels)
    assert not missing.any()
