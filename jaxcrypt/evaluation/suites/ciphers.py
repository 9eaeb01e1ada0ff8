"""Everything that is measured of a System on one batch of pictures: what comes back, and what shows.

For each picture, with keys that follow from the seed: its cipher picture through an 8-bit PNG and back; what
a wrong key and a key with one flipped bit give, past the key check and with the true side information;
what random pixels in place of the cipher picture give with it (``side``: a mean for every tile is a small
picture already); statistics of the cipher picture; and NPCR and UACI between cipher pictures

* ``nonce``: of the picture and of the picture with one changed sample, each under its own file key, the
  random bytes held fixed: what users get where the random source fails (a regression test of the nonce);
* ``diffusion``: of the same two under one subkey: the System's own diffusion;
* ``key``: of the picture under the subkey and under the subkey with one flipped bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import jax
import numpy as np

from jaxcrypt.crypto.filekey import Keyring
from jaxcrypt.crypto.kdf import SALT_BYTES
from jaxcrypt.crypto.sources import Kind, Source
from jaxcrypt.evaluation.pictures import Named, draw, draw_number
from jaxcrypt.metrics import chance, sensitivity
from jaxcrypt.metrics import cipher as statistics
from jaxcrypt.metrics.image import flat_mean, psnr
from jaxcrypt.pictures.files import encode_png, load_picture
from jaxcrypt.record import Sealed
from jaxcrypt.sealing.cipher import Cipher

PAIRS = ("nonce", "diffusion", "key")
LIKENESS = ("right", "wrong", "flipped", "side")
WITHOUT_KEY = ("wrong", "flipped")


@dataclass(frozen=True)
class Subject:
    """A System under measurement: its name, itself ready to run, the seed of all keys."""

    name: str
    loaded: Cipher
    seed: int = 0

    def encrypt(self, plain: np.ndarray, subkeys: Sequence[bytes]) -> tuple[np.ndarray, list[dict]]:
        """uint8 ``[B, H, W, C]`` -> cipher pictures uint8 ``[B, H', W', C]`` and their side information."""
        made = self.loaded.encrypt(list(plain), subkeys)
        return np.stack([one.pixels for one in made]), [one.side for one in made]

    def decrypt(self, ciphers: np.ndarray, sides: list[dict], subkeys: Sequence[bytes], shape) -> np.ndarray:
        """The inverse; ``shape`` is the plain picture's ``(H, W, C)``."""
        sealed = [Sealed(pixels, side) for pixels, side in zip(ciphers, sides, strict=True)]
        opened = self.loaded.decrypt(sealed, subkeys, tuple(shape))
        return np.stack([outcome.pictures[0] for outcome in opened])

    def subkeys(self, pictures: Sequence[np.ndarray]) -> list[bytes]:
        """Each picture's subkey as the commands derive it, with the random bytes held fixed by the seed."""
        source = Source(Kind.KEY_FILE, draw(self.seed, "key file", ""))
        fixed = draw(self.seed, "random bytes", "")
        keyring = Keyring([source], salt=fixed[:SALT_BYTES], randomness=lambda count: fixed[:count])
        keys = (keyring.new_file_key(p.tobytes(), self.name, self.loaded.stored) for p in pictures)
        return [key.subkey("system") for key in keys]


@dataclass
class Measured:
    """One picture: ``values`` by name; of its statistics the ``p`` values, and ``intervals`` at α = 0.01."""

    picture: str
    shape: tuple[int, ...]
    cipher_shape: tuple[int, ...]
    values: dict[str, float]
    p: dict[str, float] = field(default_factory=dict)
    intervals: dict[str, tuple[float, float]] = field(default_factory=dict)


@dataclass(frozen=True)
class Example:
    """The pictures of one row of the sheet, uint8 ``[H, W, C]``."""

    name: str
    plain: np.ndarray
    cipher: np.ndarray
    right: np.ndarray
    wrong: np.ndarray


def measure(
    subject: Subject, batch: Sequence[Named], show: Sequence[str] = ()
) -> tuple[list[Measured], list[Example]]:
    """Measure pictures of one shape; those named in ``show`` come back as examples."""
    plain = np.stack([picture.pixels for picture in batch])
    names = [picture.name for picture in batch]
    keys = subject.subkeys(plain)
    ciphers, sides = subject.encrypt(plain, keys)
    received = np.stack([load_picture(encode_png(cipher)).pixels for cipher in ciphers])
    right = subject.decrypt(received, sides, keys, plain.shape[1:])
    strangers = [draw(subject.seed, "wrong key", name) for name in names]
    wrong = subject.decrypt(received, sides, strangers, plain.shape[1:])
    random = np.stack([_random_like(subject.seed, name, ciphers.shape[1:]) for name in names])
    alone = subject.decrypt(random, sides, strangers, plain.shape[1:])
    columns = {
        **_prefixed("right", sensitivity.likeness(right, plain)),
        "exact": (right == plain).all(axis=(1, 2, 3)),
        **_prefixed("wrong", sensitivity.likeness(wrong, plain)),
        **_prefixed("side", sensitivity.likeness(alone, plain)),
        "flat_psnr": np.asarray(_flat_psnr(plain)),
        **_statistics(ciphers, plain),
        **_pairs(subject, names, plain, ciphers, sides, keys),
    }
    rows = [
        _judged(name, plain.shape[1:], ciphers.shape[1:], {key: float(v[i]) for key, v in columns.items()})
        for i, name in enumerate(names)
    ]
    shown = [
        Example(name, plain[i], ciphers[i], right[i], wrong[i])
        for i, name in enumerate(names)
        if name in show
    ]
    return rows, shown


