"""What sealing a picture would give, without keeping anything of it."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from typing import Any

from jaxcrypt.sealing.seal import Plain, Sealer


@dataclass(frozen=True)
class Estimate:
    """Sizes, and how close the pixels alone come.

    Attributes:
      shape: height, width and channels of the cipher picture.
      bytes: of the sealed file; travelling: of the files in it before they are padded and encrypted.
      room: how many further pictures the weights hide with it.
      quality: PSNR in dB of what the pixels give back, of a large picture of its middle; infinite where
        exact, None where there is nothing to decode.
    """

    shape: tuple[int, int, int]
    bytes: int
    travelling: int
    room: int
    quality: float | None

    def words(self) -> str:
        """One line."""
        height, width, _ = self.shape
        exact = self.quality == math.inf
        close = "exact" if exact else "nothing" if self.quality is None else f"about {self.quality:.1f} dB"
        files = f"{self.travelling} bytes of files in it" if self.travelling else "no file in it"
        room = f"room for {self.room} further pictures; " if self.room else ""
        return f"{width}×{height}, {self.bytes} bytes, {files}; {room}its pixels alone give back: {close}"

    def facts(self) -> dict[str, Any]:
        """The same by name, for JSON."""
        height, width, _ = self.shape
        exact = self.quality == math.inf
        quality = None if exact or self.quality is None else round(self.quality, 2)
        sizes = {"bytes": self.bytes, "travelling": self.travelling, "room": self.room, "psnr": quality}
        return {"width": width, "height": height, **sizes, "exact": exact}


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
    sizes = counter.bytes, sealer.travelling(plain), sealer.room
    return Estimate(picture.shape, *sizes, sealer.quality(plain))
