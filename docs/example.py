"""Draws docs/example.jpg with jaxcrypt itself: python docs/example.py (wants the extra ``photo``)."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw
from skimage import data

import jaxcrypt

SIDE, GAP, LINE = 192, 8, 18
TARGET = Path(__file__).with_name("example.jpg")


def _png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def _pixels(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


def _wrong_key(photo: np.ndarray, name: str) -> np.ndarray:
    """What another key makes of the pixels of a cipher picture, past the check of keys."""
    cipher = jaxcrypt.load(name)
    key, other = bytes(range(32)), bytes(range(1, 33))
    [outcome] = cipher.decrypt(cipher.encrypt([photo], [key]), [other], photo.shape)
    return outcome.pictures[0]


def panels() -> dict[str, np.ndarray]:
    """The pictures in a row, by what is written below each."""
    photo = np.asarray(Image.fromarray(data.astronaut()).crop((96, 0, 352, 256)).resize((SIDE, SIDE)))
    keys = jaxcrypt.Keys(passphrase="a passphrase for this picture only")
    seal = {"name": "photo.png", "pixels_only": True}
    noise = jaxcrypt.seal(_png(photo), keys, system="logistic", **seal)
    mixed = jaxcrypt.seal(_png(photo), keys, system="cyclegan", options={"rate": "1/2"}, **seal)
    return {
        "a photo": photo,
        "logistic": _pixels(noise),
        "cyclegan, half the bytes": _pixels(mixed),
        "back from those pixels": jaxcrypt.unseal(mixed, keys).pictures[0],
        "with a wrong key": _wrong_key(photo, "cyclegan"),
    }


def draw(row: dict[str, np.ndarray]) -> Image.Image:
    """The row on white, each picture with its line."""
    width = len(row) * (SIDE + GAP) - GAP
    sheet = Image.new("RGB", (width, SIDE + LINE), "white")
    pen = ImageDraw.Draw(sheet)
    for place, (says, pixels) in enumerate(row.items()):
        left = place * (SIDE + GAP)
        sheet.paste(Image.fromarray(pixels), (left, 0))
        pen.text((left + SIDE // 2, SIDE + LINE // 2), says, fill="black", anchor="mm")
    return sheet


if __name__ == "__main__":
    draw(panels()).save(TARGET, quality=88)
