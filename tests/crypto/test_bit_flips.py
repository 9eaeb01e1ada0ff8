"""One flipped bit anywhere: the right exit code where the checksums are repaired, any refusal where not."""

import io
import struct

import numpy as np
import pytest

from jaxcrypt.crypto import header, pngreader, pngwriter, sealed
from jaxcrypt.crypto.filekey import Keyring
from jaxcrypt.errors import ExitCode, Refusal


def _open_whole(data, keyring):
    container = pngreader.read(data)
    opened = sealed.open_header(container.need_header(), keyring)
    pixels = opened.read_pixels(container)
    return opened.open_payload(container.payload), pixels


def _code(data, keyring):
    try:
        _open_whole(data, keyring)
    except Refusal as refusal:
        return refusal.code
    return ExitCode.OK


def _flip(data, bit):
    flipped = bytearray(data)
    flipped[bit // 8] ^= 1 << bit % 8
    return bytes(flipped)


def _build(pixels, head, payload):
    buffer = io.BytesIO()
    pngwriter.write(buffer, pixels, head, payload)
    return buffer.getvalue()


def _expected(head):
    """For each byte of a header: the codes that a flip in it may give."""
    codes = [{ExitCode.TAMPERED}] * len(head)
    codes[:2] = [{ExitCode.BAD_INPUT, ExitCode.TAMPERED}] * 2  # a flip may give an older version's number
    at = 2
    while at < len(head) - header.MAC_BYTES:
        tag, length = struct.unpack_from(">BI", head, at)
        if tag == header.STANZA:
            codes[at + 5 : at + 5 + length] = [{ExitCode.NO_KEY}] * length
        at += 5 + length
    return codes


@pytest.fixture
def parts(make_sealed, key_ring, rng):
    data, file, pixels = make_sealed(key_ring, size=(16, 10, 3), file=rng.bytes(700), original=(15, 10, 3))
    container = pngreader.read(data)
    payload = b"".join(container.payload)
    rebuilt = _build(pixels, container.header, [payload])
    assert _open_whole(rebuilt, key_ring)[0] == file
    return pixels, container.header, payload, rebuilt


def test_flips_with_repaired_checksums(parts, key_ring):
    pixels, head, payload, _ = parts
    flips = 0
    expected = _expected(head)
    for bit in range(8 * len(head)):
        code = _code(_build(pixels, _flip(head, bit), [payload]), key_ring)
        assert code in expected[bit // 8], (bit, code)
        flips += 1
    for bit in range(8 * len(payload)):
        assert _code(_build(pixels, head, [_flip(payload, bit)]), key_ring) == ExitCode.TAMPERED
        flips += 1
    samples = pixels.tobytes()
    for bit in range(8 * len(samples)):
        flipped = np.frombuffer(_flip(samples, bit), np.uint8).reshape(pixels.shape)
        assert _code(_build(flipped, head, [payload]), key_ring) == ExitCode.TAMPERED
        flips += 1
    assert flips > 10_000


def test_flips_in_a_signed_header_for_a_recipient(make_sealed, identity, signer):
    """A sample of the bits: each takes a decapsulation."""
    ring = Keyring(identities=[identity])
    data, _, pixels = make_sealed(Keyring(recipients=[identity.recipient()]), signer=signer, size=(2, 2, 1))
    container = pngreader.read(data)
    expected = _expected(container.header)
    for bit in range(5, 8 * len(container.header), 37):
        code = _code(_build(pixels, _flip(container.header, bit), container.payload), ring)
        assert code in expected[bit // 8], (bit, code)


def test_flips_in_the_picture_header(parts, key_ring):
    rebuilt = parts[3]
    for bit in range(8 * 13):
        ihdr = _flip(rebuilt[16:29], bit)
        chunk = io.BytesIO()
        pngwriter.write_chunk(chunk, b"IHDR", ihdr)
        data = rebuilt[:8] + chunk.getvalue() + rebuilt[33:]
        assert _code(data, key_ring) in (ExitCode.BAD_INPUT, ExitCode.TAMPERED), bit


def test_flips_in_chunk_types(parts, key_ring):
    rebuilt = parts[3]
    for kind in (b"IHDR", b"IDAT", b"jcHD", b"jcPL", b"IEND"):
        at = rebuilt.index(kind) - 4
        (length,) = struct.unpack_from(">I", rebuilt, at)
        for bit in range(32):
            chunk = io.BytesIO()
            pngwriter.write_chunk(chunk, _flip(kind, bit), rebuilt[at + 8 : at + 8 + length])
            data = rebuilt[:at] + chunk.getvalue() + rebuilt[at + 12 + length :]
            assert _code(data, key_ring) in (ExitCode.BAD_INPUT, ExitCode.TAMPERED), (kind, bit)


def test_flips_in_the_raw_file(parts, key_ring):
    rebuilt = parts[3]
    for bit in range(0, 8 * len(rebuilt), 3):
        assert _code(_flip(rebuilt, bit), key_ring) != ExitCode.OK, bit


def test_every_cut_is_noticed(parts, key_ring):
    rebuilt = parts[3]
    for length in range(len(rebuilt)):
        assert _code(rebuilt[:length], key_ring) != ExitCode.OK
