"""How a session opens: offers and choice in one transcript that both sides sign (crypto agility, RFC 7696).

    hello    sender -> receiver   versions and suites that it takes, a nonce
    welcome  receiver -> sender   all that it offers, what it chose, its keys, the certificate that it shows
                                  || signature over T("welcome", hello, welcome)
    login    sender -> receiver   its key, a secret under the receiver's fresh HPKE key
                                  || signature over T("login", hello, welcome, welcome's signature, login)

    T(purpose, m1, …) = SHA-512("jaxcrypt/1 network " || purpose || for each: length (u64) || message)
    keys              = HKDF(secret, salt = T("keys", hello, welcome, login), purpose)

Each side signs the bytes that it saw, so whoever alters an offer on its way ends the session. Signatures are
Ed25519 with ML-DSA-65, the secret travels under X25519 with ML-KEM-768; nothing here rests on TLS, whose
certificate is bound in by its digest. Suites differ in the hash of the session's MACs.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import os
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from jaxcrypt.crypto import kdf, recipients, signing
from jaxcrypt.crypto.cursor import Cursor, Malformed
from jaxcrypt.crypto.recipients import Identity, Recipient
from jaxcrypt.crypto.signing import SIGNATURE_BYTES, Signer, Verifier
from jaxcrypt.errors import ExitCode, Refusal
from jaxcrypt.network.threat import Event

VERSION = 1
MAX_MESSAGE = 256 * 1024
_DOMAIN = b"jaxcrypt/1 network "
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


# ------------------------------------------------------------------------------------- messages


def encode(fields: Mapping[str, Any]) -> bytes:
    """A message: JSON with sorted keys; bytes are base64 text."""
    plain = {name: _text(value) for name, value in fields.items()}
    return json.dumps(plain, sort_keys=True, separators=(",", ":")).encode()


def _text(value: Any) -> Any:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, list | tuple):
        return [_text(one) for one in value]
    return value


def decode(data: bytes) -> dict[str, Any]:
    """A message's fields.

    Raises:
      Malformed: no JSON object, or too long.
    """
    if len(data) > MAX_MESSAGE:
        raise Malformed("a message is too long")
    try:
        fields = json.loads(data)
    except (ValueError, RecursionError):
        raise Malformed("a message is no JSON") from None
    if not isinstance(fields, dict):
        raise Malformed("a message is no object")
    return fields


def field_of(fields: Mapping[str, Any], name: str, kind: type) -> Any:
    """A field of a message, of the kind that it must be (``bytes``: from base64); bool is no int.

    Raises:
      Malformed: missing, or of another kind.
    """
    value = fields.get(name)
    if kind is bytes:
        try:
            return base64.b64decode(value if isinstance(value, str) else "?", validate=True)
        except (binascii.Error, ValueError):
            raise Malformed(f"{name} is no base64") from None
    if type(value) is not kind:
        raise Malformed(f"{name} is missing or of another kind")
    return value


def names_in(fields: Mapping[str, Any], name: str) -> list[str]:
    """A list of texts, at most 64 of them."""
    values = field_of(fields, name, list)
    if len(values) > 64 or not all(isinstance(one, str) for one in values):
        raise Malformed(f"{name} is no list of names")
    return values


def joined(body: bytes, signature: bytes) -> bytes:
    """A message and its signature, as they travel: length (u32) || body || signature."""
    return struct.pack(">I", len(body)) + body + signature


def split(data: bytes) -> tuple[bytes, bytes]:
    """``(body, signature)`` of what :func:`joined` made."""
    cursor = Cursor(data)
    (length,) = cursor.unpack(">I")
    body, signature = cursor.take(length), cursor.rest()
    if len(signature) != SIGNATURE_BYTES:
        raise Malformed("a signature has the wrong length")
    return body, signature


def digest(purpose: str, *messages: bytes) -> bytes:
    """T of the module's docstring: 64 bytes."""
    hashed = hashlib.sha512(_DOMAIN + purpose.encode())
    for message in messages:
        hashed.update(struct.pack(">Q", len(message)) + message)
    return hashed.digest()


