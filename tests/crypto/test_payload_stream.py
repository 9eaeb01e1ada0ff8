"""The chunked AEAD notices whatever happens to its chunks."""

import hashlib
import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxcrypt.crypto import payload

KEY = bytes(range(32))


def _seal(data, padding=payload.padme):
    return b"".join(payload.seal(KEY, data, padding(len(data))))


def _open(sealed, data, padding=payload.padme):
    padded, digest = padding(len(data)), hashlib.sha256(data).digest()
    return payload.open_sealed(KEY, [sealed], len(data), padded, digest)


@pytest.mark.parametrize("length", [0, 1, 2, 255, 65535, 65536, 65537, 131072, 200_001, 1_000_000])
@pytest.mark.parametrize("padding", [payload.padme, payload.power_of_two])
def test_round_trip_and_length(rng, length, padding):
    data = rng.bytes(length)
    pieces = list(payload.seal(KEY, data, padding(length)))
    assert max(map(len, pieces)) <= 1 << 20
    assert sum(map(len, pieces)) == payload.sealed_length(padding(length))
    assert _open(b"".join(pieces), data, padding) == data


def test_the_coarse_padding_tells_files_of_one_magnitude_apart_no_more():
    assert {payload.power_of_two(length) for length in (0, 1, 4096)} == {4096}
    assert {payload.power_of_two(length) for length in range(65537, 131073, 777)} == {131072}
    assert payload.power_of_two(131073) == 262144


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 400_000), max_size=8))
def test_pieces_may_be_cut_anyhow(cuts):
    data = bytes(range(256)) * 1200
    sealed = _seal(data)
    edges = sorted({0, len(sealed), *(cut % len(sealed) for cut in cuts)})
    pieces = [memoryview(sealed)[a:b] for a, b in itertools.pairwise(edges)]
    padded = payload.padme(len(data))
    assert payload.open_sealed(KEY, pieces, len(data), padded, hashlib.sha256(data).digest()) == data


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
        _open(_seal(longer), data)
    with pytest.raises(payload.Forged, match="not the file"):
        payload.open_sealed(KEY, [_seal(data)], 1000, payload.padme(1000), bytes(32))


def test_another_key(rng):
    data = rng.bytes(100)
    with pytest.raises(payload.Forged):
        payload.open_sealed(bytes(32), [_seal(data)], 100, 104, hashlib.sha256(data).digest())


def test_sealing_is_lazy():
    """No more than one piece is made at a time: the first comes before the rest exists."""
    stream = payload.seal(KEY, memoryview(bytes(10_000_000)), 10_000_000)
    assert len(next(stream)) == payload.PIECE
