"""What people would use instead: a codec and AES-256-GCM, the program age, a published denoiser.

Each row has the bytes of the picture's samples; what is not installed is said, and left out.
"""

from __future__ import annotations

import importlib.util
import io
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

Work = tuple[int, Callable[[], object]]  # bytes, and what is done with them
_CODECS = {"AVIF": "avif", "JPEG2000": "jpg_2000"}  # as Pillow calls format and feature


def contestants(side: int) -> dict[str, Work]:
    """The peers that are there, on a smooth RGB picture of ``side`` × ``side`` with some grain."""
    picture = _picture(side)
    work = {
        f"{codec}, then AES-256-GCM": (picture.size, _coded(picture, codec))
        for codec, feature in _CODECS.items()
        if _has(feature)
    }
    if shutil.which("age") and shutil.which("age-keygen"):
        work["age, a file of the samples"] = (picture.size, _aged(picture))
    if importlib.util.find_spec("bm3d"):
        work["BM3D, a grey plane"] = (side * side, _denoised(picture))
    return work


def missing() -> list[str]:
    """What is not there, in words."""
    named = [f"{codec} (Pillow without it)" for codec, feature in _CODECS.items() if not _has(feature)]
    named += [] if shutil.which("age") else ["age (no such program here)"]
    named += [] if importlib.util.find_spec("bm3d") else ["BM3D (pip install bm3d; for non-commercial use)"]
    return named


def _has(feature: str) -> bool:
    from PIL import features

    return bool(features.check(feature))


def _picture(side: int) -> np.ndarray:
    rng, place = np.random.default_rng(0), np.linspace(0, 6, side)
    smooth = 128 + 60 * np.sin(place[:, None, None] + [0, 1, 2]) * np.cos(place[None, :, None])
    return np.clip(smooth + rng.normal(0, 4, (side, side, 3)), 0, 255).astype(np.uint8)


def _coded(picture: np.ndarray, codec: str) -> Callable[[], object]:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    from PIL import Image

    cipher, image = AESGCM(bytes(32)), Image.fromarray(picture)

    def work() -> bytes:
        coded = io.BytesIO()
        image.save(coded, codec)
        return cipher.encrypt(bytes(12), coded.getvalue(), None)

    return work


def _aged(picture: np.ndarray) -> Callable[[], object]:
    made = subprocess.run(["age-keygen"], capture_output=True, text=True, check=True)
    recipient = next(line for line in made.stdout.splitlines() if "public key:" in line).split()[-1]
    data = picture.tobytes()

    def work() -> None:
        with tempfile.TemporaryDirectory() as folder:
            command = ["age", "-r", recipient, "-o", os.fspath(Path(folder) / "sealed.age")]
            subprocess.run(command, input=data, check=True)

    return work


def _denoised(picture: np.ndarray) -> Callable[[], object]:
    from bm3d import bm3d  # not for commercial use, so no dependency

    plane = picture[..., 0].astype(np.float32) / 255
    return lambda: bm3d(plane, 4 / 255)
