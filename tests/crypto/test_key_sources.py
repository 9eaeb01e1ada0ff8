"""Passphrases, key images, key files, and what they amount to together."""

import hashlib
import io
import os
import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest
from PIL import Image

from jaxcrypt.crypto import kdf, keyimage, passphrases, sources
from jaxcrypt.crypto.filekey import Keyring
from jaxcrypt.errors import ExitCode, Refusal


def test_secrets_do_not_show():
    source = sources.passphrase("correct horse")
    assert "horse" not in repr(source)
    assert "horse" not in f"{source}"


def test_passphrase_from_file_variable_and_descriptor_are_the_same(tmp_path, monkeypatch):
    wanted = sources.passphrase("päss\n")
    (tmp_path / "p").write_bytes("päss\n\n".encode())
    monkeypatch.setenv("PASS_FOR_TEST", "päss\n\n")
    descriptor = os.open(tmp_path / "p", os.O_RDONLY)
    try:
        assert sources.read_passphrase(fd=descriptor) == wanted
    finally:
        os.close(descriptor)
    assert sources.read_passphrase(file=tmp_path / "p") == wanted
    assert sources.read_passphrase(variable="PASS_FOR_TEST") == wanted


def test_passphrase_is_normalised():
    assert sources.passphrase("a\u0308") == sources.passphrase("ä")
    assert sources.passphrase(b"\xff\xfe").secret == b"\xff\xfe"


def test_a_byte_order_mark_is_no_part_of_a_secret(tmp_path):
    """Editors on Windows put one before a text; whoever types the passphrase cannot."""
    (tmp_path / "p").write_bytes(b"\xef\xbb\xbfcorrect horse\r\n")
    assert sources.read_passphrase(file=tmp_path / "p") == sources.passphrase("correct horse")
    (tmp_path / "p").write_bytes(b"\xef\xbb\xbf\n")
    with pytest.raises(Refusal, match="is empty"):
        sources.read_passphrase(file=tmp_path / "p")
    key = sources.Source(sources.Kind.KEY_FILE, bytes(range(32)))
    (tmp_path / "k").write_bytes(
        b"\xef\xbb\xbf" + sources.encode_key_file(key).replace("\n", "\r\n").encode()
    )
    assert sources.key_file(tmp_path / "k") == key


def test_made_passphrases_hold_eighty_bits():
    made = passphrases.make(lambda count: bytes(range(count)))
    assert len(made) == 29
    assert (
        passphrases.make(lambda count: b"\x7f\x00\x00\x01" * 2 + b"\x3f\x54")
        == "lusab-babad-lusab-babad-gutih"
    )
    assert len({passphrases.make() for _ in range(100)}) == 100
    assert not any(passphrases.weakness(passphrases.make().encode()) for _ in range(200))


@pytest.mark.parametrize(
    ("text", "weak"),
    [
        ("hunter2", True),
        ("Password123!", True),
        ("correct horse", True),
        ("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", True),
        ("abcdefghijklmnopqrstuvwxyz0123456789", True),
        ("passwordpasswordpassword", True),
        ("20240229", True),
        ("", True),
        ("correct horse battery staple", False),
        ("xK9#mQ2$vL!p", False),
        ("lusab-babad-gutih-tugad-mofip", False),
        ("sieben Zwerge backen montags Kuchen", False),
    ],
)
def test_weak_passphrases_are_told(text, weak):
    assert bool(passphrases.weakness(text.encode())) == weak
    if text:
        advice = Keyring([sources.passphrase(text)]).advice()
        assert [text not in line for line in advice] == [True] * weak
        strong = sources.Source(sources.Kind.KEY_FILE, bytes(32))
        assert not Keyring([sources.passphrase(text), strong]).advice()


def test_prompt(monkeypatch):
    answers = iter(["one", "one", "one", "two"])
    monkeypatch.setattr("getpass.getpass", lambda prompt: next(answers))
    assert sources.read_passphrase(prompt=True, confirm=True) == sources.passphrase("one")
    with pytest.raises(Refusal, match="do not agree"):
        sources.read_passphrase(prompt=True, confirm=True)


