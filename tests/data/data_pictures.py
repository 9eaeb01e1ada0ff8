"""Pictures that say which they are, and what a batch of them must hold."""

import jax
import numpy as np
from PIL import Image


def save(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def spec(batch=4, size=(8, 8), **names):
    """``spec(4, image=3)``: image uint8 [4, 8, 8, 3]; ``secrets=(2, 3)`` is two secrets of three channels."""
    specs = {}
    for name, channels in (names or {"image": 3}).items():
        if name == "mask":
            specs[name] = jax.ShapeDtypeStruct((batch, *size), bool)
        elif name == "labels":
            specs[name] = jax.ShapeDtypeStruct((batch, channels), np.uint8)
        elif name == "secrets":
            specs[name] = jax.ShapeDtypeStruct((batch, channels[0], *size, channels[1]), np.uint8)
        else:
            specs[name] = jax.ShapeDtypeStruct((batch, *size, channels), np.uint8)
    return specs


def numbers(batch, name="image"):
    """Which of the numbered pictures a batch holds."""
    pixels = batch[name][..., 0, 0, 0]
    return pixels.tolist()
