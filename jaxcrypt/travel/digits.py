"""Bytes as digits of a lattice: LDPC codewords, interleaved, masked with the picture's own key stream."""

from __future__ import annotations

import math

import numpy as np

from jaxcrypt.travel import ldpc, streams
from jaxcrypt.travel.lattice import Lattice

_LIFTING = ldpc.LIFTINGS[-1]
_WORD = ldpc.INFORMATION * _LIFTING  # information bits of a codeword
# The highest rate at which every measured encoder at the lattice's own quality is decoded.
_RATES = {90: 0.88, 75: 0.87, 50: 0.86}
_GOLDEN = 0.6180339887


def codewords(length: int) -> int:
    """How many codewords carry so many bytes."""
    return max(1, -(-8 * length // _WORD))


def macroblocks(length: int, way: int, grid: Lattice) -> int:
    """How many macroblocks so many bytes need."""
    return math.ceil(codewords(length) * math.ceil(_WORD / _RATES[way]) / grid.total)


def capacity(count: int, way: int, grid: Lattice) -> int:
    """How many bytes so many macroblocks carry."""
    return int(count * grid.total // math.ceil(_WORD / _RATES[way])) * _WORD // 8


def encode(data: bytes, room: int, key: bytes) -> np.ndarray:
    """Bytes to ``room`` bits, uint8 of 0 and 1; what room is left goes into redundancy.

    Args:
      key: 32 bytes, of this picture alone.
    """
    count = codewords(len(data))
    bits = np.zeros(_WORD * count, np.uint8)
    bits[: 8 * len(data)] = np.unpackbits(np.frombuffer(data, np.uint8))
    coded = np.empty((ldpc.sent(_LIFTING), count), np.uint8)
    for start in range(0, count, 256):
        part = bits.reshape(count, _WORD)[start : start + 256].T
        part = ldpc.encode(np.ascontiguousarray(part).reshape(ldpc.INFORMATION, _LIFTING, -1))
        coded[:, start : start + 256] = part.reshape(len(coded), -1)
    out = np.unpackbits(streams.stream(key, 0, -(-room // 8)), count=room)
    rows = _rows(room // count)
    out[: rows.size * count] ^= coded[rows].reshape(-1)
    return out


def decode(likelihoods: np.ndarray, length: int, key: bytes) -> bytes | None:
    """The inverse of :func:`encode`, from log P(0) / P(1) of each bit; None where it does not decode."""
    count, room = codewords(length), len(likelihoods)
    rows = _rows(room // count)
    mask = np.unpackbits(streams.stream(key, 0, -(-room // 8)), count=rows.size * count)
    soft = np.where(mask == 1, -likelihoods[: rows.size * count], likelihoods[: rows.size * count])
    soft = soft.reshape(rows.size, count)
    columns = -(-(int(rows.max()) + 1) // _LIFTING)
    beliefs = np.zeros((columns * _LIFTING, count), np.float16)
    for start in range(0, rows.size, ldpc.sent(_LIFTING)):  # what was sent again counts again
        turn = rows[start : start + ldpc.sent(_LIFTING)]
        beliefs[turn] += soft[start : start + len(turn)]
    information, whole = ldpc.decode(beliefs.reshape(columns, _LIFTING, count))
    if not whole.all():
        return None
    return np.packbits(information.reshape(_WORD, count).T.reshape(-1))[:length].tobytes()


def _rows(turns: int) -> np.ndarray:
    """Which bit of the codewords is sent at each turn: all in a golden-ratio order, again and again."""
    count = min(turns, ldpc.sent(_LIFTING))
    step = max(1, round(count * _GOLDEN))
    while math.gcd(step, count) > 1:
        step += 1
    return np.arange(turns) * step % count
