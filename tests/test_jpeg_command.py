"""encrypt -o x.jpg: a photo's JPEG with a region hidden, and the very file back; damage is told."""

import hashlib
import hmac
import io
import json
import struct

import numpy as np
import pytest
from PIL import Image, ImageOps

pytest.importorskip("jpeglib", reason="the extra jpeg reads and writes coefficients")

import jaxcrypt
from jaxcrypt import decrypt, encrypt, inspect, keygen, rekey, verify
from jaxcrypt.crypto import jpegfile, sealed, sources
from jaxcrypt.crypto.filekey import Keyring
from jaxcrypt.errors import ExitCode, Refusal
from jaxcrypt.pictures import coefficients, jpegmarkers
from tests.support import waves

BOX = "--roi", "20,12,24x20"


@pytest.fixture
def key(tmp_path):
    assert keygen.main(["--key", str(tmp_path / "key")]) == ExitCode.OK
    return ["--key-file", str(tmp_path / "key")]


def photo(tmp_path, name="photo.jpg", shape=(56, 88, 3), **how):
    path = tmp_path / name
    pixels = waves(shape)
    Image.fromarray(pixels[..., 0] if shape[2] == 1 else pixels).save(path, **{"quality": 90, **how})
    return path


def seal(path, key, *more, out="x.jpg"):
    target = path.with_name(out)
    assert encrypt.main([str(path), "-o", str(target), *key, "--force", *more]) == ExitCode.OK
    return target


@pytest.mark.parametrize("look", ["noise", "blur", "mosaic", "fill"])
def test_the_very_file_comes_back(tmp_path, key, look):
    path = photo(tmp_path)
    target = seal(path, key, *BOX, "--look", look)
    assert (
        decrypt.main([str(target), *key, "-o", str(tmp_path / "back.jpg"), "--check-pixels"]) == ExitCode.OK
    )
    assert (tmp_path / "back.jpg").read_bytes() == path.read_bytes()
    shown, plain = (np.asarray(Image.open(one)).astype(int) for one in (target, path))
    assert (shown[16:32, 32:40] != plain[16:32, 32:40]).any()
    outside = np.ones(plain.shape[:2], bool)
    outside[:33, 15:49] = False  # whole units of 16 × 16, and the neighbours that smooth chroma shows in
    np.testing.assert_array_equal(shown[outside], plain[outside])


@pytest.mark.parametrize("how", [{"progressive": True}, {"subsampling": "4:4:4"}, {"keep_rgb": True}])
def test_the_region_alone_comes_back_exactly(tmp_path, key, how, capsys):
    path = photo(tmp_path, **how)
    target = seal(path, key, *BOX, "--pixels-only")
    assert decrypt.main([str(target), *key, "-o", str(tmp_path / "back.jpg"), "--json"]) == ExitCode.OK
    assert json.loads(capsys.readouterr().out)["exact"]
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "back.jpg")), np.asarray(Image.open(path)))


def test_grey_and_whole_photos(tmp_path, key):
    path = photo(tmp_path, shape=(40, 56, 1))
    target = seal(path, key, "--pixels-only")
    shown, plain = np.asarray(Image.open(target)).astype(int), np.asarray(Image.open(path))
    assert np.abs(shown - plain).mean() > 20
    assert decrypt.main([str(target), *key, "-o", str(tmp_path / "back.jpg")]) == ExitCode.OK
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "back.jpg")), plain)


@pytest.mark.parametrize("turned", [2, 5, 6, 8])
def test_the_region_is_that_of_the_upright_photo(tmp_path, key, turned):
    exif = Image.Exif()
    exif[0x112] = turned
    path = photo(tmp_path, exif=exif)
    upright = ImageOps.exif_transpose(Image.open(path))
    target = seal(path, key, *BOX, "--look", "fill", "--pixels-only")
    shown = np.asarray(ImageOps.exif_transpose(Image.open(target))).astype(int)
    assert shown.shape == np.asarray(upright).shape
    assert np.ptp(shown[14:30, 24:40]) <= 2  # grey, where the box lies
    assert decrypt.main([str(target), *key, "-o", str(tmp_path / "back.jpg")]) == ExitCode.OK
    back = ImageOps.exif_transpose(Image.open(tmp_path / "back.jpg"))
    np.testing.assert_array_equal(np.asarray(back), np.asarray(upright))


def test_nothing_of_the_photo_travels_openly(tmp_path, key):
    exif = Image.Exif()
    exif[0x10F] = "camera with a thumbnail"
    path = photo(tmp_path, exif=exif, comment=b"who is on it")
    with open(path, "ab") as file:
        file.write(b"a preview after the end")
    data = seal(path, key, *BOX).read_bytes()
    for left_out in (b"camera with a thumbnail", b"who is on it", b"a preview after the end"):
        assert left_out not in data