def test_prompt_without_a_terminal_reads_nothing():
    """Not even stdin, where a picture may be waiting."""
    code = (
        "from jaxcrypt.crypto import sources\nfrom jaxcrypt.errors import Refusal\n"
        "try: sources.read_passphrase(prompt=True)\nexcept Refusal as refusal: print(refusal)"
    )
    run = [sys.executable, "-c", code]
    done = subprocess.run(run, input=b"word\n", capture_output=True, start_new_session=True, check=True)
    assert b"no terminal" in done.stdout


@pytest.mark.parametrize("content", [b"", b"\n", b"\r\n", b"x" * 5000])
def test_passphrase_files_refused(tmp_path, content):
    path = tmp_path / "pass"
    path.write_bytes(content)
    with pytest.raises(Refusal, match="pass"):
        sources.read_passphrase(file=path)


def test_missing_places_are_refused(tmp_path, monkeypatch):
    monkeypatch.delenv("NOT_SET_HERE", raising=False)
    for where in ({"file": tmp_path / "none"}, {"variable": "NOT_SET_HERE"}, {"fd": 987}):
        with pytest.raises(Refusal):
            sources.read_passphrase(**where)


def test_key_file_round_trip(tmp_path):
    for kind in (sources.Kind.KEY_FILE, sources.Kind.IMAGE):
        source = sources.Source(kind, bytes(range(32)))
        path = tmp_path / "key"
        path.write_text(sources.encode_key_file(source))
        assert sources.key_file(path) == source


def test_damaged_and_foreign_key_files(tmp_path):
    text = sources.encode_key_file(sources.Source(sources.Kind.KEY_FILE, bytes(32)))
    path = tmp_path / "key"
    for bad in (
        "",
        "hello",
        text.replace("AAAA", "AAAB", 1),
        text.replace("jaxcrypt-key-1", "jaxcrypt-key-2"),
        text.replace("jaxcrypt-key-1", "jaxcrypt-identity-1"),
        text[:-9],
        text + "x" * 100_000,
        text + "!",
    ):
        path.write_text(bad)
        with pytest.raises(Refusal) as caught:
            sources.key_file(path)
        assert str(path) in str(caught.value)
        assert "AAAA" not in str(caught.value)
    path.write_bytes(b"\x89PNG\r\n\xff")
    with pytest.raises(Refusal):
        sources.key_file(path)


def test_sources_combine_in_any_order_and_without_collisions():
    one, two = sources.passphrase("a"), sources.Source(sources.Kind.IMAGE, bytes(32))
    assert sources.combine([one, two]) == sources.combine([two, one])
    assert sources.combine([one]) != sources.combine([one, two])
    glued = sources.passphrase(b"a" + struct.pack(">BI", 1, 1) + b"b")
    assert sources.combine([glued]) != sources.combine([one, sources.passphrase("b")])
    with pytest.raises(Refusal, match="twice"):
        sources.combine([one, sources.passphrase("a")])


def _encode(image, format, **options):
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


@pytest.fixture
def photo(rng):
    return Image.fromarray(rng.integers(0, 256, (48, 40, 3), np.uint8))


def test_key_image_digest_is_the_documented_one(photo):
    rgba = np.asarray(photo.convert("RGBA"))
    wanted = hashlib.sha256(b"jaxcrypt/1 key image" + struct.pack(">II", 40, 48) + rgba.tobytes()).digest()
    assert keyimage.from_bytes(_encode(photo, "PNG")).secret == wanted


def test_lossless_files_of_the_same_pixels_are_the_same_key(photo):
    exif = Image.Exif()
    exif[274] = 6
    files = [
        _encode(photo, "PNG"),
        _encode(photo, "PNG", compress_level=0),
        _encode(photo.convert("RGBA"), "PNG"),
        _encode(photo, "PNG", exif=exif),  # orientation is not applied
        _encode(photo, "PNG", icc_profile=b"not a profile"),
        _encode(photo, "BMP"),
        _encode(photo, "TIFF"),
        _encode(photo, "TIFF", compression="tiff_lzw"),
        _encode(photo, "WEBP", lossless=True),
        _encode(photo, "WEBP", lossless=True, exif=exif),
    ]
    assert len({keyimage.from_bytes(data).secret for data in files}) == 1


