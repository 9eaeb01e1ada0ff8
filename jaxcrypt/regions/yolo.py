"""Things of 80 kinds (COCO) by YOLOv8, through ``ultralytics``: boxes, or outlines if the weights give them.

The nano detector's release file is downloaded on first use and kept; its digest is checked before anything
reads it, since weights of PyTorch may hold code. Weights of one's own are trusted as they are.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
import tempfile
import urllib.request
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from jaxcrypt.errors import ExitCode, Refusal, usage
from jaxcrypt.regions import CONFIDENCE, things
from jaxcrypt.regions.things import Thing

URL = "https://github.com/ultralytics/assets/releases/download/v8.3.0/yolov8n.pt"
SHA256 = "f59b3d833e2ff32e194b5bb8e08d211dc7c5bdf144b90d2c8412c47ccfc83b36"
_PATIENCE = 60  # seconds without a byte


def finder(classes: Sequence[str] = (), weights: str | None = None, confidence: float = CONFIDENCE):
    """A function that finds things of some classes (empty: of all) in a picture, uint8 ``[H, W, 3]``.

    Args:
      weights: of YOLOv8; None for the release file.
      confidence: of a thing, at least.

    Raises:
      Refusal: the package or the weights are missing, an unknown class, a confidence that is none.
    """
    if not 0 < confidence < 1:
        raise usage(f"--confidence {confidence}: must be between 0 and 1")
    net = _net(weights)
    numbers = {name: number for number, name in net.names.items()}
    for name in classes:
        if name not in numbers:
            raise usage(f"--roi yolo:{name}: no such class; choose among {', '.join(numbers)}")
    wanted = [numbers[name] for name in classes] or None

    def find(picture: np.ndarray) -> list[Thing]:
        # ultralytics takes blue, green, red.
        (result,) = net.predict(picture[..., ::-1].copy(), conf=confidence, classes=wanted, verbose=False)
        return things_of(result, picture.shape[:2])

    return find


def things_of(result: Any, shape: tuple[int, int]) -> list[Thing]:
    """Ultralytics' results of one picture of ``shape`` as things: masks where there are some, else boxes."""
    numbers = np.asarray(result.boxes.cls.tolist(), int)
    labels = [result.names[number] for number in numbers.tolist()]
    scores, boxes = result.boxes.conf.tolist(), result.boxes.xyxy.tolist()
    if result.masks is None:
        made = [things.rectangle(box, shape, *told) for box, *told in zip(boxes, labels, scores, strict=True)]
        return [thing for thing in made if thing is not None]
    outlined = []
    for mask, label, score in zip(np.asarray(result.masks.data.tolist()), labels, scores, strict=True):
        small = Image.fromarray(np.uint8(mask > 0.5) * 255)
        full = np.asarray(small.resize(shape[::-1], Image.Resampling.BILINEAR)) > 127
        outlined += [Thing(p.left, p.top, p.mask, label, score) for p in things.parts(full)]
    return outlined


@cache
def _net(weights: str | None) -> Any:
    if weights is not None and not Path(weights).is_file():
        raise Refusal(f"--yolo-weights {weights}: no such file")
    try:
        with contextlib.redirect_stdout(sys.stderr):  # its log would go among pictures and JSON
            from ultralytics import YOLO
    except ImportError as error:
        raise usage(f"--roi yolo: {error.name} is missing: pip install 'jaxcrypt[roi]'") from None
    return YOLO(weights or str(release()))


def release() -> Path:
    """The nano detector's release file, downloaded where it is not there yet.

    Raises:
      Refusal: it cannot be downloaded, or is another file.
    """
    kept = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "jaxcrypt" / "yolov8n.pt"
    if kept.is_file():
        _check(kept.read_bytes(), str(kept))
        return kept
    try:
        with urllib.request.urlopen(URL, timeout=_PATIENCE) as answer:
            data = answer.read()
    except OSError as error:
        hint = "fetch it by hand, and name it with --yolo-weights"
        raise Refusal(f"{URL}: cannot be downloaded ({error}); {hint}", ExitCode.FAILED) from None
    _check(data, URL)
    kept.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=kept.parent, delete=False) as file:
        file.write(data)
    os.replace(file.name, kept)
    return kept


def _check(data: bytes, name: str) -> None:
    if hashlib.sha256(data).hexdigest() != SHA256:
        raise Refusal(f"{name}: is not the release file of YOLOv8n: its SHA-256 is another; delete it")
