"""The original file under a chunked AEAD, its length hidden.

STREAM (Hoang, Reyhanitabar, Rogaway, Vizár 2015): the plaintext is cut into chunks of 64 KiB, each under
AES-256-GCM with the nonce counter (u88) || last (u8), so that cutting off, reordering, repeating or appending
chunks is noticed. The key is used for one file only. Before that the file is padded with zeros to

    Padmé(L) = ceil(L / 2^z) 2^z,  z = E − S,  E = floor(log2 L),  S = floor(log2 E) + 1

(Nikitin et al. 2019), at most 12% more, after which a length tells O(log log L) bits; or to the next power of
two, where that would still name one file among few.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Iterator

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

CHUNK = 64 * 1024
TAG = 16
PIECE_CHUNKS = 15
PIECE = PIECE_CHUNKS * (CHUNK + TAG)  # what one PNG chunk carries: just under 1 MiB


class Forged(Exception):
    """The payload is not what was written."""


def padme(length: int) -> int:
    """The padded length of ``length`` bytes."""
    if length < 2:
        return length
    exponent = length.bit_length() - 1
    zeros = exponent - exponent.bit_length()
    return -(-length >> zeros) << zeros if zeros > 0 else length


def power_of_two(length: int) -> int:
    """The next power of two, at least 4096: up to twice the bytes, and a length that hardly tells a thing."""
    return max(4096, 1 << max(length - 1, 0).bit_length())


def sealed_length(padded: int) -> int:
    """How many bytes a file that is padded to ``padded`` bytes becomes."""
    return padded + TAG * max(1, -(-padded // CHUNK))


def seal(key: bytes, data: bytes | memoryview, padded: int) -> Iterator[bytes]:
    """The ciphertext of a file in pieces just under 1 MiB; no more than one of them is in memory."""
    aead = AESGCM(key)
    piece = []
    for nonce, chunk in _chunks(memoryview(data), padded):
        piece.append(aead.encrypt(nonce, chunk, None))
        if len(piece) == PIECE_CHUNKS:
            yield b"".join(piece)
            piece = []
    if piece:
        yield b"".join(piece)


def open_sealed(
    key: bytes, pieces: Iterable[bytes | memoryview], length: int, padded: int, digest: bytes
) -> bytearray:
    """The file of ``length`` bytes and SHA-256 ``digest`` from its ciphertext, cut anyhow into pieces.

    Args:
      padded: the length with its padding, at least ``length``; nothing of it is taken before it agrees with
        that of the pieces.

    Raises:
      Forged: any bit of it is not what :func:`seal` wrote.
    """
    plain = open_padded(key, pieces, padded)
    if plain.count(0, length) != len(plain) - length:
        raise Forged("its padding is not zeros")
    del plain[length:]
    if not hmac.compare_digest(hashlib.sha256(plain).digest(), digest):
        raise Forged("it is not the file that the header names")
    return plain


def open_padded(key: bytes, pieces: Iterable[bytes | memoryview], padded: int) -> bytearray:
    """As :func:`open_sealed`, with what pads it; nothing is said of what it should be.

    Raises:
      Forged: any bit of it is not what :func:`seal` wrote.
    """
    pieces = [memoryview(piece).cast("B") for piece in pieces]
    if sum(map(len, pieces)) != sealed_length(padded):
        raise Forged("its length is wrong")
    aead = AESGCM(key)
    plain = bytearray(padded)
    chunks = _cut(pieces, CHUNK + TAG)
    at = 0
    with memoryview(plain) as target:
        for nonce, size in _nonces(len(plain)):
            try:
                aead.decrypt_into(nonce, next(chunks), None, target[at : at + size])
            except InvalidTag:
                raise Forged("it does not verify") from None
            at += size
    return plain


def _nonces(padded: int) -> Iterator[tuple[bytes, int]]:
    """Nonce and plaintext size of each chunk."""
    count = max(1, -(-padded // CHUNK))
    for index in range(count):
        last = index == count - 1
        yield index.to_bytes(11, "big") + bytes([last]), (padded - index * CHUNK if last else CHUNK)


def _chunks(data: memoryview, padded: int) -> Iterator[tuple[bytes, bytes | memoryview]]:
    """Nonce and plaintext of each chunk, zeros after the end of the data."""
    at = 0
    for nonce, size in _nonces(padded):
        chunk = data[at : at + size]
        yield nonce, chunk if len(chunk) == size else bytes(chunk) + bytes(size - len(chunk))
        at += size


def _cut(pieces: list[memoryview], size: int) -> Iterator[bytes | memoryview]:
    """The pieces' bytes in units of ``size``, the last one shorter; whole units are not copied."""
    held = bytearray()
    for piece in pieces:
        at = 0
        while at < len(piece):
            if not held and len(piece) - at >= size:
                yield piece[at : at + size]
                at += size
                continue
            step = min(size - len(held), len(piece) - at)
            held += piece[at : at + step]
            at += step
            if len(held) == size:
                yield bytes(held)
                held.clear()
    if held:
        yield bytes(held)
