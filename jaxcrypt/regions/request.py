"""What a person asks to be encrypted of each photo, and the region that this gives in one of them."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from jaxcrypt.errors import Refusal, usage
from jaxcrypt.pictures.files import load_picture
from jaxcrypt.regions import CONFIDENCE, HELP, things
from jaxcrypt.regions.things import Thing

EMPTY = ("fail", "whole")
# From a picture uint8 [H, W, 3] to what is in it: things, boxes (left, top, right, bottom), or a mask [H, W].
Finder = Callable[[np.ndarray], Any]
_BOX = re.compile(r"(\d+),(\d+),(\d+)x(\d+)")
_FUNCTION = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")
_WHITE = 127


class NothingFound(Refusal):
    """A photo in which nothing was found that is to be encrypted."""


@dataclass(frozen=True)
class Region:
    """A region of one picture.

    Attributes:
      mask: bool ``[H, W]``, true somewhere.
      things: what it is made of; spared: what was found and stays open.
    """

    mask: np.ndarray = field(repr=False)
    things: tuple[Thing, ...] = ()
    spared: tuple[Thing, ...] = ()

    @property
    def share(self) -> float:
        """Of the picture's pixels, 0 to 1."""
        return float(self.mask.mean())

    def words(self) -> str:
        """How much it is, for people."""
        spared = f", {len(self.spared)} spared" if self.spared else ""
        places = "1 place" if len(self.things) == 1 else f"{len(self.things)} places"
        return f"{places}{spared}, {100 * self.share:.1f}% of the pixels"


@dataclass(frozen=True)
class Request:
    """What of each photo is to be encrypted.

    Attributes:
      finders: the region is what any of them finds.
      dilate: pixels by which the region is grown to every side.
      box: take the bounding boxes of what was found.
      spare: ``(x, y)`` of pixels; things found there stay open.
      empty: where nothing is found: ``fail``, or take the ``whole`` photo.
      files: masks that it reads.
    """

    finders: tuple[Finder, ...]
    dilate: int = 0
    box: bool = False
    spare: tuple[tuple[int, int], ...] = ()
    empty: str = "fail"
    files: tuple[Path, ...] = ()

    def __post_init__(self):
        if self.dilate < 0:
            raise usage(f"--dilate {self.dilate}: must be 0 or more pixels")
        if self.empty not in EMPTY:
            raise usage(f"--roi-empty {self.empty}: choose one of {', '.join(EMPTY)}")

    def find(self, picture: np.ndarray, name: str = "picture") -> Region | None:
        """The region of a picture, uint8 ``[H, W, C]``; None for all of it.

        Raises:
          NothingFound: unless the whole is to be taken then.
          Refusal: a finder that fails, a mask of another size, nothing to spare where something should be.
        """
        seen = _colours(picture)
        detected = [thing for finder in self.finders for thing in _things(finder(seen), seen.shape[:2], name)]
        detected = [thing.boxed() for thing in detected] if self.box else detected
        for x, y in self.spare:
            if not any(thing.covers(x, y) for thing in detected):
                hint = "--preview FILE without --spare shows what was"
                raise Refusal(f"{name}: --spare {x},{y}: nothing was found there; {hint}")
        spared = tuple(thing for thing in detected if any(thing.covers(*at) for at in self.spare))
        kept = tuple(thing for thing in detected if thing not in spared)
        mask = things.dilate(things.union(kept, seen.shape[:2]), self.dilate)
        if mask.any():
            return Region(mask, kept, spared)
        if self.empty == "whole":
            return None
        what = "all that was found is spared" if spared else "nothing was found to encrypt"
        raise NothingFound(f"{name}: {what}; --roi-empty whole encrypts all of such a photo")


