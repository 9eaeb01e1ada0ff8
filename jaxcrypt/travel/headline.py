"""The header in the pixels: 26 antipodal symbols in the chroma of every macroblock, the same in every
tile.

Thirteen coefficients' signs are one bit each of an LDPC codeword, in an order that tiles of macroblocks
repeat, so that any part of the picture that is large enough says it all; the fourteenth tells how long
the message is. Everything is masked with a public stream.

A message of L bytes, a multiple of 32, ends in its CRC-32. Its bits, highest first, fill the
information of B codewords of lifting Z, a bit of each by turns; the smallest that hold them: Z = 48,
96, 192, 384 and then B = 2, 3, ….
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from functools import cache

import numpy as np

from jaxcrypt.travel import ldpc, planes, streams
from jaxcrypt.travel.lattice import RESERVED

UNIT = 32
_FLAG_BITS = 7
MOST = UNIT << _FLAG_BITS
_CRC = 4
_SLOTS = 13  # of a macroblock; one more is the flag's
# Where the reserved coefficients but the first (the beacon's) stand in a macroblock.
PLACES = np.array([256 + 64 * plane + place for place in RESERVED[1:] for plane in (0, 1)])
_PARTS = 4.2  # times the macroblocks that it needs: a third of them, and those that the cut goes through
_ROOM = 1.4  # symbols for a bit of the message below which it is not sent


@dataclass(frozen=True)
class _Code:
    lifting: int
    codewords: int
    fillers: int  # bits of each codeword
    tile: int

    @property
    def sent(self) -> np.ndarray:
        """Places of the bits that are sent, among ``[66 · Z]`` of a codeword."""
        start = (ldpc.INFORMATION - ldpc.PUNCTURED) * self.lifting - self.fillers
        return np.delete(np.arange(ldpc.sent(self.lifting)), slice(start, start + self.fillers))


def _code(length: int) -> _Code:
    bits = 8 * length
    most = ldpc.INFORMATION * ldpc.LIFTINGS[-1]
    codewords = -(-bits // most)
    lifting = next(z for z in ldpc.LIFTINGS if ldpc.INFORMATION * z * codewords >= bits)
    fillers = ldpc.INFORMATION * lifting - -(-bits // codewords)
    return _Code(lifting, codewords, fillers, 32 if codewords == 1 else 64)


def length_of(message: bytes) -> int:
    """Bytes that a message takes with checksum and padding."""
    return -(-(len(message) + _CRC) // UNIT) * UNIT


def fits(message: int, rows: int, columns: int) -> bool:
    """Whether so many rows and columns of macroblocks carry a message of that length well.

    What lies beyond a tile's sides only says again what the tile says: a narrow picture shows a part of each
    tile, however tall it is.
    """
    if message > MOST:
        return False
    tile = _code(message).tile
    return _SLOTS * min(rows, tile) * min(columns, tile) >= _ROOM * 8 * message


def room(rows: int, columns: int) -> int:
    """Bytes that all of the macroblocks together would carry, did no tile repeat the others."""
    return int(_SLOTS * rows * columns / (8 * _ROOM))


def smallest(message: int) -> int:
    """The macroblocks that a message of that length needs."""
    return int(np.ceil(_ROOM * 8 * message / _SLOTS))


def narrowest(message: int) -> int:
    """The rows or columns of macroblocks below which no number of the others shows a message of that
    length."""
    return -(-smallest(message) // _code(message).tile)


def ample(message: int) -> int:
    """The macroblocks of which a third, cut out on no grid, carries a message of that length."""
    return int(np.ceil(_PARTS * smallest(message)))


def signs(message: bytes, rows: int, columns: int) -> np.ndarray:
    """int8 [rows, columns, 14]: signs of the coefficients :data:`PLACES`.

    Raises:
      ValueError: the message is longer than a header may be.
    """
    length = length_of(message)
    if length > MOST:
        raise ValueError("the header is too long")
    code = _code(length)
    body = message.ljust(length - _CRC, b"\0")
    bits = np.unpackbits(np.frombuffer(body + zlib.crc32(body).to_bytes(4, "big"), np.uint8))
    information = np.zeros(ldpc.INFORMATION * code.lifting * code.codewords, np.uint8)
    information[: len(bits)] = bits
    coded = ldpc.encode(information.reshape(ldpc.INFORMATION, code.lifting, code.codewords))
    coded = coded.reshape(-1, code.codewords)[code.sent].reshape(-1)
    cell, index, mask = _places(code, rows, columns)
    made = np.empty((rows, columns, _SLOTS + 1), np.int8)
    made[..., :_SLOTS] = (1 - 2 * coded[index].astype(np.int8)) * mask
    number = length // UNIT - 1
    flags = np.array([1 - 2 * (number >> bit & 1) for bit in range(_FLAG_BITS)], np.int8)
    made[..., _SLOTS] = flags[cell % _FLAG_BITS] * _flag_mask()[cell]
    return made


def read(values: np.ndarray, amplitudes: np.ndarray, present: np.ndarray) -> bytes | None:
    """The message, or None where there is none.

    Args:
      values: float32 [rows, columns, 14], received coefficients; amplitudes: float32 [14], as they were sent;
        present: bool [rows, columns], which macroblocks are there.
    """
    soft = _soft(values, amplitudes, present)
    length = _length(soft[..., _SLOTS])
    code = _code(length)
    _, index, mask = _places(code, *present.shape)
    sent = code.sent
    summed = np.bincount(
        index.reshape(-1), (soft[..., :_SLOTS] * mask).reshape(-1), len(sent) * code.codewords
    )
    likelihoods = np.zeros((ldpc.sent(code.lifting), code.codewords), np.float32)
    likelihoods[sent] = np.clip(summed, -30, 30).reshape(-1, code.codewords)
    shaped = likelihoods.reshape(-1, code.lifting, code.codewords)
    information, whole = ldpc.decode(shaped, code.fillers)
    data = np.packbits(information.reshape(-1)[: 8 * length]).tobytes()
    body, checksum = data[:-_CRC], data[-_CRC:]
    return body if whole.all() and zlib.crc32(body).to_bytes(4, "big") == checksum else None


def _soft(values: np.ndarray, amplitudes: np.ndarray, present: np.ndarray) -> np.ndarray:
    """Log likelihood ratios of signs, of symbols ±g with noise of variance v at each of the 14 places.

    From the moments: E y² = g² + v and E y⁴ = g⁴ + 6 g² v + 3 v².
    """
    seen = np.clip(values[present], -3 * amplitudes, 3 * amplitudes)
    if not len(seen):
        return np.zeros_like(values)
    second, fourth = np.mean(seen**2, axis=0), np.mean(seen**4, axis=0)
    gain = np.sqrt(np.sqrt(np.maximum(1.5 * second**2 - 0.5 * fourth, 1e-3 * second**2)))
    noise = np.maximum(second - gain**2, (0.1 * amplitudes) ** 2)
    return np.where(present[..., None], 2 * gain * values / noise, 0)


def _length(flags: np.ndarray) -> int:
    cell = _cells(64, *flags.shape)
    sums = np.bincount((cell % _FLAG_BITS).reshape(-1), (flags * _flag_mask()[cell]).reshape(-1), _FLAG_BITS)
    return UNIT * (1 + sum(1 << bit for bit in range(_FLAG_BITS) if sums[bit] < 0))


def _cells(tile: int, rows: int, columns: int) -> np.ndarray:
    """int [rows, columns]: which macroblock of its tile each is."""
    return (np.arange(rows) % tile)[:, None] * tile + np.arange(columns) % tile


@cache
def _flag_mask() -> np.ndarray:
    return streams.signs("flags", (64 * 64,))


@cache
def _tile(tile: int) -> tuple[np.ndarray, np.ndarray]:
    """Order and signs of a tile's symbols."""
    count = tile * tile * _SLOTS
    return streams.permutation(f"order {tile}", count), streams.signs(f"header {tile}", (count,))


def _places(code: _Code, rows: int, columns: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of each macroblock its place in the flags' tile [rows, columns]; of each symbol which bit it carries,
    and its sign, [rows, columns, 13]."""
    order, mask = _tile(code.tile)
    slots = _cells(code.tile, rows, columns)[..., None] * _SLOTS + np.arange(_SLOTS)
    index = order[slots] % (len(code.sent) * code.codewords)
    return _cells(64, rows, columns), index, mask[slots]


assert len(PLACES) == _SLOTS + 1
assert PLACES.max() < planes.COEFFICIENTS
