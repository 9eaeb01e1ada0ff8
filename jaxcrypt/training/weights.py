"""Variables as one safetensors file: ``params/<net>/<module>/<name>``, ``extra/…``. Loading runs no code."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from jaxcrypt.errors import Refusal

HALF = "float16"
_EMPTY = "empty"


def save_weights(variables: Mapping[str, Any], metadata: Mapping[str, str], dtype: str = "float32") -> bytes:
    """The file's bytes. Floats are stored as ``dtype`` (float32 or float16), other types as they are.

    Raises:
      Refusal: float16 was asked for, and a value is beyond its range.
    """
    stored, empty = {}, []
    for name, leaf in _flatten(variables):
        if isinstance(leaf, Mapping):  # a net without parameters: only the metadata has a place for it
            empty.append(name)
            continue
        value = np.asarray(leaf)
        if value.dtype == np.float32 and dtype == HALF:
            if np.abs(value).max(initial=0) > np.finfo(np.float16).max:
                raise Refusal(f"{name}: holds values beyond float16; take --dtype float32")
            value = value.astype(np.float16)
        stored[name] = np.asarray(value, order="C")
    return save(stored, {**metadata, _EMPTY: json.dumps(empty)})


def load_weights(data: bytes, where: str = "weights") -> dict[str, Any]:
    """``{'params', 'extra'}`` of numpy arrays; float16 comes back as float32.

    Raises:
      Refusal: not such a file.
    """
    try:
        flat = load(data)
        length = int.from_bytes(data[:8], "little")
        empty = json.loads(json.loads(data[8 : 8 + length])["__metadata__"][_EMPTY])
    except (SafetensorError, ValueError, KeyError) as error:
        raise Refusal(f"{where}: not a weights file ({error})") from None
    tree: dict[str, Any] = {"params": {}, "extra": {}}
    for name, value in {**dict.fromkeys(empty), **flat}.items():
        *path, last = name.split("/")
        node = tree
        for part in path:
            node = node.setdefault(part, {})
        if value is None:
            node.setdefault(last, {})
        else:
            node[last] = value.astype(np.float32) if value.dtype == np.float16 else value
    return tree


def _flatten(tree: Mapping[str, Any], prefix: str = ""):
    for name in sorted(tree):
        value = tree[name]
        if isinstance(value, Mapping) and value:
            yield from _flatten(value, f"{prefix}{name}/")
        else:
            yield prefix + name, value
