"""Small stand-ins for Systems under measurement, and pictures to measure them on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from jaxcrypt.evaluation.pictures import Named
from jaxcrypt.evaluation.subject import Subject
from jaxcrypt.record import Outcome, Sealed

SHAPE = (48, 40, 3)


@dataclass(frozen=True)
class Unnamed:
    """What a Subject asks of its cipher for keys and checks."""

    stored: tuple = ()
    options: tuple = ()
    weights: str = ""

    def check(self, shape: tuple[int, ...], name: str) -> None:
        """Any."""


@dataclass(frozen=True)
class Xor(Subject):
    """XOR with random bytes: of the key, or always the same; ``loss`` low bits are dropped first."""

    keyed: bool = True
    loss: int = 0

    def encrypt(self, pictures, subkeys):
        return [
            Sealed(self._apply(p >> self.loss << self.loss, k))
            for p, k in zip(pictures, subkeys, strict=True)
        ]

    def decrypt(self, sealed, subkeys, shape, lost=None):
        return [Outcome([self._apply(one.pixels, k)]) for one, k in zip(sealed, subkeys, strict=True)]

    def _apply(self, pixels: np.ndarray, subkey: bytes) -> np.ndarray:
        rng = np.random.default_rng(list(subkey) if self.keyed else 5)
        return pixels ^ rng.integers(0, 256, pixels.shape, np.uint8)


def toy(kind=Xor, **fields) -> Subject:
    """A stand-in with seed 1."""
    return kind("toy", Unnamed(), 1, **fields)


def smooth_pictures(count: int) -> list[Named]:
    """Waves, all different."""
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    rng = np.random.default_rng(3)
    made = []
    for i in range(count):
        waves = [np.sin(x / a + y / b + c) for a, b, c in rng.uniform(3, 9, (3, 3))]
        made.append(Named(f"{i}.png", (127 + 120 * np.stack(waves, axis=-1)).astype(np.uint8)))
    return made
