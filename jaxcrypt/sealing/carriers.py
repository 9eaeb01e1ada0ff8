"""Sealed pictures that survive messengers: their header, and where asked to their file, in their own
pixels."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any, BinaryIO

import numpy as np
from PIL import Image

from jaxcrypt.crypto import carried, header, payload, pngwriter
from jaxcrypt.crypto.filekey import FileKey
from jaxcrypt.declared import Entry
from jaxcrypt.errors import Refusal, usage
from jaxcrypt.systems.own import EXACT, ROBUST, SURVIVES
from jaxcrypt.travel import carrier, digits, headline
from jaxcrypt.travel.carrier import Layout
from jaxcrypt.travel.lattice import lattice
from jaxcrypt.travel.planes import SIDE

DEFAULT_WAY = 75
_LEAST = 3  # macroblocks that a carrier measures at least
_SUFFIX = ".avif"
FIT = "fit"
_QUALITIES = range(20, 96)


@dataclass(frozen=True)
class Travel:
    """How a sealed picture is to travel.

    Attributes:
      digits: whether the digits stand alone, without a System's picture.
      way: the coarsest JPEG that they are to outlive; 0: no digits, the header alone is in the pixels.
      pixels: times the photo's that the picture may have; None: as few as the file needs.
      fit: pixels that its longest side may have.
      inner: AVIF quality to encode the photo anew with, or :data:`FIT`: the best that fits; None: its file
        travels as it is.
    """

    digits: bool = False
    way: int = 0
    pixels: float | None = None
    fit: int | None = None
    inner: int | str | None = None


@dataclass(frozen=True)
class CarrierPicture:
    """A picture that carries everything in its pixels, ready to be written as a plain PNG.

    Attributes: as those of a :class:`~jaxcrypt.crypto.sealed.SealedPicture`.
    """

    header: bytes
    pixels: np.ndarray = field(repr=False)
    report: Mapping[str, Any] = field(repr=False, default_factory=dict)

    @property
    def shape(self) -> tuple[int, ...]:
        """Height, width and channels."""
        return self.pixels.shape

    def write(self, file: BinaryIO) -> None:
        """Write the PNG, front to back."""
        pngwriter.write(file, self.pixels)


@dataclass(frozen=True)
class CarriedPlane:
    """A System's picture as it was received, which nothing vouches for; see :class:`recovery.Damaged`."""

    pixels: np.ndarray = field(repr=False)
    missing: np.ndarray = field(repr=False)

    def decode(self, sealed, any_size: bool) -> tuple[np.ndarray, np.ndarray]:
        """uint8 [H, W, 1], and bool [H, W]: what is missing."""
        return self.pixels, self.missing

    def fitted(self, pixels: np.ndarray, sealed, any_size: bool) -> np.ndarray:
        """The pixels: they lie in their place."""
        return pixels


def travel(
    entry: Entry,
    options: Mapping[str, Any],
    pixels: float | None = None,
    fit: int | None = None,
    inner: int | str | None = None,
) -> Travel | None:
    """What was asked for, or None where nothing is to survive.

    Args:
      options: stored values that were chosen, those of :attr:`Entry.travel` among them.

    Raises:
      Refusal: what makes no sense together.
    """
    robust, way = options.get(ROBUST, 0), 0
    own = {option.name for option in entry.travel}
    if SURVIVES in own:
        way = options.get(SURVIVES, 0)
    alone = robust == EXACT
    if not robust:
        if way or pixels or fit or inner:
            raise usage("--survives, --pixels, --fit and --inner-quality need --robust beside them")
        return None
    if alone and not way:
        way = DEFAULT_WAY
    if not way and (pixels or inner):
        raise usage("--pixels and --inner-quality are for files in the pixels: give --survives as well")
    if inner == FIT and not (pixels or fit):
        raise usage("--inner-quality fit: needs --pixels or --fit, to say what it is to fit into")
    return Travel(alone, way, pixels, fit, inner)


def encoded(pixels: np.ndarray, quality: int) -> bytes:
    """uint8 [H, W, C] as an AVIF file."""
    file = io.BytesIO()
    Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels).save(file, "AVIF", quality=quality)
    return file.getvalue()


def inner_name(name: str) -> str:
    """What the file of :func:`encoded` is called."""
    return PurePath(name).stem + _SUFFIX


def plan(
    how: Travel,
    shape: tuple[int, ...],
    length: int,
    head: int,
    plane: tuple[int, int] = (0, 0),
    ample: bool = True,
) -> Layout:
    """How large the carrier of a photo is.

    Args:
      shape: the photo's; length: bytes that go into digits; head: bytes of the header.
      plane: height and width of the System's picture, where it has one.
      ample: a third of it shall show the header, where nothing says how large it may be.

    Raises:
      Refusal: it is too small for them (:class:`TooSmall`).
    """
    message = headline.length_of(bytes(head))
    least = headline.smallest(message)
    need = digits.macroblocks(length, how.way, lattice(how.way))
    unbound = ample and how.pixels is None and how.fit is None
    if how.digits:
        rows, columns = _sides(how, shape, max(need, headline.ample(message) if unbound else least))
    else:
        rows, columns = _below(how, shape, need, message, plane)
    layout = Layout(rows * SIDE, columns * SIDE, plane, how.way, length)
    area = layout.height * layout.width
    allowed = (how.pixels or math.inf) * shape[0] * shape[1] * 1.001
    long = max(layout.height, layout.width)
    room = layout.possible() and layout.cells >= need and headline.fits(message, rows, columns)
    if not room or area > allowed or (how.fit and long > how.fit) or area > header.MAX_PIXELS:
        free = Travel(how.digits, how.way)
        if how == free:
            raise TooSmall(math.inf)
        smallest = plan(free, shape, length, head, plane, ample=False)
        raise TooSmall(smallest.height * smallest.width / (shape[0] * shape[1]))
    return layout