def fingerprint(public: bytes) -> str:
    """What people compare of a signing key: ``SHA256:`` and 64 hex digits."""
    return f"SHA256:{hashlib.sha256(public).hexdigest()}"


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
        return hmac.digest(self.keys[0], digest("request", *parts), self.suite.hash).hex()

    def response_mac(self, count: int, status: int, body: bytes) -> str:
        """MAC of the response to request ``count``."""
        parts = (str(count).encode(), str(status).encode(), hashlib.sha256(body).digest())
        return hmac.digest(self.keys[1], digest("response", *parts), self.suite.hash).hex()


def _session(
    suite: Suite, secret: bytes, messages: Sequence[bytes], sender: bytes, receiver: bytes
) -> Session:
    salt = digest("keys", *messages)
    keys = [kdf.hkdf(secret, f"network {way} {suite.name}", 64, salt) for way in ("to", "back")]
    return Session(digest("session", *messages)[:16].hex(), suite, sender, receiver, (keys[0], keys[1]))


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
    fields = decode(hello)
    if VERSION not in field_of(fields, "versions", list):
        raise Refusal(f"no version of the protocol in common; this program speaks {VERSION}")
    if len(field_of(fields, "nonce", bytes)) != _NONCE:
        raise Malformed("a nonce has the wrong length")
    suite = _best(names_in(fields, "suites"), offer.suites, least)
    if suite is None:
        raise Suspicious("no suite in common that the present threat allows", Event.STRIPPED)
    kem, public = recipients.generate(), signer.verifier().public
    body = encode(
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
    signature = signer.sign(digest("welcome", hello, body))
    return joined(body, signature), Opening(hello, body, signature, suite, kem)


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
    body, signature = split(login)
    fields = decode(body)
    sender = field_of(fields, "sender", bytes)
    if len(sender) != signing.PUBLIC_BYTES:
        raise Malformed("the sender's key has the wrong length")
    signed = digest("login", opening.hello, opening.welcome, opening.signature, body)
    if not Verifier(sender).verify(signature, signed):
        raise Suspicious("the sender's signature does not hold over this session", Event.FAILED)
    secret = opening.kem.open(field_of(fields, "secret", bytes))
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
    return encode({"versions": [VERSION], "suites": suites, "nonce": os.urandom(_NONCE)})


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
    body, signature = split(answer)
    fields = decode(body)
    identity = field_of(fields, "identity", bytes)
    if not Verifier(identity).verify(signature, digest("welcome", hello, body)):
        what = "the receiver's signature does not hold over what was offered: altered on its way"
        raise Suspicious(what, Event.STRIPPED)
    offer = _offer(fields)
    if not hmac.compare_digest(offer.certificate, certificate):
        raise Suspicious("somebody stands between: TLS showed another certificate", Event.STRIPPED)
    best = _best(names_in(decode(hello), "suites"), offer.suites, least)
    if best is None or field_of(fields, "suite", str) != best.name:
        raise Suspicious("the receiver chose a weaker suite than both offer", Event.STRIPPED)
    kem = field_of(fields, "kem", bytes)
    if len(kem) != recipients.PUBLIC_BYTES:
        raise Malformed("the session's key has the wrong length")
    return Welcomed(best, identity, offer, kem, hello, body, signature)


def _offer(fields: Mapping[str, Any]) -> Offer:
    keys = [field_of({"key": one}, "key", bytes) for one in names_in(fields, "recipients")]
    formats, limits = field_of(fields, "formats", list), field_of(fields, "limits", dict)
    if not all(type(one) is int for one in (*formats, *limits.values())):
        raise Malformed("formats or limits are no numbers")
    return Offer(
        field_of(fields, "certificate", bytes),
        tuple(keys),
        tuple(names_in(fields, "systems")),
        tuple(formats),
        limits,
        field_of(fields, "level", int),
        tuple(names_in(fields, "suites")),
    )


def login(welcomed: Welcomed, signer: Signer) -> tuple[bytes, Session]:
    """``(what travels, the session)``: the sender's proof, and a secret for the receiver alone."""
    secret, public = os.urandom(_SECRET), signer.verifier().public
    body = encode({"sender": public, "secret": Recipient(welcomed.kem).seal(secret)})
    signed = digest("login", welcomed.hello, welcomed.body, welcomed.signature, body)
    messages = (welcomed.hello, welcomed.body, body)
    session = _session(welcomed.suite, secret, messages, public, welcomed.identity)
    return joined(body, signer.sign(signed)), session
