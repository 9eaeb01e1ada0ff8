"""Recipients: HPKE (RFC 9180) with the hybrid KEM of X25519 and ML-KEM-768 (FIPS 203).

Breaking it takes breaking both. A key file holds ML-KEM-768's encapsulation key and X25519's public key (1216
bytes), or their 64-byte seed and 32-byte scalar.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import (
    AEAD,
    KDF,
    KEM,
    MLKEM768X25519PrivateKey,
    MLKEM768X25519PublicKey,
    Suite,
)

from jaxcrypt.crypto import textfile
from jaxcrypt.errors import Refusal

PUBLIC_FILE = "jaxcrypt-recipient-1"
PRIVATE_FILE = "jaxcrypt-identity-1"
_MLKEM_PUBLIC = 1184
PUBLIC_BYTES = _MLKEM_PUBLIC + 32
_MLKEM_SEED = 64
PRIVATE_BYTES = _MLKEM_SEED + 32
SEALED_OVERHEAD = 1088 + 32 + 16
_INFO = b"jaxcrypt/1 recipient"
_SUITE = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


@dataclass(frozen=True)
class Recipient:
    """A public key that pictures are sealed for; ``proof`` shows a key ledger to have it (b"": none)."""

    public: bytes = field(repr=False)
    proof: bytes = field(default=b"", repr=False)

    def seal(self, secret: bytes) -> bytes:
        """``secret`` for this recipient alone: encapsulation, then AES-256-GCM."""
        mlkem = MLKEM768PublicKey.from_public_bytes(self.public[:_MLKEM_PUBLIC])
        x25519 = X25519PublicKey.from_public_bytes(self.public[_MLKEM_PUBLIC:])
        return _SUITE.encrypt(secret, MLKEM768X25519PublicKey(mlkem, x25519), _INFO)

    def text(self) -> str:
        return textfile.encode(
            PUBLIC_FILE, self.public, "jaxcrypt recipient: give it to whoever encrypts for you"
        )


@dataclass(frozen=True)
class Identity:
    """The private key that opens what was sealed for its recipient. Never shows in ``repr``."""

    private: bytes = field(repr=False)

    def open(self, sealed: bytes) -> bytes | None:
        """What :meth:`Recipient.seal` took, or None where it was not for this identity or is altered."""
        try:
            return _SUITE.decrypt(sealed, MLKEM768X25519PrivateKey(*self._keys()), _INFO)
        except (InvalidTag, ValueError):
            return None

    def recipient(self) -> Recipient:
        mlkem, x25519 = self._keys()
        return Recipient(mlkem.public_key().public_bytes_raw() + x25519.public_key().public_bytes_raw())

    def text(self) -> str:
        return textfile.encode(
            PRIVATE_FILE, self.private, "jaxcrypt identity: keep it secret, and keep a copy"
        )

    def _keys(self) -> tuple[MLKEM768PrivateKey, X25519PrivateKey]:
        return (
            MLKEM768PrivateKey.from_seed_bytes(self.private[:_MLKEM_SEED]),
            X25519PrivateKey.from_private_bytes(self.private[_MLKEM_SEED:]),
        )


def generate() -> Identity:
    """A fresh identity; its :meth:`Identity.recipient` is the public half."""
    mlkem, x25519 = MLKEM768PrivateKey.generate(), X25519PrivateKey.generate()
    return Identity(mlkem.private_bytes_raw() + x25519.private_bytes_raw())


def read_recipient(path: str | Path) -> Recipient:
    """The recipient in a public key file; anything else is a Refusal."""
    _, body = textfile.read(path, {PUBLIC_FILE: PUBLIC_BYTES})
    return usable(body, str(path))


def usable(public: bytes, source: str, proof: bytes = b"") -> Recipient:
    """The recipient of these bytes; a key that cannot be used is a Refusal, before any work."""
    recipient = Recipient(public, proof)
    try:
        recipient.seal(b"")
    except ValueError:
        raise Refusal(f"{source}: not a usable public key") from None
    return recipient


def read_identity(path: str | Path) -> Identity:
    """The identity in a private key file; anything else is a Refusal."""
    _, body = textfile.read(path, {PRIVATE_FILE: PRIVATE_BYTES})
    return Identity(body)
