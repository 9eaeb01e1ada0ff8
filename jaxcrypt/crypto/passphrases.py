"""Passphrases: making one that nobody guesses, and telling one that somebody may.

A made one is a run of proquints (Wilkerson, "A Proposal for Proquints", 2009): five letters that can be read
aloud, consonant and vowel in turn, hold 16 random bits. Behind Argon2id, 80 bits are beyond any search.
"""

from __future__ import annotations

import itertools
import math
import os
import re
from collections.abc import Callable

ENOUGH_BITS = 50
MADE_BITS = 80
_CONSONANTS, _VOWELS = "bdfghjklmnprstvz", "aiou"
# Bits a character: in words those of ordinary text, elsewhere those of its class.
_WORD, _LETTER, _DIGIT, _COUNTED, _OTHER = 2.5, 5.7, math.log2(10), 1.5, 5.0
_RUNS = re.compile(r"[^\W\d_]+|\d+|.", re.DOTALL)
_WORD_LENGTH = 3
_VARIED = 0.6  # of their neighbours random letters and ordinary text have more


def make(randomness: Callable[[int], bytes] = os.urandom) -> str:
    """A passphrase of 80 random bits, such as ``lusab-babad-gutih-tugad-mofip``."""
    data = randomness(MADE_BITS // 8)
    return "-".join(_proquint(int.from_bytes(data[at : at + 2], "big")) for at in range(0, len(data), 2))


def guess_bits(text: str) -> float:
    """About how many bits of guessing a passphrase takes; crude, and generous to what is in no word list."""
    bits = 0.0
    for run in _RUNS.findall(text):
        if run.isalpha():
            is_word = len(run) >= _WORD_LENGTH and run[1:] in (run[1:].lower(), run[1:].upper())
            bits += len(run) * (_WORD if is_word else _LETTER)
        elif run.isdecimal():
            bits += len(run) * (_COUNTED if len(run) >= _WORD_LENGTH else _DIGIT)
        else:
            bits += _OTHER
    return bits * min(1.0, _variety(text) / _VARIED)


def weakness(secret: bytes) -> str:
    """Why a passphrase may be guessed, in words that give nothing of it away; "" where it seems good."""
    bits = guess_bits(secret.decode("utf-8", "replace"))
    if bits >= ENOUGH_BITS:
        return ""
    return "the passphrase may be guessed; keygen --passphrase makes one that nobody guesses"


def _proquint(number: int) -> str:
    first, second, third, fourth, fifth = (number >> shift for shift in (12, 10, 6, 4, 0))
    letters = (_CONSONANTS, first), (_VOWELS, second), (_CONSONANTS, third), (_VOWELS, fourth)
    return "".join(kind[at % len(kind)] for kind, at in (*letters, (_CONSONANTS, fifth)))


def _variety(text: str) -> float:
    """The share of neighbours that did not stand before, and are no mere step (``aa``, ``ab``, ``21``)."""
    pairs = list(itertools.pairwise(text.casefold()))
    if not pairs:
        return 1.0
    return len({(a, b) for a, b in pairs if abs(ord(a) - ord(b)) > 1}) / len(pairs)
