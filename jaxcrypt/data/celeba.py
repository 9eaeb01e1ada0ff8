"""CelebA as it is published: ``img_align_celeba/`` and the lists beside it.

``list_eval_partition.txt`` gives the split: 0 train, 1 validation, 2 test. A list of further validation
pictures may take names out of the training split. Attributes, boxes and landmarks are optional.

S. Liu, P. Luo, X. Wang, X. Tang, "Deep Learning Face Attributes in the Wild", ICCV 2015.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from jaxcrypt.data.listing import Entry, entries, set_aside, shorten
from jaxcrypt.errors import Refusal

PICTURES = "img_align_celeba"
PARTITION = "list_eval_partition.txt"
_PARTITIONS = {"0": "train", "1": "validation", "2": "test"}
_LISTS = {  # feature: file, numbers a row
    "attributes": ("list_attr_celeba.txt", 40),
    "box": ("list_bbox_celeba.txt", 4),
    "landmarks": ("list_landmarks_align_celeba.txt", 10),
}


def splits(folder: str, validation: Mapping[str, Any], masks: str = "") -> dict[str, list[Entry]]:
    """The faces of each split, by name.

    Raises:
      Refusal: pictures or the partition are missing, a picture has no partition, a list is malformed.
    """
    root = Path(folder).expanduser()
    if not (root / PICTURES).is_dir():
        raise Refusal(f"{folder}: has no folder {PICTURES}; wanted is CelebA's own layout")
    annotated = {name: _rows(root / file, width) for name, (file, width) in _LISTS.items()}
    partition = _partition(root / PARTITION)
    faces = entries(root / PICTURES, masks)
    missing = [face.name for face in faces if face.name not in partition]
    if missing:
        raise Refusal(f"{root / PARTITION}: says nothing of {shorten(missing)}")
    by_split: dict[str, list[Entry]] = {"train": [], "validation": [], "test": []}
    for face in faces:
        by_split[partition[face.name]].append(replace(face, annotations=_annotations(face.name, annotated)))
    if any(validation.values()):
        chosen = set_aside([face.name for face in by_split["train"]], validation, folder)
        by_split["validation"] += [face for face in by_split["train"] if face.name in chosen]
        by_split["train"] = [face for face in by_split["train"] if face.name not in chosen]
    return by_split


def _annotations(name: str, annotated: Mapping[str, Mapping[str, np.ndarray]]) -> dict[str, np.ndarray]:
    unknown = {feature: np.full(width, -1, np.int32) for feature, (_, width) in _LISTS.items()}
    values = {feature: rows.get(name, unknown[feature]) for feature, rows in annotated.items()}
    return {**values, "attributes": (values["attributes"] > 0).astype(np.uint8)}


def _partition(path: Path) -> dict[str, str]:
    partitions = {}
    for name, values in _lines(path, 1).items():
        if values[0] not in _PARTITIONS:
            raise Refusal(f"{path}: {name} is in partition {values[0]}; known are 0, 1, 2")
        partitions[name] = _PARTITIONS[values[0]]
    return partitions


def _rows(path: Path, width: int) -> dict[str, np.ndarray]:
    """The numbers of each picture; no rows where the file is absent."""
    if not path.is_file():
        return {}
    try:
        return {name: np.array(values, np.int32) for name, values in _lines(path, width).items()}
    except ValueError:
        raise Refusal(f"{path}: holds something else than whole numbers") from None


def _lines(path: Path, width: int) -> dict[str, Sequence[str]]:
    """Rows ``name value…``; CelebA's lists may begin with a count and a row of column names."""
    try:
        lines = [line.split() for line in path.read_text(encoding="utf-8").split("\n") if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise Refusal(f"{path}: cannot be read ({getattr(error, 'strerror', None) or 'not text'})") from None
    if lines and len(lines[0]) == 1:
        lines = lines[2:]
    for number, line in enumerate(lines):
        if len(line) != width + 1:
            raise Refusal(f"{path}: row {number + 1} has {len(line)} fields; wanted are {width + 1}")
    return {line[0]: line[1:] for line in lines}
