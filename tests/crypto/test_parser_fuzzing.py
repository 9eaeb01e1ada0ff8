"""Mutated and random files: a Refusal or the very original, never a traceback, a hang or much memory.

A few hundred files by default; ``JAXCRYPT_FUZZ=100000`` runs that many through each test.
"""

import contextlib
import io
import os
import struct
import tracemalloc

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jaxcrypt.crypto import (
    bundle,
    canonical,
    header,
    keyimage,
    names,
    pngreader,
    pngwriter,
    sealed,
    sources,
    textfile,
)
from jaxcrypt.crypto.cursor import Cursor, Malformed
from jaxcrypt.crypto.filekey import Keyring
from jaxcrypt.errors import Refusal
from jaxcrypt.sealing import recovery

_COUNT = int(os.environ.get("JAXCRYPT_FUZZ", "300"))
_SETTINGS = settings(
    max_examples=_COUNT,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    database=None,
    derandomize=True,
)
_MEMORY_LIMIT = 32 << 20
KEYRING = Keyring([sources.Source(sources.Kind.KEY_FILE, bytes(32))])
FILE = bytes(range(256)) * 3
FILES = [("a.jpg", FILE), ("b.jpg", FILE[:99])]


def _corpus():
    rng = np.random.default_rng(7)
    kinds = ((6, 5, 3), FILE), ((6, 5, 4), None), ((1, 1, 1), FILE), ((3, 2, 1), bundle.pack(FILES))
    for size, file in kinds:
        key = KEYRING.new_file_key(file or FILE, "logistic", (("a", 1),))
        pixels = rng.integers(0, 256, size, np.uint8)
        side = {"m": np.float32([1, 2])}
        picture = sealed.seal(
            key,
            system="logistic",
            options=(("a", 1),),
            pixels=pixels,
            original=(5, 5, 3),
            name="a.jpg",
            side=side,
            file=file,
            several=file not in (FILE, None),
        )
        buffer = io.BytesIO()
        picture.write(buffer)
        yield buffer.getvalue(), pixels


CORPUS = list(_corpus())
HEADERS = [pngreader.read(data).header for data, _ in CORPUS]

_INTERESTING = st.sampled_from(
    [b"\0", b"\xff" * 4, b"\x7f\xff\xff\xff", b"\0\0\0\0", b"IDAT", b"jcHD", b"jcPL", b"IEND"]
)
_MUTATION = st.tuples(
    st.sampled_from(["flip", "write", "insert", "delete", "copy", "cut"]),
    st.floats(0, 1, exclude_max=True),
    st.integers(0, 63),
    st.one_of(_INTERESTING, st.binary(max_size=12)),
)


def _mutate(data, mutations):
    data = bytearray(data)
    for what, where, amount, piece in mutations:
        at = int(where * len(data))
        if what == "flip" and data:
            data[at] ^= 1 << amount % 8
        elif what == "write":
            data[at : at + len(piece)] = piece
        elif what == "insert":
            data[at:at] = piece
        elif what == "delete":
            del data[at : at + amount]
        elif what == "copy":
            data[at:at] = data[at : at + amount]
        elif what == "cut":
            del data[at:]
    return bytes(data)


def _repair(data):
    """The same chunks with right checksums, so that mutations get past them."""
    buffer = io.BytesIO()
    buffer.write(data[:8])
    at = 8
    while at + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        length = min(length, len(data) - at - 8)
        pngwriter.write_chunk(buffer, kind, data[at + 8 : at + 8 + length])
        at += 12 + length
    return buffer.getvalue()


def _use(data, pixels):
    """All that decrypt does, strictly and leniently."""
    with contextlib.suppress(Refusal):
        container = pngreader.read(data)
        opened = sealed.open_header(container.need_header(), KEYRING)
        assert np.array_equal(opened.read_pixels(container), pixels)
        assert opened.open_files(container.payload) in (FILES[:1], FILES, [])
    with contextlib.suppress(Refusal):
        damaged = recovery.take_apart(data, "input")
        opened = sealed.open_header(damaged.need_header(), KEYRING)
        assert recovery.open_files(opened, damaged) in (FILES[:1], FILES, [])
        recovered, missing = damaged.decode(opened.header.shape, any_size=False)
        assert recovered.shape == opened.header.shape
        assert missing.shape == recovered.shape[:1]


def _random_mutations(rng):
    kinds = ["flip", "write", "insert", "delete", "copy", "cut"]
    for _ in range(rng.integers(1, 5)):
        piece = b"\xff" * 4 if rng.random() < 0.3 else rng.bytes(int(rng.integers(0, 9)))
        yield kinds[rng.integers(0, len(kinds))], rng.random(), int(rng.integers(0, 64)), piece


