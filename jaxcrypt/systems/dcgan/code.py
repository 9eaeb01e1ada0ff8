"""Bytes as symbols of faces: sealed by a tag, coded against errors, spread over the faces, masked.

    data -> length || data || zeros, tag -> Reed-Solomon over GF(256), W codewords of up to 255 bytes
         -> byte j of codeword w at place j W + w -> bits -> symbols, face by face -> masked

Masking comes last: the redundancy of the code does not show, and the masked symbols are uniform. A face has
:data:`PILOTS` latents that carry no data but values that the key alone gives: they tell which face it is, and
whether it is one at all. What a face needs of the key (:class:`Material`) depends on its number alone, so
faces can be read in any order, and without the others.

The tag is HMAC-SHA-256, cut to 16 bytes, over length, data and zeros: what the code mends is the very data,
or nothing.
"""

from __future__ import annotations

import functools
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxcrypt.errors import Refusal, usage
from jaxcrypt.functional import latents
from jaxcrypt.functional.chacha20 import keystream
from jaxcrypt.functional.keyed import Purpose
from jaxcrypt.systems.drivers import host

PILOTS = 4
TAG = 16
_LENGTH = 4
_FIELD = 255  # bytes of a whole codeword
_TOGETHER = 64  # faces whose streams are drawn in one call
_SURE = 1e-4  # the least deviation of a pilot
_MEDIAN = 0.6745  # of |g|, g normal
_COARSEST = 8.0  # times their sigma that estimates may be off


