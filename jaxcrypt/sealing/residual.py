"""What a lossy System leaves out of a picture, coded to travel beside its cipher: with it samples are exact.

The sender decodes what it encrypted, and codes the difference, sparse and small where the System is close.
The receiver adds it to what it decodes. Both must decode alike, to the last bit: so SHA-256 of the samples
travels too, and a result is called exact only where that agrees. Another machine, or another version of what
decodes, may round a rare sample otherwise; then the picture is close, and is said to be.
"""

from __future__ import annotations

import hashlib
import struct
import zlib

import numpy as np

from jaxcrypt.errors import usage

_LEVEL = 9
_LONG = 255  # a gap of so many places, and more to come
_MOST = 1 << 26  # bytes that gaps and values unpack to at most


def code(plain: np.ndarray, decoded: np.ndarray) -> bytes:
    """The difference of two pictures, uint8 ``[H, W, C]`` both.

    Channel after channel, row after row: two zlib streams (RFC 1950) of Huffman codes alone, the gaps between
    samples that differ, a byte each (255: so many places, and the gap goes on), and then the differences
    modulo 256.

    Raises:
      Refusal: another shape.
    """
    if plain.shape != decoded.shape:
        raise usage("--exact: what this System gives back has another shape than the picture")
    difference = (plain - decoded).transpose(2, 0, 1).reshape(-1)
    places = np.flatnonzero(difference)
    gaps = np.diff(places, prepend=-1) - 1
    long = gaps // _LONG
    stream = np.full(len(gaps) + int(long.sum()), _LONG, np.uint8)
    stream[np.arange(len(gaps)) + np.cumsum(long)] = gaps % _LONG
    return _squeezed(stream) + _squeezed(difference[places])


def mend(decoded: np.ndarray, data: bytes) -> np.ndarray:
    """The picture that :func:`code` was given, from what the System decoded.

    Raises:
      ValueError: bytes that :func:`code` does not write for a picture of this shape.
    """
    gaps, rest = _unsqueezed(data)
    values, rest = _unsqueezed(rest)
    ends = gaps != _LONG
    places = np.cumsum(gaps.astype(np.int64))[ends] + np.arange(int(ends.sum()))
    if rest or len(values) != len(places) or (len(gaps) and not ends[-1]) or (places >= decoded.size).any():
        raise ValueError("its residual does not fit")
    height, width, channels = decoded.shape
    samples = np.ascontiguousarray(decoded.transpose(2, 0, 1)).reshape(-1)
    samples[places] += values
    return np.ascontiguousarray(samples.reshape(channels, height, width).transpose(1, 2, 0))


def differing(data: bytes) -> int:
    """How many samples a residual mends.

    Raises:
      ValueError: as :func:`mend`.
    """
    return len(_unsqueezed(_unsqueezed(data)[1])[0])


def digest(picture: np.ndarray) -> bytes:
    """SHA-256 of height, width and channels (u32 each, big-endian) and the samples of uint8 ``[H, W, C]``."""
    size = struct.pack(">III", *picture.shape)
    return hashlib.sha256(size + np.ascontiguousarray(picture).tobytes()).digest()


def _squeezed(stream: np.ndarray) -> bytes:
    coder = zlib.compressobj(_LEVEL, zlib.DEFLATED, zlib.MAX_WBITS, 9, zlib.Z_HUFFMAN_ONLY)
    return coder.compress(stream.tobytes()) + coder.flush()


def _unsqueezed(data: bytes) -> tuple[np.ndarray, bytes]:
    """A stream's bytes, and what follows it."""
    reader = zlib.decompressobj()
    try:
        plain = reader.decompress(data, _MOST)
    except zlib.error as error:
        raise ValueError(f"its residual is broken: {error}") from None
    if not reader.eof:
        raise ValueError("its residual is cut off or too large")
    return np.frombuffer(plain, np.uint8), reader.unused_data
