"""Cipher pictures that are no uniform noise, against what their layout itself gives.

A robust layout makes a picture of JPEG's blocks out of mixed symbols: its bytes have 7.6 bits of entropy, its
neighbours are alike, and no table of chance knows how much. So the null is drawn: cipher pictures of random
symbols, which hold no picture (:attr:`jaxcrypt.record.System.null`). Of each statistic the distributions over
ciphers and over nulls are compared (two-sample Kolmogorov-Smirnov; a row has the least p, times the number of
statistics).

The control of every row is the same attack on nulls through which the photo shines: a fraction of its
deviation from its mean is added to the samples.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import jax
import numpy as np
from scipy import stats

from jaxcrypt.attacks.looks import AVERAGED, difficult
from jaxcrypt.attacks.rows import Row
from jaxcrypt.attacks.victim import Victim
from jaxcrypt.metrics import cipher as statistics
from jaxcrypt.metrics.sensitivity import difference

SHINE = 0.25  # how much of the photo the control lets through
SHINING = f"the photo at {SHINE:g} over nulls"
_FEWEST = 96  # nulls, however few photos there are


def brought(photos: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Photos in the size of cipher pictures, grey where these are: float32 ``[N, H', W', C']``."""
    height, width, channels = shape
    values = photos.astype(np.float32)
    if channels != values.shape[3]:
        values = values.mean(axis=3, keepdims=True)
    return np.asarray(jax.image.resize(values, (len(values), height, width, values.shape[3]), "linear"))


def shine(nulls: np.ndarray, photos: np.ndarray) -> np.ndarray:
    """Pictures uint8 ``[N, H', W', C']`` with a photo each shining through."""
    seen = brought(photos, nulls.shape[1:])
    seen = seen - seen.mean(axis=(1, 2), keepdims=True)
    return np.clip(np.rint(nulls + SHINE * seen), 0, 255).astype(np.uint8)


@dataclass(frozen=True)
class Nulls:
    """Where nulls of a victim's cipher pictures come from, for photos of one shape."""

    victim: Victim
    shape: tuple[int, int, int]
    random: np.random.Generator

    def draw(self, count: int) -> np.ndarray:
        """uint8 ``[count, H', W', C']``."""
        made = [self.victim.null(self.shape, self.random) for _ in range(count)]
        return np.stack([one for one in made if one is not None])

    def shining(self, photos: np.ndarray) -> np.ndarray:
        """Nulls with a photo each shining through: uint8 ``[N, H', W', C']``."""
        return shine(self.draw(len(photos)), photos)


def rows(victim: Victim, photos: np.ndarray, seed: int) -> list[Row]:
    """Chosen pairs, statistics and block means of a victim whose cipher pictures have a null of their own."""
    nulls = Nulls(victim, photos.shape[1:], np.random.default_rng([seed, 13]))
    parts = _difference, _statistics, _block_means
    return [row for part in parts for row in part(nulls, photos, seed)]


def compared(
    attack: str,
    granted: str,
    measured: Mapping,
    expected: Mapping,
    control: Row | None = None,
    weakened=False,
) -> Row:
    """Each statistic's values over ciphers and over nulls."""
    tests = {name: float(stats.ks_2samp(measured[name], expected[name]).pvalue) for name in measured}
    words = ", ".join(f"{name} p {p:.2g}" for name, p in tests.items())
    p = min(1.0, len(tests) * min(tests.values()))
    return Row(attack, granted, words, p, control=control, weakened=weakened)


def of_bytes(ciphers: np.ndarray, mean: np.ndarray) -> dict[str, np.ndarray]:
    """Chi-square against the nulls' own mean histogram, entropy, and neighbours, of each cipher picture."""
    flat = ciphers.reshape(len(ciphers), -1)
    counts = np.stack([np.bincount(one, minlength=256) for one in flat])
    expected = np.maximum(mean * flat.shape[1], 1e-3)
    measured = {
        "chi-square": (np.square(counts - expected) / expected).sum(axis=1),
        "entropy": np.asarray(statistics.entropy_deficit(ciphers)),
        "energy": flat.astype(np.float32).var(axis=1),
    }
    for name in statistics.DIRECTIONS:
        measured[name] = np.nan_to_num(np.asarray(statistics.adjacent_correlation(ciphers, name)))
    return measured


