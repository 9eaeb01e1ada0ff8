"""Wrong keys: what they decrypt, past the key check and with the true side information, the worst case.

The wrong file key is the one that the wrong source gives with the same salt and random bytes, as if the
stanza had opened. What comes out is compared with the photo's own flat mean, and its likeness to the
photo, each channel of both without its mean (which the side information may tell), with chance.

Nets that hide pictures were found to give them up to whoever runs the published net without the sender's key,
or with zeros in the place of what it made at random: the zero-shot reveal is that, with a key of zeros. Its
control is a picture that was sealed under that very key.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from jaxcrypt.attacks.rows import Row
from jaxcrypt.attacks.significance import cosines, permutation_p
from jaxcrypt.attacks.victim import CHEAP, Victim, unkeyed
from jaxcrypt.crypto import filekey, keyimage, sources
from jaxcrypt.metrics import image as quality
from jaxcrypt.metrics.sensitivity import flip_bit
from jaxcrypt.pictures.files import encode_png

GRANTED = "the cipher, the true side information"
ZERO_SHOT = "zero-shot reveal, a key of zeros"


def _subkeys(victim: Victim, held: Sequence[sources.Source], photos: np.ndarray, seed: int) -> list[bytes]:
    """The photos' subkeys by sources that are theirs; the same seed gives the same salt and random bytes."""
    random = np.random.default_rng([seed, 3])
    keys = []
    for source, photo in zip(held, photos, strict=True):
        keyring = filekey.Keyring([source], argon=CHEAP, randomness=random.bytes)
        keys.append(victim.file_key(keyring, photo).subkey("system"))
    return keys


def passphrases(photos: np.ndarray, seed: int) -> tuple[list[sources.Source], list[sources.Source]]:
    """Passphrases, and the same with one letter more, another one for every picture."""
    words = [f"{seed} {index}" for index in range(len(photos))]
    return [sources.passphrase(word) for word in words], [sources.passphrase(word + "!") for word in words]


def key_files(photos: np.ndarray, seed: int) -> tuple[list[sources.Source], list[sources.Source]]:
    """Key files, and the same with one bit flipped, another one for every picture."""
    random = np.random.default_rng([seed, 4])
    right = [random.bytes(sources.SECRET_BYTES) for _ in photos]
    wrong = [flip_bit(secret, 37 * index % 256) for index, secret in enumerate(right)]
    return tuple([sources.Source(sources.Kind.KEY_FILE, s) for s in held] for held in (right, wrong))


def key_images(photos: np.ndarray, seed: int) -> tuple[list[sources.Source], list[sources.Source]]:
    """The next photo as key image, and the same with the lowest bit of one sample flipped."""
    random = np.random.default_rng([seed, 5])
    right = np.roll(photos, 1, axis=0)
    wrong = right.copy()
    for image in wrong:
        image.reshape(-1)[random.integers(image.size)] ^= 1
    return tuple([keyimage.from_bytes(encode_png(image)) for image in held] for held in (right, wrong))


SOURCES = {
    "wrong passphrase": passphrases,
    "key file, one bit flipped": key_files,
    "key image, one pixel changed": key_images,
}


def rows(victim: Victim, photos: np.ndarray, seed: int) -> list[Row]:
    """Every kind of wrong key. ``photos``: uint8 ``[N, H, W, C]``, at least 32×32 and not flat."""
    made = []
    for attack, pair in SOURCES.items():
        right, wrong = (_subkeys(victim, held, photos, seed) for held in pair(photos, seed))
        made.append(_row(victim, attack, photos, right, wrong, seed))
    flipped = [flip_bit(key, 101 * index % 256) for index, key in enumerate(right)]
    made.append(_row(victim, "System's subkey, one bit flipped", photos, right, flipped, seed))
    zeros = unkeyed(len(photos))
    control = replace(
        _row(victim, ZERO_SHOT, photos, zeros, zeros, seed), granted="the cipher, sealed without a key"
    )
    made.append(_row(victim, ZERO_SHOT, photos, right, zeros, seed, control))
    return made


def _row(victim: Victim, attack: str, photos, right, wrong, seed: int, control: Row | None = None) -> Row:
    ciphers, sides = victim.encrypt(photos, right)
    seen = victim.decrypt(ciphers, sides, wrong, photos.shape[1:])
    got = quality.mean(quality.psnr(seen, photos)).psnr
    flat = quality.mean(quality.psnr(quality.flat_mean(photos), photos)).psnr
    p = permutation_p([cosines(_centred(seen), _centred(photos))], seed)
    words = f"{quality.words(got)}; its flat mean {flat:.2f}"
    return Row(attack, GRANTED, words, p, got - flat, control)


def _centred(images: np.ndarray) -> np.ndarray:
    """Without the mean of each picture's channels."""
    values = images.astype(np.float32)
    return values - values.mean(axis=(1, 2), keepdims=True)
