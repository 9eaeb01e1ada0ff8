"""The key stream against RFC 8439 and against an independent library."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms

from jaxcrypt.functional import chacha20, keyed

keystream = jax.jit(chacha20.keystream, static_argnums=2)
prf = jax.jit(keyed.prf)


def words(data: bytes) -> np.ndarray:
    return np.frombuffer(data, "<u4")


def stream(key: bytes, nonce: bytes, counter: int, size: int) -> bytes:
    made = keystream(words(key), words(nonce), -(-size // 4), counter)
    return np.asarray(made).astype("<u4").tobytes()[:size]


def test_block_function_of_rfc_8439_section_2_3_2():
    expected = bytes.fromhex(
        "10f1e7e4d13b5915500fdd1fa32071c4c7d1f4c733c068030422aa9ac3d46c4e"
        "d2826446079faa0914c2d705d98b02a2b5129cd1de164eb9cbd083e8a2503c4e"
    )
    assert stream(bytes(range(32)), bytes.fromhex("000000090000004a00000000"), 1, 64) == expected


def test_cipher_of_rfc_8439_section_2_4_2():
    text = (
        b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, "
        b"sunscreen would be it."
    )
    key = stream(bytes(range(32)), bytes.fromhex("000000000000004a00000000"), 1, len(text))
    cipher = bytes(a ^ b for a, b in zip(text, key, strict=True))
    assert cipher[:16].hex() == "6e2e359a2568f98041ba0728dd0d6981"
    assert cipher[-10:].hex() == "b40b8eedf2785e42874d"


def test_zero_key_of_rfc_8439_appendix_a_1():
    assert stream(bytes(32), bytes(12), 0, 16).hex() == "76b8e0ada0f13d90405d6ae55386bd28"


@pytest.mark.parametrize("size", [1, 63, 64, 1000, 3 * 64 * 2048 + 5])
def test_equals_an_independent_library(rng, size):
    key, nonce, counter = rng.bytes(32), rng.bytes(12), 7
    other = Cipher(algorithms.ChaCha20(key, counter.to_bytes(4, "little") + nonce), None).encryptor()
    assert stream(key, nonce, counter, size) == other.update(bytes(size))


def test_drawn_streams_are_the_same_alone_or_together():
    subkey = jnp.arange(8, dtype=jnp.uint32)
    requests = [(subkey, keyed.Purpose.SIGNS, 3, 40), (subkey, keyed.Purpose.DITHER, 3, 16)]
    together = keyed.draw(requests)
    for request, made in zip(requests, together, strict=True):
        np.testing.assert_array_equal(keyed.draw([request])[0], made)
    assert not np.array_equal(together[0][:16], together[1])
    assert not np.array_equal(keyed.draw([(subkey, keyed.Purpose.SIGNS, 4, 40)])[0], together[0])


def test_prf_depends_on_every_row_and_on_the_key():
    data, subkey = np.arange(12, dtype=np.uint32).reshape(3, 4), np.arange(8, dtype=np.uint32)
    base = np.asarray(prf(subkey, data))
    for row in range(3):
        other = data.copy()
        other[row, 1] += 1
        assert (np.asarray(prf(subkey, other)) != base).sum() >= 14
    assert (np.asarray(prf(subkey ^ (np.arange(8) == 7) * np.uint32(1 << 31), data)) != base).sum() >= 14


def test_gaussians_are_standard_normal():
    draw = jax.jit(lambda subkey: keyed.gaussians(keyed.draw([(subkey, 1, 0, 1 << 16)])[0]))
    made = np.asarray(draw(np.arange(8, dtype=np.uint32)))
    assert made.shape == (1 << 17,)
    assert abs(made.mean()) < 0.012
    assert abs(made.std() - 1) < 0.01
    assert abs((made**4).mean() - 3) < 0.12
    assert np.isfinite(made).all()


def test_bits_are_the_words_bits():
    made = np.asarray(keyed.bits(jnp.asarray([1, 1 << 31], jnp.uint32)))
    assert made.reshape(32, 2).sum(0).tolist() == [1, 1]
    assert made.reshape(32, 2)[0, 0]
    assert made.reshape(32, 2)[31, 1]
