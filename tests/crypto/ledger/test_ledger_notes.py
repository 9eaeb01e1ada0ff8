"""Signed notes, cosignatures and policies, against notes that other programs signed."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from jaxcrypt.crypto.cursor import Malformed
from jaxcrypt.crypto.ledger import checkpoint, keys, note, trust
from jaxcrypt.errors import ExitCode, Refusal
from tests.crypto.ledger.world import World

VECTORS = Path(__file__).parent / "vectors"
# golang.org/x/mod/sumdb/note, note_test.go
PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PETERS = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
TEXT = (
    b"If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
)
SIGNED = "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
# A log of Certificate Transparency and a public witness, May 2026.
ARCHE = "arche2025h1.staging.ct.transparency.dev+ba2f06c0+AU0vHmlGCS/PdN8b2OaGmKprLI8HKM+dJ472xgFYh15f"
REMORA = "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2"
BODY = b"example.com/log\n5\n" + b"A" * 42 + b"E=\n"


def vector(name: str) -> bytes:
    return (VECTORS / name).read_bytes()


def test_a_note_of_go_is_signed_byte_for_byte():
    signer = note.read_signer(PETERS)
    assert signer.verifier().text() == PETER
    assert signer.text() == PETERS
    made = note.Note(TEXT, (signer.sign(TEXT, 7),)).encode()
    assert made.decode() == f"{TEXT.decode()}\n— PeterNeumann {SIGNED}\n"
    assert note.read_verifier(PETER).find(note.decode(made)) == 0


def test_manglings_of_a_key_are_refused():
    for start in range(len(PETER)):
        for end in range(start + 1, len(PETER) + 1):
            if (start, end) != (0, len(PETER)):
                with pytest.raises(Malformed):
                    note.read_verifier(PETER[start:end])
    for bad in (
        "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==",
        "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    ):
        with pytest.raises(Malformed):
            note.read_verifier(bad)


def test_a_real_checkpoint_and_its_cosignature_verify():
    signed = note.decode(vector("arche_cosigned.note"))
    assert signed.encode() == vector("arche_cosigned.note")
    assert note.read_verifier(ARCHE).find(signed) == 0
    assert note.read_verifier(REMORA).find(signed) == 1779573024  # the time in the cosignature
    assert checkpoint.decode(signed.body).size == 1432088532
    policy = trust.decode(f"log {ARCHE}\nwitness remora {REMORA}\nquorum remora\n".encode())
    assert policy.check(vector("arche_cosigned.note"), "log").times == {"remora": 1779573024}


def test_an_mldsa_signature_of_another_program_verifies():
    signed = note.decode(vector("torchwood_mldsa.note"))  # filippo.io/torchwood, cmd/litewitness/testdata
    assert note.read_verifier(vector("torchwood_mldsa.vkey").decode().strip()).find(signed) == 0


@pytest.mark.parametrize("kind", [note.COSIGNATURE, note.MLDSA44])
def test_cosignatures_are_over_the_standards_message(kind):
    signer = note.Signer("w.example/1", kind, bytes(range(32)))
    value = signer.sign(BODY, 1679315147).value
    assert value[:8] == (1679315147).to_bytes(8, "big")
    if kind == note.COSIGNATURE:
        message = b"cosignature/v1\ntime 1679315147\n" + BODY
        key = Ed25519PrivateKey.from_private_bytes(bytes(range(32))).public_key()
    else:
        size, time = (5).to_bytes(8, "big"), (1679315147).to_bytes(8, "big")
        message = b"subtree/v1\n\0\x0bw.example/1" + time + b"\x0fexample.com/log" + bytes(8) + size
        message += checkpoint.decode(BODY).root
        key = MLDSA44PrivateKey.from_seed_bytes(bytes(range(32))).public_key()
    key.verify(value[8:], message)


@pytest.mark.parametrize("kind", [note.ED25519, note.COSIGNATURE, note.MLDSA44])
def test_a_signature_covers_the_whole_checkpoint(kind):
    signer = note.Signer("example.com/log", kind, bytes(32))
    signed = note.Note(BODY, (signer.sign(BODY, 5),))
    assert signer.verifier().find(signed) == (0 if kind == note.ED25519 else 5)
    for old, new in [(b"log", b"lot"), (b"5", b"6"), (b"AE=", b"BE="), (b"AE=\n", b"AE=\nmore\n")]:
        altered = note.Note(BODY.replace(old, new), signed.signatures)
        with pytest.raises(Malformed):
            signer.verifier().find(altered)
    value = signed.signatures[0].value
    for changed in (value[:-1] + bytes([value[-1] ^ 1]), value + b"\0", value[:-1], b"\x80" + value[1:]):
        broken = note.Signature("example.com/log", signed.signatures[0].key_id, changed)
        with pytest.raises(Malformed):
            signer.verifier().find(note.Note(BODY, (broken,)))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        BODY,
        BODY + b"\n",
        BODY + b"\n- a AAAAAAAA\n",
        BODY + "\n— a AAAAAAAA".encode(),
        BODY + "\n— a AAAA\n".encode(),
        BODY + "\n— a+b AAAAAAAA\n".encode(),
        BODY + "\n— a AAAAAAB=\n".encode(),
        b"\0" + BODY + "\n— a AAAAAAAA\n".encode(),
        b"\xff" + BODY + "\n— a AAAAAAAA\n".encode(),
        BODY + b"\n" + "— a AAAAAAAA\n".encode() * 20_000,
    ],
)
def test_what_is_no_note_is_refused(data):
    with pytest.raises(Malformed):
        note.decode(data)


@pytest.mark.parametrize(
    "body",
    [
        b"example.com/log\n5\n",
        b"\n5\n" + b"A" * 43 + b"=\n",
        b"l\n05\n" + b"A" * 43 + b"=\n",
        b"l\n-5\n" + b"A" * 43 + b"=\n",
        b"l\n5\n" + b"A" * 40 + b"\n",
        b"l\n5\n" + b"A" * 42 + b"F=\n",
        b"l\n5\n" + b"A" * 43 + b"=\nmore\n",
        b"l\n0\n" + b"A" * 43 + b"=\n",
    ],
)
def test_what_is_no_checkpoint_is_refused(body):
    with pytest.raises(Malformed):
        checkpoint.decode(body)


def test_private_keys_are_read_back_and_never_shown(tmp_path):
    signers = keys.generate("example.com/log", keys.LOG_KINDS)
    (tmp_path / "key").write_bytes(keys.encode(signers, "signs"))
    assert keys.read(tmp_path / "key") == signers
    assert all(each.seed.hex() not in repr(each) for each in signers)
    (tmp_path / "key").write_bytes(keys.encode(signers, "signs").replace(b"PRIVATE", b"PUBLIC"))
    with pytest.raises(Refusal, match="not a ledger's private key"):
        keys.read(tmp_path / "key")
    with pytest.raises(Refusal):
        keys.generate("two words", keys.LOG_KINDS)


def test_quorums_count_as_the_standard_says(tmp_path):
    world = World(tmp_path)
    with world_log(world) as log:
        first, second = world.witness, world.new_witness("w2")
        one, both = log.publish([first]), log.publish([first, second])
    ids = [key.text() for each in (first, second) for key in each.verifiers()]
    lines = [f"log {world.log_keys[1].text()}", *(f"witness k{n} {key}" for n, key in enumerate(ids))]
    for rule, enough in [("2 a b", False), ("any a b", True), ("all a b", False), ("1 a b", True)]:
        text = "\n".join(
            [*lines, "group a all k0 k1", "group b any k2 k3", f"group q {rule}", "quorum q", ""]
        )
        policy = trust.decode(text.encode())
        policy.check(both, "log")
        if enough:
            policy.check(one, "log")
        else:
            with pytest.raises(Refusal, match="not witnessed") as refused:
                policy.check(one, "log")
            assert refused.value.code == ExitCode.LEDGER


def world_log(world):
    from jaxcrypt.crypto.ledger import log

    return log.opened(world.folder)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "names its quorum"),
        ("quorum none\nquorum none", "line 2: there is one quorum"),
        ("quorum w", "w is not defined"),
        ("quibble w", "begins with quibble"),
        ("log", "a log is"),
        (f"log {REMORA}", "kind 1 or 6"),
        (f"log {ARCHE}\nlog {ARCHE}", "line 2: a log has"),
        (f"witness w {ARCHE}", "kind 4 or 6"),
        (f"witness none {REMORA}", "none is taken"),
        (f"witness w {REMORA}\nwitness v {REMORA}", "line 2"),
        (f"witness w {REMORA}\ngroup g 2 w", "wants 2 of 1"),
        (f"witness w {REMORA}\ngroup g 0 w", "wants 0 of 1"),
        (f"witness w {REMORA}\ngroup g all w w", "in a group already"),
        ("group g any w", "w is not defined above"),
        ("group g any", "a group is"),
        ("log a+b+c", "line 1"),
    ],
)
def test_what_is_no_policy_is_refused_by_its_line(text, told):
    with pytest.raises(Refusal, match=told):
        trust.decode(text.encode())
