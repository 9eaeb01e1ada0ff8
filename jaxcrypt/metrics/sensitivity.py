"""What one flipped bit of the subkey changes, in encryption and in decryption.

Of a sound cipher both are unrelated: between the two cipher pictures NPCR and UACI are those of random
pictures, and what comes out of decryption has no more to do with the photo than chance.
"""

from __future__ import annotations

import jax
import numpy as np

from jaxcrypt.metrics import cipher as statistics
from jaxcrypt.metrics import image as quality

_npcr = jax.jit(statistics.npcr)
_uaci = jax.jit(statistics.uaci)
_ssim = jax.jit(quality.ssim, static_argnames="data_range")
_correlation = jax.jit(statistics.correlation)


def flip_bit(subkey: bytes, bit: int) -> bytes:
    """The subkey with one bit changed; ``bit`` counts from 0, modulo the subkey's length."""
    changed = bytearray(subkey)
    changed[bit // 8 % len(changed)] ^= 1 << bit % 8
    return bytes(changed)


def difference(first: np.ndarray, second: np.ndarray) -> dict[str, np.ndarray]:
    """``npcr`` and ``uaci`` between ciphers: uint8 ``[B, H, W, C]`` twice -> float [B] each."""
    return {"npcr": np.asarray(_npcr(first, second)), "uaci": np.asarray(_uaci(first, second))}


def likeness(image: np.ndarray, plain: np.ndarray) -> dict[str, np.ndarray]:
    """``psnr``, ``ssim`` (NaN below 7×7 pixels) and ``correlation`` with the plain picture.

    uint8 ``[B, H, W, C]`` twice -> float [B] each.
    """
    large = min(plain.shape[1:3]) >= quality.window_size()
    missing = np.full(len(plain), np.nan, np.float32)
    return {
        "psnr": quality.psnr(image, plain),
        "ssim": np.asarray(_ssim(image, plain, data_range=255)) if large else missing,
        "correlation": np.asarray(_correlation(image, plain)),
    }
