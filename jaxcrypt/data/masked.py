"""Pictures of TFDS sets with the masks that ``jaxcrypt roi --tfds`` stored for them in a folder.

An example's name is ``SET/SPLIT/INDEX``, and its mask ``SET/SPLIT/INDEX.mask.png``. Indices are those of the
split as it lies: a set that is prepared anew may be in another order, and its masks belong to the old one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jaxcrypt.data.listing import MASK


@dataclass(frozen=True)
class Masked(Sequence[Mapping[str, Any]]):
    """Records of a set with the masks of those that have one: PNG bytes under ``mask``."""

    source: Sequence[Mapping[str, Any]]
    folder: Path

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, index: int) -> dict[str, Any]:
        record = dict(self.source[index])
        name = record["name"].decode() if isinstance(record["name"], bytes) else record["name"]
        file = self.folder / f"{name}{MASK}.png"
        return record | ({"mask": file.read_bytes()} if file.is_file() else {})