def test_other_photos_are_encoded(tmp_path, key, capsys):
    path = tmp_path / "photo.png"
    Image.fromarray(waves((48, 64, 3))).save(path)
    target = seal(path, key, *BOX, "--quality", "80")
    assert "encoded as JPEG of quality 80" in capsys.readouterr().err
    assert decrypt.main([str(target), *key, "-o", str(tmp_path / "b.png"), "--check-pixels"]) == ExitCode.OK
    assert (tmp_path / "b.png").read_bytes() == path.read_bytes()
    target = seal(path, key, *BOX, "--pixels-only")
    assert decrypt.main([str(target), *key, "-o", str(tmp_path / "b.jpg"), "--json"]) == ExitCode.OK
    assert not json.loads(capsys.readouterr().out)["exact"]


def test_damage_anywhere_is_refused(tmp_path, key):
    for more in ((), ("--pixels-only",)):
        target = seal(photo(tmp_path), key, *BOX, *more)
        whole = target.read_bytes()
        header = whole.index(b"jaxcrypt\0H") + 10
        places = [header + 2, header + 60, header + 700, len(whole) - 120, len(whole) - 40]
        places += [] if more else [whole.index(b"jaxcrypt\0P") + 20]
        places += [whole.index(b"\xff\xdb", header) + 20]  # a quantisation step
        for place in places:
            changed = bytearray(whole)
            changed[place] ^= 4
            with pytest.raises(Refusal) as refusal:
                jaxcrypt.unseal(bytes(changed), jaxcrypt.Keys(key_file=key[1]))
            assert refusal.value.code in (ExitCode.TAMPERED, ExitCode.NO_KEY), place


def test_what_stands_between_the_scans_and_around_does_not_matter(tmp_path, key):
    path = photo(tmp_path)
    data = seal(path, key, *BOX).read_bytes()
    longer = data[:2] + b"\xff\xfe\x00\x09comment" + data[2:] + b"behind the end"
    opened = jaxcrypt.unseal(longer, jaxcrypt.Keys(key_file=key[1]))
    assert opened.files[0][1] == path.read_bytes()


def test_a_lossless_copy_still_verifies(tmp_path, key):
    """Other Huffman tables, the same coefficients: as jpegtran makes."""
    target = seal(photo(tmp_path), key, *BOX)
    container = jpegfile.read(target.read_bytes())
    assert container.header is not None
    again = jpegmarkers.take_apart(coefficients.write(container.jpeg, container.read_coefficients()))
    made = io.BytesIO()
    copy = jpegmarkers.Jpeg(container.jpeg.applications, again.tables, again.scans, again.frame)
    jpegfile.write(made, copy, container.header, container.payload)
    target.write_bytes(made.getvalue())
    assert verify.main([str(target), *key, "--check-pixels"]) == ExitCode.OK


def test_a_copy_that_was_encoded_anew_is_refused_by_name(tmp_path, key, capsys):
    target = seal(photo(tmp_path), key, *BOX)
    Image.open(target).save(tmp_path / "chat.jpg", quality=80)
    assert decrypt.main([str(tmp_path / "chat.jpg"), *key]) == ExitCode.BAD_INPUT
    assert "encoded it anew dropped them" in capsys.readouterr().err


def test_the_file_is_known_by_its_content(tmp_path, key, capsys):
    path = photo(tmp_path)
    (tmp_path / "in").mkdir()
    target = seal(path, key, *BOX).rename(tmp_path / "in" / "some.jpeg")
    photo(tmp_path / "in", "plain.jpg")  # no sealed picture: passed over in a folder
    assert inspect.main([str(target), "--json"]) == ExitCode.OK
    facts = json.loads(capsys.readouterr().out)
    assert (facts["system"], facts["options"], facts["payload"]) == ("jpeg", {"look": "noise"}, True)
    assert decrypt.main([str(tmp_path / "in"), "-o", str(tmp_path / "out"), *key]) == ExitCode.OK
    assert (tmp_path / "out" / "photo.jpg").read_bytes() == path.read_bytes()


def test_other_keys_for_it(tmp_path, key):
    path, other = photo(tmp_path), str(tmp_path / "other")
    assert keygen.main(["--key", other]) == ExitCode.OK
    target, moved = seal(path, key, *BOX), str(tmp_path / "moved.jpg")
    given = [str(target), *key, "--new-key-file", other]
    assert rekey.main([*given, "-o", str(tmp_path / "moved.png")]) == ExitCode.USAGE
    assert rekey.main([*given, "-o", moved]) == ExitCode.OK
    assert decrypt.main([moved, *key]) == ExitCode.NO_KEY
    assert decrypt.main([moved, "--key-file", other, "-o", str(tmp_path / "back.jpg")]) == ExitCode.OK
    assert (tmp_path / "back.jpg").read_bytes() == path.read_bytes()


