"""How a session opens: offers and choice in one transcript that both sides sign (crypto agility, RFC 7696).

    hello    sender -> receiver   versions and suites that it takes, a nonce
    welcome  receiver -> sender   all that it offers, what it chose, its keys, the certificate that it shows
                                  || signature over T("welcome", hello, welcome)
    login    sender -> receiver   its key, a secret under the receiver's fresh HPKE key
                                  || signature over T("login", hello, welcome, welcome's signature, login)

    keys              = HKDF(secret, salt = T("keys", hello, welcome, login), purpose)   (T: messages.py)

Each side signs the bytes that it saw, so whoever alters an offer on its way ends the session. Signatures are
Ed25519 with ML-DSA-65, the secret travels under X25519 with ML-KEM-768; nothing here rests on TLS, whose
certificate is bound in by its digest. Suites differ in the hash of the session's MACs.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from jaxcrypt.crypto import kdf, recipients, signing
from jaxcrypt.crypto.cursor import Malformed
from jaxcrypt.crypto.recipients import Identity, Recipient
from jaxcrypt.crypto.signing import Signer, Verifier
from jaxcrypt.errors import ExitCode, Refusal
from jaxcrypt.network import messages
from jaxcrypt.network.threat import Event

VERSION = 1
_SECRET = 32
_NONCE = 32


@dataclass(frozen=True)
class Suite:
    """One set of algorithms; ``rank`` orders them, and a policy's floor names the least."""

    name: str
    rank: int
    hash: str


SUITES = (
    Suite("mlkem768x25519-mldsa65ed25519-sha512", 2, "sha512"),
    Suite("mlkem768x25519-mldsa65ed25519-sha256", 1, "sha256"),
)
_BY_NAME = {suite.name: suite for suite in SUITES}


class Suspicious(Refusal):
    """A refusal that says something of the network too: ``event`` raises the threat."""

    def __init__(self, message: str, event: Event, code: ExitCode = ExitCode.TAMPERED):
        super().__init__(message, code)
        self.event = event


# -------------------------------------------------------------------------------------- session


@dataclass(frozen=True)
class Session:
    """What both sides know once a session is open.

    Attributes:
      id: its name in requests.
      suite: as chosen.
      sender: the sender's public signing key; receiver: the receiver's.
      keys: of the MACs, to the receiver and back. Never show in ``repr``.
    """

    id: str
    suite: Suite
    sender: bytes = field(repr=False)
    receiver: bytes = field(repr=False)
    keys: tuple[bytes, bytes] = field(repr=False)

    def request_mac(self, method: str, path: str, count: int, body: bytes) -> str:
        """MAC of one request; ``path`` with its query."""
        parts = (method.encode(), path.encode(), str(count).encode(), hashlib.sha256(body).digest())
        return hmac.digest(self.keys[0], messages.digest("request", *parts), self.suite.hash).hex()

    def response_mac(self, count: int, status: int, body: bytes) -> str:
        """MAC of the response to request ``count``."""
        parts = (str(count).encode(), str(status).encode(), hashlib.sha256(body).digest())
        return hmac.digest(self.keys[1], messages.digest("response", *parts), self.suite.hash).hex()


def _session(suite: Suite, secret: bytes, said: Sequence[bytes], sender: bytes, receiver: bytes) -> Session:
    salt = messages.digest("keys", *said)
    keys = [kdf.hkdf(secret, f"network {way} {suite.name}", 64, salt) for way in ("to", "back")]
    return Session(messages.digest("session", *said)[:16].hex(), suite, sender, receiver, (keys[0], keys[1]))


# ---------------------------------------------------------------------------------- the receiver


@dataclass(frozen=True)
class Offer:
    """What a receiver says of itself, signed.

    Attributes:
      certificate: SHA-256 of the TLS certificate that it shows.
      recipients: public keys that pictures may be sealed for.
      systems: names of Systems that it can open.
      formats: versions of the sealed format that it reads.
      limits: numbers by name: the largest picture and piece, in bytes.
      level: the threat that it sees for this peer.
      suites: names of suites, best first.
    """

    certificate: bytes
    recipients: tuple[bytes, ...] = ()
    systems: tuple[str, ...] = ()
    formats: tuple[int, ...] = ()
    limits: Mapping[str, int] = field(default_factory=dict)
    level: int = 0
    suites: tuple[str, ...] = tuple(_BY_NAME)


@dataclass(frozen=True)
class Opening:
    """A receiver's half of a session that a welcome began."""

    hello: bytes
    welcome: bytes
    signature: bytes
    suite: Suite
    kem: Identity = field(repr=False)


def welcome(hello: bytes, offer: Offer, signer: Signer, *, least: int = 1) -> tuple[bytes, Opening]:
    """Answer a hello: ``(what travels, the receiver's half)``.

    Args:
      least: rank that a suite must have.

    Raises:
      Malformed: no hello.
      Suspicious: the hello offers no suite of that rank that this side has.
    """
    fields = messages.decode(hello)
    if VERSION not in messages.field_of(fields, "versions", list):
        raise Refusal(f"no version of the protocol in common; this program speaks {VERSION}")
    if len(messages.field_of(fields, "nonce", bytes)) != _NONCE:
        raise Malformed("a nonce has the wrong length")
    suite = _best(messages.names_in(fields, "suites"), offer.suites, least)
    if suite is None:
        raise Suspicious("no suite in common that the present threat allows", Event.STRIPPED)
    kem, public = recipients.generate(), signer.verifier().public
    body = messages.encode(
        {
            "version": VERSION,
            "versions": [VERSION],
            "suite": suite.name,
            "suites": offer.suites,
            "nonce": os.urandom(_NONCE),
            "identity": public,
            "kem": kem.recipient().public,
            "certificate": offer.certificate,
            "recipients": offer.recipients,
            "systems": offer.systems,
            "formats": offer.formats,
            "limits": dict(offer.limits),
            "level": int(offer.level),
        }
    )
    signature = signer.sign(messages.digest("welcome", hello, body))
    return messages.joined(body, signature), Opening(hello, body, signature, suite, kem)


