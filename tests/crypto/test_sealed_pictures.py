"""Sealed pictures as the commands use them: whole, or one clear refusal with the right code."""

import io
import struct
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from jaxcrypt.crypto import header, pngreader, pngwriter, recipients, sealed, signing
from jaxcrypt.crypto.filekey import FileKey, Keyring
from jaxcrypt.errors import ExitCode, Refusal


def _open(data, keyring, head=None):
    container = pngreader.read(data, "x.png")
    opened = sealed.open_header(head or container.need_header(), keyring, "x.png")
    return opened, container


def _rebuild(data, head=None, payload=None, pixels=None):
    """The same picture with parts exchanged, its checksums right."""
    container = pngreader.read(data)
    buffer = io.BytesIO()
    pngwriter.write(
        buffer,
        container.decode() if pixels is None else pixels,
        container.header if head is None else head,
        container.payload if payload is None else payload,
    )
    return buffer.getvalue()


def _refused(code, call, *args, match=None):
    with pytest.raises(Refusal, match=match) as caught:
        call(*args)
    assert caught.value.code == code
    assert "x.png" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("size", [(1, 1, 1), (12, 10, 3), (5, 7, 2), (3, 300, 4)])
def test_round_trip(make_sealed, key_ring, size):
    data, file, pixels = make_sealed(key_ring, size=size, original=(3, 3, 3))
    opened, container = _open(data, key_ring)
    assert opened.open_payload(container.payload) == file
    assert np.array_equal(opened.read_pixels(container), pixels)
    assert (opened.name, opened.length) == ("holiday.jpg", len(file))
    assert opened.header.options == (("mode", "full"), ("rounds", 2))
    assert (opened.header.system, opened.header.shape, opened.header.original) == (
        "logistic",
        size,
        (3, 3, 3),
    )
    assert np.array_equal(opened.side["mean"], np.float32([0.5, 0.25, 0.125]))


def test_the_same_subkey_comes_back(key_ring):
    key = key_ring.new_file_key(b"file", "logistic", ())
    pixels = np.zeros((4, 4, 1), np.uint8)
    picture = sealed.seal(key, system="logistic", options=(), pixels=pixels, original=(4, 4, 1), name="a")
    opened = sealed.open_header(picture.header, key_ring)
    assert opened.key.subkey("system") == key.subkey("system")


def test_side_arrays_travel(make_sealed, key_ring, rng):
    side = {
        "mask": rng.integers(0, 2, (13, 7)).astype(bool),
        "spread": rng.normal(size=(2, 3)).astype(np.float32),
        "counts": rng.integers(-9, 9, (4,), np.int32),
        "words": rng.integers(0, 2**32, (8,), np.uint32),
        "bytes": rng.integers(0, 256, (1, 2, 3), np.uint8),
        "scalar": np.float32(0.1),
    }
    for payload in (True, False):
        opened, _ = _open(make_sealed(key_ring, side=side, payload=payload)[0], key_ring)
        assert opened.side.keys() == side.keys()
        for name, array in side.items():
            assert opened.side[name].dtype == array.dtype
            assert np.array_equal(opened.side[name], array)


def test_what_cannot_travel_is_refused_at_sealing(make_sealed, key_ring):
    for side in ({"a": np.float64([1])}, {"A b": np.uint8([1])}, {"empty": np.zeros((0, 3), np.uint8)}):
        with pytest.raises(ValueError, match=r"array|names"):
            make_sealed(key_ring, side=side)
    with pytest.raises(Refusal, match="side information 'mean' is not finite"):
        make_sealed(key_ring, side={"mean": np.float32([1, np.nan])})
    with pytest.raises(Refusal, match="side information"):
        make_sealed(key_ring, side={"big": np.zeros(9 << 20, np.uint8)})


def test_nothing_in_clear(make_sealed, key_ring, rng):
    """Neither name nor file stands in the picture; no length tells the name or the file."""
    file = b"Exif\0\0Canon EOS 5D" * 100
    data, _, _ = make_sealed(key_ring, file=file, size=(2, 2, 1))
    assert b"holiday" not in data
    assert b"Canon" not in data
    sizes = set()
    pixels = np.zeros((2, 2, 1), np.uint8)
    for name, length in (("a", 10_000), ("a" * 200 + ".jpeg", 10_010), ("ß.png", 10_100)):
        key = key_ring.new_file_key(bytes(length), "logistic", ())
        picture = sealed.seal(
            key,
            system="logistic",
            options=(),
            pixels=pixels,
            original=(2, 2, 1),
            name=name,
            file=bytes(length),
        )
        sizes.add((len(picture.header), sum(map(len, picture.payload()))))
    assert len(sizes) == 1


