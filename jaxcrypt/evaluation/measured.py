"""Everything that is measured of a System on one batch of pictures: what comes back, and what shows.

For each picture, with keys that follow from the seed: its cipher picture through an 8-bit PNG and back; what
a wrong key and a key with one flipped bit give, past the key check and with the true side information;
statistics of the cipher picture; and NPCR and UACI between cipher pictures

* ``nonce``: of the picture and of the picture with one changed sample, each under its own file key, the
  random bytes held fixed: what users get where the random source fails (a regression test of the nonce);
* ``subkey``: of the same two under one subkey: the System's own diffusion;
* ``key``: of the picture under the subkey and under the subkey with one flipped bit.

What decoding without the key gives is no white noise: side information such as a mean for every tile is a
small picture already, and a learned decoder draws what it was trained on. So its likeness to the photo is
held against that of random cipher pictures under random keys, through the same decoder and with the same side
information; the first of them is ``side`` among the pictures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import jax
import numpy as np

from jaxcrypt.evaluation.pictures import Named, draw, draw_number
from jaxcrypt.evaluation.subject import Subject, through_png
from jaxcrypt.metrics import chance, sensitivity
from jaxcrypt.metrics import cipher as statistics
from jaxcrypt.metrics.image import flat_mean, psnr
from jaxcrypt.record import Sealed

PAIRS = ("nonce", "subkey", "key")
LIKENESS = ("right", "wrong", "flipped", "side")
WITHOUT_KEY = ("wrong", "flipped")
RANDOM = 8  # random cipher pictures that tell what chance gives without the key


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
    sealed = subject.encrypt(plain, keys)
    ciphers = np.stack([one.pixels for one in sealed])
    received = [through_png(one) for one in sealed]
    right = subject.decrypted(received, keys, plain.shape[1:])
    strangers = [draw(subject.seed, "wrong key", name) for name in names]
    wrong = subject.decrypted(received, strangers, plain.shape[1:])
    bits = [draw_number(subject.seed, "flipped bit", name, 256) for name in names]
    flipped_keys = [sensitivity.flip_bit(key, bit) for key, bit in zip(keys, bits, strict=True)]
    flipped = subject.decrypted(sealed, flipped_keys, plain.shape[1:])
    random = [_of_random(subject, sealed, names, plain.shape[1:], k) for k in range(RANDOM)]
    columns = {
        **_prefixed("right", sensitivity.likeness(right, plain)),
        "exact": (right == plain).all(axis=(1, 2, 3)),
        **_prefixed("wrong", _likeness(wrong, plain)),
        **_prefixed("flipped", _likeness(flipped, plain)),
        **_prefixed("side", sensitivity.likeness(random[0], plain)),
        "flat_psnr": psnr(flat_mean(plain), plain),
        **_statistics(ciphers, plain),
        **_pairs(subject, names, plain, ciphers, keys, flipped_keys),
    }
    drawn = {name: np.stack([_alike(picture, plain)[name] for picture in random]) for name in _ALIKE}
    rows = []
    for i, name in enumerate(names):
        values = {column: float(v[i]) for column, v in columns.items()}
        row = Measured(name, plain.shape[1:], ciphers.shape[1:], values)
        rows.append(_judged(row, {column: draws[:, i] for column, draws in drawn.items()}))
    shown = [
        Example(name, plain[i], ciphers[i], right[i], wrong[i])
        for i, name in enumerate(names)
        if name in show
    ]
    return rows, shown


_ALIKE = ("correlation", "block")


def _likeness(image: np.ndarray, plain: np.ndarray) -> dict[str, np.ndarray]:
    """Of what came out without the key: PSNR, SSIM, and the two correlations that are held against chance."""
    return {**sensitivity.likeness(image, plain), **_alike(image, plain)}


@jax.jit
def _alike(image, plain):
    """Correlations with the photo, of samples and of 8×8 block means."""
    return {
        "correlation": statistics.correlation(image, plain),
        "block": statistics.block_correlation(image, plain),
    }


def _of_random(subject: Subject, sealed: Sequence[Sealed], names, shape, number: int) -> np.ndarray:
    """What random cipher pictures give under random keys with the true side information, uint8
    ``[B, H, W, C]``; another draw for every ``number``."""
    more = f" {number}" if number else ""
    made = [
        Sealed(_random_like(draw(subject.seed, f"random picture{more}", name), one.pixels.shape), one.side)
        for name, one in zip(names, sealed, strict=True)
    ]
    return subject.decrypted(made, [draw(subject.seed, f"wrong key{more}", name) for name in names], shape)


def _prefixed(prefix: str, columns: Mapping[str, Any]) -> dict[str, Any]:
    return {f"{prefix}_{name}": value for name, value in columns.items()}


def _random_like(seed: bytes, shape) -> np.ndarray:
    return np.random.default_rng(list(seed)).integers(0, 256, shape, dtype=np.uint8)


@jax.jit
def _statistics(ciphers, plain):
    columns = {
        "chi_square": statistics.chi_square(ciphers),
        "entropy_deficit": statistics.entropy_deficit(ciphers),
        "entropy": statistics.entropy(ciphers),
    }
    for name in statistics.DIRECTIONS:
        columns[name] = statistics.adjacent_correlation(ciphers, name)
        columns[f"plain_{name}"] = statistics.adjacent_correlation(plain, name)
    if ciphers.shape[-1] == plain.shape[-1]:
        columns["block"] = statistics.block_correlation(ciphers, plain)
    return columns


def changed_pictures(subject: Subject, names: Sequence[str], plain: np.ndarray) -> np.ndarray:
    """Each picture with the lowest bit of one of its samples flipped."""
    changed = plain.copy()
    for name, picture in zip(names, changed, strict=True):
        picture.reshape(-1)[draw_number(subject.seed, "changed sample", name, picture.size)] ^= 1
    return changed


def _pairs(subject: Subject, names, plain, ciphers, keys, flipped_keys) -> dict[str, np.ndarray]:
    """The three NPCR and UACI pairs."""
    changed = changed_pictures(subject, names, plain)
    others = {
        "nonce": subject.encrypt(changed, subject.subkeys(changed)),
        "subkey": subject.encrypt(changed, keys),
        "key": subject.encrypt(plain, flipped_keys),
    }
    columns = {}
    for name, sealed in others.items():
        apart = sensitivity.difference(ciphers, np.stack([one.pixels for one in sealed]))
        columns |= _prefixed(name, apart)
    return columns


def _judged(row: Measured, drawn: Mapping[str, np.ndarray]) -> Measured:
    """Set every statistic against chance: for this picture's size, or as random cipher pictures ``drawn``
    tell it."""
    values, shape, cipher_shape = row.values, row.shape, row.cipher_shape
    samples = int(np.prod(cipher_shape))

    def against(key: str, p_value, interval, count, value: str | None = None) -> None:
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
        for name, draws in drawn.items():
            against(f"{key}_{name}", chance.drawn_p, chance.drawn_interval, draws)
    for key in PAIRS:
        against(f"{key}_npcr", chance.npcr_p, chance.npcr_interval, samples)
        against(f"{key}_uaci", chance.uaci_p, chance.uaci_interval, samples)
    return row