def request(
    what: str | np.ndarray | Finder | Sequence[Any] | Request,
    *,
    yolo_weights: str | None = None,
    confidence: float = CONFIDENCE,
    **more: Any,
) -> Request | None:
    """Whatever may say what is to be encrypted as a :class:`Request`; None for ``none``.

    Args:
      what: as :data:`jaxcrypt.regions.HELP` says, a mask bool ``[H, W]``, a function, or several of these.
      yolo_weights, confidence: of ``yolo``; see :func:`jaxcrypt.regions.yolo.finder`.
      more: fields of :class:`Request`.

    Raises:
      Refusal: no such thing.
    """
    if isinstance(what, Request):
        return what
    several = list(what) if isinstance(what, list | tuple) else [what]
    if any(isinstance(one, str) and one == "none" for one in several):
        if len(several) > 1:
            raise usage("--roi none: goes with no other --roi")
        return None
    files = tuple(Path(one) for one in several if isinstance(one, str) and _is_file(one))
    finders = tuple(_finder(one, yolo_weights, confidence) for one in several)
    return Request(finders, files=files, **more)


def point(text: str) -> tuple[int, int]:
    """``X,Y`` as numbers."""
    if not re.fullmatch(r"\d+,\d+", text):
        raise usage(f"--spare {text}: must be X,Y, the pixels from the left and from the top")
    x, _, y = text.partition(",")
    return int(x), int(y)


def _finder(what: Any, yolo_weights: str | None, confidence: float) -> Finder:
    if not isinstance(what, str):
        return what if callable(what) else lambda picture: np.asarray(what)
    if what == "faces":
        from jaxcrypt.regions import faces

        return faces.finder()
    if what == "yolo" or what.startswith("yolo:"):
        from jaxcrypt.regions import yolo

        classes = tuple(filter(None, what.partition(":")[2].split(",")))
        return yolo.finder(classes, yolo_weights, confidence)
    if box := _BOX.fullmatch(what):
        left, top, width, height = map(int, box.groups())
        if not width or not height:
            raise usage(f"--roi {what}: has no pixels")
        return lambda picture: [(left, top, left + width, top + height)]
    if _FUNCTION.fullmatch(what):
        return _imported(what)
    if not _is_file(what):
        raise usage(f"--roi {what}: no such file, and none of {HELP}")
    mask = load_picture(what, f"--roi {what}").pixels[..., 0] > _WHITE
    return lambda picture: mask


def _is_file(what: str) -> bool:
    named = what in ("faces", "yolo") or what.startswith("yolo:") or _BOX.fullmatch(what)
    return not named and not _FUNCTION.fullmatch(what) and Path(what).is_file()


def _imported(what: str) -> Finder:
    module, _, name = what.partition(":")
    try:
        finder = getattr(importlib.import_module(module), name)
    except Exception as error:  # a module of somebody's own may raise anything at all
        raise usage(f"--roi {what}: cannot be imported ({error})") from error
    if not callable(finder):
        raise usage(f"--roi {what}: is no function")
    return finder


def _things(detections: Any, shape: tuple[int, int], name: str) -> list[Thing]:
    """What a finder gave back, as things."""
    if isinstance(detections, np.ndarray) and detections.ndim == 2 and detections.dtype == bool:
        if detections.shape != shape:
            sizes = f"{detections.shape[1]}×{detections.shape[0]}, the picture {shape[1]}×{shape[0]}"
            raise Refusal(f"{name}: the mask is {sizes}")
        return things.parts(detections)
    try:
        return [
            thing
            for one in detections
            if (thing := one if isinstance(one, Thing) else things.rectangle(tuple(one), shape)) is not None
        ]
    except (TypeError, ValueError) as error:
        hint = "a finder gives a mask bool [H, W] or boxes (left, top, right, bottom)"
        raise Refusal(f"{name}: --roi: {hint}, not {type(detections).__name__} ({error})") from error


def _colours(picture: np.ndarray) -> np.ndarray:
    """uint8 ``[H, W, 3]`` of any channels; transparency is left out."""
    if picture.shape[2] > 2:
        return np.ascontiguousarray(picture[..., :3])
    return np.repeat(picture[..., :1], 3, axis=2)
