"""Quantised DCT coefficients of JPEG files: what every decoder reads alike, while decoded samples differ.

The work is done by `jpeglib` (Beneš 2023), which wraps libjpeg, in a process of its own: libjpeg writes
warnings to stderr, may end its process, and reads what strangers made. It gets the bare picture alone, whose
segments and size were checked before.
"""

from __future__ import annotations

import importlib.util
import io
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from jaxcrypt.pictures.jpegmarkers import Damaged, Frame, Jpeg

_SHARED_MEMORY = Path("/dev/shm")  # where files never reach a disk
_SECONDS = 600
_WORKER = Path(__file__).with_name("coefficients_worker.py")


@dataclass(frozen=True)
class Coefficients:
    """The quantised picture.

    Attributes:
      height, width: in pixels.
      space: what the components are: see :mod:`~jaxcrypt.pictures.jpegmarkers`.
      sampling: of each component its vertical and horizontal factor.
      planes: of each component int16 ``[rows, columns, 8, 8]``: blocks by vertical and horizontal frequency.
      tables: of each component uint16 ``[8, 8]``, the quantisation steps.
    """

    height: int
    width: int
    space: int
    sampling: tuple[tuple[int, int], ...]
    planes: tuple[np.ndarray, ...] = field(repr=False)
    tables: tuple[np.ndarray, ...] = field(repr=False)

    def with_planes(self, planes: Sequence[np.ndarray]) -> Coefficients:
        """The same with other coefficients."""
        return replace(self, planes=tuple(planes))


def units(height: int, width: int, sampling: Sequence[tuple[int, int]]) -> tuple[int, int, int, int]:
    """Rows and columns of minimum coded units (T.81, A.2), and a unit's height and width in pixels."""
    tall, wide = (8 * max(factors[axis] for factors in _factors(sampling)) for axis in (0, 1))
    return -(-height // tall), -(-width // wide), tall, wide


def blocks_of(inside: np.ndarray, sampling: Sequence[tuple[int, int]], planes: Sequence[np.ndarray]):
    """Which blocks of each component lie in marked units: bool ``[rows, columns]`` each.

    Args:
      inside: bool ``[unit rows, unit columns]``.
    """
    for (tall, wide), plane in zip(_factors(sampling), planes, strict=True):
        spread = np.repeat(np.repeat(inside, tall, axis=0), wide, axis=1)
        yield spread[: plane.shape[0], : plane.shape[1]]


def need_library() -> None:
    """Raise ModuleNotFoundError where ``jpeglib`` is missing: the extra ``jpeg`` brings it."""
    if importlib.util.find_spec("jpeglib") is None:
        raise ModuleNotFoundError("No module named 'jpeglib'", name="jpeglib")


def read(jpeg: Jpeg) -> Coefficients:
    """A JPEG's coefficients.

    Raises:
      Damaged: they cannot be decoded, or make no sense.
      ModuleNotFoundError: ``jpeglib`` is missing (the extra ``jpeg``).
    """
    frame = jpeg.frame
    if not jpeg.space:
        raise Damaged(f"it has {len(frame.ids)} colour components")
    arrays = _arrays(_work("read", _bare(jpeg)))
    count = len(frame.ids)
    try:
        planes = tuple(arrays[f"plane{index}"] for index in range(count))
        tables = tuple(arrays[f"table{index}"].astype(np.uint16) for index in range(count))
    except KeyError:
        raise Damaged("a component is missing") from None
    if [plane.shape[:2] for plane in planes] != _extents(frame):
        raise Damaged("a component has another size than its frame says")
    return Coefficients(frame.height, frame.width, jpeg.space, frame.sampling, planes, tables)


def _extents(frame: Frame) -> list[tuple[int, int]]:
    """Rows and columns of blocks of each component (T.81, A.1.1 and A.2.4)."""
    factors = _factors(frame.sampling)
    tallest, widest = (max(pair[axis] for pair in factors) for axis in (0, 1))
    return [
        (-(-frame.height * tall // (8 * tallest)), -(-frame.width * wide // (8 * widest)))
        for tall, wide in factors
    ]


def write(jpeg: Jpeg, coefficients: Coefficients) -> bytes:
    """A JPEG with these coefficients: baseline, its Huffman tables made for it.

    Args:
      jpeg: of the same geometry and tables.

    Raises:
      Damaged: the library failed.
    """
    made = io.BytesIO()
    planes = {f"plane{index}": plane for index, plane in enumerate(coefficients.planes)}
    arrays: dict[str, Any] = {"source": np.frombuffer(_bare(jpeg), np.uint8), **planes}
    np.savez(made, **arrays)
    return _work("write", made.getvalue())


def _factors(sampling: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """A single component's unit is one block, whatever its factors (T.81, A.2.2)."""
    return [(1, 1)] if len(sampling) == 1 else list(sampling)


def _bare(jpeg: Jpeg) -> bytes:
    return jpeg.with_applications(tuple(one for one in jpeg.colours() if one.marker != 0xE2))


def _arrays(data: bytes) -> dict[str, np.ndarray]:
    with np.load(io.BytesIO(data), allow_pickle=False) as given:
        return dict(given)


def _work(do: str, data: bytes) -> bytes:
    need_library()
    where = _SHARED_MEMORY if os.access(_SHARED_MEMORY, os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=where) as folder:
        environment = {**os.environ, "JAXCRYPT_SCRATCH": folder}
        command = [sys.executable, "-P", str(_WORKER), do]
        try:
            done = subprocess.run(
                command, input=data, capture_output=True, env=environment, timeout=_SECONDS, check=False
            )
        except subprocess.TimeoutExpired:
            raise Damaged("its coefficients take too long to decode") from None
    if done.returncode:
        raise Damaged("its coefficients cannot be decoded")
    return done.stdout
