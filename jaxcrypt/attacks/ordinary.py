"""What undoes an ordinary cipher: damage to cipher pictures of AES-256-GCM, ``logistic`` and any other.

AES-256-GCM encrypts a picture's samples; its ciphertext is shown as a picture, nonce and tag travel
beside it. After any damage the tag fails, and nothing comes out: that is what the standard (NIST SP
800-38D) asks for. What the bytes would have been, had the tag been ignored, is counter mode (SP 800-38A);
it stands in a row of its own.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from PIL import Image

from jaxcrypt.attacks.victim import Victim
from jaxcrypt.metrics.image import flat_mean, psnr

Damage = Callable[[np.ndarray, np.random.Generator], tuple[np.ndarray, np.ndarray | None]]
"""``(cipher uint8 [H, W, C], random) -> (what arrives, bool [H, W] where known to be lost or None)``."""
_BLOCK = 16
_TAG, _NONCE = 16, 12
_FIRST_COUNTER = b"\0\0\0\2"  # GCM encrypts data from J0 + 1, SP 800-38D section 7.1


@dataclass(frozen=True)
class Undone:
    """Mean PSNR in dB of what ``cipher`` gave back after ``damage``; None where it gave nothing."""

    damage: str
    cipher: str
    psnr: float | None
    flat: float

    @property
    def words(self) -> str:
        return "nothing (refused)" if self.psnr is None else f"{self.psnr:.2f} dB"


def jpeg(quality: int) -> Damage:
    """JPEG of that quality with 4:4:4 chroma."""

    def apply(cipher: np.ndarray, random: np.random.Generator) -> tuple[np.ndarray, None]:
        buffer = io.BytesIO()
        Image.fromarray(cipher[..., 0] if cipher.shape[2] == 1 else cipher).save(
            buffer, "JPEG", quality=quality, subsampling=0
        )
        return np.asarray(Image.open(buffer)).reshape(cipher.shape), None

    return apply


def gaussian(sigma: float) -> Damage:
    """White noise of standard deviation ``sigma`` grey levels on every sample, rounded to 8 bits."""

    def apply(cipher: np.ndarray, random: np.random.Generator) -> tuple[np.ndarray, None]:
        noisy = cipher + random.normal(0, sigma, cipher.shape)
        return np.clip(np.rint(noisy), 0, 255).astype(np.uint8), None

    return apply


def lost_blocks(share: float) -> Damage:
    """That share of the 16×16 blocks black, and known to be lost."""

    def apply(cipher: np.ndarray, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        rows, columns = (-(-side // _BLOCK) for side in cipher.shape[:2])
        lost = np.zeros(rows * columns, bool)
        lost[random.choice(lost.size, round(share * lost.size), replace=False)] = True
        mask = np.kron(lost.reshape(rows, columns), np.ones((_BLOCK, _BLOCK), bool))
        mask = mask[: cipher.shape[0], : cipher.shape[1]]
        return np.where(mask[..., None], 0, cipher).astype(np.uint8), mask

    return apply


def nothing(cipher: np.ndarray, random: np.random.Generator) -> tuple[np.ndarray, None]:
    """The cipher picture as it was made: what every damage is compared with."""
    return cipher, None


DAMAGES: Mapping[str, Damage] = {
    "nothing": nothing,
    "JPEG 90, 4:4:4": jpeg(90),
    "JPEG 75, 4:4:4": jpeg(75),
    "JPEG 50, 4:4:4": jpeg(50),
    "noise, σ = 8": gaussian(8),
    "10% of blocks lost": lost_blocks(0.1),
}


def rows(
    victims: Mapping[str, Victim], photos: np.ndarray, seed: int, damages: Mapping[str, Damage] = DAMAGES
) -> list[Undone]:
    """AES-256-GCM, then each of ``victims``, after each of ``damages``.

    Args:
      photos: uint8 ``[N, H, W, C]``, grey or RGB.
    """
    flat = float(np.mean(psnr(flat_mean(photos), photos, 255)))
    made = []
    for name, damage in damages.items():
        checked, ignored = aes(photos, damage, seed)
        made.append(Undone(name, "AES-256-GCM", checked, flat))
        made.append(Undone(name, "AES-256-GCM, tag ignored", ignored, flat))
        for cipher, victim in victims.items():
            made.append(Undone(name, cipher, _damaged(victim, photos, damage, seed), flat))
    return made


def aes(photos: np.ndarray, damage: Damage, seed: int) -> tuple[float | None, float]:
    """PSNR through AES-256-GCM and a damage: by the standard (None: refused), and with the tag ignored."""
    random = np.random.default_rng([seed, 7])
    opened, ignored = [], []
    for photo in photos:
        key, nonce = random.bytes(32), random.bytes(_NONCE)
        sealed = AESGCM(key).encrypt(nonce, photo.tobytes(), None)
        body, tag = np.frombuffer(sealed[:-_TAG], np.uint8), sealed[-_TAG:]
        received = damage(body.reshape(photo.shape), random)[0].tobytes()
        try:
            opened.append(AESGCM(key).decrypt(nonce, received + tag, None))
        except InvalidTag:
            opened.append(None)
        counter = Cipher(algorithms.AES(key), modes.CTR(nonce + _FIRST_COUNTER)).decryptor()
        ignored.append(counter.update(received))
    refused = any(plain is None for plain in opened)
    return None if refused else _mean_psnr(opened, photos), _mean_psnr(ignored, photos)


def _mean_psnr(plain: list[bytes], photos: np.ndarray) -> float:
    seen = np.stack([np.frombuffer(data, np.uint8) for data in plain]).reshape(photos.shape)
    return float(np.mean(np.minimum(psnr(seen, photos, 255), 99)))


def _damaged(victim: Victim, photos: np.ndarray, damage: Damage, seed: int) -> float:
    random = np.random.default_rng([seed, 8])
    keys = victim.subkeys(photos, seed)
    ciphers, sides = victim.encrypt(photos, keys)
    received, lost = zip(*(damage(cipher, random) for cipher in ciphers), strict=True)
    known = None if lost[0] is None else lost
    seen = victim.decrypt(received, sides, keys, photos.shape[1:], known)
    return float(np.mean(np.minimum(psnr(seen, photos, 255), 99)))


def table(title: str, found: list[Undone]) -> str:
    """One line for each damage, one column for each cipher, as Markdown."""
    ciphers = list(dict.fromkeys(row.cipher for row in found))
    cells = {(row.damage, row.cipher): row.words for row in found}
    lines = [
        title,
        "",
        f"| cipher picture suffered | {' | '.join(ciphers)} |",
        "|---" * (len(ciphers) + 1) + "|",
    ]
    for damage in dict.fromkeys(row.damage for row in found):
        lines.append(f"| {damage} | {' | '.join(cells[damage, cipher] for cipher in ciphers)} |")
    lines.append(f"\nThe photos' own flat mean: {found[0].flat:.2f} dB.")
    return "\n".join(lines)
