"""A reader of ``logistic --pixels-only`` from docs/FORMAT.md alone: nothing of jaxcrypt is imported."""

import base64
import hmac
import io
import os
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from PIL import Image

FOLDER = Path(__file__).parent / "vectors"
ROOT = Path(__file__).parents[2]
WORD = np.uint32


# ------------------------------------------------------------------------------------------ header and keys


def hkdf(secret, purpose, length=32, salt=None):
    return HKDF(hashes.SHA256(), length, salt, b"jaxcrypt/1 " + purpose).derive(secret)


def header_of(png):
    at = 8
    while at < len(png):
        length, kind = struct.unpack_from(">I4s", png, at)
        if kind == b"jcHD":
            return png[at + 8 : at + 8 + length]
        at += 12 + length
    raise AssertionError("no header")


def fields_of(head):
    at, fields = 2, {}
    while at < len(head) - 32:
        tag, length = struct.unpack_from(">BI", head, at)
        fields[tag] = head[at + 5 : at + 5 + length]
        at += 5 + length
    return fields


def open_stanza(stanza, key_file):
    lines = [line for line in key_file.splitlines() if line and not line.startswith("#")]
    body = base64.b64decode("".join(lines[1:]))[:-4]
    material = struct.pack(">BI", 4, 32) + body
    symmetric = hkdf(material, b"key file", salt=stanza[15:31])
    return AESSIV(hkdf(symmetric, b"wrap", 64)).decrypt(stanza[31:], [stanza[:31]])


def digest_in(hidden):
    """The side array of that name, after name, SHA-256, length and padded length."""
    at = 256 + 32 + 8 + 8
    assert hidden[at] == 1
    assert hidden[at + 1 : at + 2 + 6] == b"\x06digest"
    assert hidden[at + 8 : at + 14] == b"\x02\x01\0\0\0\x04"
    return np.frombuffer(hidden[at + 14 : at + 30], "<u4")


# -------------------------------------------------------------------------------------------------- streams


def blocks(key, nonce, count, counter=0):
    start = struct.pack("<4I", counter, *nonce)
    cipher = Cipher(algorithms.ChaCha20(np.asarray(key, "<u4").tobytes(), start), mode=None)
    return np.frombuffer(cipher.encryptor().update(bytes(64 * count)), "<u4").reshape(count, 16)