@dataclass(frozen=True)
class Plan:
    """How densely faces carry data.

    Attributes:
      latent: dimensions of z.
      bits: of each latent that carries data.
      parity: share of a codeword that is redundancy; half of it in wrong bytes, or all of it in bytes that
        are known to be missing, can be mended.
    """

    latent: int
    bits: int
    parity: float

    @property
    def carriers(self) -> int:
        """Latents of a face that carry data."""
        return self.latent - PILOTS

    def codewords(self, faces: int) -> list[tuple[int, int]]:
        """Length and redundancy, in bytes, of every codeword in so many faces."""
        total = faces * self.carriers * self.bits // 8
        count = -(-total // _FIELD)
        words = []
        for index in range(count):
            length = (total - index + count - 1) // count
            words.append((length, 2 * round(self.parity * length / 2)))
        return words

    def capacity(self, faces: int) -> int:
        """Bytes of data that so many faces carry; below 0 where they are too few for anything."""
        return sum(length - parity for length, parity in self.codewords(faces)) - _LENGTH - TAG

    def faces(self, length: int) -> int:
        """How many faces ``length`` bytes take."""
        low = max(1, length * 8 // (self.carriers * self.bits))
        while self.capacity(low) < length:
            low += 1
        return low


@dataclass(frozen=True)
class Material:
    """What the key gives for faces ``0 .. count - 1``.

    Attributes:
      mask: int32 ``[count, carriers]``, uniform symbols.
      dither: float32 ``[count, carriers]``.
      pilots: float32 ``[count, PILOTS]``, standard normal.
    """

    mask: np.ndarray
    dither: np.ndarray
    pilots: np.ndarray


def material(plan: Plan, key: bytes, count: int) -> Material:
    """Draw what ``count`` faces need; ``key`` has 32 bytes."""
    words = host.words(key)
    parts = [_drawn(plan)(words, start // _TOGETHER) for start in range(0, count, _TOGETHER)]
    return Material(*(np.concatenate(each)[:count] for each in zip(*parts, strict=True)))


@functools.cache
def _drawn(plan: Plan) -> Callable:
    each = 2 * plan.carriers + PILOTS

    def draw(words, group):
        nonce = jnp.stack([jnp.uint32(Purpose.FACES), jnp.asarray(group, jnp.uint32), jnp.uint32(0)])
        stream = keystream(words, nonce, _TOGETHER * each).reshape(_TOGETHER, each)
        mask, dither, pilots = jnp.split(stream, (plan.carriers, 2 * plan.carriers), axis=1)
        share = ((pilots >> 8).astype(jnp.float32) + 0.5) / 2**24
        return (mask >> (32 - plan.bits)).astype(jnp.int32), latents.dithers(dither), latents.normal(share)

    return jax.jit(draw)


def encode(plan: Plan, key: bytes, data: bytes, faces: int, dithered: bool = True) -> np.ndarray:
    """The latents, float32 ``[faces, latent]``, that carry ``data``; not ``dithered``: at the middles of the
    bins, a lattice that anyone can tell, to show what a dither is for.

    Raises:
      Refusal: it does not fit.
    """
    room = plan.capacity(faces)
    if len(data) > room:
        raise usage(f"{len(data)} bytes do not fit into {faces} faces, which carry {max(room, 0)}")
    drawn = material(plan, key, faces)
    body = len(data).to_bytes(_LENGTH, "big") + data + bytes(room - len(data))
    symbols = (
        _symbols(plan, _protect(plan, body + _tag(key, body), faces), faces) + drawn.mask
    ) % 2**plan.bits
    dither = drawn.dither if dithered else np.full_like(drawn.dither, 0.5)
    z = latents.embed(jnp.asarray(symbols), dither, plan.bits)
    return np.concatenate([np.asarray(z), drawn.pilots], axis=1)


@dataclass(frozen=True)
class Decoded:
    """What faces gave back.

    Attributes:
      data: the very bytes that were encoded.
      mended: bytes that were wrong or missing before correction, and ``total`` of all; ``worst``, the largest
        share of its redundancy that a codeword needed.
    """

    data: bytes
    mended: int
    total: int
    worst: float


def decode(plan: Plan, key: bytes, z: np.ndarray, sigma: np.ndarray, drawn: Material) -> Decoded:
    """Undo :func:`encode`.

    Args:
      z, sigma: float32 ``[faces, latent]``, faces in their order; a face that is missing has infinite sigma.

    Raises:
      Refusal: more is wrong than the code can mend, or another key.
    """
    faces, carriers = len(z), plan.carriers
    z, sigma = (np.asarray(part[:, :carriers], np.float32) for part in (z, sigma))
    symbols, sure = latents.extract(jnp.asarray(z), jnp.asarray(sigma), drawn.dither, plan.bits)
    coded = _bytes(plan, (np.asarray(symbols) - drawn.mask) % 2**plan.bits)
    reliable = _byte_reliability(plan, np.asarray(sure))
    body, mended, worst = _mend(plan, coded, reliable, faces)
    body, tag = body[:-TAG], body[-TAG:]
    if not hmac.compare_digest(tag, _tag(key, body)):
        raise Refusal("the faces carry nothing under this key, or were altered beyond what the code can mend")
    length = int.from_bytes(body[:_LENGTH], "big")
    return Decoded(body[_LENGTH : _LENGTH + length], mended, len(coded), worst)


def _tag(key: bytes, body: bytes) -> bytes:
    own = hmac.digest(key, b"jaxcrypt dcgan tag", "sha256")
    return hmac.digest(own, body, "sha256")[:TAG]


@functools.cache
def _codec() -> Any:
    try:
        import reedsolo
    except ModuleNotFoundError:
        raise usage("--system dcgan: reedsolo is missing: pip install 'jaxcrypt[codes]'") from None
    reedsolo.init_tables(0x11D)  # the field of QR codes, its default; its functions want it set once
    return reedsolo


def _protect(plan: Plan, body: bytes, faces: int) -> np.ndarray:
    """The codewords' bytes in the order in which faces carry them."""
    words = plan.codewords(faces)
    coded = np.zeros(sum(length for length, _ in words), np.uint8)
    start = 0
    for index, (length, parity) in enumerate(words):
        part = body[start : start + length - parity]
        start += length - parity
        word = _codec().rs_encode_msg(bytearray(part), parity) if parity else part
        coded[index :: len(words)] = np.frombuffer(bytes(word), np.uint8)
    return coded


def _mend(plan: Plan, coded: np.ndarray, reliable: np.ndarray, faces: int) -> tuple[bytes, int, float]:
    words, body, mended, worst = plan.codewords(faces), bytearray(), 0, 0.0
    for index, (length, parity) in enumerate(words):
        word, sure = coded[index :: len(words)], reliable[index :: len(words)]
        corrected = _mend_word(word, sure, parity) if parity else word.tobytes()
        wrong = int(np.sum(np.frombuffer(corrected, np.uint8) != word))
        mended += wrong
        worst = max(worst, min(1.0, 2 * wrong / parity)) if parity else worst
        body += corrected[: length - parity]
    return bytes(body), mended, worst


def _mend_word(word: np.ndarray, sure: np.ndarray, parity: int) -> bytes:
    """The nearest codeword, taking ever more of the least reliable bytes as missing.

    Raises:
      Refusal: none near enough.
    """
    doubtful = np.argsort(sure, kind="stable")
    lost = int(np.sum(sure <= 0))
    for erased in sorted({min(lost, parity), *(min(parity, lost + parity * i // 4) for i in range(1, 5))}):
        try:
            corrected = _codec().rs_correct_msg(
                bytearray(word.tobytes()), parity, erase_pos=doubtful[:erased].tolist()
            )
        except _codec().ReedSolomonError:
            continue
        return bytes(corrected[0]) + bytes(corrected[1])
    raise Refusal("the faces carry nothing under this key, or were altered beyond what the code can mend")


def _symbols(plan: Plan, coded: np.ndarray, faces: int) -> np.ndarray:
    """Bytes to symbols int32 ``[faces, carriers]``; bits left over are 0."""
    bits = np.zeros(faces * plan.carriers * plan.bits, np.uint8)
    bits[: 8 * len(coded)] = np.unpackbits(coded)
    weights = 1 << np.arange(plan.bits)[::-1]
    return (bits.reshape(faces, plan.carriers, plan.bits) @ weights).astype(np.int32)


def _bytes(plan: Plan, symbols: np.ndarray) -> np.ndarray:
    """The inverse of :func:`_symbols`, without the bits left over."""
    bits = (symbols[..., None] >> np.arange(plan.bits)[::-1]) & 1
    flat = bits.reshape(-1).astype(np.uint8)
    return np.packbits(flat[: len(flat) // 8 * 8])


def _byte_reliability(plan: Plan, sure: np.ndarray) -> np.ndarray:
    """Of every byte the reliability of its least reliable symbol: float32."""
    each = np.repeat(sure.reshape(-1), plan.bits)
    return each[: len(each) // 8 * 8].reshape(-1, 8).min(axis=1)


def known(z: np.ndarray, sigma: np.ndarray, pilots: np.ndarray, slack: float = 5.0) -> bool:
    """Whether at least one of the faces at hand has the pilots of some part: as :func:`order` tells, but
    without putting them in order."""
    spread = np.maximum(sigma[:, None, -PILOTS:], _SURE)
    return bool((np.abs((z[:, None, -PILOTS:] - pilots[None]) / spread).max(axis=2) < slack).any())


def placed(z: np.ndarray, sigma: np.ndarray, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Latents and their deviations in the order that :func:`order` found; infinite ones where a face is
    missing."""
    missing = (places < 0)[:, None]
    return np.where(missing, 0, z[places]), np.where(missing, np.inf, sigma[places])


def order(z: np.ndarray, sigma: np.ndarray, pilots: np.ndarray, slack: float = 5.0) -> np.ndarray:
    """Which face carries which part of the data, by the pilots.

    Deviations are taken as told by the faces that seem to be in their places: what JPEG does is no white
    noise, and estimates are off by more than their ``sigma``.

    Args:
      z, sigma: float32 ``[M, latent]`` of the faces at hand; pilots: float32 ``[N, PILOTS]``.
      slack: how many deviations a pilot may be off.

    Returns:
      int ``[N]``: for each part the face that carries it, -1 where none does.
    """
    seen, spread = z[:, -PILOTS:], np.maximum(sigma[:, -PILOTS:], _SURE)
    carriers, both = np.full(len(pilots), -1), min(len(pilots), len(seen))
    off = np.abs((seen[:both] - pilots[:both]) / spread[:both])
    spread = spread * np.clip(np.median(off) / _MEDIAN, 1, _COARSEST) if both else spread
    free = np.ones(len(seen), bool)
    for part in range(both):  # those in their place first
        if np.abs((seen[part] - pilots[part]) / spread[part]).max() < slack:
            carriers[part], free[part] = part, False
    for part in np.flatnonzero(carriers < 0):
        off = np.where(free, np.abs((seen - pilots[part]) / spread).max(axis=1), np.inf)
        if len(off) and off.min() < slack:
            carriers[part] = off.argmin()
            free[carriers[part]] = False
    return carriers
