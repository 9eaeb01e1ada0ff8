"""Pictures that carry a header, digits, and a plane of luma, through JPEG: made and read.

A carrier is an RGB picture of macroblocks. All carry beacon and header in their chroma. From the top,
the first ones show a System's grey cipher picture as their luma (the *plane*), where there is one; the
rest carry digits. docs/FORMAT.md specifies it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from jaxcrypt.travel import beacon, digits, headline, planes, projection, streams
from jaxcrypt.travel.lattice import DESIGN, RESERVED, WAYS, Lattice, demodulate, lattice, modulate, reserved
from jaxcrypt.travel.planes import COEFFICIENTS, SIDE
from jaxcrypt.travel.received import Received, aligned, framed

_OFF_DIGITS = 0.12  # of a step: how far the projection may move a coefficient that carries digits
_OFF_HEADER = 1.0  # grey levels: how far one of header and beacon
_FREE = 1e4
_NEAR = 4.0  # pixels


@dataclass(frozen=True)
class Layout:
    """How a carrier is divided.

    Attributes:
      height, width: of the carrier in pixels: whole macroblocks where there are digits.
      plane: height and width of the plane, (0, 0) without one.
      way: the quality that digits are made for, 0 without any.
      length: bytes that the digits are; design: of their lattice.
    """

    height: int
    width: int
    plane: tuple[int, int] = (0, 0)
    way: int = 0
    length: int = 0
    design: int = DESIGN

    @property
    def rows(self) -> int:
        return self.height // SIDE

    @property
    def columns(self) -> int:
        return self.width // SIDE

    @property
    def shown(self) -> int:
        """Rows of macroblocks that show the plane."""
        return self.rows if not self.way else -(-self.plane[0] // SIDE)

    @property
    def grid(self) -> Lattice:
        """What the macroblocks with digits hold."""
        return lattice(self.way, self.design)

    @property
    def cells(self) -> int:
        """Macroblocks that carry digits."""
        return (self.rows - self.shown) * self.columns

    def possible(self) -> bool:
        """Whether a carrier can be like that; what a header says is not believed before."""
        if self.plane[0] > self.height or self.plane[1] > self.width:
            return False
        if not self.way:
            return self.plane == (self.height, self.width) and not self.length
        if self.way not in WAYS:
            return False
        whole = self.height % SIDE == 0 and self.width % SIDE == 0
        return whole and self.cells > 0 and 8 * self.length <= self.cells * self.grid.total


def make(
    layout: Layout, header: bytes, data: bytes = b"", key: bytes = b"", plane: np.ndarray | None = None
) -> np.ndarray:
    """A carrier, uint8 [height, width, 3].

    Args:
      header: what everybody may read; data: the bytes that become digits; key: 32 bytes that mask them.
      plane: uint8 [H, W], where the layout has one.
    """
    rows, columns = layout.rows, layout.columns
    grid = layout.grid if layout.way else None
    target = np.zeros((rows * columns, COEFFICIENTS), np.float32)
    whole = None
    if plane is not None:
        whole = np.repeat(_padded(plane, layout)[..., None], 3, axis=2)
        shown = planes.cut(whole[: layout.shown * SIDE, : columns * SIDE])
        target[: layout.shown * columns, planes.LUMA] = planes.analyse(shown)[:, planes.LUMA]
    amplitudes = reserved(grid.steps if grid else None)
    target[:, beacon.PLACES] = amplitudes[0] * beacon.signs(rows, columns).reshape(-1, 2)
    symbols = headline.signs(header, rows, columns).reshape(-1, len(headline.PLACES))
    target[:, headline.PLACES] = np.repeat(amplitudes[1:], 2) * symbols
    first = layout.shown * columns
    if grid is not None:
        made = digits.encode(data, layout.cells * grid.total, key)
        target[first:] += modulate(made, _sides(layout.cells), grid)
    blocks = np.concatenate(
        [
            projection.to_pixels(part, margins)
            for part, margins in ((target[:first], _margins(None)), (target[first:], _margins(grid)))
        ]
    )
    pixels = planes.lay(blocks, columns)
    if whole is None or layout.way:
        return pixels
    whole[: rows * SIDE, : columns * SIDE] = pixels  # a plane of odd blocks: its last have no chroma
    return whole


def find(received: Received) -> tuple[bytes, beacon.Place] | None:
    """The header of a received picture, and the place that it was read at; None where it carries none.

    What says where a macroblock begins changes slowly with the place, and may be a pixel off; the header's
    own symbols do not, so it is looked for beside that place, too.
    """
    place = beacon.find(received.planes[..., 1:])
    for candidate in () if place is None else beacon.around(place, received.planes.shape[:2]):
        moved = aligned(received, candidate)
        head = None if moved is None else read_header(moved)
        if head is not None:
            return head, candidate
    return None


def settled(received: Received, header: bytes, place: beacon.Place, size: tuple[int, int]) -> Received:
    """The picture in its place, to a fraction of a pixel, now that its header is known.

    Args:
      size: the carrier's height and width. A whole picture fills it; the place of a part is where the
        header's own symbols stand out most.
    """
    height, width = received.planes.shape[:2]
    whole = beacon.Place(0.0, 0.0, height / size[0], width / size[1])
    place = whole if _close(place, whole, size) else _finest(received, header, place)
    moved = aligned(received, place)
    assert moved is not None  # the header was read near it
    return framed(moved, *size)


def _close(place: beacon.Place, other: beacon.Place, size: tuple[int, int]) -> bool:
    """Whether two places differ by a few pixels at most, at both ends."""
    ends = [
        (side / one - side / two)
        for side, one, two in zip(size, (place.down, place.across), (other.down, other.across), strict=True)
    ]
    away = (place.top, place.left, *ends)
    return max(map(abs, away)) < _NEAR


def _finest(received: Received, header: bytes, place: beacon.Place) -> beacon.Place:
    """The neighbouring place at which the header's symbols correlate best."""
    steps = (1.0,) if place.down == place.across == 1 else (0.5, 0.25)
    best = _clarity(received, header, place)
    for step in steps:
        for _ in range(4):
            before = best
            for other in beacon.near(place, step, received.planes.shape[:2]):
                clarity = _clarity(received, header, other)
                if clarity > best:
                    place, best = other, clarity
            if best == before:
                break
    return place


