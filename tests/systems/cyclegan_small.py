"""The CycleGAN cipher small and untrained, and pictures for it."""

import numpy as np

from configs.cyclegan import get_config
from tests.systems.through import decrypt_pictures, encrypt_pictures

KEY, OTHER = bytes(range(32)), bytes([1]) + bytes(range(1, 32))


def small_config(**model):
    config = get_config()
    with config.unlocked():
        config.model.update(
            {"size": 32, "encoder": {"width": 8, "blocks": 1}, "widths": (8, 8, 8), "blocks": (1, 1, 1)}
        )
        config.model.update(
            {"critic": {"width": 4, "layers": 2}, "eve": {"width": 8, "blocks": 1}, "shares": (1, 0, 0)}
            | model
        )
        config.train.batch_size = 8
    return config


def drawn(channels=3, height=96, width=96):
    y, x = np.mgrid[:height, :width].astype(float)
    planes = [120 + 60 * np.sin(x / 23 + k) + 30 * np.cos(y / 11 - k) for k in range(channels)]
    for k, plane in enumerate(planes):
        plane[(x - 40) ** 2 + (y - 50) ** 2 < 500] -= 60 - 20 * k
    return np.clip(np.stack(planes, -1), 0, 255).astype(np.uint8)


def psnr(estimate, picture):
    return 10 * np.log10(255**2 / max(np.mean((estimate.astype(float) - picture) ** 2), 1e-9))


def encrypt(untrained, photo, key=KEY, inputs=None, **options):
    system, variables = untrained
    given = tuple(options.items())
    ((cipher, side),) = encrypt_pictures(system, variables, [photo], [key], given, inputs=inputs)
    return cipher, side


def decrypt(untrained, cipher, side, shape, key=KEY, lost=None, inputs=None, **options):
    system, variables = untrained
    given = tuple(options.items())
    gaps = None if lost is None else [lost]
    (decrypted,) = decrypt_pictures(
        system, variables, [cipher], [side], [key], given, shape, gaps, inputs=inputs
    )
    return decrypted["image"]


def batched(sides):
    """Side information of several pictures as that of their batch."""
    return {name: np.stack([side[name] for side in sides]) for name in sides[0]}
