"""What is attacked: a System with its weights, and the file keys that its users would have.

Keys come from the real derivation of :mod:`jaxcrypt.crypto` with the cheapest Argon2 setting (that makes
guessing a passphrase cheap, nothing else). A *nonce in force* is a fresh file key for every picture; a
*nonce withheld* is one file key for all, which no command ever does: a weakened cipher for the controls.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from jaxcrypt.crypto import filekey, kdf, sources
from jaxcrypt.errors import usage
from jaxcrypt.record import Sealed, System
from jaxcrypt.sealing.cipher import Cipher

CHEAP = kdf.Argon(memory_kib=8, iterations=1, lanes=1)


@dataclass(frozen=True)
class Victim:
    """A System as its users run it.

    Attributes:
      name: what its header calls it.
      cipher: the System with its weights and options.
    """

    name: str
    cipher: Cipher

    def __post_init__(self):
        needs = [given.name for given in self.system.inputs if given.required]
        if needs:
            raise usage(
                f"--system {self.name}: attacks know Systems that take a picture alone, "
                f"this one takes {', '.join(needs)} as well"
            )

    @property
    def system(self) -> System:
        """The System alone."""
        return self.cipher.system

    def encrypt(self, pictures: np.ndarray, subkeys: Sequence[bytes]) -> tuple[np.ndarray, list[dict]]:
        """uint8 ``[N, H, W, C]`` and 32 bytes each -> ciphers uint8 ``[N, H', W', C']`` and their side."""
        made = self.cipher.encrypt(list(pictures), subkeys)
        return np.stack([one.pixels for one in made]), [one.side for one in made]

    def decrypt(
        self, ciphers, sides, subkeys: Sequence[bytes], shape: tuple[int, int, int], lost=None
    ) -> np.ndarray:
        """The inverse, past every key check: uint8 ``[N, H, W, C]``; ``lost``: bool ``[H', W']`` each."""
        sealed = [Sealed(pixels, side) for pixels, side in zip(ciphers, sides, strict=True)]
        opened = self.cipher.decrypt(sealed, subkeys, tuple(shape), lost)
        return np.stack([outcome.pictures[0] for outcome in opened])

    def null(self, shape: tuple[int, int, int], random: np.random.Generator) -> np.ndarray | None:
        """A cipher picture of no picture, uint8 ``[H', W', C']``; None where these are uniform bytes."""
        return self.system.null(shape, self.cipher.options, random)

    def file_key(self, keyring: filekey.Keyring, picture: np.ndarray) -> filekey.FileKey:
        return keyring.new_file_key(np.ascontiguousarray(picture).tobytes(), self.name, self.cipher.stored)

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
