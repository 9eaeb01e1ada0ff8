"""Key derivation: HKDF-SHA-256 (RFC 5869) by purpose, and Argon2id (RFC 9106) with bounded parameters.

Every derived key is ``HKDF(secret, salt, "jaxcrypt/1 " + purpose)``, so no two uses share key bits.
"""

from __future__ import annotations

from dataclasses import dataclass

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

DOMAIN = b"jaxcrypt/1 "
KEY_BYTES = 32
SALT_BYTES = 16

MAX_MEMORY_KIB = 256 * 1024
MAX_ITERATIONS = 16
MAX_LANES = 16
MAX_EXTRA_WORK = MAX_MEMORY_KIB * MAX_ITERATIONS  # beyond the default, of all derivations of a run together


@dataclass(frozen=True)
class Argon:
    """Argon2id parameters. The default is RFC 9106's second recommendation: 64 MiB, 3 passes, 4 lanes."""

    memory_kib: int = 64 * 1024
    iterations: int = 3
    lanes: int = 4

    def bounded(self) -> bool:
        """Whether they may be used. Asked before use, since a file from anywhere can name any number."""
        return (
            1 <= self.lanes <= MAX_LANES
            and 1 <= self.iterations <= MAX_ITERATIONS
            and 8 * self.lanes <= self.memory_kib <= MAX_MEMORY_KIB
        )

    def extra_work(self) -> int:
        """How much more than the default it costs, in KiB times passes."""
        return max(0, self.memory_kib * self.iterations - Argon.memory_kib * Argon.iterations)


def hkdf(secret: bytes, purpose: str, length: int = KEY_BYTES, salt: bytes | None = None) -> bytes:
    """``length`` bytes for one purpose."""
    return HKDF(hashes.SHA256(), length, salt, DOMAIN + purpose.encode()).derive(secret)


def argon2id(secret: bytes, salt: bytes, parameters: Argon) -> bytes:
    """32 bytes, slowly. Parameters out of bounds are a ValueError, raised before any memory is taken."""
    if not parameters.bounded():
        raise ValueError("Argon2id parameters are out of bounds")
    return Argon2id(
        salt=salt,
        length=KEY_BYTES,
        iterations=parameters.iterations,
        lanes=parameters.lanes,
        memory_cost=parameters.memory_kib,
    ).derive(secret)
