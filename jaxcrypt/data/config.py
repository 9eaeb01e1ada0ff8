"""``config.data``: every setting of the input pipeline with its default, here and nowhere else.

What a batch holds and how large its pictures are is the System's to say (``System.batch``); these settings
say which pictures they come from and how they are cut::

    config.data = default_config()
    config.data.path = "~/pictures"
    config.data.validation.last = 64

Several sources are mixed by weight, each with settings of its own over the common ones; secrets and key
pictures may come from elsewhere than the pictures they go with::

    config.data.mix = {"faces": {"weight": 2.0, "kind": "celeba", "path": "~/celeba", "fit": "resize"},
                       "photos": {"weight": 1.0, "path": "~/photos"}}
    config.data.others = {"path": "~/key-pictures"}
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ml_collections import ConfigDict

from jaxcrypt.errors import Refusal, usage
from jaxcrypt.training.defaults import check_names

KINDS = ("folder", "image_key", "celeba", "tfds")
_CHOICES = {
    "kind": KINDS,
    "fit": ("crop", "cover", "resize"),
    "crop": ("random", "centre"),
    "filter": ("area", "bicubic"),
    "broken": ("skip", "refuse"),
}
_WHOLE = {"threads": 1, "buffer": 1, "workers": 0, "pair_seed": 0}  # with the least that makes sense


def default_config() -> ConfigDict:
    """Settings for a plain folder of pictures; ``path`` is to be filled in."""
    return ConfigDict(
        {
            "kind": "folder",  # folder, image_key (Images/ + Key/), celeba (its own layout), tfds
            "path": "",  # the folder; tfds: where the set was prepared (its data_dir)
            "test_path": "",  # folder, image_key: the folder whose pictures are the test split
            "name": "",  # tfds: name of the set, such as celeb_a
            "splits": {"train": "train", "validation": "validation", "test": "test"},  # tfds: its own names
            "download": False,  # tfds: prepare the set where it is not yet
            "validation": {  # which pictures of path are set aside; one of
                "file": "",  # a text file that names them, one a line
                "fraction": 0.0,  # this share, chosen by a hash of the name
                "last": 0,  # the last so many by name
            },
            "masks": "",  # folder of NAME.png masks; empty: NAME.mask.png beside the pictures
            "broken": "skip",  # pictures that cannot be decoded: skip (named in the log) or refuse
            "box": (),  # (top, left, bottom, right) in pixels, cut out of each picture first
            "fit": "crop",  # crop: a window as it is; cover: short side resized, then a window; resize: all
            "crop": "random",  # where the window lies in training; in evaluation at the centre
            "filter": "area",  # or bicubic: of every resize; masks take the nearest pixel
            "flip": True,  # left and right swapped in every second training example
            "grey": 0.0,  # share of the colour training examples that are made grey
            "pair_seed": 0,  # draws secrets and key pictures in evaluation
            "others": {},  # where secrets and key pictures come from; empty: the same pictures
            "mix": {},  # name: {weight, settings over these}
            "in_memory": False,  # keep decoded and resized pictures
            "workers": 0,  # processes; 0: threads of this one
            "threads": 4,  # that prepare batches
            "buffer": 4,  # batches ready in advance
            "cache": "",  # where prepared data lies; empty: $JAXCRYPT_CACHE or ~/.cache/jaxcrypt/datasets
        }
    )


def sources(config: Mapping[str, Any] | ConfigDict) -> list[tuple[float, dict[str, Any]]]:
    """The checked settings of each source with its weight; one source of weight 1 without ``mix``.

    Raises:
      Refusal: a name or a value that makes no sense.
    """
    base = complete(config, "config.data")
    mix = base.pop("mix")
    if not mix:
        check(base, "config.data")
        return [(1.0, base)]
    parts = []
    for name, given in mix.items():
        where = f"config.data.mix.{name}"
        over = dict(given)
        weight = over.pop("weight", 1.0)
        if not isinstance(weight, int | float) or not weight > 0:
            raise usage(f"{where}.weight={weight}: must be above 0")
        parts.append((float(weight), _over(base, over, where)))
    return parts


def others(settings: Mapping[str, Any]) -> dict[str, Any] | None:
    """The settings of the source that secrets and key pictures come from; None: the same pictures."""
    if not settings["others"]:
        return None
    base = {**settings, "others": {}, "test_path": "", "validation": default_config().validation.to_dict()}
    return _over(base, settings["others"], "config.data.others")


def divides(settings: Mapping[str, Any], split: str) -> bool:
    """Whether a source has pictures of its own for ``split``; a plain folder only where it is told which."""
    if settings["kind"] in ("celeba", "tfds") or split == "train":
        return True
    return bool(settings["test_path"] if split == "test" else any(settings["validation"].values()))


def cache_folder(settings: Mapping[str, Any]) -> Path:
    """Where prepared data lies."""
    given = settings["cache"] or os.environ.get("JAXCRYPT_CACHE") or "~/.cache/jaxcrypt/datasets"
    return Path(given).expanduser()


def complete(config: Mapping[str, Any] | ConfigDict, where: str) -> dict[str, Any]:
    """``config`` over the defaults as plain dicts, with every name checked."""
    given = config.to_dict() if isinstance(config, ConfigDict) else dict(config)
    return _merge(default_config().to_dict(), given, where)


def _over(base: Mapping[str, Any], given: Mapping[str, Any], where: str) -> dict[str, Any]:
    merged = _merge(dict(base), given, where)
    check(merged, where)
    return merged


def _merge(base: dict[str, Any], given: Mapping[str, Any], where: str) -> dict[str, Any]:
    check_names(given, base, where)
    for name in ("validation", "splits"):
        check_names(given.get(name, {}), base[name], f"{where}.{name}")
    nested = {name: {**base[name], **given.get(name, {})} for name in ("validation", "splits")}
    return {**base, **given, **nested}


def check(settings: Mapping[str, Any], where: str) -> None:
    """Refuse values that make no sense, naming the setting."""
    for name, known in _CHOICES.items():
        if settings[name] not in known:
            raise usage(f"{where}.{name}={settings[name]}: unknown; choose one of {', '.join(known)}")
    for name, least in _WHOLE.items():
        value = settings[name]
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise usage(f"{where}.{name}={value}: must be a whole number of at least {least}")
    if not 0 <= settings["grey"] <= 1:
        raise usage(f"{where}.grey={settings['grey']}: must be between 0 and 1")
    _check_box(settings["box"], where)
    _check_validation(settings["validation"], where)
    if settings["kind"] == "tfds":
        if not settings["name"]:
            raise usage(f"{where}.name: say which TFDS set, such as celeb_a")
    else:
        _check_folder(settings["path"], f"{where}.path")
        if settings["test_path"]:
            _check_folder(settings["test_path"], f"{where}.test_path")
    if settings["masks"]:
        _check_folder(settings["masks"], f"{where}.masks")


def _check_folder(path: str, where: str) -> None:
    if not path:
        raise usage(f"{where}: is empty; say which folder holds the pictures")
    if not Path(path).expanduser().is_dir():
        raise Refusal(f"{where}={path}: no such folder")


def _check_box(box: Any, where: str) -> None:
    if len(box) == 0:
        return
    if len(box) != 4 or not (0 <= box[0] < box[2] and 0 <= box[1] < box[3]):
        raise usage(f"{where}.box={tuple(box)}: must be (top, left, bottom, right) in pixels")


def _check_validation(validation: Mapping[str, Any], where: str) -> None:
    given = [name for name, value in validation.items() if value]
    if len(given) > 1:
        raise usage(f"{where}.validation: give one of {', '.join(validation)}; {' and '.join(given)} are set")
    if not 0 <= validation["fraction"] < 1:
        raise usage(f"{where}.validation.fraction={validation['fraction']}: must be from 0 to below 1")
    if validation["last"] < 0:
        raise usage(f"{where}.validation.last={validation['last']}: must be 0 or more")
