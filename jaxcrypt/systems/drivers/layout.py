"""How a picture, one flat run of samples, is cut into tiles."""

from __future__ import annotations

from dataclasses import dataclass

from jaxcrypt.record import Shape


@dataclass(frozen=True)
class Layout:
    """How one picture shape is cut.

    Attributes:
      cipher_shape: ``(H', W', C)``.
      size: samples in a tile's static array, plain and cipher.
      plain, cipher: bounds of the tiles, ``[k + 1]``, in the flat picture and the flat cipher picture.
    """

    cipher_shape: Shape
    size: int
    plain: tuple[int, ...]
    cipher: tuple[int, ...]

    @property
    def count(self) -> int:
        return len(self.plain) - 1


def even_bounds(total: int, count: int, unit: int = 1) -> tuple[int, ...]:
    """Bounds of ``count`` parts of ``total``, whole units that differ by one at most; the last takes the
    rest."""
    units = total // unit
    return (*(units * i // count * unit for i in range(count)), total)
