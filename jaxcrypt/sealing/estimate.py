"""What sealing a picture would give, without keeping anything of it."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from jaxcrypt.sealing.seal import Plain, Sealer

_SIDE = 512  # of the cut whose quality stands for the whole


@dataclass(frozen=True)
class Estimate:
    """Sizes, and how close the pixels alone come.

    Attributes:
      shape: height, width and channels of the cipher picture.
      bytes: of the sealed file; travelling: of the files in it before they are padded and encrypted.
      room: how many further pictures the weights hide with it.
      quality: PSNR in dB of what the pixels give back, of a large picture of its middle; infinite where
        exact.
    """

    shape: tuple[int, int, int]
    bytes: int
    travelling: int
    room: int
    quality: float

    def words(self) -> str:
        """One line."""
        height, width, _ = self.shape
        close = "exact" if math.isinf(self.quality) else f"about {self.quality:.1f} dB"
        files = f"{self.travelling} bytes of files in it" if self.travelling else "no file in it"
        room = f"room for {self.room} further pictures; " if self.room else ""
        return f"{width}×{height}, {self.bytes} bytes, {files}; {room}its pixels alone give back: {close}"

    def facts(self) -> dict[str, Any]:
        """The same by name, for JSON."""
        height, width, _ = self.shape
        quality = None if math.isinf(self.quality) else round(self.quality, 2)
        sizes = {"bytes": self.bytes, "travelling": self.travelling, "room": self.room, "psnr": quality}
        return {"width": width, "height": height, **sizes, "exact": math.isinf(self.quality)}


class _Counter(io.BytesIO):
    """A file that only counts."""

    bytes = 0

    def write(self, data: Any, /) -> int:
        """Takes any bytes."""
        self.bytes += memoryview(data).nbytes
        return memoryview(data).nbytes


def estimate(sealer: Sealer, plain: Plain) -> Estimate:
    """Seal a picture into nothing; its quality is measured on the 512×512 in its middle, or its region.

    A System that hides the picture in a cover resizes it to that, so it is measured as a whole.

    Raises:
      Refusal: as sealing it would.
    """
    (picture,) = sealer.seal([plain])
    counter = _Counter()
    picture.write(counter)
    room = sum(one.most for one in sealer.cipher.system.inputs if one.kind == "pictures")
    sizes = counter.bytes, sealer.travelling(plain), room
    return Estimate(picture.pixels.shape, *sizes, _quality(sealer, plain))


def _quality(sealer: Sealer, plain: Plain) -> float:
    whole = sealer.entry.traits.covert or plain.region is not None
    cut = plain.pixels if whole else np.ascontiguousarray(_middle(plain.pixels))
    key, cipher = [bytes(range(32))], sealer.of(plain)  # nothing of this is kept
    outcome, *_ = cipher.decrypt(cipher.encrypt([cut], key), key, cut.shape)
    measured = ... if plain.region is None else plain.region.mask
    error = np.square(outcome.pictures[0].astype(np.float32) - cut)[measured].mean()
    return 10 * math.log10(255**2 / error) if error else math.inf


def _middle(pixels: np.ndarray) -> np.ndarray:
    top, left = (max(0, (side - _SIDE) // 2) for side in pixels.shape[:2])
    return pixels[top : top + _SIDE, left : left + _SIDE]