def test_pixels_only(make_sealed, key_ring):
    data, file, pixels = make_sealed(key_ring, payload=False)
    opened, container = _open(data, key_ring)
    assert opened.open_payload(container.payload) is None
    assert np.array_equal(opened.read_pixels(container), pixels)
    assert opened.length == len(file)
    _refused(ExitCode.TAMPERED, opened.open_payload, [b"extra"], match="added")


def test_wrong_key(make_sealed, key_ring):
    data, _, _ = make_sealed(key_ring)
    _refused(
        ExitCode.NO_KEY, _open, data, Keyring(identities=[recipients.generate()]), match="no key fits, or key"
    )


def test_resaved_by_another_program_with_the_sidecar(make_sealed, key_ring):
    data, _, pixels = make_sealed(key_ring, payload=False)
    head = pngreader.read(data).header
    for mode in ("RGB", "RGBA"):
        buffer = io.BytesIO()
        Image.open(io.BytesIO(data)).convert(mode).save(buffer, "PNG", optimize=True)
        opened, container = _open(buffer.getvalue(), key_ring, head)
        assert np.array_equal(opened.read_pixels(container), pixels)


def test_pixels_are_authenticated_with_their_shape(make_sealed, key_ring):
    data, _, pixels = make_sealed(key_ring)
    flipped = pixels.copy()
    flipped[0, 0, 0] ^= 1
    for forged in (
        flipped,
        pixels.reshape(10, 12, 3),
        np.ascontiguousarray(pixels[:-1]),
        pixels[..., :1].copy(),
    ):
        opened, container = _open(_rebuild(data, pixels=forged), key_ring)
        _refused(ExitCode.TAMPERED, opened.read_pixels, container, match="pixels")
        assert not opened.verify_pixels(forged)


def test_small_files_cannot_ask_for_much_memory(make_sealed, key_ring):
    """A picture header that claims 100 megapixels is refused before anything of that size is made."""
    data, _, _ = make_sealed(key_ring)
    container = pngreader.read(data, "x.png")
    opened = sealed.open_header(container.header, key_ring, "x.png")
    container.shape = (10_000, 10_000, 3)
    _refused(ExitCode.TAMPERED, opened.read_pixels, container, match="another size")


def test_payload_of_another_picture(make_sealed, key_ring):
    one, file, _ = make_sealed(key_ring)
    two, _, _ = make_sealed(key_ring, file=file)
    opened, _ = _open(one, key_ring)
    other = pngreader.read(two).payload
    _refused(ExitCode.TAMPERED, opened.open_payload, other, match="payload")
    _refused(ExitCode.TAMPERED, opened.open_payload, [], match="missing")


def test_header_of_another_picture(make_sealed, key_ring):
    one, _, _ = make_sealed(key_ring)
    two, _, _ = make_sealed(key_ring)
    opened, container = _open(_rebuild(one, head=pngreader.read(two).header), key_ring)
    _refused(ExitCode.TAMPERED, opened.read_pixels, container)
    _refused(ExitCode.TAMPERED, opened.open_payload, container.payload)


def test_unknown_version(make_sealed, key_ring):
    head = bytearray(pngreader.read(make_sealed(key_ring)[0]).header)
    for version in (0, 4):
        head[1] = version
        refused = (ExitCode.BAD_INPUT, sealed.open_header, bytes(head), key_ring, "x.png")
        _refused(*refused, match=f"version {version}")


def test_unsafe_names_never_come_out(key_ring):
    assert sealed.clean_name("../../etc/passwd") == ".._.._etc_passwd"
    assert sealed.clean_name("a\nb\x1b[31m") == "a_b_[31m"
    assert sealed.clean_name("..") == sealed.clean_name("") == "picture"
    assert len(sealed.clean_name("ü" * 300).encode()) <= 255
    assert sealed.clean_name("a\udce9\udcff.jpg") == "a\udce9\udcff.jpg"  # bytes that are no UTF-8 stay
    assert sealed.clean_name("a\udcc3\udcbc") == "aü"  # these are, so they have another text
    assert sealed.clean_name("a\ud800b") == "a\ufffdb"
    key = key_ring.new_file_key(b"f", "logistic", ())
    hidden = header.Hidden("../up", bytes(32), 1, {}).encode()
    picture = _with_hidden(key, hidden)
    _refused(ExitCode.TAMPERED, sealed.open_header, picture, key_ring, "x.png", match="unsafe")


