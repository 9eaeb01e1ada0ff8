"""The LDPC code of 5G NR (3GPP TS 38.212, 5.3.2, base graph 1): any rate from 1/3 to 8/9, soft
decisions.

Quasi-cyclic: a codeword is 68 columns of Z bits, of which 22 are information and the first two are
never sent. Leaving out columns from the end raises the rate; information that is known to be zero
(*fillers*) is not sent either and lowers it. Decoding is layered min-sum (Hocevar 2004; Chen and
Fossorier 2002), many codewords together: all arrays are ``[columns, Z, codewords]``.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from jaxcrypt.travel import base_graph

INFORMATION, COLUMNS, PUNCTURED, CORE = 22, 68, 2, 4
LIFTINGS = (48, 96, 192, 384)
_NORMALISED = np.float32(0.75)
_KNOWN = np.float32(1e4)
_STUCK = 25  # iterations
_MANY = 24  # codewords decoded together: what stays in the cache


@cache
def _rows() -> list[list[tuple[int, int]]]:
    return base_graph.rows()


def sent(lifting: int) -> int:
    """The bits of a codeword that may be sent."""
    return (COLUMNS - PUNCTURED) * lifting


def encode(information: np.ndarray) -> np.ndarray:
    """Systematic encoding.

    Args:
      information: uint8 ``[22, Z, codewords]`` of 0 and 1; Z one of :data:`LIFTINGS`.

    Returns:
      uint8 ``[66, Z, codewords]``: the columns that are sent, in their order.
    """
    columns, lifting, count = information.shape
    if columns != INFORMATION or lifting not in LIFTINGS:
        raise ValueError(f"{columns} columns of {lifting} bits")
    word = np.zeros((COLUMNS, lifting, count), np.uint8)
    word[:INFORMATION] = information
    sums = [_sum(word, row, lambda column: column < INFORMATION) for row in _rows()[:CORE]]
    first = sums[0] ^ sums[1] ^ sums[2] ^ sums[3]
    word[22] = first
    word[23] = sums[0] ^ np.roll(first, -1, axis=0)
    word[24] = sums[1] ^ first ^ word[23]
    word[25] = sums[2] ^ word[24]
    for number, row in enumerate(_rows()[CORE:], INFORMATION + CORE):
        word[number] = _sum(word, row, lambda column, number=number: column < number)
    return word[PUNCTURED:]


def decode(likelihoods: np.ndarray, fillers: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """The most likely information.

    Args:
      likelihoods: float ``[columns, Z, codewords]``: log P(0) / P(1) of each bit that was sent, 0 where it
        was lost or not sent; columns that were not sent at all may be left out at the end.
      fillers: how many information bits at the end, column by column, are known to be 0.

    Returns:
      uint8 ``[22, Z, codewords]``, and bool ``[codewords]``: whether all checks hold.
    """
    _, lifting, count = likelihoods.shape
    columns = max(INFORMATION + CORE, PUNCTURED + len(likelihoods))
    information = np.zeros((INFORMATION, lifting, count), np.uint8)
    whole = np.zeros(count, bool)
    for start in range(0, count, _MANY):
        part = slice(start, min(start + _MANY, count))
        beliefs = np.zeros((columns, lifting, part.stop - part.start), np.float32)
        beliefs[PUNCTURED : PUNCTURED + len(likelihoods)] = likelihoods[..., part]
        if fillers:
            flat = beliefs[:INFORMATION].reshape(INFORMATION * lifting, -1)
            flat[len(flat) - fillers :] = _KNOWN
        _min_sum(beliefs, information[..., part], whole[part])
    return information, whole


def _sum(word: np.ndarray, row: list[tuple[int, int]], taken) -> np.ndarray:
    total = np.zeros(word.shape[1:], np.uint8)
    for column, shift in row:
        if taken(column):
            total ^= np.roll(word[column], -(shift % word.shape[1]), axis=0)
    return total


def _min_sum(beliefs: np.ndarray, information: np.ndarray, whole: np.ndarray) -> None:
    """Iterate until every check holds; codewords that are done are put aside."""
    rows = _rows()[: len(beliefs) - INFORMATION]
    messages = [np.zeros((len(row), *beliefs.shape[1:]), np.float32) for row in rows]
    left = np.arange(beliefs.shape[2])
    for _ in range(_STUCK):
        for row, message in zip(rows, messages, strict=True):
            _layer(beliefs, row, message)
        hard = (beliefs < 0).view(np.uint8)
        done = ~np.any([_sum(hard, row, lambda column: True).any(axis=0) for row in rows], axis=0)
        information[..., left] = hard[:INFORMATION]
        whole[left] = done
        if done.all():
            return
        if done.sum() * 4 > len(done):
            kept = ~done
            left, beliefs = left[kept], np.ascontiguousarray(beliefs[..., kept])
            messages = [np.ascontiguousarray(message[..., kept]) for message in messages]


def _layer(beliefs: np.ndarray, row: list[tuple[int, int]], message: np.ndarray) -> None:
    """One row of checks: new messages from what all others say."""
    lifting = beliefs.shape[1]
    seen = np.empty_like(message)
    for place, (column, shift) in enumerate(row):
        cut = shift % lifting
        np.subtract(beliefs[column, cut:], message[place, : lifting - cut], out=seen[place, : lifting - cut])
        np.subtract(beliefs[column, :cut], message[place, lifting - cut :], out=seen[place, lifting - cut :])
    size, negative = np.abs(seen), np.signbit(seen)
    odd = np.logical_xor.reduce(negative, axis=0)
    least = size.min(axis=0)
    smallest = size == least
    second = np.where(smallest, np.float32(np.inf), size).min(axis=0)
    second = np.where(np.isinf(second), least, second)
    np.copyto(message, np.where(smallest, second, least))
    message *= _NORMALISED
    np.negative(message, out=message, where=negative ^ odd)
    seen += message
    for place, (column, shift) in enumerate(row):
        cut = shift % lifting
        beliefs[column, cut:] = seen[place, : lifting - cut]
        beliefs[column, :cut] = seen[place, lifting - cut :]
