"""What shows in cipher pictures without any learning: chosen pairs, statistics, block means.

Every statistic of every picture has a p-value; those below 0.01 are counted against the binomial that
chance gives (:func:`jaxcrypt.metrics.chance.pool`). A row has the least p of its statistics.
"""

from __future__ import annotations

from collections.abc import Mapping

import jax
import numpy as np

from jaxcrypt.attacks.rows import Row
from jaxcrypt.attacks.victim import Victim
from jaxcrypt.metrics import chance
from jaxcrypt.metrics import cipher as statistics
from jaxcrypt.metrics.sensitivity import difference

AVERAGED = 16  # ciphers of one chosen picture


def _row(attack: str, granted: str, tests: Mapping[str, np.ndarray], weakened: bool = False) -> Row:
    pooled = {name: chance.pool(values) for name, values in tests.items()}
    words = ", ".join(f"{name} {one.outside} of {one.count} out" for name, one in pooled.items())
    return Row(attack, granted, words, min(one.p for one in pooled.values()), weakened=weakened)


def chosen_difference(victim: Victim, photos: np.ndarray, seed: int) -> list[Row]:
    """Chosen pictures that differ in the lowest bit of one sample, under one key: with and without nonce."""
    random = np.random.default_rng([seed, 6])
    others = photos.copy()
    for other in others:
        other.reshape(-1)[random.integers(other.size)] ^= 1
    made = []
    for nonce, granted in ((True, "pairs of chosen pictures"), (False, "the same, nonce withheld")):
        keys = victim.subkeys(np.concatenate([photos, others]), seed, nonce)
        (first, _), (second, _) = (
            victim.encrypt(half, part)
            for half, part in ((photos, keys[: len(photos)]), (others, keys[len(photos) :]))
        )
        apart = difference(first, second)
        likeness = np.asarray(statistics.correlation(first, second))
        samples = first[0].size
        tests = {
            "NPCR": chance.npcr_p(apart["npcr"], samples),
            "UACI": chance.uaci_p(apart["uaci"], samples),
            # Two equal ciphers have the correlation 1 but for rounding.
            "correlation": chance.correlation_p(np.clip(likeness, -1, 1), samples),
        }
        made.append(_row("chosen plaintext, difference", granted, tests, weakened=not nonce))
    return made


def _uniformity(ciphers: np.ndarray) -> dict[str, np.ndarray]:
    samples, (height, width, channels) = ciphers[0].size, ciphers.shape[1:]
    tests = {
        "chi-square": chance.chi_square_p(np.asarray(statistics.chi_square(ciphers)), samples),
        "entropy": chance.entropy_p(np.asarray(statistics.entropy_deficit(ciphers)), samples),
    }
    for name, (down, right) in statistics.DIRECTIONS.items():
        pairs = (height - down) * (width - right) * channels
        correlation = np.asarray(statistics.adjacent_correlation(ciphers, name))
        tests[name] = chance.correlation_p(np.nan_to_num(correlation, nan=1.0), pairs)
    return tests


def uniform(victim: Victim, photos: np.ndarray, seed: int) -> list[Row]:
    """Statistics of the ciphers of photos, and of pictures chosen to be difficult."""
    ciphers, _ = victim.encrypt(photos, victim.subkeys(photos, seed))
    chosen = difficult(len(photos), photos.shape[1:])
    hard, _ = victim.encrypt(chosen, victim.subkeys(chosen, seed + 1))
    return [
        _row("statistics", "ciphers of photos", _uniformity(ciphers)),
        _row("statistics", "ciphers of chosen pictures: flat, dot, two tones, ramp", _uniformity(hard)),
    ]


def difficult(count: int, shape: tuple[int, int, int]) -> np.ndarray:
    """Black, white, one dot, two tones, a ramp, in turn: uint8 ``[count, *shape]``."""
    height, width, _ = shape
    kinds = np.zeros((5, *shape), np.uint8)
    kinds[1] = 255
    kinds[2, height // 2, width // 2] = 255
    kinds[3, :, width // 2 :] = 255
    kinds[4] = np.linspace(0, 255, width).astype(np.uint8)[:, None]
    return kinds[np.arange(count) % len(kinds)]


def block_means(victim: Victim, photos: np.ndarray, seed: int) -> list[Row]:
    """Correlation of 8×8 block means with the photo's, of one cipher and of the mean of several."""
    again = np.repeat(photos, AVERAGED, axis=0)
    ciphers, _ = victim.encrypt(again, victim.subkeys(again, seed))
    ciphers = ciphers.reshape(len(photos), AVERAGED, *ciphers.shape[1:])
    once, mean = ciphers[:, 0].astype(np.float32), ciphers.mean(axis=1, dtype=np.float32)
    return [
        _row("block means", "one cipher", {"correlation": _block_p(once, photos)}),
        _row(
            "block means",
            f"the mean of {AVERAGED} ciphers of one photo",
            {"correlation": _block_p(mean, photos)},
        ),
    ]


def _block_p(ciphers: np.ndarray, photos: np.ndarray) -> np.ndarray:
    """p-values of the block means' correlation; a photo of another size is first brought to the cipher's."""
    height, width, channels = ciphers.shape[1:]
    grown = [a / b for a, b in zip((height, width), photos.shape[1:3], strict=True)]
    if not all(1 <= ratio < 1.5 for ratio in grown):
        shape = (len(photos), height, width, photos.shape[3])
        photos = np.asarray(jax.image.resize(photos.astype(np.float32), shape, "linear"))
    rows, columns = (min(a, b) for a, b in zip((height, width), photos.shape[1:3], strict=True))
    pair = [statistics.block_means(image[:, :rows, :columns]) for image in (ciphers, photos)]
    if channels != photos.shape[3]:
        pair = [blocks.mean(axis=3, keepdims=True) for blocks in pair]
    correlation = np.asarray(statistics.correlation(*pair))
    return chance.correlation_p(correlation, int(np.prod(pair[0].shape[1:])))
