"""What may happen to a picture on its way, the size kept: uint8 ``[H, W, 3]`` in and out, and an rng."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from jaxcrypt.evaluation.hiding import through


def _jpeg(quality: int) -> Callable:
    return lambda stego, rng: through(stego, "JPEG", quality=quality)


def _noise(stego: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return np.clip(np.round(stego + rng.normal(0, 4, stego.shape)), 0, 255).astype(np.uint8)


def _blur(stego: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    from PIL import Image, ImageFilter

    return np.asarray(Image.fromarray(stego).filter(ImageFilter.GaussianBlur(0.6)))


def _resize(stego: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    from PIL import Image

    height, width, _ = stego.shape
    smaller = Image.fromarray(stego).resize((width * 3 // 4, height * 3 // 4), Image.Resampling.BICUBIC)
    return np.asarray(smaller.resize((width, height), Image.Resampling.BICUBIC))


def _crop(stego: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A border of a sixteenth is lost: grey."""
    edge = stego.shape[0] // 16
    out = np.full_like(stego, 128)
    out[edge:-edge, edge:-edge] = stego[edge:-edge, edge:-edge]
    return out


def _dropout(stego: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One pixel in fifty is lost: that of its left neighbour."""
    lost = rng.random(stego.shape[:2]) < 0.02
    return np.where(lost[..., None], np.roll(stego, 1, axis=1), stego)


DAMAGE: dict[str, Callable] = {
    **{f"JPEG {quality}, 4:2:0": _jpeg(quality) for quality in (95, 90, 75, 50)},
    "Gaussian noise, σ = 4": _noise,
    "Gaussian blur, σ = 0.6 pixels": _blur,
    "resizing to 3/4 and back": _resize,
    "cropping: a border of 1/16 turned grey": _crop,
    "dropout: one pixel in 50 its neighbour's": _dropout,
}
