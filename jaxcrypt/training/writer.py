"""Where numbers and pictures of a run go: a JSONL log and TensorBoard files."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np


class Writer:
    """Writes to ``<workdir>/log.jsonl`` and ``<workdir>/tensorboard``; only on the first of several hosts.

    The log has one JSON object a line: ``step``, ``time`` (seconds since 1970) and the values. After a resume
    the steps since the last checkpoint stand there twice; the later line counts.
    """

    def __init__(self, workdir: Path, active: bool = True):
        self._active = active
        if not active:
            return
        from tensorboardX import SummaryWriter

        workdir.mkdir(parents=True, exist_ok=True)
        self._log = (workdir / "log.jsonl").open("a", encoding="utf-8")
        self._board = SummaryWriter(str(workdir / "tensorboard"))

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        if not self._active:
            return
        # NaN is no JSON; null says as much to every reader.
        plain = {name: float(v) if math.isfinite(v) else None for name, v in values.items()}
        self._log.write(json.dumps({"step": step, "time": round(time.time(), 3), **plain}) + "\n")
        self._log.flush()
        for name, value in values.items():
            self._board.add_scalar(name, value, step)

    def text(self, step: int, name: str, value: str) -> None:
        if self._active:
            self._board.add_text(name, value, step)

    def picture(self, step: int, name: str, image: np.ndarray) -> None:
        """``image``: float [H, W, C] in [0, 1]; C is 1 or 3."""
        if self._active:
            eight_bit = np.round(np.clip(image, 0, 1) * 255).astype(np.uint8)
            self._board.add_image(name, eight_bit, step, dataformats="HWC")

    def close(self) -> None:
        if self._active:
            self._log.close()
            self._board.close()


def sheet(images: Mapping[str, np.ndarray], rows: int = 8) -> np.ndarray:
    """Named batches side by side: one row for each example, one column for each name.

    Args:
      images: float or uint8 [B, H, W, C] by name; floats in [0, 1]; grey ones are shown as RGB.

    Returns:
      float32 [rows * H', columns * W', 3] in [0, 1], with a white line between cells.
    """
    columns = [_rgb(np.asarray(batch)[:rows]) for batch in images.values()]
    height, width = (max(column.shape[axis] for column in columns) for axis in (1, 2))
    cells = []
    for column in columns:
        pad = [(0, 0), (0, height + 1 - column.shape[1]), (0, width + 1 - column.shape[2]), (0, 0)]
        cells.append(np.concatenate(list(np.pad(column, pad, constant_values=1.0)), axis=0))
    return np.concatenate(cells, axis=1)


def _rgb(batch: np.ndarray) -> np.ndarray:
    if batch.dtype == np.uint8:
        batch = batch / 255.0
    colour = batch[..., :3] if batch.shape[-1] >= 3 else np.repeat(batch[..., :1], 3, axis=-1)
    return np.asarray(colour, np.float32)