def test_lossy_and_undeterminable_files_are_keys_as_files(photo):
    exif = Image.Exif()
    exif[274] = 6
    wide = Image.fromarray(np.asarray(photo)[..., 0].astype(np.uint16) * 257)
    files = [
        _encode(photo, "JPEG"),
        _encode(photo, "WEBP", quality=80),
        _encode(photo, "WEBP", quality=80, exif=exif),
        _encode(photo, "AVIF"),
        _encode(photo, "JPEG2000"),
        _encode(photo, "TIFF", exif=exif),  # Pillow would turn it, others would not
        _encode(photo, "TIFF", compression="jpeg"),
        _encode(photo.convert("CMYK"), "TIFF"),
        _encode(photo, "GIF"),
        _encode(wide, "PNG"),
        _encode(photo, "PNG", save_all=True, append_images=[photo.rotate(180)]),
        _encode(photo, "TIFF", save_all=True, append_images=[photo.rotate(180)]),
    ]
    for data in files:
        assert keyimage.from_bytes(data).secret == hashlib.sha256(data).digest()


def test_one_pixel_and_the_shape_matter(photo):
    data = np.asarray(photo).copy()
    first = keyimage.from_bytes(_encode(photo, "PNG")).secret
    turned = Image.fromarray(data.reshape(40, 48, 3))
    data[3, 3, 0] ^= 1
    other = Image.fromarray(data)
    digests = {first, *(keyimage.from_bytes(_encode(image, "PNG")).secret for image in (turned, other))}
    assert len(digests) == 3