def test_memory_stays_small():
    """No file here is larger than a few kilobytes, so reading one may not take much, whatever it claims."""
    rng = np.random.default_rng(3)
    tracemalloc.start()
    try:
        for index in range(_COUNT):
            data, pixels = CORPUS[index % len(CORPUS)]
            data = _mutate(data, _random_mutations(rng))
            _use(_repair(data) if rng.random() < 0.8 else data, pixels)
            blob = _mutate(HEADERS[index % len(HEADERS)], _random_mutations(rng))
            if blob not in HEADERS:
                with pytest.raises(Refusal):
                    sealed.open_header(blob, KEYRING)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < _MEMORY_LIMIT


@_SETTINGS
@given(st.integers(0, len(CORPUS) - 1), st.lists(_MUTATION, min_size=1, max_size=6), st.booleans())
def test_mutated_files(index, mutations, repair):
    data, pixels = CORPUS[index]
    data = _mutate(data, mutations)
    _use(_repair(data) if repair else data, pixels)


@_SETTINGS
@given(st.binary(max_size=400), st.sampled_from([b"", pngwriter.SIGNATURE, CORPUS[0][0][:33]]))
def test_random_files(data, prefix):
    _use(prefix + data, None)
    _use(_repair(prefix + data), None)


@_SETTINGS
@given(st.integers(0, len(CORPUS) - 1), st.lists(_MUTATION, min_size=1, max_size=4))
def test_mutated_headers(index, mutations):
    blob = _mutate(HEADERS[index], mutations)
    if blob == HEADERS[index]:
        return
    with pytest.raises(Refusal):
        sealed.open_header(blob, KEYRING)
    with contextlib.suppress(Malformed, header.UnknownVersion):
        head, mac = header.decode(blob)
        assert head.authenticated() + mac == blob  # what parses at all is canonical


_SCALAR = st.one_of(
    st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False), st.text(max_size=50)
)
_NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,31}", fullmatch=True)


@_SETTINGS
@given(st.dictionaries(_NAMES, _SCALAR, max_size=6))
def test_options_round_trip(options):
    data = canonical.encode_options(list(options.items()))
    decoded = canonical.decode_options(data)
    assert dict(decoded) == options
    assert [type(value) for _, value in decoded] == [type(options[name]) for name, _ in decoded]
    assert canonical.encode_options(decoded) == data


@_SETTINGS
@given(st.binary(max_size=300), st.lists(_MUTATION, max_size=3))
def test_canonical_decoders(data, mutations):
    arrays = canonical.encode_arrays({"a": np.ones((2, 3), bool), "b": np.float32(1)})
    options = canonical.encode_options((("a", 1), ("b", "text"), ("c", 0.5), ("d", True)))
    for blob in (data, _mutate(options, mutations)):
        with contextlib.suppress(Malformed):
            assert canonical.encode_options(canonical.decode_options(blob)) == blob
    for blob in (data, _mutate(arrays, mutations)):
        with contextlib.suppress(Malformed):
            cursor = Cursor(blob)
            decoded = canonical.decode_arrays(cursor)
            cursor.finish()
            assert canonical.encode_arrays(decoded) == blob
    with contextlib.suppress(Malformed):
        header.decode_hidden(data, header.VERSION, header.FILE)


@_SETTINGS
@given(st.lists(_MUTATION, min_size=1, max_size=4), st.binary(max_size=100))
def test_key_files(mutations, noise):
    text = sources.encode_key_file(sources.Source(sources.Kind.KEY_FILE, bytes(range(32)))).encode()
    for data in (_mutate(text, mutations), noise):
        with contextlib.suppress(Refusal):
            kind, body = textfile.decode(data, {sources.KEY_FILE: 32}, "k")
            assert (kind, body) == (sources.KEY_FILE, bytes(range(32)))


@settings(parent=_SETTINGS, max_examples=min(_COUNT, 5000))
@given(
    st.sampled_from(["PNG", "BMP", "TIFF", "WEBP", "JPEG", "GIF"]),
    st.lists(_MUTATION, min_size=1, max_size=4),
)
def test_key_images(format, mutations):
    noise = np.random.default_rng(1).integers(0, 256, (33, 33, 3), np.uint8)
    buffer = io.BytesIO()
    keyimage.Image.fromarray(noise).save(buffer, format)
    with contextlib.suppress(Refusal):
        assert len(keyimage.from_bytes(_mutate(buffer.getvalue(), mutations)).secret) == 32


@_SETTINGS
@given(st.binary(max_size=300))
def test_every_name_has_one_text_and_one_string_of_bytes(data):
    name = names.clean_name(names.decode_name(data))
    assert names.clean_name(name) == name
    assert names.decode_name(names.encode_name(name)) == name
    assert len(names.encode_name(name)) <= 255
    text = names.decode_name(data)
    if len(data) <= 255 and all(c.isprintable() or "\udc80" <= c <= "\udcff" for c in text):
        assert name == "picture" or names.encode_name(name) == data.replace(b"/", b"_").replace(b"\\", b"_")
