"""Faces that travel alone: what opens them stands in their latents, and nothing else beside them.

Two faces, the *lids*, are as good as any: latents of a lid are

    0 .. 63     two bits each, the nonce (128 bits), at a random place in their bins
    64 .. 95    six bits each: a seed of 192 bits under the keystream of the key that goes with the nonce,
                placed by a dither from the same stream
    96 .. 99    random

and so N(0, 1), independent, and unrelated between lids, whose nonces differ. The data faces lie between the
two lids; their masks, dithers and pilots come from the seed (:mod:`.code`). Either lid is enough. The
receiver tries every face as a lid: whether it is one, pilots of other faces tell. As the place in the bin is
not known before the nonce is, a latent next to the edge of its bin may be read wrong: the few likeliest
readings are tried. So there is no redundancy in a lid that anyone without the key could test for, and hence
none against JPEG: covert faces must arrive as they were sent.
"""

from __future__ import annotations

import functools
import hashlib
import hmac
import itertools
from collections.abc import Callable, Iterator

import jax
import jax.numpy as jnp
import numpy as np

from jaxcrypt.errors import Refusal
from jaxcrypt.functional import latents
from jaxcrypt.functional.chacha20 import keystream
from jaxcrypt.functional.keyed import Purpose
from jaxcrypt.systems.dcgan import code
from jaxcrypt.systems.drivers import host

KeyOf = Callable[[bytes], bytes]
LIDS = 2
NONCE, SEED = 16, 24  # bytes
_NONCE_BITS, _SEED_BITS = 2, 6  # of a latent
_NONCE_LATENTS, _SEED_LATENTS = 8 * NONCE // _NONCE_BITS, 8 * SEED // _SEED_BITS
_DOUBTFUL = 6.0  # deviations from the edge of a bin
_DOUBTS = 6  # latents of a nonce that are read either way
_SEEN = 64  # data faces whose pilots are looked for
_MISSING = 0.25  # faces that may be missing, as a share of those at hand


def lid(secret: bytes, key_of: KeyOf, seed: bytes, latent: int) -> np.ndarray:
    """Latents float32 ``[latent]`` of a lid of ``seed``; all that is random about it follows from ``secret``,
    32 bytes that are used for nothing else."""
    stream = _words(secret, latent)
    share = ((stream >> 8).astype(np.float32) + np.float32(0.5)) / np.float32(2**24)
    z = np.array(latents.normal(jnp.asarray(share)))
    nonce, _ = _nonce(z, np.full(latent, 1e-6, np.float32))
    mask, dither = _of_nonce(key_of(_pack(nonce, _NONCE_BITS)))
    symbols = (_unpack(seed, _SEED_BITS) + mask) % 2**_SEED_BITS
    placed = latents.embed(jnp.asarray(symbols), jnp.asarray(dither), _SEED_BITS)
    z[_NONCE_LATENTS : _NONCE_LATENTS + _SEED_LATENTS] = np.asarray(placed)
    return z


def seeds(z: np.ndarray, sigma: np.ndarray, key_of: KeyOf) -> Iterator[bytes]:
    """The seeds that a face may be a lid of, likeliest first; ``z``, ``sigma``: float32 ``[latent]``."""
    symbols, others = _nonce(z, sigma)
    part = slice(_NONCE_LATENTS, _NONCE_LATENTS + _SEED_LATENTS)
    for count in range(len(others) + 1):
        for chosen in itertools.combinations(others, count):
            read = symbols.copy()
            for place, other in chosen:
                read[place] = other
            mask, dither = _of_nonce(key_of(_pack(read, _NONCE_BITS)))
            digits, _ = latents.extract(
                jnp.asarray(z[part]), jnp.asarray(sigma[part]), jnp.asarray(dither), _SEED_BITS
            )
            yield _pack((np.asarray(digits) - mask) % 2**_SEED_BITS, _SEED_BITS)


def data_key(seed: bytes) -> bytes:
    """The key of the data faces, 32 bytes."""
    return hashlib.sha256(b"jaxcrypt covert faces" + seed).digest()


def encode(plan: code.Plan, secret: bytes, key_of: KeyOf, data: bytes, faces: int) -> np.ndarray:
    """The latents, float32 ``[faces, latent]``, of data faces between two lids.

    Args:
      secret: 32 bytes that are used for nothing else; key_of: 32 bytes of key from a nonce.

    Raises:
      Refusal: it does not fit.
    """
    seed, *own = (hmac.digest(secret, part, "sha256") for part in (b"seed", b"first lid", b"last lid"))
    first, last = (lid(one, key_of, seed[:SEED], plan.latent) for one in own)
    made = code.encode(plan, data_key(seed[:SEED]), data, faces - LIDS)
    return np.concatenate([first[None], made, last[None]])


