"""JPEG files a sixth to a fifth smaller, and back byte for byte: Lepton (Horn et al., NSDI 2017).

Lepton keeps the quantised coefficients, and codes them with a better model than Huffman's; it is in the
extra ``jpeg``. What does not come back exactly is left as it is.
"""

from __future__ import annotations

import importlib.util
import struct

_JPEG = b"\xff\xd8\xff"
_LENGTH = struct.Struct(">I")
_HOW = {"max_partitions": 1}  # one model for all of it: the smallest, and the same on all machines


class Lost(Exception):
    """What was recoded cannot be brought back."""


class Missing(Lost):
    """Lepton is not installed."""


def installed() -> bool:
    """Whether Lepton is there."""
    return importlib.util.find_spec("lepton_jpeg_python") is not None


def pack(file: bytes) -> bytes | None:
    """A file recoded, its length before it; None: no JPEG, nothing gained, or lost on the way back."""
    if not file.startswith(_JPEG) or not installed():
        return None
    try:
        recoded = _lepton("compress_bytes", file, _HOW)
        whole = _lepton("decompress_bytes", recoded) == file
    except Lost:
        return None
    packed = _LENGTH.pack(len(recoded)) + recoded
    return packed if whole and len(packed) < len(file) else None


def unpack(packed: bytes | bytearray) -> bytes:
    """The file; zeros may follow what :func:`pack` made.

    Raises:
      Missing: Lepton is not here.
      Lost: it is nothing that :func:`pack` made.
    """
    if not installed():
        raise Missing("its file is recoded by Lepton: pip install 'jaxcrypt[jpeg]' to bring it back")
    if len(packed) < _LENGTH.size:
        raise Lost("it is too short")
    (length,) = _LENGTH.unpack_from(packed)
    recoded, rest = packed[_LENGTH.size : _LENGTH.size + length], packed[_LENGTH.size + length :]
    if len(recoded) < length or any(rest):
        raise Lost("its length is wrong")
    return _lepton("decompress_bytes", bytes(recoded))


def _lepton(what: str, *given) -> bytes:
    import lepton_jpeg_python

    try:
        return bytes(getattr(lepton_jpeg_python, what)(*given))
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as reason:  # a panic in Rust is no Exception
        raise Lost(f"Lepton refuses it ({type(reason).__name__})") from None
