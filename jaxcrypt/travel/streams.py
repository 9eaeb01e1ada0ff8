"""Key streams: those that everybody can make, which beacon and header are masked with, and those of a
key."""

from __future__ import annotations

import hashlib

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms

_PUBLIC = b"jaxcrypt/1 carrier "


def stream(key: bytes, number: int, length: int) -> np.ndarray:
    """``length`` bytes of ChaCha20 (RFC 8439) under 32 bytes of key and the nonce (0, number, 0), uint8."""
    nonce = (
        bytes(8) + number.to_bytes(4, "little") + bytes(4)
    )  # block counter, 64 bits, then the nonce's rest
    cipher = Cipher(algorithms.ChaCha20(key, nonce), mode=None).encryptor()
    return np.frombuffer(cipher.update(bytes(length)), np.uint8)


def public(purpose: str, length: int) -> np.ndarray:
    """``length`` bytes that follow from the purpose alone, uint8."""
    return stream(hashlib.sha256(_PUBLIC + purpose.encode()).digest(), 0, length)


def signs(purpose: str, shape: tuple[int, ...]) -> np.ndarray:
    """Public +1 and −1, int8."""
    count = int(np.prod(shape))
    bits = np.unpackbits(public(purpose, -(-count // 8)), count=count)
    return (1 - 2 * bits.view(np.int8)).reshape(shape)


def permutation(purpose: str, count: int) -> np.ndarray:
    """A public permutation of ``range(count)``: the order of so many 64-bit words, little-endian."""
    return np.argsort(public(purpose, 8 * count).view("<u8"), kind="stable")