def test_flat_tiny_and_broken_pictures_are_no_keys(rng, photo):
    flat = np.full((600, 800, 3), 77, np.uint8)
    dot = flat.copy()
    dot[300, 400] = 5
    ramp = np.repeat((np.arange(800) % 256).astype(np.uint8)[None, :, None], 600, 0).repeat(3, 2)
    for pixels in (flat, dot, ramp):
        for format in ("PNG", "JPEG"):
            with pytest.raises(Refusal, match="too flat"):
                keyimage.from_bytes(_encode(Image.fromarray(pixels), format))
    with pytest.raises(Refusal, match="too small"):
        keyimage.from_bytes(_encode(photo.crop((0, 0, 31, 31)), "PNG"))
    whole = _encode(photo, "PNG")
    for bad in (b"", b"hello", whole[:50], whole[: len(whole) // 2]):
        with pytest.raises(Refusal) as caught:
            keyimage.from_bytes(bad, "k.png")
        assert "k.png" in str(caught.value)


def _textures():
    y, x = np.mgrid[:256, :256]
    return {"xor": x ^ y, "and": x & y, "or": x | y, "circles": (x * x + y * y) // 64, "times": x * y // 13}


@pytest.mark.parametrize("texture", _textures())
def test_textures_that_a_formula_gives_are_no_keys(texture):
    pixels = _textures()[texture].astype(np.uint8)
    seals_nothing_but_opens(keyimage.from_bytes(_encode(Image.fromarray(pixels), "PNG"), "k.png"))


def seals_nothing_but_opens(source):
    """Pictures that were sealed before the program knew better are not lost."""
    quick = kdf.Argon(memory_kib=64, iterations=1, lanes=1)
    with pytest.raises(Refusal, match=r"k.png: is .*can be guessed.*keygen --image"):
        Keyring([source], argon=quick).check_sealing()
    sealed_once = Keyring([sources.Source(source.kind, source.secret)], argon=quick)
    key = sealed_once.new_file_key(b"file", "logistic", ())
    assert Keyring([source]).open(key.stanzas) == key.secret


@pytest.mark.parametrize(
    "noise",
    [
        lambda shape: np.random.default_rng(0).integers(0, 256, shape, np.uint8),
        lambda shape: np.random.default_rng(42).integers(0, 256, shape).astype(np.uint8),
        lambda shape: np.random.RandomState(1).randint(0, 256, shape).astype(np.uint8),
        lambda shape: (np.random.default_rng(7).random(shape) * 255).astype(np.uint8),
    ],
)
@pytest.mark.parametrize("shape", [(64, 48), (64, 64, 3), (64, 64, 4)])
def test_noise_of_a_small_seed_is_no_key(noise, shape):
    seals_nothing_but_opens(keyimage.from_bytes(_encode(Image.fromarray(noise(shape)), "PNG"), "k.png"))


def test_random_and_real_pictures_are_keys(real_data):
    noise = np.frombuffer(os.urandom(64 * 64 * 3), np.uint8).reshape(64, 64, 3)
    assert not keyimage.from_bytes(_encode(Image.fromarray(noise), "PNG")).weak
    for name in sorted((real_data / "bsds200").iterdir())[:5]:
        assert not keyimage.key_image(name).weak
        small = Image.open(name).convert("RGB").crop((0, 0, 64, 64))
        assert not keyimage.from_bytes(_encode(small, "PNG")).weak


def _packed_png(levels, bits, colour, *more):
    """A PNG of one band by hand: levels ``[H, W]`` of ``bits`` each."""
    spread = (levels[..., None] >> np.arange(bits - 1, -1, -1) & 1).astype(np.uint8)
    rows = np.packbits(spread.reshape(len(levels), -1), axis=1)
    head = struct.pack(">IIBBBBB", levels.shape[1], len(levels), bits, colour, 0, 0, 0)
    body = b"".join(b"\0" + row.tobytes() for row in rows)
    chunks = [(b"IHDR", head), *more, (b"IDAT", zlib.compress(body)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_transparent_levels_of_grey_key_images_are_the_documented_ones(rng, bits):
    levels = rng.integers(0, 1 << bits, (96, 96))
    mark = int(levels[0, 0])
    data = _packed_png(levels, bits, 0, (b"tRNS", struct.pack(">H", mark)))
    grey = (levels * (255 // ((1 << bits) - 1)))[..., None].repeat(3, axis=2)
    rgba = np.concatenate([grey, np.where(levels == mark, 0, 255)[..., None]], axis=2).astype(np.uint8)
    wanted = hashlib.sha256(b"jaxcrypt/1 key image" + struct.pack(">II", 96, 96) + rgba.tobytes()).digest()
    assert keyimage.from_bytes(data).secret == wanted


def test_chunks_that_concern_no_pixel_change_no_key(photo):
    plain = _encode(photo, "PNG")
    text = b"Comment\0\0" + zlib.compress(bytes(1 << 21))
    for body, crc in ((text, 0), (b"Comment\0\0", 1)):
        whole = struct.pack(">I", len(body)) + b"zTXt" + body
        whole += struct.pack(">I", zlib.crc32(b"zTXt" + body) ^ crc)
        for at in (33, len(plain) - 12):
            assert keyimage.from_bytes(plain[:at] + whole + plain[at:]) == keyimage.from_bytes(plain)


def test_large_key_images_are_refused_before_decoding(tmp_path):
    path = tmp_path / "huge.png"
    Image.new("1", (20_000, 6_000)).save(path)
    with pytest.raises(Refusal, match="100 megapixels") as caught:
        keyimage.key_image(path)
    assert caught.value.code == ExitCode.BAD_INPUT


def test_bytes_inside_a_webp_chunk_are_no_chunk(photo):
    exif = Image.Exif()
    exif[0x010E] = "VP8 is a name that a description may hold"
    marked = _encode(photo, "WEBP", lossless=True, exif=exif)
    assert b"VP8 " in marked
    assert keyimage.from_bytes(marked) == keyimage.from_bytes(_encode(photo, "PNG"))


def test_a_damaged_list_of_pages_is_a_refusal(photo):
    """Pillow's TypeError while it counts the pages of a TIFF without a width in its second directory."""
    data = bytearray(_encode(photo, "TIFF", save_all=True, append_images=[Image.new("RGB", (40, 40))]))
    (first,) = struct.unpack_from("<I", data, 4)
    (entries,) = struct.unpack_from("<H", data, first)
    (second,) = struct.unpack_from("<I", data, first + 2 + 12 * entries)
    struct.pack_into("<H", data, second + 2, 0xFFF0)  # ImageWidth becomes a tag that nobody knows
    with pytest.raises(Refusal, match="damaged"):
        keyimage.from_bytes(bytes(data))