@pytest.mark.parametrize(
    "damage",
    [
        "spare name byte",
        "padding",
        "more padding",
        "control byte",
        "padded length",
        "array order",
        "array type",
        "array huge",
    ],
)
def test_a_key_holder_cannot_make_a_malformed_hidden_part(key_ring, damage):
    """Even with the key, and so with every MAC right, what no writer writes is refused."""
    hidden = bytearray(header.Hidden("ok", bytes(32), 1, {"a": np.uint8([1]), "b": np.uint8([2])}).encode())
    entries = 256 + 32 + 8 + 8 + 1
    if damage == "spare name byte":
        hidden[100] = 1
    elif damage == "padding":
        hidden[-1] = 1
    elif damage == "more padding":
        hidden += bytes(256)
    elif damage == "control byte":
        hidden[1] = 7
    elif damage == "padded length":
        hidden[entries - 2] = 1
    elif damage == "array order":
        hidden[entries + 1] = ord("c")
    elif damage == "array type":
        hidden[entries + 2] = 99
    else:
        hidden[entries + 4 : entries + 8] = b"\xff\xff\xff\xff"
    key = key_ring.new_file_key(b"f", "logistic", ())
    _refused(ExitCode.TAMPERED, sealed.open_header, _with_hidden(key, bytes(hidden)), key_ring, "x.png")


@pytest.mark.parametrize(("length", "padded"), [(100, 99), (100, 0), (2**63, 2**63 - 1)])
def test_a_padded_length_below_the_length_is_malformed(key_ring, length, padded):
    hidden = header.Hidden("ok", bytes(32), length, {}, padded).encode()
    key = key_ring.new_file_key(b"f", "logistic", ())
    picture = _with_hidden(key, hidden, payload=header.FILE)
    _refused(ExitCode.TAMPERED, sealed.open_header, picture, key_ring, "x.png", match="padded length")


def test_coarse_padding_travels(key_ring, rng):
    """Files of very different lengths give payloads of one length, and each comes back."""
    sizes = set()
    pixels = np.zeros((2, 2, 1), np.uint8)
    for length in (70_000, 130_000):
        file = rng.bytes(length)
        key = key_ring.new_file_key(file, "logistic", ())
        parts = {"system": "logistic", "options": (), "pixels": pixels, "original": (2, 2, 1), "name": "a"}
        picture = sealed.seal(key, **parts, file=file, padding=sealed.payload.power_of_two)
        opened = sealed.open_header(picture.header, key_ring)
        pieces = list(picture.payload())
        assert opened.open_payload(pieces) == file
        sizes.add(sum(map(len, pieces)))
    assert len(sizes) == 1


def _with_hidden(key: FileKey, hidden: bytes, **changes) -> bytes:
    """A header with any encrypted part, its MAC right, as only a key holder can make it."""
    pixels = np.zeros((2, 2, 1), np.uint8)
    picture = sealed.seal(key, system="logistic", options=(), pixels=pixels, original=(2, 2, 1), name="a")
    head, _ = header.decode(picture.header)
    siv = sealed.AESSIV(key.subkey("header encryption", 64)).encrypt(hidden, None)
    body = replace(head, hidden=siv, **changes).authenticated()
    return body + sealed.hmac.digest(key.subkey("header mac"), body, "sha256")


def test_signature(make_sealed, key_ring, signer):
    data, _, _ = make_sealed(key_ring, signer=signer)
    opened, _ = _open(data, key_ring)
    opened.check_signature(signer.verifier())
    other = signing.generate().verifier()
    _refused(ExitCode.BAD_SIGNATURE, opened.check_signature, other, match="not by that key")
    unsigned, _ = _open(make_sealed(key_ring)[0], key_ring)
    _refused(ExitCode.BAD_SIGNATURE, unsigned.check_signature, signer.verifier(), match="not signed")


@pytest.mark.parametrize("half", [0, 200])
def test_both_signatures_must_hold(signer, half):
    signature = bytearray(signer.sign(b"message"))
    assert signer.verifier().verify(bytes(signature), b"message")
    assert not signer.verifier().verify(bytes(signature), b"massage")
    signature[half] ^= 1
    assert not signer.verifier().verify(bytes(signature), b"message")
    assert not signer.verifier().verify(b"", b"message")


def test_signing_key_files(tmp_path, signer):
    (tmp_path / "s").write_text(signer.text())
    (tmp_path / "p").write_text(signer.verifier().text())
    assert signing.read_signer(tmp_path / "s") == signer
    assert signing.read_verifier(tmp_path / "p") == signer.verifier()
    with pytest.raises(Refusal, match="jaxcrypt-signer-1"):
        signing.read_verifier(tmp_path / "s")
    assert signer.private.hex()[:8] not in repr(signer)