def stream(key, purpose, tile, n):
    return blocks(key, (purpose, tile, 0), -(-n // 16)).T.reshape(-1)[:n].astype(WORD)


def prf(key, *rows):
    for row in rows:
        block = blocks(key, tuple(int(x) for x in row[1:]), 1, int(row[0]))[0]
        key = block[:8]
    return block


# --------------------------------------------------------------------------------------------------- digest


def hashed(words, keys):
    """Eight sums of every column of words [n, c]; keys [2, n + 8]."""
    n = len(words)
    low, high = words & 0xFFFF, words >> 16
    sums = [low * keys[0][j : j + n, None] + high * keys[1][j : j + n, None] for j in range(8)]
    return np.array([part.sum(axis=0, dtype=WORD) for part in sums])


def digest_of(key, tiles, shape):
    total = np.zeros(8, WORD)
    for number, words in enumerate(tiles):
        columns = len(words) // 1024
        first = hashed(words.reshape(1024, columns), stream(key, 4, 0, 2 * 1032).reshape(2, -1))
        keys = stream(key, 5, number, 16 * (columns + 1)).reshape(2, -1)
        total += hashed(first.reshape(-1, 1), keys)[:, 0]
    height, width, channels = shape
    return prf(key, [6, 0, 0, 0], total[:4], total[4:], [height, width, channels, 0])[8:12]


# ---------------------------------------------------------------------------------------------------- tiles


def step(x):
    doubled = (2 * x) & (2**64 - 1)
    y = doubled if x >= 2**63 else 2**64 - 1 - doubled
    return 2**64 - 1 - (y * y >> 64)


def middle(x):
    return (x >> 16) & 0xFFFFFFFF


def orbits(seeds, lanes):
    states, words = [int(seeds[i]) << 32 | int(seeds[lanes + i]) for i in range(lanes)], []
    for _ in range(64):
        states = [step(x) for x in states]
        words += [middle(x) for x in states]
    return words


def f(x, a, b):
    state = ((a + x * 0x9E3779B1) % 2**32) << 32 | (b ^ x)
    for _ in range(3):
        state = step(state)
    return middle(state)


def permutation(key, length, size):
    bits = size.bit_length() // 2  # (log2 N + 1) / 2, rounded down
    n = max(length, 1)
    groups = -(-n // 2**bits)

    def h(x, u, v):
        z = (x ^ u) * 0x9E3779B1 % 2**32
        z = (z ^ z >> 15) * (v | 1) % 2**32
        z = (z ^ z >> 13) * 0x85EBCA6B % 2**32
        return z >> 16

    def once(x):
        left, right = x >> bits, x % 2**bits
        for at in range(0, 16, 4):
            k = [int(word) for word in key[at : at + 4]]
            right ^= h(left, k[0], k[1]) % 2**bits
            left = (left + (h(right, k[2], k[3]) * groups >> 16)) % groups
        return left << bits | right

    images = []
    for x in range(length):
        y = once(x)
        while y >= n:
            y = once(y)
        images.append(y)
    return images


def opened_tile(key, stream_key, number, cipher, length):
    """Plain words of a tile's cipher words; ``length`` of them are whole."""
    size = len(cipher)
    lanes = size // 64
    words = [int(word) for word in cipher ^ stream(stream_key, 1, number, size)]
    orbit = orbits(stream(key, 2, number, 2 * lanes), lanes)
    a, b = orbit[: size // 2], orbit[size // 2 :]
    c = 0x6A09E667
    for j in range((length + 1) // 2):
        paired = 2 * j + 1 < length
        left, right = words[2 * j], words[2 * j + 1] if paired else 0
        left ^= f(right, (a[j] + 2 * c) % 2**32, b[j])
        if paired:
            right ^= f(left, (a[j] + c) % 2**32, b[j])
            words[2 * j + 1] = right
        words[2 * j] = left ^ f(right, a[j], b[j])
    plain = list(words)
    for i, image in enumerate(permutation(stream(key, 3, number, 16), length, size)):
        plain[image] = words[i]
    return np.array(plain, WORD)


def opened_pixels(key, digest, pixels):
    shape, data = pixels.shape, pixels.tobytes()
    size = next((s for s in (4096, 32768, 262144) if len(data) + 4 <= s), 262144)
    count, whole = max(1, -(-len(data) // (size - 4))), len(data) // 4
    bounds = [*(4 * (whole * t // count) for t in range(count)), len(data)]
    stream_key = prf(key, [7, 0, 0, 0], digest)[:8]
    tiles, picture = [], b""
    for number in range(count):
        piece = data[bounds[number] : bounds[number + 1]]
        words = np.frombuffer(piece.ljust(size, b"\0"), "<u4").astype(WORD)
        plain = opened_tile(key, stream_key, number, words, len(piece) // 4)
        body = plain.astype("<u4").tobytes()[: len(piece)]
        picture += body
        tiles.append(np.frombuffer(body.ljust(size, b"\0"), "<u4").astype(WORD))
    assert np.array_equal(digest_of(key, tiles, shape), digest)
    return np.frombuffer(picture, np.uint8).reshape(shape)


def read(png, key_file):
    """The plain picture in a sealed one, verified."""
    head = header_of(png)
    fields = fields_of(head)
    assert struct.unpack_from(">H", head) == (3,)
    assert fields[1] == b"logistic"
    assert fields[5] == b"\0"
    file_key = open_stanza(fields[6], key_file)
    assert hmac.digest(hkdf(file_key, b"header mac"), head[:-32], "sha256") == head[-32:]
    hidden = AESSIV(hkdf(file_key, b"header encryption", 64)).decrypt(fields[8], None)
    height, width, channels = struct.unpack(">IIB", fields[3])
    with Image.open(io.BytesIO(png)) as image:
        pixels = np.asarray(image).reshape(height, width, channels)
    message = struct.pack(">IIB", width, height, channels) + pixels.tobytes()
    assert hmac.digest(hkdf(file_key, b"pixel mac"), message, "sha256") == fields[7]
    key = np.frombuffer(hkdf(file_key, b"system"), "<u4")
    return opened_pixels(key, digest_in(hidden), pixels)


def photo(height, width, channels):
    """Sample c of pixel (x, y) = (3x² + 5y² + 7xy + 11c(x + y) + 13c) mod 251."""
    y, x, c = np.meshgrid(np.arange(height), np.arange(width), np.arange(channels), indexing="ij")
    return ((3 * x * x + 5 * y * y + 7 * x * y + 11 * c * (x + y) + 13 * c) % 251).astype(np.uint8)


@pytest.mark.parametrize(("height", "width", "channels"), [(1, 1, 1), (3, 5, 2), (37, 53, 3)])
def test_stored_pictures(height, width, channels):
    png = (FOLDER / f"logistic-{width}x{height}x{channels}.png").read_bytes()
    plain = read(png, (FOLDER / "key-file.txt").read_text())
    np.testing.assert_array_equal(plain, photo(height, width, channels))


def test_another_digest_is_told():
    png = (FOLDER / "logistic-5x3x2.png").read_bytes()
    key = np.arange(8, dtype=WORD)
    with Image.open(io.BytesIO(png)) as image, pytest.raises(AssertionError):
        opened_pixels(key, np.arange(4, dtype=WORD), np.asarray(image))


@pytest.mark.slow
def test_a_picture_of_several_tiles(tmp_path):
    plain = photo(301, 300, 3)
    Image.fromarray(plain).save(tmp_path / "p.png")
    key = FOLDER / "key-file.txt"
    command = [sys.executable, "-m", "jaxcrypt.encrypt", "p.png", "--pixels-only", "--key-file", str(key)]
    env = dict(os.environ, PYTHONPATH=str(ROOT))
    subprocess.run([*command, "-o", "c.png"], cwd=tmp_path, check=True, env=env, capture_output=True)
    png = (tmp_path / "c.png").read_bytes()
    np.testing.assert_array_equal(read(png, key.read_text()), plain)
