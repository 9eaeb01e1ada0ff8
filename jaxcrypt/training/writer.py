"""Where numbers and pictures of a run go: a JSONL log and TensorBoard files."""

from __future__ import annotations

import contextlib
import json
import math
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from jaxcrypt.errors import ExitCode, Refusal, usage

LABEL = 14  # pixels that a column's name takes


class Writer:
    """Writes to ``<workdir>/log.jsonl`` and ``<workdir>/tensorboard``; only on the first of several hosts.

    With ``wandb``, the name of a project, numbers and pictures go to Weights & Biases too, under the name of
    the workdir; a run that goes on there goes on here.

    The log has one JSON object a line: ``step``, ``time`` (seconds since 1970) and the values. After a resume
    the steps since the last checkpoint stand there twice; the later line counts.
    """

    def __init__(self, workdir: Path, active: bool = True, wandb: str = "", config: Any = None):
        self._workdir, self._active = Path(workdir), active
        self._online = _online(wandb, self._workdir, config) if wandb and active else None
        self._log: Any = None
        self._board: Any = None

    def _open(self) -> bool:
        """Whether to write; nothing lies in the workdir before the first word does."""
        if self._active and self._log is None:
            from jaxcrypt.training.board import Board

            self._board = Board(self._workdir / "tensorboard")
            self._log = (self._workdir / "log.jsonl").open("a", encoding="utf-8")
        return self._active

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            reason = f"the log cannot be written ({error.strerror or error})"
            raise Refusal(f"{self._workdir}: {reason}", ExitCode.FAILED) from None

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        if not self._open():
            return
        # NaN is no JSON; null says as much to every reader.
        plain = {name: float(v) if math.isfinite(v) else None for name, v in values.items()}
        with self._writing():
            self._log.write(json.dumps({"step": step, "time": round(time.time(), 3), **plain}) + "\n")
            self._log.flush()
            for name, value in values.items():
                self._board.scalar(step, name, value)
        if self._online:
            self._online.log({name: v for name, v in plain.items() if v is not None}, step=step)

    def text(self, step: int, name: str, value: str) -> None:
        if self._open():
            with self._writing():
                self._board.text(step, name, value.encode("utf-8", "backslashreplace").decode())

    def picture(self, step: int, name: str, image: np.ndarray) -> None:
        """``image``: float [H, W, C] in [0, 1]; C is 1 or 3."""
        if self._open():
            eight_bit = np.round(np.clip(image, 0, 1) * 255).astype(np.uint8)
            with self._writing():
                self._board.picture(step, name, eight_bit)
            if self._online:
                import wandb

                self._online.log({name: wandb.Image(eight_bit)}, step=step)

    def close(self) -> None:
        if self._log is not None:
            with contextlib.suppress(OSError):  # of which :meth:`scalars` has told
                self._log.close()
            with contextlib.suppress(OSError):
                self._board.close()
        if self._online:
            self._online.finish()


def _online(project: str, workdir: Path, config: Any) -> Any:
    try:
        import wandb
    except ModuleNotFoundError:
        raise usage("config.train.wandb: wandb is missing: pip install 'jaxcrypt[wandb]'") from None
    workdir.mkdir(parents=True, exist_ok=True)
    name = workdir.absolute().name
    return wandb.init(project=project, name=name, id=name, dir=str(workdir), config=config, resume="allow")


def sheet(images: Mapping[str, np.ndarray], rows: int = 8) -> np.ndarray:
    """Named batches side by side: one row for each example, one column for each name.

    Args:
      images: float or uint8 [B, H, W, C] by name; floats in [0, 1]; grey ones are shown as RGB.

    Returns:
      float32 [:data:`LABEL` + rows * H', columns * W', 3] in [0, 1], with the names above the columns and a
      white line between cells.
    """
    batches = [_rgb(np.asarray(batch)[:rows]) for batch in images.values()]
    height, width = (max(batch.shape[axis] for batch in batches) for axis in (1, 2))
    cells = []
    for name, batch in zip(images, batches, strict=True):
        pad = [(0, 0), (0, height + 1 - batch.shape[1]), (0, width + 1 - batch.shape[2]), (0, 0)]
        rows_of_it = list(np.pad(batch, pad, constant_values=1.0))
        cells.append(np.concatenate([_label(name, width + 1), *rows_of_it], axis=0))
    return np.concatenate(cells, axis=1)


def columns(batch: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The pictures of a training batch as columns of a :func:`sheet`: of several secrets one column each,
    masks in white; labels are none."""
    images: dict[str, np.ndarray] = {}
    for name, array in batch.items():
        if array.ndim == 5:
            images |= {f"{name} {i + 1}": array[:, i] for i in range(array.shape[1])}
        elif array.ndim == 3 and array.dtype == bool:
            images[name] = array[..., None].astype(np.float32)
        elif array.ndim == 4:
            images[name] = array
    return images


def _label(name: str, width: int) -> np.ndarray:
    """``name`` in black on white, float32 ``[LABEL, width, 3]``, cut where it is longer."""
    image = Image.new("L", (width, LABEL), 255)
    ImageDraw.Draw(image).text((1, 0), name, fill=0, font=ImageFont.load_default(LABEL - 3))
    return np.repeat(np.asarray(image, np.float32)[..., None] / 255, 3, axis=-1)


def _rgb(batch: np.ndarray) -> np.ndarray:
    if batch.dtype == np.uint8:
        batch = batch / 255.0
    colour = batch[..., :3] if batch.shape[-1] >= 3 else np.repeat(batch[..., :1], 3, axis=-1)
    return np.asarray(colour, np.float32)
