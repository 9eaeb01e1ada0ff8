"""The file key is fresh, hedged, and opened by exactly the keys it was made for."""

import hashlib
import hmac
import itertools

import pytest

from jaxcrypt.crypto import filekey, kdf, recipients, sources
from jaxcrypt.crypto.filekey import Keyring
from jaxcrypt.errors import ExitCode, Refusal

OPTIONS = (("rounds", 2),)
QUICK = kdf.Argon(memory_kib=64, iterations=1, lanes=1)
PASS = sources.passphrase("correct horse")
IMAGE = sources.Source(sources.Kind.IMAGE, b"i" * 32)
KEY = sources.Source(sources.Kind.KEY_FILE, bytes(range(32)))


def fixed(count):
    return b"\x55" * count


def _new(keyring, data=b"file", options=OPTIONS):
    return keyring.new_file_key(data, "logistic", options)


def test_file_key_is_the_documented_formula():
    salt = bytes(16)
    key = _new(Keyring([KEY], salt=salt, randomness=fixed))
    symmetric = kdf.hkdf(b"\x04\0\0\0\x20" + KEY.secret, "key file", salt=salt)
    parameters = b"\x08logistic\x01\x06rounds\x02\x00\x08" + (2).to_bytes(8, "big")
    message = hashlib.sha256(b"file").digest() + hashlib.sha256(parameters).digest()
    wanted = hmac.digest(kdf.hkdf(symmetric, "hedge") + b"\x55" * 32, message, "sha256")
    assert key.secret == wanted
    assert key.digest == hashlib.sha256(b"file").digest()


def test_fresh_for_every_picture_and_hedged_where_randomness_fails():
    ring = Keyring([KEY])
    assert _new(ring).secret != _new(ring).secret
    broken = Keyring([KEY], randomness=fixed)
    secrets = {
        _new(broken).secret,
        _new(broken, b"another file").secret,
        _new(broken, options=(("rounds", 3),)).secret,
        _new(Keyring([IMAGE], argon=QUICK, randomness=fixed)).secret,
    }
    assert len(secrets) == 4
    assert _new(broken).secret == _new(broken).secret


def test_recipients_alone(identity):
    key = _new(Keyring(recipients=[identity.recipient()]))
    assert Keyring(identities=[identity]).open(key.stanzas) == key.secret


def test_no_key_to_encrypt_with():
    with pytest.raises(Refusal, match="no key given"):
        _new(Keyring())


@pytest.mark.parametrize(
    "held", [c for n in (1, 2, 3) for c in itertools.combinations((PASS, IMAGE, KEY), n)]
)
def test_combined_sources_are_all_needed(held):
    key = _new(Keyring([PASS, IMAGE], argon=QUICK))
    ring = Keyring(held, argon=QUICK)
    if set(held) == {PASS, IMAGE}:
        assert ring.open(key.stanzas) == key.secret
        return
    with pytest.raises(
        Refusal, match=r"no key fits, or key data altered .it wants passphrase and key image"
    ) as caught:
        ring.open(key.stanzas)
    assert caught.value.code == ExitCode.NO_KEY


def test_every_key_opens_alone(identity):
    other = recipients.generate()
    key = _new(Keyring([PASS], [identity.recipient(), other.recipient()], argon=QUICK))
    assert len(key.stanzas) == 3
    for ring in (Keyring([PASS]), Keyring(identities=[identity]), Keyring(identities=[other])):
        assert ring.open(key.stanzas) == key.secret
    for ring in (
        Keyring([sources.passphrase("wrong")]),
        Keyring(identities=[recipients.generate()]),
        Keyring(),
    ):
        with pytest.raises(Refusal) as caught:
            ring.open(key.stanzas)
        assert caught.value.code == ExitCode.NO_KEY


def test_argon2_runs_once_a_folder(monkeypatch):
    runs = []
    real = kdf.argon2id
    monkeypatch.setattr(kdf, "argon2id", lambda *args: runs.append(1) or real(*args))
    ring = Keyring([PASS], argon=QUICK)
    keys = [_new(ring, bytes([n])) for n in range(5)]
    assert len(runs) == 1
    reader = Keyring([PASS])
    assert [reader.open(key.stanzas) for key in keys] == [key.secret for key in keys]
    assert len(runs) == 2


def test_a_key_file_alone_needs_no_argon2(monkeypatch):
    monkeypatch.setattr(kdf, "argon2id", None)
    key = _new(Keyring([KEY]))
    assert Keyring([KEY]).open(key.stanzas) == key.secret


def test_defaults_are_the_documented_ones():
    request = filekey.read_request(_new(Keyring([PASS])).stanzas[0])
    assert request.argon == kdf.Argon(64 * 1024, 3, 4)


@pytest.mark.parametrize(
    ("at", "number"), [(3, 1 << 31), (3, 0xFFFFFFFF), (7, 1 << 24), (11, 200), (3, 1), (7, 0)]
)
def test_argon2_numbers_of_a_hostile_file_are_never_used(monkeypatch, at, number):
    stanza = bytearray(_new(Keyring([PASS], argon=QUICK)).stanzas[0])
    stanza[at : at + 4] = number.to_bytes(4, "big")
    monkeypatch.setattr(kdf, "argon2id", None)  # calling it would be a TypeError
    with pytest.raises(Refusal) as caught:
        Keyring([PASS]).open([bytes(stanza)])
    assert caught.value.code == ExitCode.NO_KEY