class TooSmall(Exception):
    """No room: the carrier would need ``args[0]`` times the photo's pixels."""


def _below(
    how: Travel, shape: tuple[int, ...], need: int, message: int, plane: tuple[int, int]
) -> tuple[int, int]:
    """Rows and columns of macroblocks, those of the plane and below them as many as digits need.

    No fewer than a header of ``message`` bytes needs: it is wider than the plane where so narrow a carrier
    would not show it, however tall.
    """
    narrowest = headline.narrowest(message)
    columns = max(-(-plane[1] // SIDE), narrowest)
    rows = -(-plane[0] // SIDE) + -(-need // columns)
    rows = max(rows, narrowest, -(-headline.smallest(message) // columns))
    if how.pixels:
        rows = max(rows, int(how.pixels * shape[0] * shape[1] / SIDE**2 / columns))
    return rows, columns


def _sides(how: Travel, shape: tuple[int, ...], need: int) -> tuple[int, int]:
    """Rows and columns of macroblocks, about in the photo's proportions."""
    tall = shape[0] / shape[1]
    if how.fit:
        most = how.fit // SIDE
        rows, columns = (most, round(most / tall)) if tall > 1 else (round(most * tall), most)
        if how.pixels is None and rows * columns > need:
            return _sides(Travel(), shape, need)
        return max(rows, 1), max(columns, 1)
    if how.pixels:
        cells = max(1, int(how.pixels * shape[0] * shape[1] / SIDE**2))
        ideal = math.sqrt(cells * tall)
        near = range(max(1, math.floor(0.95 * ideal)), math.ceil(1.05 * ideal) + 1)
        return max(((rows, cells // rows) for rows in near), key=math.prod)
    rows = max(_LEAST, round(math.sqrt(need * tall)))
    return rows, max(_LEAST, -(-need // rows))


def refusal(name: str, how: Travel, times: float, photo: np.ndarray, head: int) -> Refusal:
    """What would fit, said of a file that needs so many times its photo's pixels.

    Args:
      photo: uint8 [H, W, C]; head: bytes of the header.
    """
    if math.isinf(times):
        return usage(
            f"{name}: is too large a file to travel in pixels, or its header is too long for so narrow a "
            "picture; seal it under a key file or a passphrase, or without --robust"
        )
    told = f"{name}: its file takes {times:.2f} times the photo's pixels to survive JPEG {how.way}"
    hints = [f"--pixels {math.ceil(times * 101) / 100:.2f}"] if how.pixels else []
    hints += ["a longer --fit"] if how.fit else []
    quality = best_inner(how, photo, head) if how.digits else None
    if quality is not None:
        hints.append(f"--inner-quality {quality} (encoded anew as AVIF: that file comes back exactly)")
    return usage(f"{told}; take {' or '.join(hints)}")


def best_inner(how: Travel, photo: np.ndarray, head: int) -> int | None:
    """The highest AVIF quality whose file fits, or None; found by halving."""
    low, high, best = _QUALITIES.start, _QUALITIES.stop - 1, None
    while low <= high:
        middle = (low + high) // 2
        length = payload.sealed_length(payload.padme(len(encoded(photo, middle))))
        try:
            plan(how, photo.shape, length, head)
        except TooSmall:
            high = middle - 1
        else:
            best, low = middle, middle + 1
    return best


def with_digits(
    how: Travel,
    key: FileKey,
    facts: Mapping[str, Any],
    file: bytes,
    padded: int,
    kind: int,
    plane: np.ndarray | None = None,
) -> CarrierPicture:
    """A carrier whose digits are a file, beside a System's picture or alone.

    Args:
      facts: system, options, original, name and side, as :func:`jaxcrypt.crypto.carried.seal` takes them.
      file: what becomes digits; ``kind`` says what it is, as headers do.
      plane: uint8 [H, W, 1], the System's picture.

    Raises:
      TooSmall: the file does not fit.
    """
    data = b"".join(payload.seal(key.subkey("payload"), file, padded))
    sides = (0, 0) if plane is None else plane.shape[:2]
    told = dict(facts, payload=kind, padded=padded)
    try:
        size = len(carried.seal(key, carried.Carrier(SIDE, SIDE, sides, how.way), **told))
    except carried.TooLong:
        raise TooSmall(math.inf) from None
    layout = plan(how, facts["original"], len(data), size + 8, sides)
    place = carried.Carrier(layout.height, layout.width, layout.plane, layout.way)
    head = carried.seal(key, place, **told)
    own = None if plane is None else plane[..., 0]
    return CarrierPicture(head, carrier.make(layout, head, data, key.subkey("carrier digits"), own))


def with_header(key: FileKey, plane: np.ndarray, facts: Mapping[str, Any]) -> np.ndarray:
    """A System's grey picture with its header in its chroma, uint8 [H, W, 3]; as it is where too small."""
    height, width, _ = plane.shape
    place = carried.Carrier(height, width, (height, width), 0)
    try:
        head = carried.seal(key, place, **facts, payload=header.NOTHING)
    except carried.TooLong:
        return plane
    if not headline.fits(headline.length_of(head), height // SIDE, width // SIDE):
        return plane
    return carrier.make(Layout(height, width, (height, width)), head, plane=plane[..., 0])
