"""A second reader, written from docs/FORMAT.md alone: nothing of jaxcrypt is imported here."""

import base64
import hashlib
import hmac
import struct
import zlib
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESSIV
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

FOLDER = Path(__file__).parent / "vectors"


def _hkdf(secret, purpose, length=32, salt=None):
    return HKDF(hashes.SHA256(), length, salt, b"jaxcrypt/1 " + purpose).derive(secret)


def _chunks(data):
    at = 8
    while at < len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        yield kind, data[at + 8 : at + 8 + length]
        at += 12 + length


def _parts(data):
    parts = {}
    for kind, body in _chunks(data):
        parts[kind] = parts.get(kind, b"") + body
    return parts


def _fields(head):
    at, fields = 2, {}
    while at < len(head) - 32:
        tag, length = struct.unpack_from(">BI", head, at)
        fields[tag] = head[at + 5 : at + 5 + length]
        at += 5 + length
    return fields


def _key_file(text):
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    raw = base64.b64decode("".join(lines[1:]))
    assert hashlib.sha256(raw[:-4]).digest()[:4] == raw[-4:]
    return raw[:-4]


def _unfiltered(row):
    """An RGB row without PNG's filter 0 or 1, which is all that a writer uses on this picture."""
    samples = bytearray(row[1:])
    assert row[0] in (0, 1)
    for at in range(3, len(samples) if row[0] else 0):
        samples[at] = (samples[at] + samples[at - 3]) % 256
    return bytes(samples)


def test_key_file_picture():
    parts = _parts((FOLDER / "key-file.png").read_bytes())
    head = parts[b"jcHD"]
    fields = _fields(head)
    stanza = fields[6]
    secret = _key_file((FOLDER / "key-file.txt").read_text())
    material = struct.pack(">BI", 4, len(secret)) + secret
    symmetric = _hkdf(material, b"key file", salt=stanza[15:31])
    file_key = AESSIV(_hkdf(symmetric, b"wrap", 64)).decrypt(stanza[31:], [stanza[:31]])
    assert hmac.digest(_hkdf(file_key, b"header mac"), head[:-32], "sha256") == head[-32:]
    hidden = AESSIV(_hkdf(file_key, b"header encryption", 64)).decrypt(fields[8], None)
    name = hidden[1 : 1 + hidden[0]]
    digest, (length,) = hidden[256:288], struct.unpack_from(">Q", hidden, 288)
    plain = AESGCM(_hkdf(file_key, b"payload")).decrypt(bytes(11) + b"\1", parts[b"jcPL"], None)
    assert name == b"vector.txt"
    assert hashlib.sha256(plain[:length]).digest() == digest
    assert plain[:length] == b"jaxcrypt test vector\n"
    width, height = struct.unpack_from(">II", parts[b"IHDR"])
    assert (height, width, 3) == struct.unpack(">IIB", fields[3])
    rows = zlib.decompress(parts[b"IDAT"])
    samples = b"".join(_unfiltered(rows[at : at + 13]) for at in (0, 13))
    message = struct.pack(">IIB", width, height, 3) + samples
    assert hmac.digest(_hkdf(file_key, b"pixel mac"), message, "sha256") == fields[7]