def test_a_recipient_cannot_forge(make_sealed, identity, signer):
    """Who can open a picture knows FK, hence every MAC key; the signature is what still holds."""
    ring = Keyring(recipients=[identity.recipient()])
    reader = Keyring(identities=[identity])
    data, _, _ = make_sealed(ring, signer=signer, size=(4, 4, 3))
    opened, _ = _open(data, reader)
    key, head = opened.key, opened.header
    pixels = np.zeros((4, 4, 3), np.uint8)
    hidden = header.Hidden("holiday.jpg", bytes(32), 5000, {}, opened.padded).encode()
    siv = sealed.AESSIV(key.subkey("header encryption", 64)).encrypt(hidden, None)
    forgeries = {
        "pixels": replace(head, pixel_mac=sealed.pixel_mac(key, pixels)),
        "file": replace(head, hidden=siv),
        "options": replace(head, options=()),
        "system": replace(head, system="mixing"),
        "payload": replace(head, payload=header.FILES),
        "stanzas": replace(head, stanzas=ring.new_file_key(b"", "a", ()).stanzas),
    }
    for what, forged in forgeries.items():
        body = forged.authenticated()
        blob = body + sealed.hmac.digest(key.subkey("header mac"), body, "sha256")
        if what == "stanzas":
            # The new stanza opens to another key, under which the header's MAC does not hold.
            _refused(ExitCode.TAMPERED, sealed.open_header, blob, reader, "x.png")
            continue
        reopened = sealed.open_header(blob, reader, "x.png")  # the MAC is right: the forger has FK
        _refused(ExitCode.BAD_SIGNATURE, reopened.check_signature, signer.verifier())
    other = b"".join(sealed.payload.seal(key.subkey("payload"), bytes(5000), opened.padded))
    _refused(ExitCode.TAMPERED, opened.open_payload, [other], match="not the file")


def test_an_outsider_cannot_strip_the_signature(make_sealed, key_ring, signer):
    data, _, _ = make_sealed(key_ring, signer=signer)
    head, mac = header.decode(pngreader.read(data).header)
    stripped = replace(head, signature=None).authenticated() + mac
    _refused(ExitCode.TAMPERED, sealed.open_header, stripped, key_ring, "x.png")


def _fields(blob):
    at = 2
    while at < len(blob) - 32:
        tag, length = struct.unpack_from(">BI", blob, at)
        yield tag, at, at + 5 + length
        at += 5 + length


def test_headers_are_strict(make_sealed, key_ring, signer):
    blob = pngreader.read(make_sealed(key_ring, signer=signer, original=(1, 1, 1))[0]).header
    pieces = {tag: blob[start:end] for tag, start, end in _fields(blob)}
    assert sorted(pieces) == list(range(1, 10))
    version, mac = blob[:2], blob[-32:]
    body = [pieces[tag] for tag in range(1, 10)]
    bad = [
        *(version + b"".join(body[:n] + body[n + 1 :]) + mac for n in range(8) if n != 3),  # one missing
        *(
            version + b"".join([*body[:n], body[n], *body[n:]]) + mac for n in range(9) if n != 5
        ),  # one doubled
        version + b"".join(reversed(body)) + mac,
        version + b"".join([*body, b"\x0a\0\0\0\0"]) + mac,  # unknown
        version + b"".join([*body, b"\x8a\0\0\0\0"]) + mac,
        version + b"".join(body) + b"\0" + mac,
        version + b"".join(body[:5]) + body[5] * 69 + b"".join(body[6:]) + mac,
        version + b"".join(body[:5]) + b"\x06\0\0\x10\0" + bytes(4096) + b"".join(body[6:]) + mac,
        b"",
        blob[:20],
        blob[:-1],
        blob + b"\0",
    ]
    for data in bad:
        with pytest.raises(Refusal) as caught:
            sealed.open_header(data, key_ring)
        assert caught.value.code == ExitCode.TAMPERED


def test_headers_are_canonical(make_sealed, key_ring, signer):
    """What is parsed and written again is the same bytes, so no two headers mean the same."""
    for options in ({}, {"signer": signer}, {"original": (2, 2, 2)}, {"payload": False}):
        blob = pngreader.read(make_sealed(key_ring, **options)[0]).header
        head, mac = header.decode(blob)
        assert head.authenticated() + mac == blob
