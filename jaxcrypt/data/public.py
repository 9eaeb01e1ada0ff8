"""Public TFDS sets, such as ``celeb_a``: array_record is read as it lies, all else is converted once.

Most public sets are stored as TFRecord, which only TensorFlow reads (the ``tensorflow`` extra). Their
pictures are then copied, as the bytes that they are, to array_record files in the cache; after that the set
trains without TensorFlow like any other.
"""

from __future__ import annotations

import importlib.util
import io
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from jaxcrypt.data.builders import ATTRIBUTES
from jaxcrypt.data.config import cache_folder, check, default_config
from jaxcrypt.data.listing import fingerprint
from jaxcrypt.data.masked import Masked
from jaxcrypt.data.records import Records, decoders, is_complete, prepare, quiet
from jaxcrypt.errors import Refusal, usage

log = logging.getLogger("jaxcrypt")
_EXTRA = "needs TensorFlow: pip install 'jaxcrypt[tensorflow]'"


def records(settings: Mapping[str, Any], split: str) -> Records:
    """The records of ``split`` of the TFDS set ``settings['name']``.

    Raises:
      Refusal: no such set or split, not prepared, no picture in its features, TensorFlow needed and absent.
    """
    found = _records(settings, split)
    if not settings["masks"]:
        return found
    folder = Path(settings["masks"]).expanduser()
    return replace(found, data=Masked(found.data, folder), digest=f"{found.digest}/masks")


def examples(folder: str | Path, name: str, split: str) -> Records:
    """Random access to the pictures of ``split`` of the TFDS set ``name`` that was prepared in ``folder``.

    Raises:
      Refusal: no such set or split, or one that only TensorFlow reads where that is missing.
    """
    settings = default_config().to_dict() | {"kind": "tfds", "name": name, "path": str(folder)}
    settings["splits"] = {"train": split}
    check(settings, "--tfds")
    return records(settings, "train")


def _records(settings: Mapping[str, Any], split: str) -> Records:
    name, part = settings["name"], settings["splits"][split]
    builder = _builder(settings)
    if not part or part.split("[")[0] not in builder.info.splits:
        known = ", ".join(builder.info.splits)
        raise usage(f"config.data.splits.{split}={part}: {name} has {known}")
    feature = _picture(builder)
    if builder.info.file_format == tfds.core.FileFormat.ARRAY_RECORD:
        return Records(
            Adapted(_source(builder, part), feature, f"{name}/{part}"),
            f"{builder.info.full_name}/{part}",
            name,
            f"{builder.info.full_name}/{part}",
        )
    _need_tensorflow(f"{name}: is stored as {builder.info.file_format.value}, which")
    converted = _converted(settings, builder, feature, part)
    digest = f"{converted.builder_config.name}/{part}"
    return Records(_source(converted, "train"), digest, name, f"{builder.info.full_name}/{part}")


@dataclass
class Adapted:
    """Records of a public set under the names of ours; ``name`` is made of the set, split and index."""

    source: Any
    feature: str
    prefix: str

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, index: int) -> dict[str, Any]:
        return adapted(self.source[index], self.feature, f"{self.prefix}/{index}")


def adapted(record: Mapping[str, Any], feature: str, name: str) -> dict[str, Any]:
    """``image``, ``name`` and, of celeb_a, ``attributes`` uint8 ``[40]`` in CelebA's (alphabetical) order."""
    example = {"image": record[feature], "name": name}
    attributes = record.get("attributes")
    if isinstance(attributes, Mapping) and len(attributes) == ATTRIBUTES:
        example["attributes"] = np.array([attributes[key] for key in sorted(attributes)], np.uint8)
    return example


@dataclass(kw_only=True)
class Origin(tfds.core.BuilderConfig):
    """Where the pictures are copied from."""

    origin: Any = None
    feature: str = "image"
    part: str = "train"


class Converted(tfds.core.GeneratorBasedBuilder):
    """One split of a public set, its pictures byte for byte."""

    VERSION = tfds.core.Version("1.0.0")

    def _info(self) -> tfds.core.DatasetInfo:
        features = {
            "image": tfds.features.Image(shape=(None, None, None)),
            "name": tfds.features.Text(),
        }
        if "attributes" in self.builder_config.origin.info.features:
            features["attributes"] = tfds.features.Tensor(shape=(ATTRIBUTES,), dtype=np.uint8)
        return tfds.core.DatasetInfo(
            builder=self, features=tfds.features.FeaturesDict(features), disable_shuffling=True
        )

    def _split_generators(self, dl_manager: Any) -> dict[str, Any]:
        del dl_manager  # the set is there
        return {"train": self._generate_examples()}

    def _generate_examples(self) -> Iterator[tuple[int, dict[str, Any]]]:
        config = self.builder_config
        raw = {config.feature: tfds.decode.SkipDecoding()}
        dataset = config.origin.as_dataset(split=config.part, decoders=raw, shuffle_files=False)
        for index, record in enumerate(tfds.as_numpy(dataset)):
            example = adapted(record, config.feature, f"{config.origin.name}/{config.part}/{index}")
            yield index, {**example, "image": io.BytesIO(example["image"])}


def _builder(settings: Mapping[str, Any]) -> Any:
    name = settings["name"]
    root = str(Path(settings["path"] or tfds.core.constants.DATA_DIR).expanduser())
    try:
        with quiet():
            builder = tfds.builder(name, data_dir=root)
            if not is_complete(builder) and settings["download"]:
                _need_tensorflow(f"{name}: to prepare it")
                builder.download_and_prepare()
    except Refusal:
        raise
    except tfds.core.DatasetNotFoundError:
        raise usage(f"config.data.name={name}: TFDS knows no such set, nor is it in {root}") from None
    except Exception as error:  # downloads and other people's preparation fail in any way
        raise Refusal(f"{name}: cannot be prepared ({_line(error)})") from None
    if not is_complete(builder):
        raise Refusal(
            f"{name}: is not prepared in {builder.data_dir}; set config.data.path to where it is, or "
            "config.data.download=True"
        )
    return builder


def _picture(builder: Any) -> str:
    named = list(decoders(builder))
    if "image" in named:
        return "image"
    if len(named) != 1:
        raise Refusal(f"{builder.name}: has {len(named)} pictures in an example; one called image is wanted")
    return named[0]


def _source(builder: Any, part: str) -> Any:
    return builder.as_data_source(part, decoders=decoders(builder))


def _converted(settings: Mapping[str, Any], origin: Any, feature: str, part: str) -> Any:
    stamp = fingerprint([Path(origin.data_dir) / "dataset_info.json"], origin.info.full_name, part)
    config = Origin(name=stamp, origin=origin, feature=feature, part=part, description="a converted set")
    options = {"data_dir": cache_folder(settings), "config": config, "file_format": "array_record"}
    with quiet():
        builder = Converted(**options)
    if not is_complete(builder):
        log.info("%s: copying %s to array_record under %s", origin.name, part, cache_folder(settings))
        prepare(builder)
        with quiet():
            builder = Converted(**options)
    return builder


def _need_tensorflow(what: str) -> None:
    if importlib.util.find_spec("tensorflow") is None:
        raise Refusal(f"{what} {_EXTRA}")


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