def _clarity(received: Received, header: bytes, place: beacon.Place) -> float:
    """Mean of the header symbols' coefficients, with the signs that they were sent with."""
    moved = aligned(received, place)
    if moved is None:
        return 0.0
    values, present = _symbols(moved)
    own = headline.signs(header, *present.shape)
    return float(np.mean((values * own)[present])) if present.any() else 0.0


def _symbols(received: Received) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients of the header's symbols, float32 [rows, columns, 14], and where they are, bool."""
    rows, columns = (side // SIDE for side in received.planes.shape[:2])
    inside = np.s_[: rows * SIDE, : columns * SIDE]
    values = planes.coefficients(received.planes[inside], received.smoothed)
    present = ~planes.cut(received.missing[inside]).any(axis=(1, 2)).reshape(rows, columns)
    return values[:, headline.PLACES].reshape(rows, columns, -1), present


def read_header(received: Received) -> bytes | None:
    """The header of a received picture that lies in its place, or None."""
    if min(received.planes.shape[:2]) < SIDE:
        return None
    values, present = _symbols(received)
    return headline.read(values, np.repeat(reserved()[1:], 2), present)


def read_digits(received: Received, layout: Layout, key: bytes) -> bytes | None:
    """The bytes that the digits are, or None where they do not decode.

    Args:
      received: of the layout's height and width.
    """
    grid, top = layout.grid, layout.shown * SIDE
    missing = planes.cut(received.missing[top:]).any(axis=(1, 2))
    best = None
    for smoothed in (received.smoothed, not received.smoothed):
        values = planes.coefficients(received.planes[top:], smoothed)
        soft = demodulate(values, _sides(layout.cells), grid, received.noise)
        if missing.any():
            soft.reshape(-1, layout.cells)[:, missing] = 0
        best = digits.decode(soft, layout.length, key)
        if best is not None or received.sure:
            break
    return best


def read_plane(received: Received, layout: Layout) -> tuple[np.ndarray, np.ndarray]:
    """The plane as it was received, uint8 [H, W, 1], and bool [H, W]: what is missing of it."""
    inside = np.s_[: layout.plane[0], : layout.plane[1]]
    luma = np.clip(np.rint(received.planes[..., 0][inside] + 128), 0, 255).astype(np.uint8)
    return luma[..., None], received.missing[inside]


def _padded(plane: np.ndarray, layout: Layout) -> np.ndarray:
    """The plane filled up to the carrier's width, and to whole macroblocks, with itself mirrored."""
    if not layout.way:
        return plane.copy()
    height = layout.shown * SIDE
    return np.pad(plane, ((0, height - plane.shape[0]), (0, layout.width - plane.shape[1])), "symmetric")


def _sides(cells: int) -> np.ndarray:
    return streams.signs("sides", (COEFFICIENTS, cells)).T


def _margins(grid: Lattice | None) -> np.ndarray:
    """How far each coefficient may be from its target, float32 [384]."""
    margins = np.full(COEFFICIENTS, _FREE, np.float32)
    if grid is None:
        margins[planes.LUMA] = 0
    else:
        held = grid.bits > 0
        margins[held] = _OFF_DIGITS * grid.steps[held]
    margins[256:].reshape(2, 64)[:, list(RESERVED)] = _OFF_HEADER
    return margins
