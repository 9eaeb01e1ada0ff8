"""One picture sealed so that it survives messengers, sent all ways, and opened with the key alone.

Several processes share the pictures; each makes its own keys and ways, which follow from what it is told.
"""

from __future__ import annotations

import io
import multiprocessing
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from jaxcrypt import runtime
from jaxcrypt.crypto.sources import Kind, Source, encode_key_file
from jaxcrypt.errors import Refusal
from jaxcrypt.evaluation import pictures, ways
from jaxcrypt.sealing import carried
from jaxcrypt.sealing.direct import seal
from jaxcrypt.sealing.keys import Keys
from jaxcrypt.sealing.unseal import Opener, Unsealed

_PHOTO = 90  # JPEG quality of what is sealed
_NAME = "received"


@dataclass(frozen=True)
class Sending:
    """What is done with each picture.

    Attributes:
      how: what :func:`jaxcrypt.sealing.direct.seal` takes.
      quality, only: which ways, as :func:`jaxcrypt.evaluation.ways.chosen` takes them.
      headers: headers are looked for and opened, nothing else is decoded; by every encoder at every quality.
      scrambled: block scrambling goes the same ways.
      crop, seed: of the pictures, and of the key.
    """

    how: Mapping[str, Any] = field(default_factory=dict)
    quality: int = 75
    only: tuple[str, ...] = ()
    headers: bool = False
    scrambled: bool = False
    crop: int | None = None
    seed: int = 0

    def ways(self) -> dict[str, ways.Way]:
        """The ways by name."""
        return ways.chosen(self.quality, self.headers, self.only)


def send_all(sending: Sending, paths: Sequence[Path], jobs: int, device: str) -> Iterator[dict[str, Any]]:
    """What became of each picture: :func:`send`, as they are done."""
    if jobs == 1:
        yield from (send(sending, path) for path in paths)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, context, initializer=runtime.start, initargs=(device,)) as pool:
        for done in as_completed([pool.submit(send, sending, path) for path in paths]):
            yield done.result()


def send(sending: Sending, path: Path) -> dict[str, Any]:
    """One picture: ``name``, ``times`` the pixels that it took, ``ways``; or why it was ``refused``."""
    pixels = pictures.colour(pictures.load(path, sending.crop).pixels)
    photo = ways.jpeg(Image.fromarray(pixels), _PHOTO)
    keys = _keys(sending.seed)
    told: dict[str, Any] = {"name": path.name}
    try:
        made = seal(photo, keys, name=f"{path.stem}.jpg", **sending.how)
    except Refusal as refusal:
        return told | {"refused": str(refusal)}
    plain = np.asarray(Image.open(io.BytesIO(photo)).convert("RGB"))
    carrier = Image.open(io.BytesIO(made)).convert("RGB")
    area = pixels.shape[0] * pixels.shape[1]
    rows = {}
    for name, way in sending.ways().items():
        received = way(carrier)
        rows[name] = {"bits": 8 * len(received) / area, **_opened(received, keys, sending.headers, plain)}
    told |= {"times": carrier.width * carrier.height / area, "ways": rows}
    return told | ({"scrambled": _scrambled(sending, plain)} if sending.scrambled else {})


def _opened(received: bytes, keys: Keys, headers: bool, plain: np.ndarray) -> dict[str, Any]:
    """Whether its header is found and opens, its file holds, and the PSNR of what comes back."""
    opener = Opener(keys, recover=not headers, keep_noise=True)
    try:
        carrying = carried.find(received, _NAME)
        opened = None if carrying is None else opener.open_carried(carrying, _NAME)
    except Refusal:
        carrying = opened = None
    told = {"found": opened is not None, "exact": False, "psnr": None}
    if carrying is None or opened is None or headers:
        return told
    try:
        result = carried.begin(opener.policy, carrying, opened, _NAME).finish()
    except Refusal:
        return told
    return told | {"exact": result.exact, "psnr": _psnr(result, plain)}


def _psnr(result: Unsealed, plain: np.ndarray) -> float:
    from jaxcrypt.metrics.image import psnr

    return float(psnr(pictures.colour(result.pictures[0]), plain))


def _scrambled(sending: Sending, plain: np.ndarray) -> dict[str, dict[str, float]]:
    """PSNR and bits a pixel of block scrambling, by way."""
    from jaxcrypt.attacks import scrambled
    from jaxcrypt.metrics.image import psnr
    from jaxcrypt.record import Sealed
    from jaxcrypt.sealing.cipher import Cipher

    height, width = (side // scrambled.BLOCK * scrambled.BLOCK for side in plain.shape[:2])
    cut, key = np.ascontiguousarray(plain[:height, :width]), [bytes(range(32))]
    cipher = Cipher(scrambled.build())
    (made,) = cipher.encrypt([cut], key)
    rows = {}
    for name, way in sending.ways().items():
        received = way(Image.fromarray(made.pixels))
        seen = np.asarray(Image.open(io.BytesIO(received)).convert("RGB"))
        if seen.shape == made.pixels.shape:
            (back,) = cipher.decrypt([Sealed(seen, made.side)], key, cut.shape)
            quality = float(psnr(back.pictures[0], cut))
            rows[name] = {"psnr": quality, "bits": 8 * len(received) / (height * width)}
    return rows


@cache
def _keys(seed: int) -> Keys:
    """A key file that follows from the seed."""
    return Keys(key_file=encode_key_file(Source(Kind.KEY_FILE, pictures.draw(seed, "key file", ""))).encode())
