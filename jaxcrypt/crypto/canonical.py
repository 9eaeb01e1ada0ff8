"""Canonical bytes for what a System is told and what it hands over: one value, one encoding.

Options are scalars by name, arrays are small tensors by name; both are written in ascending order of their
names, and whatever is not exactly so is refused on reading. Integers are big-endian, samples little-endian.
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from jaxcrypt.crypto.cursor import Cursor, Malformed
from jaxcrypt.errors import ExitCode, Refusal

Scalar = bool | int | float | str
Options = Sequence[tuple[str, Scalar]]

MAX_OPTIONS = 64
MAX_TEXT = 1024
MAX_ARRAYS = 64
MAX_DIMENSIONS = 8
_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")
_BOOL, _INT, _FLOAT, _TEXT = range(1, 5)
_BITS = np.dtype(bool)
# Code on the wire -> dtype there. Booleans travel as packed bits, most significant first.
_DTYPES = {1: np.dtype("u1"), 2: np.dtype("<u4"), 3: np.dtype("<i4"), 4: np.dtype("<f4"), 5: _BITS}
_CODES = {dtype: code for code, dtype in _DTYPES.items()}


def encode_options(options: Options) -> bytes:
    """Options as bytes: count, then for each name, type, length, value.

    Raises:
      ValueError: a name or value that has no canonical form (a NaN, an integer beyond 64 bits, …).
    """
    entries = sorted(options, key=lambda entry: entry[0])
    if len({name for name, _ in entries}) != len(entries) or len(entries) > MAX_OPTIONS:
        raise ValueError("options must have different names, and be at most 64")
    parts = [bytes([len(entries)])]
    for name, value in entries:
        kind, body = _encode_scalar(name, value)
        parts += [_encode_name(name), struct.pack(">BH", kind, len(body)), body]
    return b"".join(parts)


def decode_options(data: bytes) -> tuple[tuple[str, Scalar], ...]:
    """The inverse of :func:`encode_options`; anything not canonical is Malformed."""
    cursor = Cursor(data)
    options = []
    for name in _names(cursor, MAX_OPTIONS):
        kind, length = cursor.unpack(">BH")
        options.append((name, _decode_scalar(kind, cursor.take(length))))
    cursor.finish()
    return tuple(options)


def encode_arrays(arrays: Mapping[str, Any]) -> bytes:
    """Named arrays as bytes: uint8, uint32, int32, finite float32 or bool, any shape of up to eight axes.

    Raises:
      ValueError: another type, too many axes, none at all in it.
      Refusal: a float that is NaN or infinite, which no working System makes.
    """
    if len(arrays) > MAX_ARRAYS:
        raise ValueError("at most 64 arrays")
    parts = [bytes([len(arrays)])]
    for name in sorted(arrays):
        array = np.asarray(arrays[name])
        wire = array.dtype.newbyteorder("<") if array.dtype.itemsize > 1 else array.dtype
        if wire not in _CODES or array.ndim > MAX_DIMENSIONS or not array.size:
            raise ValueError(f"array {name}: {array.dtype} of shape {array.shape} cannot travel")
        if not _is_finite(array):
            broken = f"side information {name!r} is not finite: the System or its weights are broken"
            raise Refusal(broken, ExitCode.FAILED)
        body = np.packbits(array.reshape(-1)) if wire == _BITS else np.ascontiguousarray(array, wire)
        head = struct.pack(f">BB{array.ndim}I", _CODES[wire], array.ndim, *array.shape)
        parts += [_encode_name(name), head, body.tobytes()]
    return b"".join(parts)


def decode_arrays(cursor: Cursor) -> dict[str, np.ndarray]:
    """Read what :func:`encode_arrays` wrote; anything not canonical is Malformed."""
    return {name: _decode_array(cursor) for name in _names(cursor, MAX_ARRAYS)}


def encode_parameters(system: str, options: Options) -> bytes:
    """System and options as one string of bytes: what the file key is derived over."""
    return _encode_name(system) + encode_options(options)


def check_name(name: str) -> str:
    """``name`` itself, or Malformed where it is not lower-case letters, digits and underscores."""
    if not _NAME.fullmatch(name):
        raise Malformed("a name has characters that names do not have")
    return name


def _encode_name(name: str) -> bytes:
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r}: names are lower-case letters, digits and underscores, at most 32")
    return bytes([len(name)]) + name.encode()


def _names(cursor: Cursor, limit: int):
    """The names of a list of entries, whose bodies the caller reads between them."""
    (count,) = cursor.unpack(">B")
    if count > limit:
        raise Malformed("too many entries")
    previous = ""
    for _ in range(count):
        (length,) = cursor.unpack(">B")
        name = check_name(cursor.take(length).decode("ascii", "replace"))
        if name <= previous:
            raise Malformed("names are not in ascending order")
        previous = name
        yield name


def _encode_scalar(name: str, value: Scalar) -> tuple[int, bytes]:
    if isinstance(value, bool):
        return _BOOL, bytes([value])
    if isinstance(value, int) and -(2**63) <= value < 2**63:
        return _INT, struct.pack(">q", value)
    if isinstance(value, float) and value == value:
        return _FLOAT, struct.pack(">d", value)
    if isinstance(value, str) and len(value.encode()) <= MAX_TEXT:
        return _TEXT, value.encode()
    raise ValueError(f"option {name}: {type(value).__name__} of this value has no canonical form")


def _decode_scalar(kind: int, body: bytes) -> Scalar:
    if kind == _BOOL and body in (b"\0", b"\1"):
        return body == b"\1"
    if kind == _INT and len(body) == 8:
        return struct.unpack(">q", body)[0]
    if kind == _FLOAT and len(body) == 8:
        (value,) = struct.unpack(">d", body)
        if value == value:
            return value
    if kind == _TEXT and len(body) <= MAX_TEXT:
        try:
            return body.decode()
        except UnicodeDecodeError:
            pass
    raise Malformed("an option's value is not canonical")


def _decode_array(cursor: Cursor) -> np.ndarray:
    code, dimensions = cursor.unpack(">BB")
    if code not in _DTYPES or dimensions > MAX_DIMENSIONS:
        raise Malformed("an array's type is unknown")
    shape = cursor.unpack(f">{dimensions}I")
    size = math.prod(shape)
    if not size:
        raise Malformed("an array is empty")
    dtype = _DTYPES[code]
    # take() refuses more bytes than there are before anything is allocated.
    body = cursor.take((size + 7) // 8 if dtype == _BITS else size * dtype.itemsize)
    if dtype != _BITS:
        array = np.frombuffer(body, dtype).reshape(shape).astype(dtype.newbyteorder("="))
        if not _is_finite(array):
            raise Malformed("an array is not finite")
        return array
    bits = np.unpackbits(np.frombuffer(body, np.uint8))
    if bits[size:].any():
        raise Malformed("spare bits are not zero")
    return bits[:size].astype(bool).reshape(shape)


def _is_finite(array: np.ndarray) -> bool:
    return bool(np.isfinite(array).all())
