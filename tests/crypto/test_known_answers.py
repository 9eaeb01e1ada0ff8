"""Answers that others published: the standards under the format."""

import math

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from jaxcrypt.crypto import kdf, payload


def test_hkdf_rfc5869_case_1():
    okm = HKDF(hashes.SHA256(), 42, bytes(range(13)), bytes(range(0xF0, 0xFA))).derive(b"\x0b" * 22)
    assert okm.hex() == (
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"
    )


def test_hkdf_is_rfc5869_by_hand():
    import hashlib
    import hmac

    prk = hmac.digest(b"salt", b"secret", "sha256")
    first = hmac.digest(prk, b"jaxcrypt/1 wrap\x01", "sha256")
    second = hmac.digest(prk, first + b"jaxcrypt/1 wrap\x02", hashlib.sha256)
    assert kdf.hkdf(b"secret", "wrap", 64, b"salt") == first + second


def test_aes_siv_rfc5297_a1():
    key = bytes.fromhex("fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff")
    ad = bytes.fromhex("101112131415161718191a1b1c1d1e1f2021222324252627")
    plain = bytes.fromhex("112233445566778899aabbccddee")
    assert AESSIV(key).encrypt(plain, [ad]).hex() == (
        "85632d07c6e8f37f950acd320a2ecc9340c02b9690c4dc04daef7f6afe5c"
    )


def test_argon2id_rfc9106():
    tag = Argon2id(
        salt=b"\x02" * 16,
        length=32,
        iterations=3,
        lanes=4,
        memory_cost=32,
        ad=b"\x04" * 12,
        secret=b"\x03" * 8,
    ).derive(b"\x01" * 32)
    assert tag.hex() == "0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659"


@pytest.mark.parametrize(
    "parameters",
    [
        kdf.Argon(memory_kib=1 << 31),
        kdf.Argon(memory_kib=kdf.MAX_MEMORY_KIB + 1),
        kdf.Argon(iterations=1 << 30),
        kdf.Argon(lanes=255, memory_kib=4096),
        kdf.Argon(lanes=0),
        kdf.Argon(iterations=0),
        kdf.Argon(memory_kib=7, lanes=1),
    ],
)
def test_argon2_parameters_are_bounded_before_use(parameters):
    assert not parameters.bounded()
    with pytest.raises(ValueError, match="out of bounds"):
        kdf.argon2id(b"x", bytes(16), parameters)


def _padme_of_the_paper(length):
    exponent = math.floor(math.log2(length))
    digits = math.floor(math.log2(exponent)) + 1
    last = exponent - digits
    mask = (1 << last) - 1
    return (length + mask) & ~mask


def test_padme_is_the_papers():
    for length in [*range(2, 5000), *(2**n + d for n in range(13, 40) for d in (-1, 0, 1, 12345))]:
        assert payload.padme(length) == _padme_of_the_paper(length)


def test_padme_bounds():
    assert [payload.padme(n) for n in (0, 1, 2, 9)] == [0, 1, 2, 10]
    lengths = range(100_000, 200_000)
    assert all(n <= payload.padme(n) <= 1.12 * n for n in lengths)
    assert len({payload.padme(n) for n in lengths}) < 40  # what the length still tells
