"""The test vectors of docs/FORMAT.md, made anew and compared; and stored pictures that open for ever."""

import hashlib
import io
import re
import struct
from pathlib import Path

import numpy as np
import pytest

from jaxcrypt.crypto import (
    bundle,
    header,
    kdf,
    keyimage,
    payload,
    pngreader,
    pngwriter,
    recipients,
    sealed,
    signing,
    sources,
)
from jaxcrypt.crypto.filekey import Keyring

FOLDER = Path(__file__).parent / "vectors"
FORMAT = Path(__file__).parents[2] / "docs" / "FORMAT.md"
FILE = b"jaxcrypt test vector\n"
FILES = [("vector.txt", FILE), ("b.txt", b"b\n")]
OPTIONS = (("mode", "full"), ("rounds", 2), ("scale", 0.5), ("tight", True))


def pixels():
    return np.arange(24, dtype=np.uint8).reshape(2, 4, 3)


def fixed(count):
    return b"\x55" * count


def key_picture():
    """40×36 RGB: sample c of pixel (y, x) is (x² + 3y² + 5xy + 7c·x + 11c) mod 256."""
    y, x, c = np.meshgrid(np.arange(36), np.arange(40), np.arange(3), indexing="ij")
    return ((x * x + 3 * y * y + 5 * x * y + 7 * c * x + 11 * c) % 256).astype(np.uint8)


def make(keyring, signer=None, file=FILE):
    key = keyring.new_file_key(file, "logistic", OPTIONS)
    picture = sealed.seal(
        key,
        system="logistic",
        options=OPTIONS,
        pixels=pixels(),
        original=(2, 3, 3),
        name="vector.txt",
        side={"lost": np.array([True, False, True]), "mean": np.float32([0.5, -1])},
        file=file,
        several=file != FILE,
        signer=signer,
    )
    return key, picture


def vectors():
    """Every value that FORMAT.md lists, by its name there."""
    key_file = sources.Source(sources.Kind.KEY_FILE, bytes(range(32)))
    salt = b"\xa0" * 16
    key, picture = make(Keyring([key_file], salt=salt, randomness=fixed))
    symmetric = kdf.hkdf(sources.combine([key_file]), "key file", salt=salt)
    phrase = Keyring([sources.passphrase("correct horse")], salt=salt, randomness=fixed)
    slow = phrase.new_file_key(FILE, "logistic", OPTIONS)
    opened = sealed.open_header(picture.header, Keyring([key_file]))
    parts = opened.name, opened.key.digest, opened.length, opened.side, opened.padded
    hidden = header.Hidden(*parts).encode()
    packed = bundle.pack(FILES)
    _, several = make(Keyring([key_file], salt=salt, randomness=fixed), file=packed)
    buffer = io.BytesIO()
    pngwriter.write(buffer, key_picture())
    return {
        "symmetric_key": symmetric,
        "hedge": kdf.hkdf(symmetric, "hedge"),
        "parameters": sealed.canonical.encode_parameters("logistic", OPTIONS),
        "file_key": key.secret,
        "subkey_system": key.subkey("system"),
        "subkey_header_mac": key.subkey("header mac"),
        "subkey_header_encryption": key.subkey("header encryption", 64),
        "subkey_pixel_mac": key.subkey("pixel mac"),
        "subkey_payload": key.subkey("payload"),
        "stanza": key.stanzas[0],
        "pixel_mac": opened.header.pixel_mac,
        "hidden_sha256": hashlib.sha256(hidden).digest(),
        "header": picture.header,
        "payload": b"".join(picture.payload()),
        "passphrase_stanza": slow.stanzas[0],
        "passphrase_file_key": slow.secret,
        "bundle": packed,
        "bundle_header_sha256": hashlib.sha256(several.header).digest(),
        "key_image_secret": keyimage.from_bytes(buffer.getvalue()).secret,
    }


def _listed():
    text = FORMAT.read_text(encoding="utf-8").partition("\n## Test vectors\n")[2]
    listed = re.findall(r"^([a-z_0-9]+) =((?:\s+[0-9a-f]+)+)$", text, re.MULTILINE)
    return {name: bytes.fromhex("".join(value.split())) for name, value in listed}


def test_format_page_lists_what_is_made():
    made = vectors()
    assert _listed() == made


def test_hidden_part_by_hand():
    """The encrypted part as FORMAT.md spells it, without the code that writes it."""
    hidden = (
        b"\x0avector.txt".ljust(256, b"\0")
        + hashlib.sha256(FILE).digest()
        + struct.pack(">QQ", len(FILE), 22)
    )
    hidden += (
        b"\x02"
        + b"\x04lost\x05\x01\0\0\0\x03\xa0"
        + b"\x04mean\x04\x01\0\0\0\x02"
        + struct.pack("<2f", 0.5, -1)
    )
    hidden += bytes(-len(hidden) % 256)
    assert hashlib.sha256(hidden).digest() == _listed()["hidden_sha256"]


def test_payload_by_hand():
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    listed = _listed()
    plain = FILE + bytes(payload.padme(len(FILE)) - len(FILE))
    assert AESGCM(listed["subkey_payload"]).encrypt(bytes(11) + b"\1", plain, None) == listed["payload"]


@pytest.mark.parametrize("name", ["key-file.png", "recipient-signed.png", "several.png"])
def test_stored_pictures_still_open(name):
    """Pictures sealed by an earlier version must open in every later one."""
    ring = Keyring(
        [sources.key_file(FOLDER / "key-file.txt")],
        identities=[recipients.read_identity(FOLDER / "identity.txt")],
    )
    container = pngreader.read((FOLDER / name).read_bytes())
    opened = sealed.open_header(container.need_header(), ring)
    assert opened.open_files(container.payload) == (FILES if "several" in name else FILES[:1])
    assert np.array_equal(opened.read_pixels(container), pixels())
    assert opened.header.options == OPTIONS
    assert opened.name == "vector.txt"
    if "signed" in name:
        opened.check_signature(signing.read_verifier(FOLDER / "verifier.txt"))
