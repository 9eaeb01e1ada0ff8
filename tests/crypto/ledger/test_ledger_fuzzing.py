"""Whatever a server, a picture or a file holds, readers refuse it in their own way."""

import base64
import contextlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jaxcrypt.crypto.cursor import Malformed
from jaxcrypt.crypto.ledger import checkpoint, entries, note, proof, tiles, trust, witness
from jaxcrypt.errors import Refusal

HASH = base64.b64encode(bytes(32)).decode()
CHECKPOINT = f"example.com/log\n5\n{HASH}\n\n— example.com/log AAAAAAAAAAAA\n".encode()
PROOF = f"c2sp.org/tlog-proof@v1\nextra AWE=\nindex 3\n{HASH}\n\n".encode() + CHECKPOINT
ENTRY = entries.Entry(entries.Kind.ROTATE, "alice", bytes(32), b"", 7, bytes(32)).encode()
READERS = [
    (note.decode, CHECKPOINT, Malformed),
    (checkpoint.decode, CHECKPOINT.partition(b"\n\n")[0] + b"\n", Malformed),
    (proof.decode, PROOF, Malformed),
    (proof.unpack, proof.pack([PROOF, b"x"]), Malformed),
    (entries.decode, ENTRY, Malformed),
    (tiles.decode_bundle, tiles.encode_bundle([ENTRY, b"", b"abc"]), Malformed),
    (witness.decode_request, witness.encode_request(3, [bytes(32)], CHECKPOINT), Refusal),
    (trust.decode, b"group g any w\nquorum none\n", Refusal),
]


@pytest.mark.parametrize(("read", "seed", "refusal"), READERS)
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_readers_refuse_in_their_own_way(read, seed, refusal, data):
    spoiled = bytearray(seed)
    for _ in range(data.draw(st.integers(0, 3))):
        at = data.draw(st.integers(0, len(spoiled)))
        spoiled[at : at + data.draw(st.integers(0, 5))] = data.draw(st.binary(max_size=6))
    with contextlib.suppress(refusal):
        read(bytes(spoiled))


@pytest.mark.parametrize(("read", "seed", "refusal"), READERS[:-1])
def test_what_writers_write_is_read(read, seed, refusal):
    assert read(seed) is not None
