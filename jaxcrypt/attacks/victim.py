"""What is attacked: a System with its weights, and the file keys that its users would have.

Keys come from the real derivation of :mod:`jaxcrypt.crypto` with the cheapest Argon2 setting (that makes
guessing a passphrase cheap, nothing else). A *nonce in force* is a fresh file key for every picture; a
*nonce withheld* is one file key for all, which no command ever does: a weakened cipher for the controls.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from jaxcrypt.crypto import filekey, kdf, sources
from jaxcrypt.errors import usage
from jaxcrypt.record import System
from jaxcrypt.systems.drivers.tiled import decrypt_pictures, encrypt_pictures

CHEAP = kdf.Argon(memory_kib=8, iterations=1, lanes=1)


@dataclass(frozen=True)
class Victim:
    """A System as its users run it.

    Attributes:
      name: what its header calls it.
      system, variables: the System and its weights, ``{}`` where it has none.
      options: the System's options.
      stored: the options as the header stores them (they go into the file key).
    """

    name: str
    system: System
    variables: Any
    options: tuple = ()
    stored: tuple = ()

    def __post_init__(self):
        if set(self.system.needs) - {"image", "lost"}:
            raise usage(
                f"--system {self.name}: attacks know Systems that take a picture alone, "
                f"this one takes {', '.join(self.system.needs)}"
            )

    def encrypt(self, pictures: np.ndarray, subkeys: Sequence[bytes]) -> tuple[np.ndarray, list[dict]]:
        """uint8 ``[N, H, W, C]`` and 32 bytes each -> ciphers uint8 ``[N, H', W', C']`` and their side."""
        made = encrypt_pictures(self.system, self.variables, list(pictures), subkeys, self.options)
        return np.stack([pixels for pixels, _ in made]), [side for _, side in made]

    def decrypt(
        self, ciphers, sides, subkeys: Sequence[bytes], shape: tuple[int, int, int], lost=None
    ) -> np.ndarray:
        """The inverse, past every key check: uint8 ``[N, H, W, C]``; ``lost``: bool ``[H', W']`` each."""
        system, options = self.system, self.options
        found = decrypt_pictures(
            system, self.variables, list(ciphers), sides, subkeys, options, tuple(shape), lost
        )
        return np.stack([result["image"] for result in found])

    def file_key(self, keyring: filekey.Keyring, picture: np.ndarray) -> filekey.FileKey:
        return keyring.new_file_key(np.ascontiguousarray(picture).tobytes(), self.name, self.stored)

    def subkeys(self, pictures: np.ndarray, seed: int, nonce: bool = True) -> list[bytes]:
        """The subkeys of one user's pictures: a fresh file key each, or one for all of them."""
        random = np.random.default_rng([seed, 1])
        source = sources.passphrase(random.bytes(16).hex())
        keyring = filekey.Keyring([source], argon=CHEAP, randomness=random.bytes)
        if nonce:
            return [self.file_key(keyring, picture).subkey("system") for picture in pictures]
        return [self.file_key(keyring, pictures[0]).subkey("system")] * len(pictures)


def unkeyed(count: int) -> list[bytes]:
    """The subkey that everybody knows: 32 zero bytes for every picture."""
    return [bytes(32)] * count