def _prefixed(prefix: str, found: dict[str, Any]) -> dict[str, Any]:
    return {f"{prefix}_{name}": value for name, value in found.items()}


def _random_like(seed: int, name: str, shape) -> np.ndarray:
    rng = np.random.default_rng(list(draw(seed, "random picture", name)))
    return rng.integers(0, 256, shape, dtype=np.uint8)


@jax.jit
def _flat_psnr(plain):
    return psnr(flat_mean(plain), plain, data_range=255)


@jax.jit
def _statistics(ciphers, plain):
    found = {
        "chi_square": statistics.chi_square(ciphers),
        "entropy_deficit": statistics.entropy_deficit(ciphers),
        "entropy": statistics.entropy(ciphers),
    }
    for name in statistics.DIRECTIONS:
        found[name] = statistics.adjacent_correlation(ciphers, name)
        found[f"plain_{name}"] = statistics.adjacent_correlation(plain, name)
    if ciphers.shape[-1] == plain.shape[-1]:
        found["block"] = statistics.block_correlation(ciphers, plain)
    return found


def changed_pictures(subject: Subject, names: Sequence[str], plain: np.ndarray) -> np.ndarray:
    """Each picture with the lowest bit of one of its samples flipped."""
    changed = plain.copy()
    for name, picture in zip(names, changed, strict=True):
        picture.reshape(-1)[draw_number(subject.seed, "changed sample", name, picture.size)] ^= 1
    return changed


def _pairs(subject: Subject, names, plain, ciphers, sides, keys) -> dict[str, np.ndarray]:
    """The three NPCR and UACI pairs, and what a key with one flipped bit decrypts."""
    changed = changed_pictures(subject, names, plain)
    fresh, _ = subject.encrypt(changed, subject.subkeys(changed))
    fixed, _ = subject.encrypt(changed, keys)
    bits = [draw_number(subject.seed, "flipped bit", name, 256) for name in names]
    flipped = [sensitivity.flip_bit(key, bit) for key, bit in zip(keys, bits, strict=True)]
    turned, _ = subject.encrypt(plain, flipped)
    opened = subject.decrypt(ciphers, sides, flipped, plain.shape[1:])  # the true side: the worst case
    return {
        **_prefixed("nonce", sensitivity.difference(ciphers, fresh)),
        **_prefixed("diffusion", sensitivity.difference(ciphers, fixed)),
        **_prefixed("key", sensitivity.difference(ciphers, turned)),
        **_prefixed("flipped", sensitivity.likeness(opened, plain)),
    }


def _judged(name: str, shape, cipher_shape, values: dict[str, float]) -> Measured:
    """Set every statistic against chance for this picture's size."""
    row = Measured(name, tuple(shape), tuple(cipher_shape), values)
    samples = int(np.prod(cipher_shape))

    def against(key: str, p_value, interval, count: int, value: str | None = None) -> None:
        row.p[key] = float(p_value(values[value or key], count))
        row.intervals[key] = interval(count)

    against("chi_square", chance.chi_square_p, chance.chi_square_interval, samples)
    against("entropy", chance.entropy_p, chance.entropy_interval, samples, "entropy_deficit")
    for key, (down, right) in statistics.DIRECTIONS.items():
        pairs = (cipher_shape[0] - down) * (cipher_shape[1] - right) * cipher_shape[2]
        against(key, chance.correlation_p, chance.correlation_interval, pairs)
    if "block" in values:
        blocks = [min(a, b) // statistics.BLOCK for a, b in zip(shape[:2], cipher_shape[:2], strict=True)]
        against("block", chance.correlation_p, chance.correlation_interval, blocks[0] * blocks[1] * shape[2])
    for key in WITHOUT_KEY:
        against(f"{key}_correlation", chance.correlation_p, chance.correlation_interval, int(np.prod(shape)))
    for key in PAIRS:
        against(f"{key}_npcr", chance.npcr_p, chance.npcr_interval, samples)
        against(f"{key}_uaci", chance.uaci_p, chance.uaci_interval, samples)
    return row
