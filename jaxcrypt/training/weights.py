"""Variables as one safetensors file: ``params/<net>/<module>/<name>``, ``extra/…``. Loading runs no code.

In int8, half the size of float16, kernels of more than 1×1 lie as whole numbers beside their unit for each
output channel, ``<name>:unit``: enough for nets that only read what earlier weights made.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from jaxcrypt.errors import Refusal

BYTE = "int8"
_EMPTY = "empty"
UNIT = ":unit"  # ends the name of a kernel's unit


def save_weights(variables: Mapping[str, Any], metadata: Mapping[str, str], dtype: str = "float32") -> bytes:
    """The file's bytes. Floats are stored as ``dtype`` (float32, float16, or int8 for kernels of more than
    1×1 and float16 for the rest), other types as they are.

    Raises:
      Refusal: a value is beyond the range of what was asked for.
    """
    stored, empty = {}, []
    for name, leaf in _flatten(variables):
        if isinstance(leaf, Mapping):  # a net without parameters: only the metadata has a place for it
            empty.append(name)
            continue
        value = np.asarray(leaf)
        if value.dtype == np.float32 and dtype == BYTE and _many_taps(value):
            if not np.isfinite(value).all():
                raise Refusal(f"{name}: holds values that are no numbers; take --dtype float32")
            value, stored[name + UNIT] = _in_bytes(value)
        if value.dtype == np.float32 and dtype != "float32":
            if np.abs(value).max(initial=0) > np.finfo(np.float16).max:
                raise Refusal(f"{name}: holds values beyond float16; take --dtype float32")
            value = value.astype(np.float16)
        stored[name] = np.asarray(value, order="C")
    return save(stored, {**metadata, _EMPTY: json.dumps(empty)})


def load_weights(data: bytes, where: str = "weights") -> dict[str, Any]:
    """``{'params', 'extra'}`` of numpy arrays; float16 and int8 come back as float32.

    Raises:
      Refusal: not such a file.
    """
    try:
        flat = load(data)
        length = int.from_bytes(data[:8], "little")
        empty = json.loads(json.loads(data[8 : 8 + length])["__metadata__"][_EMPTY])
        for name in [name for name in flat if name.endswith(UNIT)]:
            unit, kernel = flat.pop(name), name.removesuffix(UNIT)
            if unit.shape != flat[kernel].shape[-1:]:
                raise ValueError(f"{name} does not fit its kernel")
            flat[kernel] = flat[kernel] * unit
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


def _many_taps(value: np.ndarray) -> bool:
    """Whether this is a convolution's kernel of more than 1×1: the others make the samples themselves."""
    return value.ndim == 4 and value.shape[0] * value.shape[1] > 1


def _in_bytes(value: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """int8 of the shape, and what they are multiples of: float32 ``[last axis]``."""
    most = np.abs(value).max(axis=tuple(range(value.ndim - 1)), initial=0)
    unit = np.maximum(most / np.iinfo(np.int8).max, np.finfo(np.float32).tiny).astype(np.float32)
    return np.round(value / unit).astype(np.int8), unit


def _flatten(tree: Mapping[str, Any], prefix: str = ""):
    for name in sorted(tree):
        value = tree[name]
        if isinstance(value, Mapping) and value:
            yield from _flatten(value, f"{prefix}{name}/")
        else:
            yield prefix + name, value
