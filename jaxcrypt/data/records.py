"""What every source of pictures becomes: random access to records, written by a TFDS builder, read without
TensorFlow."""

from __future__ import annotations

import contextlib
import io
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tensorflow_datasets as tfds

from jaxcrypt.errors import Refusal

_RAW = tfds.decode.SkipDecoding()


@dataclass(frozen=True)
class Records:
    """Random access to the records of one split.

    Attributes:
      data: ``data[i]`` is a dict: ``image`` (PNG or JPEG bytes), ``name``, and what else the builder stores.
      digest: names the prepared data; other pictures or another split have another.
      folder: what to call the source in messages.
      contents: names the pictures, by names and sizes, wherever they lie.
    """

    data: Sequence[Mapping[str, Any]]
    digest: str
    folder: str
    contents: str

    def __len__(self) -> int:
        return len(self.data)


def prepare(builder: Any) -> None:
    """Write a builder's files whole or not at all; another process may be doing the same."""
    try:
        with quiet():
            builder.download_and_prepare()
    except Refusal:
        raise
    except OSError as error:
        if is_complete(builder):  # the other process was faster
            return
        reason = error.strerror or error
        raise Refusal(f"config.data.cache: cannot write {builder.data_dir} ({reason})") from None


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Without TFDS's bars, prints and log lines: ours say what is done."""
    absl = logging.getLogger("absl")
    level = absl.level
    absl.setLevel(logging.ERROR)
    tfds.disable_progress_bar()
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        tfds.enable_progress_bar()
        absl.setLevel(level)


def is_complete(builder: Any) -> bool:
    """Whether the builder's files are there: TFDS renames them into place only when all are written."""
    return (Path(builder.data_dir) / "dataset_info.json").is_file()


def decoders(builder: Any) -> dict[str, Any]:
    """Pictures stay the bytes of their files: the pipeline decodes them to the channels it needs."""
    return {
        name: _RAW
        for name, feature in builder.info.features.items()
        if isinstance(feature, tfds.features.Image)
    }