@pytest.fixture
def argon_runs(monkeypatch):
    """What Argon2 was asked for; it answers at once."""
    runs = []

    def quick(secret, salt, parameters):
        runs.append(parameters)
        return hashlib.sha256(secret + salt).digest()

    monkeypatch.setattr(kdf, "argon2id", quick)
    return runs


def test_one_file_tests_one_passphrase(argon_runs):
    """A stranger's file with stanzas for several passphrases would tell which of them is the reader's."""
    stanzas = [_new(Keyring([sources.passphrase(word)])).stanzas[0] for word in ("a", "b", "correct horse")]
    argon_runs.clear()
    with pytest.raises(Refusal) as caught:
        Keyring([PASS]).open(stanzas)
    assert caught.value.code == ExitCode.NO_KEY
    assert len(argon_runs) == 1


def test_the_slow_derivations_of_a_run_have_one_allowance(argon_runs):
    """Each file may ask for the most that is allowed, but a folder of them cannot take hours."""
    most = kdf.Argon(kdf.MAX_MEMORY_KIB, kdf.MAX_ITERATIONS, 1)
    hostile = [_new(Keyring([PASS], argon=most)).stanzas for _ in range(50)]
    honest = [_new(Keyring([PASS])) for _ in range(50)]
    argon_runs.clear()
    reader = Keyring([PASS])
    assert reader.open(hostile[0])
    for stanzas in hostile[1:]:
        with pytest.raises(Refusal, match="a run of its own") as caught:
            reader.open(stanzas)
        assert caught.value.code == ExitCode.FAILED
    assert argon_runs.count(most) == 1
    assert [reader.open(key.stanzas) for key in honest] == [key.secret for key in honest]


def test_a_stanza_that_opens_to_another_key_does_not_hide_the_one_that_fits(identity):
    """Whoever prepends a stanza for a recipient keeps nobody out."""
    ours = _new(Keyring(recipients=[identity.recipient()]))
    other = _new(Keyring(recipients=[identity.recipient()]))
    reader = Keyring(identities=[identity])
    stanzas = (*other.stanzas, *ours.stanzas)
    assert reader.open(stanzas, lambda secret: secret == ours.secret) == ours.secret
    with pytest.raises(Refusal, match="tampered") as caught:
        reader.open(stanzas, lambda secret: False)
    assert caught.value.code == ExitCode.TAMPERED


def test_with_recipients_alone_a_dead_random_source_is_refused(identity):
    """Else the file key would be a function of the picture, which an attacker may guess."""
    with pytest.raises(Refusal, match="random source") as caught:
        _new(Keyring(recipients=[identity.recipient()], randomness=fixed))
    assert caught.value.code == ExitCode.FAILED
    assert _new(Keyring([KEY], [identity.recipient()], randomness=fixed)).secret


def test_key_files_give_every_picture_a_salt_of_its_own():
    """A shared salt would tell which pictures were made in one run; it is kept where Argon2 would cost."""
    ring = Keyring([KEY])
    assert len({_new(ring).stanzas[0][15:31] for _ in range(4)}) == 4
    ring = Keyring([PASS], argon=QUICK)
    assert len({_new(ring).stanzas[0][15:31] for _ in range(4)}) == 1


@pytest.mark.parametrize("kind", ["symmetric", "recipient"])
def test_every_bit_of_a_stanza_counts(identity, kind):
    ring = Keyring([KEY]) if kind == "symmetric" else Keyring(recipients=[identity.recipient()])
    reader = Keyring([KEY], identities=[identity])
    (stanza,) = _new(ring).stanzas
    step = 1 if kind == "symmetric" else 13
    for bit in range(0, 8 * len(stanza), step):
        altered = bytearray(stanza)
        altered[bit // 8] ^= 1 << bit % 8
        with pytest.raises(Refusal) as caught:
            reader.open([bytes(altered)])
        assert caught.value.code == ExitCode.NO_KEY


def test_subkeys_differ_and_secrets_do_not_show():
    key = _new(Keyring([KEY]))
    purposes = ("system", "header mac", "header encryption", "pixel mac", "payload")
    assert len({key.subkey(purpose) for purpose in purposes}) == len(purposes)
    assert key.secret.hex()[:8] not in repr(key)
    assert repr(key.secret)[2:8] not in repr(key)


def test_too_many_recipients(identity):
    with pytest.raises(Refusal, match="--recipient"):
        Keyring(recipients=[identity.recipient()] * 65)


def test_key_files_of_pairs(tmp_path, identity):
    (tmp_path / "id").write_text(identity.text())
    (tmp_path / "pub").write_text(identity.recipient().text())
    assert recipients.read_identity(tmp_path / "id") == identity
    assert recipients.read_recipient(tmp_path / "pub") == identity.recipient()
    with pytest.raises(Refusal, match="jaxcrypt-identity-1"):
        recipients.read_recipient(tmp_path / "id")
    assert identity.private.hex()[:8] not in repr(identity)
    (tmp_path / "zero").write_text(recipients.Recipient(bytes(recipients.PUBLIC_BYTES)).text())
    with pytest.raises(Refusal, match="not a usable public key"):
        recipients.read_recipient(tmp_path / "zero")
