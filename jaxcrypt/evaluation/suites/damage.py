"""What is left of pictures whose cipher pictures were distorted, beside what undoes ordinary encryption.

Every picture, as RGB, is encrypted under a key of its own, damaged, and decoded with the header at hand, as
``decrypt --recover`` does. AES-256-GCM (NIST SP 800-38D) encrypts the samples, its tag kept safe: after any
damage it refuses. What its bytes would have been, had the tag been ignored, is counter mode (SP 800-38A).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from jaxcrypt.evaluation.pictures import Named
from jaxcrypt.evaluation.plots import bars
from jaxcrypt.evaluation.report import Result, markdown, numbers
from jaxcrypt.evaluation.setting import Setting, digests, progress, title
from jaxcrypt.evaluation.subject import Subject
from jaxcrypt.metrics.image import flat_mean, mean, psnr
from jaxcrypt.pictures import damages
from jaxcrypt.pictures.damages import Damage
from jaxcrypt.record import Sealed

_SEED = 5
_TAG, _NONCE = 16, bytes(12)
_FIRST_COUNTER = b"\0\0\0\2"  # GCM encrypts data from J0 + 1, SP 800-38D section 7.1
Decoder = Callable[[np.ndarray, Damage, np.random.Generator], np.ndarray | None]


def run(setting: Setting) -> Result:
    """Every picture through every damage and back, by every System."""
    subjects = [
        varied
        for subject in setting.subjects()
        for varied in (subject.varied(setting.own["vary"]) if setting.own.get("vary") else [subject])
    ]
    chosen = [damages.parse(text) for text in setting.own.get("damage") or ()] or damages.CIPHER
    columns: dict[str, Decoder] = {"AES-256-GCM": aes, "AES-256-GCM, tag ignored": aes_without_tag}
    columns |= {subject.label: decoder(subject) for subject in subjects}
    if setting.own.get("bm3d"):
        columns |= {f"{subject.label} + BM3D": decoder(subject, _bm3d) for subject in subjects}
    pictures = setting.colour_pictures()
    values, seconds = measure(pictures, columns, chosen, setting.seed)
    flat = mean([psnr(flat_mean(picture.pixels), picture.pixels) for picture in pictures])
    facts = {"pictures": len(pictures), "names": [picture.name for picture in pictures]}
    facts |= {"digests": digests(subjects), "values": values, "seconds": seconds, "flat": flat.psnr}
    return Result(facts, plot(facts))


def measure(
    pictures: Sequence[Named], columns: Mapping[str, Decoder], chosen: Sequence[Damage], seed: int
) -> tuple[dict[str, dict[str, list[float]]], dict[str, float]]:
    """PSNR of every picture, ``{damage: {column: [dB, …]}}``, NaN where nothing came back; and the seconds
    that each column took."""
    values = {damage.words: {name: [] for name in columns} for damage in chosen}
    seconds = dict.fromkeys(columns, 0.0)
    for number, (picture,) in enumerate(progress(([one] for one in pictures), len(pictures), "measured")):
        for damage in chosen:
            for name, decode in columns.items():
                start = time.perf_counter()
                # Key and damage follow from the picture alone: every column meets the same.
                opened = decode(picture.pixels, damage, np.random.default_rng((_SEED + seed, number)))
                seconds[name] += time.perf_counter() - start
                values[damage.words][name].append(
                    math.nan if opened is None else float(psnr(opened, picture.pixels))
                )
    return values, seconds


def decoder(subject: Subject, finish: Callable | None = None) -> Decoder:
    """A System, from a picture to what comes back; ``finish`` makes the picture of an outcome."""

    def decode(picture: np.ndarray, damage: Damage, rng: np.random.Generator) -> np.ndarray:
        key = rng.bytes(32)
        (sealed,) = subject.encrypt([picture], [key])
        received, lost = damage(sealed.pixels, rng)
        known = None if lost is None else [lost]
        (outcome,) = subject.decrypt([Sealed(received, sealed.side)], [key], picture.shape, known)
        return finish(outcome) if finish else outcome.pictures[0]

    return decode


def _bm3d(outcome) -> np.ndarray:
    """BM3D told the level that the System measured."""
    import bm3d

    clean = bm3d.bm3d_rgb(outcome.pictures[0] / 255, float(outcome.noise or 0) / 255)
    return np.clip(np.rint(clean * 255), 0, 255).astype(np.uint8)


def aes(picture: np.ndarray, damage: Damage, rng: np.random.Generator) -> np.ndarray | None:
    """AES-256-GCM of the samples: all or nothing."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    received, key, tag = _through_aes(picture, damage, rng)
    try:
        opened = AESGCM(key).decrypt(_NONCE, received + tag, None)
    except InvalidTag:
        return None
    return np.frombuffer(opened, np.uint8).reshape(picture.shape)


def aes_without_tag(picture: np.ndarray, damage: Damage, rng: np.random.Generator) -> np.ndarray:
    """The same, decrypted whatever the tag says."""
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    received, key, _ = _through_aes(picture, damage, rng)
    counter = Cipher(algorithms.AES(key), modes.CTR(_NONCE + _FIRST_COUNTER)).decryptor()
    return np.frombuffer(counter.update(received), np.uint8).reshape(picture.shape)


def _through_aes(picture, damage, rng) -> tuple[bytes, bytes, bytes]:
    """The damaged ciphertext, its key and its tag."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    key = rng.bytes(32)
    sealed = AESGCM(key).encrypt(_NONCE, picture.tobytes(), None)
    shown = np.frombuffer(sealed[:-_TAG], np.uint8).reshape(picture.shape)
    return damage(shown, rng).pixels.tobytes(), key, sealed[-_TAG:]


def table(facts: Mapping[str, Any]) -> str:
    """Mean (lowest) PSNR as Markdown."""
    columns = list(next(iter(facts["values"].values())))
    rows = []
    for damage, row in facts["values"].items():
        rows.append([damage, *(_cell(numbers(row[name])) for name in columns)])
    heading = f"{title(facts, ['PSNR in dB, mean (lowest)'])}; of their own flat mean {facts['flat']:.2f}"
    return heading + "\n\n" + markdown(["distortion of the cipher picture", *columns], rows)


def _cell(values: np.ndarray) -> str:
    return "refused" if np.isnan(values).all() else mean(values).words


def plot(facts: Mapping[str, Any]) -> bytes:
    """Bars of mean PSNR, by damage and System."""
    groups = {
        damage: {name: mean(numbers(values)).psnr for name, values in row.items()}
        for damage, row in facts["values"].items()
    }
    return bars(groups, "PSNR, dB")
