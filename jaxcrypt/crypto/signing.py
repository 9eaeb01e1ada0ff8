"""Signatures: Ed25519 (RFC 8032) and ML-DSA-65 (FIPS 204) side by side; both must verify.

signature = Ed25519(M) || ML-DSA-65(M),  M = "jaxcrypt/1 signature" || message
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PrivateKey, MLDSA65PublicKey

from jaxcrypt.crypto import textfile

PUBLIC_FILE = "jaxcrypt-verifier-1"
PRIVATE_FILE = "jaxcrypt-signer-1"
PUBLIC_BYTES = 32 + 1952
PRIVATE_BYTES = 32 + 32
_ED25519 = 64
SIGNATURE_BYTES = _ED25519 + 3309
_DOMAIN = b"jaxcrypt/1 signature"


@dataclass(frozen=True)
class Verifier:
    """The public half: says whether a signature is by its signer."""

    public: bytes = field(repr=False)

    def verify(self, signature: bytes, message: bytes) -> bool:
        """Whether both signatures hold."""
        if len(signature) != SIGNATURE_BYTES:
            return False
        message = _DOMAIN + message
        try:
            Ed25519PublicKey.from_public_bytes(self.public[:32]).verify(signature[:_ED25519], message)
            MLDSA65PublicKey.from_public_bytes(self.public[32:]).verify(signature[_ED25519:], message)
        except (InvalidSignature, ValueError):
            return False
        return True

    def text(self) -> str:
        return textfile.encode(
            PUBLIC_FILE, self.public, "jaxcrypt verifier: give it to whoever checks your pictures"
        )


@dataclass(frozen=True)
class Signer:
    """The private half: two 32-byte seeds. Never shows in ``repr``."""

    private: bytes = field(repr=False)

    def sign(self, message: bytes) -> bytes:
        ed25519, mldsa = self._keys()
        message = _DOMAIN + message
        return ed25519.sign(message) + mldsa.sign(message)

    def verifier(self) -> Verifier:
        ed25519, mldsa = self._keys()
        return Verifier(ed25519.public_key().public_bytes_raw() + mldsa.public_key().public_bytes_raw())

    def text(self) -> str:
        return textfile.encode(PRIVATE_FILE, self.private, "jaxcrypt signer: keep it secret, and keep a copy")

    def _keys(self) -> tuple[Ed25519PrivateKey, MLDSA65PrivateKey]:
        return (
            Ed25519PrivateKey.from_private_bytes(self.private[:32]),
            MLDSA65PrivateKey.from_seed_bytes(self.private[32:]),
        )


def generate() -> Signer:
    """A fresh signing key; its :meth:`Signer.verifier` is the public half."""
    return Signer(
        Ed25519PrivateKey.generate().private_bytes_raw() + MLDSA65PrivateKey.generate().private_bytes_raw()
    )


def read_signer(path: str | Path) -> Signer:
    """The signer in a private key file; anything else is a Refusal."""
    _, body = textfile.read(path, {PRIVATE_FILE: PRIVATE_BYTES})
    return Signer(body)


def read_verifier(path: str | Path) -> Verifier:
    """The verifier in a public key file; anything else is a Refusal."""
    _, body = textfile.read(path, {PUBLIC_FILE: PUBLIC_BYTES})
    return Verifier(body)