def _best(theirs: Sequence[str], ours: Sequence[str], least: int) -> Suite | None:
    """The suite of the highest rank that both have; both sides compute it."""
    common = [_BY_NAME[name] for name in ours if name in theirs and name in _BY_NAME]
    common = [suite for suite in common if suite.rank >= least]
    return max(common, key=lambda suite: suite.rank, default=None)


def accept(opening: Opening, login: bytes, receiver: bytes) -> Session:
    """The session that a login opens; whether its sender is welcome is for the caller to say.

    Args:
      receiver: this side's public signing key.

    Raises:
      Malformed: no login.
      Suspicious: its signature does not hold over what this side sent and got, or its secret does not open.
    """
    body, signature = messages.split(login)
    fields = messages.decode(body)
    sender = messages.field_of(fields, "sender", bytes)
    if len(sender) != signing.PUBLIC_BYTES:
        raise Malformed("the sender's key has the wrong length")
    signed = messages.digest("login", opening.hello, opening.welcome, opening.signature, body)
    if not Verifier(sender).verify(signature, signed):
        raise Suspicious("the sender's signature does not hold over this session", Event.FAILED)
    secret = opening.kem.open(messages.field_of(fields, "secret", bytes))
    if secret is None or len(secret) != _SECRET:
        raise Suspicious("the session's secret does not open", Event.FAILED)
    return _session(opening.suite, secret, (opening.hello, opening.welcome, body), sender, receiver)


# ------------------------------------------------------------------------------------ the sender


@dataclass(frozen=True)
class Welcomed:
    """What a sender learned of a receiver, verified."""

    suite: Suite
    identity: bytes = field(repr=False)
    offer: Offer
    kem: bytes = field(repr=False)
    hello: bytes = field(repr=False)
    body: bytes = field(repr=False)
    signature: bytes = field(repr=False)


def hello(least: int = 1) -> bytes:
    """A fresh hello that offers every suite of at least that rank."""
    suites = [suite.name for suite in SUITES if suite.rank >= least]
    return messages.encode({"versions": [VERSION], "suites": suites, "nonce": os.urandom(_NONCE)})


def check(hello: bytes, answer: bytes, certificate: bytes, *, least: int = 1) -> Welcomed:
    """Verify a welcome; whether its identity is the one that is wanted is for the caller to say.

    Args:
      hello: as it was sent; answer: what came back.
      certificate: SHA-256 of the certificate that TLS showed.
      least: rank that a suite must have.

    Raises:
      Malformed: no welcome.
      Suspicious: its signature does not hold over that hello, it names another certificate, or it chose
        another suite than the best that both offer.
    """
    body, signature = messages.split(answer)
    fields = messages.decode(body)
    identity = messages.field_of(fields, "identity", bytes)
    if not Verifier(identity).verify(signature, messages.digest("welcome", hello, body)):
        what = "the receiver's signature does not hold over what was offered: altered on its way"
        raise Suspicious(what, Event.STRIPPED)
    offer = _offer(fields)
    if not hmac.compare_digest(offer.certificate, certificate):
        raise Suspicious("somebody stands between: TLS showed another certificate", Event.STRIPPED)
    best = _best(messages.names_in(messages.decode(hello), "suites"), offer.suites, least)
    if best is None or messages.field_of(fields, "suite", str) != best.name:
        raise Suspicious("the receiver chose a weaker suite than both offer", Event.STRIPPED)
    kem = messages.field_of(fields, "kem", bytes)
    if len(kem) != recipients.PUBLIC_BYTES:
        raise Malformed("the session's key has the wrong length")
    return Welcomed(best, identity, offer, kem, hello, body, signature)


def _offer(fields: Mapping[str, Any]) -> Offer:
    keys = [messages.field_of({"key": one}, "key", bytes) for one in messages.names_in(fields, "recipients")]
    if any(len(key) != recipients.PUBLIC_BYTES for key in keys):
        raise Malformed("a recipient's key has the wrong length")
    formats, limits = messages.field_of(fields, "formats", list), messages.field_of(fields, "limits", dict)
    if not all(type(one) is int for one in (*formats, *limits.values())):
        raise Malformed("formats or limits are no numbers")
    return Offer(
        messages.field_of(fields, "certificate", bytes),
        tuple(keys),
        tuple(messages.names_in(fields, "systems")),
        tuple(formats),
        limits,
        messages.field_of(fields, "level", int),
        tuple(messages.names_in(fields, "suites")),
    )


def login(welcomed: Welcomed, signer: Signer) -> tuple[bytes, Session]:
    """``(what travels, the session)``: the sender's proof, and a secret for the receiver alone."""
    secret, public = os.urandom(_SECRET), signer.verifier().public
    body = messages.encode({"sender": public, "secret": Recipient(welcomed.kem).seal(secret)})
    signed = messages.digest("login", welcomed.hello, welcomed.body, welcomed.signature, body)
    said = (welcomed.hello, welcomed.body, body)
    session = _session(welcomed.suite, secret, said, public, welcomed.identity)
    return messages.joined(body, signer.sign(signed)), session
