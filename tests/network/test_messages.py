"""Whatever arrives as a message is understood or refused, and never a bug."""

import contextlib
import os
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from jaxcrypt import receive, send
from jaxcrypt.crypto.cursor import Malformed
from jaxcrypt.errors import ExitCode, Refusal
from jaxcrypt.network import messages, transcript
from jaxcrypt.network.address import split_address
from jaxcrypt.network.inbox import read_manifest
from jaxcrypt.network.known import check_fingerprint
from jaxcrypt.network.transcript import SUITES, Offer, Suspicious

CERTIFICATE = bytes(range(32))
values = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | some.text(max_size=5),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
FIELDS = [
    "versions",
    "suites",
    "nonce",
    "identity",
    "kem",
    "picture",
    "size",
    "digest",
    "to",
    "suite",
    "limits",
]


def _open(receiver, alice, change=lambda hello: hello, offer=None):
    """A session opened by both sides, with a hello that may be changed on its way."""
    offer = offer or Offer(CERTIFICATE)
    hello = transcript.hello()
    answer, opening = transcript.welcome(change(hello), offer, receiver)
    welcomed = transcript.check(hello, answer, CERTIFICATE)
    login, theirs = transcript.login(welcomed, alice)
    return theirs, transcript.accept(opening, login, receiver.verifier().public)


def test_both_sides_have_the_same_keys_and_the_best_suite(receiver, alice):
    one, other = _open(receiver, alice)
    assert one == other
    assert one.suite is max(SUITES, key=lambda suite: suite.rank)
    assert one.keys[0] != one.keys[1]
    assert one.id != _open(receiver, alice)[0].id


@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.name)
def test_a_receiver_with_one_suite_alone_gets_that(receiver, alice, suite):
    one, _ = _open(receiver, alice, offer=Offer(CERTIFICATE, suites=(suite.name,)))
    assert one.suite is suite


def test_a_floor_refuses_what_is_weaker(receiver):
    weak = Offer(CERTIFICATE, suites=(min(SUITES, key=lambda suite: suite.rank).name,))
    hello = transcript.hello(least=1)
    answer, _ = transcript.welcome(hello, weak, receiver)
    with pytest.raises(Suspicious, match="weaker"):
        transcript.check(hello, answer, CERTIFICATE, least=2)
    with pytest.raises(Suspicious, match="no suite in common"):
        transcript.welcome(transcript.hello(least=2), weak, receiver)


def test_another_session_s_login_does_not_open_this_one(receiver, alice):
    hello = transcript.hello()
    answer, _ = transcript.welcome(hello, Offer(CERTIFICATE), receiver)
    _, other = transcript.welcome(hello, Offer(CERTIFICATE), receiver)
    login, _ = transcript.login(transcript.check(hello, answer, CERTIFICATE), alice)
    with pytest.raises(Suspicious, match="does not hold over this session"):
        transcript.accept(other, login, receiver.verifier().public)


def _understood(read, *how):
    with contextlib.suppress(Malformed, Refusal):
        read(*how)


@settings(max_examples=50, deadline=None)
@given(some.dictionaries(some.sampled_from(FIELDS), values), some.binary(max_size=40))
def test_no_message_is_a_bug(receiver_key, fields, junk):
    for body in (messages.encode(fields), junk):
        _understood(transcript.welcome, body, Offer(CERTIFICATE), receiver_key)
        _understood(read_manifest, body)
        signed = messages.joined(body, receiver_key.sign(messages.digest("welcome", b"hello", body)))
        _understood(transcript.check, b"{}", signed, CERTIFICATE)
        _understood(messages.split, junk)


@pytest.fixture(scope="session")
def receiver_key(receiver):
    return receiver


@settings(max_examples=40, deadline=None)
@given(some.integers(0, 10_000), some.integers(1, 255))
def test_every_flipped_byte_of_a_welcome_or_login_is_noticed(receiver_key, at, mask):
    hello = transcript.hello()
    answer, opening = transcript.welcome(hello, Offer(CERTIFICATE), receiver_key)
    login, _ = transcript.login(transcript.check(hello, answer, CERTIFICATE), receiver_key)
    for good, read in (
        (answer, lambda data: transcript.check(hello, data, CERTIFICATE)),
        (login, lambda data: transcript.accept(opening, data, receiver_key.verifier().public)),
    ):
        bad = bytearray(good)
        bad[at % len(bad)] ^= mask
        with pytest.raises((Malformed, Refusal)):
            read(bytes(bad))


@pytest.mark.parametrize("text", ["", "host", "host:", ":1", "::1:7", "host:x", "host:70000", "[::1]"])
def test_what_is_no_address_is_refused(text):
    with pytest.raises(Refusal, match="HOST:PORT"):
        split_address(text)


def test_addresses():
    assert split_address("example.org:7443") == ("example.org", 7443)
    assert split_address("[::1]:0") == ("::1", 0)


def test_fingerprints():
    digits = "aB" * 32
    assert check_fingerprint(digits) == check_fingerprint(f"SHA256:{digits}") == f"SHA256:{digits.lower()}"
    with pytest.raises(Refusal):
        check_fingerprint("SHA256:abc")


@pytest.mark.parametrize(
    ("command", "argv", "said"),
    [
        (send, ["a.png", "host:1"], "--sign"),
        (send, ["host:1", "--sign", "k"], "name what to send"),
        (send, ["a.png", "nowhere", "--sign", "k"], "HOST:PORT"),
        (send, ["a.png", "host:1", "--sign", "k", "--fingerprint", "x"], "--fingerprint"),
        (send, ["a.png", "host:1", "--sign", "k", "--parallel", "0"], "--parallel"),
        (send, ["a.png", "host:1", "--sign", "k", "--survive", "rain"], "--survive"),
        (receive, ["--listen", "host:1", "-o", "in", "--sign", "k", "--identity", "i"], "--allow"),
        (
            receive,
            ["--listen", "x", "-o", "in", "--sign", "k", "--identity", "i", "--allow", "a"],
            "HOST:PORT",
        ),
        (receive, ["--listen", "h:1", "-o", "in", "--sign", "k", "--allow", "a"], "give a key"),
    ],
)
def test_command_lines_that_make_no_sense_are_refused_in_one_line(
    tmp_path, monkeypatch, capsys, command, argv, said
):
    monkeypatch.chdir(tmp_path)
    assert command.main(argv) in (ExitCode.USAGE, ExitCode.BAD_INPUT)
    told = capsys.readouterr().err
    assert said in told
    assert told.count("\n") == 1
    assert not os.listdir(tmp_path)


def test_policies_need_neither_jax_nor_http():
    program = (
        "import sys, jaxcrypt.network.policy, jaxcrypt.network.belief, jaxcrypt.network.threat\n"
        "print(*[m for m in ('jax', 'aiohttp', 'numpy', 'cryptography') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "", done.stderr
