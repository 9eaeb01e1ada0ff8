"""From the settings of a source to random access over its records, prepared once and cached."""

from __future__ import annotations

import contextlib
import io
import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tensorflow_datasets as tfds

from jaxcrypt.data import builders, celeba, listing
from jaxcrypt.data.config import cache_folder
from jaxcrypt.data.listing import Entry
from jaxcrypt.errors import Refusal

log = logging.getLogger("jaxcrypt")
_BUILDERS = {
    "folder": builders.PictureFolder,
    "image_key": builders.ImageKey,
    "celeba": builders.AlignedFaces,
}
_RAW = tfds.decode.SkipDecoding()


@dataclass(frozen=True)
class Records:
    """Random access to the records of one split.

    Attributes:
      data: ``data[i]`` is a dict: ``image`` (PNG or JPEG bytes), ``name``, and what else the builder stores.
      digest: names the prepared data; other pictures or another split have another.
      folder: what to call the source in messages.
    """

    data: Sequence[Mapping[str, Any]]
    digest: str
    folder: str

    def __len__(self) -> int:
        return len(self.data)


def records(settings: Mapping[str, Any], split: str) -> Records:
    """The records of ``split`` of the source that ``settings`` describe.

    Raises:
      Refusal: no such folder, no picture in the split, pairs that do not match, pictures that cannot be
        read (where ``settings['broken']`` says so), a TFDS set that needs TensorFlow and has none.
    """
    if settings["kind"] == "tfds":
        from jaxcrypt.data import public

        return public.records(settings, split)
    if split == "test" and settings["test_path"]:
        settings, split = {**settings, "path": settings["test_path"], "validation": _NONE}, "train"
    found = _splits(settings)
    if not found.get(split):
        raise _empty(settings, split)
    builder = _prepared(settings, found)
    if split not in builder.info.splits:
        raise _empty(settings, split)
    source = builder.as_data_source(split, decoders=decoders(builder))
    return Records(source, f"{builder.builder_config.name}/{split}", settings["path"])


_NONE = {"file": "", "fraction": 0.0, "last": 0}


def _splits(settings: Mapping[str, Any]) -> dict[str, list[Entry]]:
    path, masks, validation = settings["path"], settings["masks"], settings["validation"]
    if settings["kind"] == "celeba":
        return celeba.splits(path, validation, masks)
    found = (listing.pairs if settings["kind"] == "image_key" else listing.entries)(path, masks)
    chosen = listing.set_aside([entry.name for entry in found], validation, path)
    return {
        "train": [entry for entry in found if entry.name not in chosen],
        "validation": [entry for entry in found if entry.name in chosen],
    }


def _prepared(settings: Mapping[str, Any], found: Mapping[str, Sequence[Entry]]) -> Any:
    """The builder over data that is prepared now or was before."""
    make = _BUILDERS[settings["kind"]]
    every = [entry for entries in found.values() for entry in entries]
    sizes = [f"{split} {len(entries)}" for split, entries in found.items()]
    name = listing.digest(every, settings["kind"], settings["broken"], *sizes)
    config = builders.Files(
        name=name, folder=settings["path"], splits=found, broken=settings["broken"], description="pictures"
    )
    cache = cache_folder(settings)
    with quiet():
        builder = make(data_dir=cache, config=config, file_format="array_record")
        if is_complete(builder):
            return builder
    log.info("%s: preparing %d pictures under %s", settings["path"], len(every), cache)
    start = time.perf_counter()
    prepare(builder)
    log.info("%s: prepared in %.1f s", settings["path"], time.perf_counter() - start)
    with quiet():
        return make(data_dir=cache, config=config, file_format="array_record")


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


def _empty(settings: Mapping[str, Any], split: str) -> Refusal:
    where = settings["path"]
    if split == "validation" and settings["kind"] != "celeba":
        return Refusal(
            f"{where}: no picture is set aside for validation; "
            "set config.data.validation.last, .fraction or .file"
        )
    if split == "test" and settings["kind"] != "celeba":
        return Refusal(f"{where}: has no test split; set config.data.test_path")
    return Refusal(f"{where}: the {split} split has no pictures")
