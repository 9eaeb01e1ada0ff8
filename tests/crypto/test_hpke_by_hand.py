"""A recipient stanza opened without the HPKE library, from the drafts' and RFC 9180's equations."""

import hashlib
import hmac

from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEM, KDF, AEAD = 0x647A, 1, 2
SUITE = b"HPKE" + b"".join(number.to_bytes(2, "big") for number in (KEM, KDF, AEAD))


def _extract(salt, label, material):
    return hmac.digest(salt or bytes(32), b"HPKE-v1" + SUITE + label + material, "sha256")


def _expand(secret, label, context, length):
    info = length.to_bytes(2, "big") + b"HPKE-v1" + SUITE + label + context
    return hmac.digest(secret, info + b"\x01", "sha256")[:length]


def test_recipient_stanza_is_hybrid_hpke(identity):
    sealed = identity.recipient().seal(b"k" * 32)
    enc_mlkem, enc_x25519, ciphertext = sealed[:1088], sealed[1088:1120], sealed[1120:]
    private = X25519PrivateKey.from_private_bytes(identity.private[64:])
    first = MLKEM768PrivateKey.from_seed_bytes(identity.private[:64]).decapsulate(enc_mlkem)
    second = private.exchange(X25519PublicKey.from_public_bytes(enc_x25519))
    public = private.public_key().public_bytes_raw()
    shared = hashlib.sha3_256(first + second + enc_x25519 + public + bytes.fromhex("5c2e2f2f5e5c")).digest()
    context = (
        b"\0" + _extract(b"", b"psk_id_hash", b"") + _extract(b"", b"info_hash", b"jaxcrypt/1 recipient")
    )
    secret = _extract(shared, b"secret", b"")
    key, nonce = _expand(secret, b"key", context, 32), _expand(secret, b"base_nonce", context, 12)
    assert AESGCM(key).decrypt(nonce, ciphertext, None) == b"k" * 32
