"""Several files in one payload: each comes back as it was, and what no writer makes is refused."""

import io
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxcrypt.crypto import bundle, header, pngreader, sealed
from jaxcrypt.crypto.cursor import Malformed
from jaxcrypt.crypto.filekey import FileKey
from jaxcrypt.errors import ExitCode, Refusal

FILES = [("a.jpg", b"first" * 100), ("b.png", b""), ("ü.txt", bytes(range(256)))]


def directory(*entries, files=b""):
    """A bundle by hand, of (name bytes, length) whatever they are."""
    parts = [bytes([len(name)]) + name + struct.pack(">Q", length) for name, length in entries]
    return bytes([len(entries)]) + b"".join(parts) + files


def sealed_bundle(ring, plain, name="a.jpg"):
    key = ring.new_file_key(plain, "logistic", ())
    pixels = np.zeros((4, 5, 3), np.uint8)
    picture = sealed.seal(
        key,
        system="logistic",
        options=(),
        pixels=pixels,
        original=pixels.shape,
        name=name,
        file=plain,
        several=True,
    )
    buffer = io.BytesIO()
    picture.write(buffer)
    container = pngreader.read(buffer.getvalue())
    return sealed.open_header(container.need_header(), ring, "x.png"), container


def test_every_file_comes_back(key_ring):
    opened, container = sealed_bundle(key_ring, bundle.pack(FILES))
    assert opened.open_files(container.payload) == FILES
    assert container.need_header()[:2] == b"\0\3"


def test_one_file_is_what_it_always_was(make_sealed, key_ring):
    data, file, _ = make_sealed(key_ring)
    container = pngreader.read(data)
    opened = sealed.open_header(container.need_header(), key_ring)
    assert opened.open_files(container.payload) == [("holiday.jpg", file)]
    container = pngreader.read(make_sealed(key_ring, payload=False)[0])
    assert sealed.open_header(container.need_header(), key_ring).open_files(container.payload) == []


@pytest.mark.parametrize(
    ("names", "wanted"),
    [
        (["x.png", "x.png", "X.PNG"], ["x.png", "x.2.png", "X.3.PNG"]),
        (["x.png", "x.2.png", "x.png"], ["x.png", "x.2.png", "x.3.png"]),
        (
            ["../etc/passwd", "..\\a", "..", "", "a\nb"],
            [".._etc_passwd", ".._a", "picture", "picture.2", "a_b"],
        ),
        (["é.png", "e\u0301.png", "straße", "STRASSE"], ["é.png", "e\u0301.2.png", "straße", "STRASSE.2"]),
    ],
)
def test_names_are_made_distinct_and_safe(names, wanted):
    assert bundle.distinct_names(names) == wanted


def test_long_names_stay_distinct_within_their_limit():
    names = bundle.distinct_names(["ü" * 300 + ".png", "ü" * 300 + ".jpg", "a" * 400, "a" * 400])
    assert len(set(names)) == 4
    assert max(len(name.encode()) for name in names) <= bundle.MAX_NAME
    files = [(name, b"x") for name in names]
    assert bundle.unpack(bundle.pack(files)) == files


@pytest.mark.parametrize(
    "plain",
    [
        b"",
        b"\0",
        bundle.pack(FILES)[:-1],
        bundle.pack(FILES)[:20],
        bundle.pack(FILES) + b"\0",
        directory((b"a.jpg", 1), files=b"x"),
        directory(*[(b"%d" % i, 0) for i in range(65)]),
        directory((b"a.jpg", 2), (b"b", 2), files=b"xxx"),
        directory((b"a.jpg", 2), (b"b", 0), files=b"xxx"),
        directory((b"a.jpg", 2**64 - 1), (b"b", 4), files=b"xxx"),  # adds up, if it wraps around
        directory((b"a.jpg", 0), (b"a.jpg", 0)),
        directory((b"a.jpg", 0), (b"A.JPG", 0)),
        directory((b"a.jpg", 0), ("é".encode(), 0), ("e\u0301".encode(), 0)),
        directory((b"a.jpg", 0), (b"../b", 0)),
        directory((b"a.jpg", 0), (b"/etc/passwd", 0)),
        directory((b"a.jpg", 0), (b"c:\\b", 0)),
        directory((b"a.jpg", 0), (b"b\0", 0)),
        directory((b"a.jpg", 0), (b"..", 0)),
        directory((b"a.jpg", 0), (b"", 0)),
        directory((b"a.jpg", 0), (b"\xff\x07", 0)),
        directory((b"other.jpg", 0), (b"b", 0)),  # not the name in the header
    ],
)
def test_what_no_writer_makes_is_refused(key_ring, plain):
    """Whoever holds a key can seal it; nothing of it comes out."""
    opened, container = sealed_bundle(key_ring, plain)
    with pytest.raises(Refusal) as caught:
        opened.open_files(container.payload)
    assert caught.value.code == ExitCode.TAMPERED
    assert "\n" not in str(caught.value)


@settings(max_examples=300, deadline=None, derandomize=True, database=None)
@given(st.integers(0, 60), st.binary(max_size=9), st.integers(0, 9))
def test_mutated_bundles_are_refused_or_canonical(at, piece, cut):
    plain = bytearray(bundle.pack(FILES))
    plain[at : at + cut] = piece
    try:
        files = bundle.unpack(plain)
    except Malformed:
        return
    assert bundle.pack(files) == plain


@pytest.mark.parametrize(("version", "kind"), [(1, 2), (2, 0), (2, 1), (2, 3), (1, 3), (3, 3)])
def test_a_payload_belongs_to_its_version(key_ring, version, kind):
    opened, _ = sealed_bundle(key_ring, bundle.pack(FILES))
    body = opened.header.authenticated()
    place = body.index(struct.pack(">BIB", header.PAYLOAD, 1, header.FILES)) + 5
    forged = struct.pack(">H", version) + body[2:place] + bytes([kind]) + body[place + 1 :]
    mac = sealed.hmac.digest(FileKey(opened.key.secret).subkey("header mac"), forged, "sha256")
    with pytest.raises(Refusal, match="damaged or tampered"):
        sealed.open_header(forged + mac, key_ring)


def test_a_newer_version_is_refused_as_such(key_ring):
    _, container = sealed_bundle(key_ring, bundle.pack(FILES))
    with pytest.raises(Refusal, match="version 4 is unknown; this program reads 1 to 3"):
        sealed.open_header(b"\0\4" + container.need_header()[2:], key_ring)


@pytest.mark.parametrize("count", [0, 1, 65])
def test_a_bundle_has_a_few_files(count):
    with pytest.raises(ValueError, match="2 to 64"):
        bundle.pack([("a", b"")] * count)