def test_a_signer_cannot_show_one_picture_and_send_another(tmp_path, key):
    signer = str(tmp_path / "me")
    assert keygen.main(["--signing", signer]) == ExitCode.OK
    target = seal(photo(tmp_path), key, *BOX, "--sign", signer)
    given = [str(target), *key, "--signed-by", f"{signer}.pub", "-o", str(tmp_path / "back.jpg")]
    assert decrypt.main(given) == ExitCode.OK
    keys = jaxcrypt.Keys(key_file=key[1])
    opened = jaxcrypt.unseal(target.read_bytes(), keys, signed_by=f"{signer}.pub")
    assert opened.signed


def test_recovered_parts(tmp_path, key, capsys):
    path = photo(tmp_path)
    for more, code in (((), ExitCode.OK), (("--pixels-only",), ExitCode.RECOVERED)):
        data = bytearray(seal(path, key, *BOX, *more).read_bytes())
        inside = (at for at in range(len(data) - 60, 0, -1) if 0xFF not in data[at - 1 : at + 2])
        data[next(at for at in inside if data[at] != 0xFE)] ^= 1  # no marker comes or goes
        (tmp_path / "damaged.jpg").write_bytes(data)
        given = [str(tmp_path / "damaged.jpg"), *key, "-o", str(tmp_path / f"back{len(more)}.jpg")]
        assert decrypt.main(given) == ExitCode.TAMPERED
        assert decrypt.main([*given, "--recover"]) == code
    assert (tmp_path / "back0.jpg").read_bytes() == path.read_bytes()
    assert (tmp_path / "back1.unauthenticated.jpg").exists()


@pytest.mark.parametrize(
    ("out", "more", "says"),
    [
        ("x.jpg", ("--system", "mixing"), "no System makes the pixels"),
        ("x.png", ("--look", "blur"), "ends in .jpg"),
        ("x.png", ("--quality", "80"), "is for JPEGs"),
        ("x.jpg", ("--look", "smear"), "choose one of noise"),
        ("x.jpg", ("--quality", "0"), "must be 1 to 100"),
    ],
)
def test_what_does_not_go_together_is_refused(tmp_path, key, capsys, out, more, says):
    path = photo(tmp_path)
    assert encrypt.main([str(path), "-o", str(tmp_path / out), *key, *more]) == ExitCode.USAGE
    assert says in capsys.readouterr().err
    assert not (tmp_path / out).exists()


@pytest.mark.parametrize(("mode", "name"), [("CMYK", "photo.jpg"), ("RGBA", "photo.png")])
def test_what_a_jpeg_cannot_be_made_of_is_refused_by_name(tmp_path, key, capsys, mode, name):
    path = tmp_path / name
    Image.fromarray(waves((32, 32, 3))).convert(mode).save(path)
    assert encrypt.main([str(path), "-o", str(tmp_path / "x.jpg"), *key]) == ExitCode.BAD_INPUT
    assert mode in capsys.readouterr().err


def test_sizes_are_told_before(tmp_path, key, capsys):
    path = photo(tmp_path)
    size = seal(path, key, *BOX).stat().st_size
    capsys.readouterr()
    target = str(tmp_path / "never.jpg")
    assert encrypt.main([str(path), "-o", target, *key, *BOX, "--dry-run", "--json"]) == ExitCode.OK
    facts = json.loads(capsys.readouterr().out)
    assert abs(facts["bytes"] - size) < 100  # noise differs from run to run


def test_the_mac_is_what_the_format_says(tmp_path, key):
    """Written from docs/FORMAT.md, on coefficients that jpeglib reads by itself."""
    import jpeglib

    target = seal(photo(tmp_path, subsampling="4:2:0"), key, *BOX)
    opened = sealed.open_header(
        jpegfile.read(target.read_bytes()).need_header(), Keyring([sources.key_file(key[1])])
    )
    taken = jpegmarkers.take_apart(target.read_bytes())
    bare = tmp_path / "bare.jpg"  # jpeglib takes few segments
    bare.write_bytes(taken.with_applications(taken.colours()))
    picture = jpeglib.read_dct(str(bare))
    said = struct.pack(">IIBB", 88, 56, 3, 3)
    for index, plane in enumerate((picture.Y, picture.Cb, picture.Cr)):
        factors = (2, 2) if index == 0 else (1, 1)
        said += struct.pack(">BBII", *factors, plane.shape[1], plane.shape[0])
        said += picture.get_component_qt(index).astype(">u2").tobytes() + plane.astype("<i2").tobytes()
    subkey = opened.key.subkey("coefficient mac")
    assert opened.header.pixel_mac == hmac.digest(subkey, said, hashlib.sha256)


def test_from_python(tmp_path, key):
    path, keys = photo(tmp_path), jaxcrypt.Keys(key_file=key[1])
    mask = np.zeros((56, 88), bool)
    mask[10:30, 20:40] = True
    data = jaxcrypt.seal(path.read_bytes(), keys, name="photo.jpg", region=mask, look="mosaic")
    assert data.startswith(b"\xff\xd8\xff")
    opened = jaxcrypt.unseal(data, keys)
    assert opened.exact
    assert opened.files == [("photo.jpg", path.read_bytes())]
    np.testing.assert_array_equal(opened.pictures[0], np.asarray(Image.open(path)))
