"""The chunked AEAD notices whatever happens to its chunks."""

import hashlib
import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxcrypt.crypto import payload

KEY = bytes(range(32))


def _seal(data):
    return b"".join(payload.seal(KEY, data))


def _open(sealed, data):
    return payload.open_sealed(KEY, [sealed], len(data), hashlib.sha256(data).digest())


@pytest.mark.parametrize("length", [0, 1, 2, 255, 65535, 65536, 65537, 131072, 200_001, 1_000_000])
def test_round_trip_and_length(rng, length):
    data = rng.bytes(length)
    pieces = list(payload.seal(KEY, data))
    assert max(map(len, pieces)) <= 1 << 20
    assert sum(map(len, pieces)) == payload.sealed_length(length)
    assert payload.open_sealed(KEY, pieces, length, hashlib.sha256(data).digest()) == data


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 400_000), max_size=8))
def test_pieces_may_be_cut_anyhow(cuts):
    data = bytes(range(256)) * 1200
    sealed = _seal(data)
    edges = sorted({0, len(sealed), *(cut % len(sealed) for cut in cuts)})
    pieces = [memoryview(sealed)[a:b] for a, b in itertools.pairwise(edges)]
    assert payload.open_sealed(KEY, pieces, len(data), hashlib.sha256(data).digest()) == data


def _chunks(sealed):
    size = payload.CHUNK + payload.TAG
    return [sealed[at : at + size] for at in range(0, len(sealed), size)]


@pytest.mark.parametrize("attack", ["cut", "cut whole", "swap", "repeat", "append", "drop first", "empty"])
def test_chunks_moved_or_missing(rng, attack):
    data = rng.bytes(payload.padme(4 * payload.CHUNK))
    chunks = _chunks(_seal(data))
    forged = {
        "cut": [*chunks[:-1], chunks[-1][:-1]],
        "cut whole": chunks[:-1],
        "swap": [chunks[1], chunks[0], *chunks[2:]],
        "repeat": [chunks[0], chunks[0], *chunks[2:]],
        "append": [*chunks, chunks[-1]],
        "drop first": chunks[1:],
        "empty": [],
    }[attack]
    with pytest.raises(payload.Forged):
        _open(b"".join(forged), data)


def test_a_shorter_file_cannot_be_claimed(rng):
    """Cutting at a chunk's edge fails even if the length in the header agreed, for want of the last flag."""
    data = rng.bytes(4 * payload.CHUNK)
    half = data[: 2 * payload.CHUNK]
    with pytest.raises(payload.Forged):
        _open(b"".join(_chunks(_seal(data))[:2]), half)


def test_padding_must_be_zeros_and_digest_must_agree(rng):
    data = rng.bytes(1000)
    longer = data + b"\1" * (payload.padme(1000) - 1000)
    with pytest.raises(payload.Forged, match="padding"):
        payload.open_sealed(KEY, [_seal(longer)], 1000, hashlib.sha256(data).digest())
    with pytest.raises(payload.Forged, match="not the file"):
        payload.open_sealed(KEY, [_seal(data)], 1000, bytes(32))


def test_another_key(rng):
    data = rng.bytes(100)
    with pytest.raises(payload.Forged):
        payload.open_sealed(bytes(32), [_seal(data)], 100, hashlib.sha256(data).digest())


def test_sealing_is_lazy():
    """No more than one piece is made at a time: the first comes before the rest exists."""
    stream = payload.seal(KEY, memoryview(bytes(10_000_000)))
    assert len(next(stream)) == payload.PIECE