def keys(
    plan: code.Plan,
    key_of: KeyOf,
    z: np.ndarray,
    sigma: np.ndarray,
    progress: Callable[[float], None] | None = None,
) -> Iterator[bytes]:
    """What may be the key of the data faces, from whichever faces may be lids.

    Args:
      z, sigma: float32 ``[M, latent]``: of all faces at hand, in any order.
    """
    for done, index in enumerate(sorted(range(len(z)), key=lambda i: min(i, len(z) - 1 - i)), 1):
        for seed in seeds(z[index], sigma[index], key_of):  # lids lie at the ends, unless they were moved
            key = data_key(seed)
            pilots = code.material(plan, key, min(_SEEN, len(z))).pilots
            if code.known(z, sigma, pilots):
                yield key
        if progress is not None:
            progress(done / len(z))


def decode(
    plan: code.Plan,
    key_of: KeyOf,
    z: np.ndarray,
    sigma: np.ndarray,
    progress: Callable[[float], None] | None = None,
) -> code.Decoded:
    """Undo :func:`encode`: of faces in any order, without some and with others among them.

    Raises:
      Refusal: another key, or more is missing or wrong than the code can mend.
    """
    refusal = Refusal("no key fits: these faces carry nothing under it, or those that say what are missing")
    for key in keys(plan, key_of, z, sigma, progress):
        drawn = code.material(plan, key, int(len(z) * (1 + _MISSING)) + 1)
        places = code.order(z, sigma, drawn.pilots)
        # How many faces there were is said nowhere, and the last may be missing.
        for count in range(int(np.flatnonzero(places >= 0)[-1]) + 1, len(places) + 1):
            part = code.Material(drawn.mask[:count], drawn.dither[:count], drawn.pilots[:count])
            try:
                return code.decode(plan, key, *code.placed(z, sigma, places[:count]), part)
            except Refusal as reason:
                refusal = reason
    raise refusal


def _nonce(z: np.ndarray, sigma: np.ndarray) -> tuple[np.ndarray, list[tuple[int, int]]]:
    """The nonce's symbols, int ``[64]``, and the doubtful ones: place and second likeliest symbol."""
    z, sigma = (np.asarray(part[:_NONCE_LATENTS], np.float64) for part in (z, sigma))
    levels = 2**_NONCE_BITS
    place = np.asarray(latents.share(z), np.float64) * levels
    symbols = np.clip(np.floor(place), 0, levels - 1).astype(int)
    edge = np.clip(np.round(place), 1, levels - 1)
    density = np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi) * levels
    off = np.abs(place - edge) / (density * sigma)
    doubtful = [int(i) for i in np.argsort(off)[:_DOUBTS] if off[i] < _DOUBTFUL]
    return symbols, [(i, int(2 * edge[i] - 1 - symbols[i])) for i in doubtful]


def _of_nonce(key: bytes) -> tuple[np.ndarray, np.ndarray]:
    """Masks, int ``[32]``, and dithers, float32 ``[32]``, of a seed under its lid's key."""
    stream = _words(key, 2 * _SEED_LATENTS)
    mask, dither = stream[:_SEED_LATENTS], stream[_SEED_LATENTS:]
    return (mask >> (32 - _SEED_BITS)).astype(int), np.asarray(latents.dithers(jnp.asarray(dither)))


def _words(key: bytes, count: int) -> np.ndarray:
    """uint32 ``[count]`` of a key of 32 bytes."""
    return np.asarray(_stream(count)(host.words(key)))


@functools.cache
def _stream(count: int) -> Callable:
    nonce = jnp.asarray([Purpose.LIDS, 0, 0], jnp.uint32)
    return jax.jit(lambda words: keystream(words, nonce, count))


def _pack(symbols: np.ndarray, bits: int) -> bytes:
    """Symbols of so many bits, highest first, as bytes."""
    return np.packbits((symbols[:, None] >> np.arange(bits)[::-1]) & 1).tobytes()


def _unpack(data: bytes, bits: int) -> np.ndarray:
    """The inverse of :func:`_pack`."""
    return np.unpackbits(np.frombuffer(data, np.uint8)).reshape(-1, bits) @ (1 << np.arange(bits)[::-1])
