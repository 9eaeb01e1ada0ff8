"""From the settings of a source to random access over its records, prepared once and cached."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from typing import Any

from jaxcrypt.data import builders, celeba, listing, public
from jaxcrypt.data.config import cache_folder
from jaxcrypt.data.listing import Entry
from jaxcrypt.data.records import Records, decoders, is_complete, prepare, quiet
from jaxcrypt.errors import Refusal

log = logging.getLogger("jaxcrypt")
_BUILDERS = {
    "folder": builders.PictureFolder,
    "image_key": builders.ImageKey,
    "celeba": builders.AlignedFaces,
}


def records(settings: Mapping[str, Any], split: str) -> Records:
    """The records of ``split`` of the source that ``settings`` describe.

    Raises:
      Refusal: no such folder, no picture in the split, pairs that do not match, pictures that cannot be
        read (where ``settings['broken']`` says so), a TFDS set that needs TensorFlow and has none.
    """
    if settings["kind"] == "tfds":
        return public.records(settings, split)
    if split == "test" and settings["test_path"]:
        settings, split = {**settings, "path": settings["test_path"], "validation": _NONE}, "train"
    splits = _splits(settings)
    if not splits.get(split):
        raise _empty(settings, split)
    builder = _prepared(settings, splits)
    if split not in builder.info.splits:
        raise _empty(settings, split)
    source = builder.as_data_source(split, decoders=decoders(builder))
    digest = f"{builder.builder_config.name}/{split}"
    return Records(source, digest, settings["path"], listing.contents(splits[split]))


_NONE = {"file": "", "fraction": 0.0, "last": 0}


def _splits(settings: Mapping[str, Any]) -> dict[str, list[Entry]]:
    path, masks, validation = settings["path"], settings["masks"], settings["validation"]
    if settings["kind"] == "celeba":
        return celeba.splits(path, validation, masks)
    entries = (listing.pairs if settings["kind"] == "image_key" else listing.entries)(path, masks)
    chosen = listing.set_aside([entry.name for entry in entries], validation, path)
    return {
        "train": [entry for entry in entries if entry.name not in chosen],
        "validation": [entry for entry in entries if entry.name in chosen],
    }


def _prepared(settings: Mapping[str, Any], splits: Mapping[str, Sequence[Entry]]) -> Any:
    """The builder over data that is prepared now or was before."""
    make = _BUILDERS[settings["kind"]]
    every = [entry for entries in splits.values() for entry in entries]
    sizes = [f"{split} {len(entries)}" for split, entries in splits.items()]
    name = listing.digest(every, settings["kind"], settings["broken"], *sizes)
    config = builders.Files(
        name=name, folder=settings["path"], splits=splits, broken=settings["broken"], description="pictures"
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


def _empty(settings: Mapping[str, Any], split: str) -> Refusal:
    where = settings["path"]
    if split == "validation" and settings["kind"] != "celeba":
        return Refusal(
            f"{where}: no picture is set aside for validation; "
            "set config.data.validation.last, .fraction or .file, or config.train.eval_every=0"
        )
    if split == "test" and settings["kind"] != "celeba":
        return Refusal(f"{where}: has no test split; set config.data.test_path")
    return Refusal(f"{where}: the {split} split has no pictures")
