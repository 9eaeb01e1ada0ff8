"""Image codecs beside the ciphers: the best file of a picture that has at most so many bytes.

Pictures are uint8 ``[H, W, 1 or 3]``; files are Pillow's, headers included.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from PIL import Image

from jaxcrypt.errors import usage
from jaxcrypt.metrics.image import psnr

AEAD_BYTES = 100  # nonce, tag and the least header of a sealed file
SUBSAMPLINGS = ("4:4:4", "4:2:2", "4:2:0")
CODECS = {"WebP": {"method": 6}, "JPEG": {"optimize": True}, "AVIF": {"speed": 8}}
_BEYOND = 5  # qualities above the last that fits that are tried


class Made(NamedTuple):
    """The picture that came back, uint8 ``[H, W, C]``, and the bytes that were spent."""

    picture: np.ndarray
    bytes: int


def best_quality(save: Callable[[int], bytes], room: int, beyond: int = 0) -> bytes | None:
    """The file of the highest quality, 0 to 100, that has at most ``room`` bytes; None where none has.

    Files do not always grow with the quality: so many qualities ``beyond`` the last that fits are tried too.
    """

    def file_at(quality: int) -> bytes | None:
        file = save(quality)
        return file if len(file) <= room else None

    low, high, best = 0, 101, file_at(0)
    if best is None:
        return None
    while high - low > 1:
        quality = (low + high) // 2
        fitting = file_at(quality)
        low, high, best = (quality, high, fitting) if fitting else (low, quality, best)
    for quality in range(low + 2, min(low + beyond, 100) + 1):
        best = file_at(quality) or best
    return best


def best_fit(name: str, picture: np.ndarray, room: int) -> np.ndarray:
    """The picture at the highest quality of one of :data:`CODECS` whose file fits.

    Raises:
      Refusal: none does.
    """
    file = best_quality(lambda quality: _saved(picture, name, quality=quality, **CODECS[name]), room, _BEYOND)
    if file is None:
        raise usage(f"{name}: does not fit {room} bytes at any quality")
    return _opened(file, picture)


def sealed_avif(picture: np.ndarray, rate: int, subsamplings: tuple[str, ...] = SUBSAMPLINGS) -> Made:
    """AVIF at the highest quality that fits 1 / ``rate`` of the picture's bytes beside the AEAD, with the
    best of ``subsamplings``.

    Raises:
      Refusal: none fits.
    """
    room = picture.nbytes // rate - AEAD_BYTES
    files = [
        best_quality(lambda quality, s=s: _saved(picture, "AVIF", quality=quality, subsampling=s), room)
        for s in subsamplings
    ]
    if None in files:
        raise usage(f"AVIF: does not fit {room} bytes at any quality")
    return _nearest(picture, files)


def sealed_jpeg2000(picture: np.ndarray, rate: int) -> Made:
    """JPEG 2000 within 1 / ``rate`` of the picture's bytes: without loss where that fits beside the AEAD,
    else the better wavelet's bytes up to there."""
    room = picture.nbytes // rate - AEAD_BYTES
    mixed = int(picture.shape[2] == 3)  # of colours into luminance and two differences
    whole = _saved(picture, "JPEG2000", irreversible=False, mct=mixed)
    if len(whole) <= room:
        return _nearest(picture, [whole])
    return _nearest(picture, [_cut_jpeg2000(picture, room, wavelet, mixed) for wavelet in (False, True)])


def _cut_jpeg2000(picture: np.ndarray, room: int, irreversible: bool, mixed: int) -> bytes:
    ratio, file = picture.nbytes / room, b""
    while not 0 < len(file) <= room:
        layers = {"quality_mode": "rates", "quality_layers": [ratio]}
        file = _saved(picture, "JPEG2000", irreversible=irreversible, mct=mixed, **layers)
        ratio *= 1.002
    return file


def _nearest(picture: np.ndarray, files: list[bytes]) -> Made:
    """Of several files the one nearest to the picture, with the bytes that sealing adds."""
    made = [Made(_opened(file, picture), len(file) + AEAD_BYTES) for file in files]
    return max(made, key=lambda one: psnr(one.picture, picture))


def _saved(picture: np.ndarray, codec: str, **options) -> bytes:
    file = io.BytesIO()
    _image(picture).save(file, codec, **options)
    return file.getvalue()


def _opened(file: bytes, like: np.ndarray) -> np.ndarray:
    with Image.open(io.BytesIO(file)) as image:
        return np.asarray(image.convert(_image(like).mode)).reshape(like.shape)


def _image(picture: np.ndarray) -> Image.Image:
    return Image.fromarray(picture[..., 0] if picture.shape[2] == 1 else picture)