def _statistics(nulls: Nulls, photos: np.ndarray, seed: int) -> list[Row]:
    count = max(_FEWEST, len(photos))
    first = nulls.draw(count)
    mean = np.bincount(first.reshape(-1), minlength=256) / first.size
    expected = of_bytes(nulls.draw(count), mean)
    control = compared("statistics", SHINING, of_bytes(nulls.shining(photos), mean), expected)
    made = []
    chosen = difficult(len(photos), photos.shape[1:])
    kinds = {"ciphers of photos": photos, "ciphers of chosen pictures: flat, dot, two tones, ramp": chosen}
    for offset, (granted, pictures) in enumerate(kinds.items()):
        ciphers, _ = nulls.victim.encrypt(pictures, nulls.victim.subkeys(pictures, seed + offset))
        against = f"{granted}, against {count} nulls"
        made.append(compared("statistics", against, of_bytes(ciphers, mean), expected, control))
    return made


def _apart(first: np.ndarray, second: np.ndarray) -> dict[str, np.ndarray]:
    measured = {name: np.asarray(value) for name, value in difference(first, second).items()}
    return measured | {
        "correlation": np.nan_to_num(np.asarray(statistics.correlation(first, second)), nan=1.0)
    }


def _difference(nulls: Nulls, photos: np.ndarray, seed: int) -> list[Row]:
    """Chosen pictures that differ in one bit, with and without nonce: against pairs of nulls."""
    count, random = max(_FEWEST, len(photos)), np.random.default_rng([seed, 6])
    expected = _apart(nulls.draw(count), nulls.draw(count))
    others = photos.copy()
    for other in others:
        other.reshape(-1)[random.integers(other.size)] ^= 1
    attack, half = "chosen plaintext, difference", len(photos)
    shining = _apart(nulls.shining(photos), nulls.shining(photos))
    control = compared(attack, SHINING, shining, expected)
    made = []
    for nonce, granted in ((True, "pairs of chosen pictures"), (False, "the same, nonce withheld")):
        keys = nulls.victim.subkeys(np.concatenate([photos, others]), seed, nonce)
        first, _ = nulls.victim.encrypt(photos, keys[:half])
        second, _ = nulls.victim.encrypt(others, keys[half:])
        measured, beside = _apart(first, second), control if nonce else None
        made.append(compared(attack, granted, measured, expected, beside, weakened=not nonce))
    return made


def _block_means(nulls: Nulls, photos: np.ndarray, seed: int) -> list[Row]:
    """Correlation of 8×8 block means with the photo's, of one cipher and of the mean of several."""

    def likeness(ciphers: np.ndarray) -> np.ndarray:
        seen = brought(photos, ciphers.shape[1:])
        pair = [statistics.block_means(one) for one in (ciphers.astype(np.float32), seen)]
        return np.nan_to_num(np.asarray(statistics.correlation(*pair)))

    def averaged(make: Callable[[], np.ndarray]) -> np.ndarray:
        return np.mean([make() for _ in range(AVERAGED)], axis=0, dtype=np.float32)

    again = iter(range(seed, seed + 2 * AVERAGED))

    def ciphers() -> np.ndarray:
        return nulls.victim.encrypt(photos, nulls.victim.subkeys(photos, 1000 + next(again)))[0]

    kinds = {
        "one cipher": lambda make: make(),
        f"the mean of {AVERAGED} ciphers of one photo": averaged,
    }
    made = []
    for granted, of in kinds.items():
        expected = {"correlation": likeness(of(lambda: nulls.draw(len(photos))))}
        shown = {"correlation": likeness(of(lambda: nulls.shining(photos)))}
        control = compared("block means", SHINING, shown, expected)
        measured = {"correlation": likeness(of(ciphers))}
        made.append(compared("block means", granted, measured, expected, control))
    return made
