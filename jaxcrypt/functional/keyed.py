"""Key material for the other modules: many separate streams of one subkey, drawn in one call.

A stream is named by its *purpose* and its *tile*; both stand in the ChaCha20 nonce ``(purpose, tile, 0)``,
so no two streams of one subkey overlap. :func:`draw` expands several streams together, because one wide call
costs less to compile and to run than several narrow ones. Words come lane by lane (word w of block n at
``w * blocks + n``): the stream of RFC 8439 transposed, which spares a transposition on every use.

:func:`prf` is the cascade of HChaCha20 (draft-irtf-cfrg-xchacha, section 2.2) with the full block function:
it turns any fixed number of 128-bit inputs into an independent key.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from jaxcrypt.functional import chacha20
from jaxcrypt.functional.purposes import Purpose

_CHUNK = 1 << 12
_TABLED = 1 << 16  # all that 16 bits can say; where more values are wanted, CPUs look them up


def draw(
    requests: Sequence[tuple[jax.Array, Purpose, jax.Array | int, int]],
    given: Mapping[str, jax.Array] | None = None,
) -> list[jax.Array]:
    """Expand streams ``(subkey uint32 [8], purpose, tile, words)`` together.

    Args:
      given: the streams by their purposes' names, where the host drew them: it may be faster at that.

    Returns:
      One uint32 ``[words]`` for each request.
    """
    if given is not None:
        return [given[purpose.name] for _, purpose, *_ in requests]
    blocks = [-(-words // 16) for *_, words in requests]
    parts = []
    for (subkey, purpose, tile, _), count in zip(requests, blocks, strict=True):
        parts.append(chacha20.states(subkey, nonce(purpose, tile), count))
    stream = chacha20.permute(jnp.concatenate(parts, axis=1))
    drawn, start = [], 0
    for (*_, words), count in zip(requests, blocks, strict=True):
        drawn.append(stream[:, start : start + count].reshape(-1)[:words])
        start += count
    return drawn


def prf(subkey: jax.Array, data: jax.Array) -> jax.Array:
    """A pseudo-random function of fixed-length data.

    Args:
      subkey: uint32 ``[8]``; data: uint32 ``[m, 4]``, its first row a purpose of its own.

    Returns:
      uint32 ``[16]``; take the key from the first half or a tag from the second, never both from one call.
    """

    def absorb(key, row):
        block = chacha20.permute(chacha20.states(key, row[1:], 1, row[0]))[:, 0]
        return block[:8], block

    return lax.scan(absorb, subkey, data)[1][-1]


def nonce(purpose: Purpose, tile: jax.Array | int) -> jax.Array:
    """The ChaCha20 nonce of a stream, uint32 ``[3]``."""
    return jnp.stack([jnp.uint32(purpose), jnp.asarray(tile, jnp.uint32), jnp.uint32(0)])


def bits(words: jax.Array) -> jax.Array:
    """The bits of uint32 ``[n]`` as bool ``[32 * n]``."""

    def one(bit):
        return ((words >> bit) & 1).astype(bool)

    each = jnp.arange(32, dtype=jnp.uint32)
    if jax.default_backend() == "cpu":
        # A loop yields finished arrays: folded into their uses, bits are picked one by one.
        return lax.map(one, each).reshape(-1)
    return jax.vmap(one)(each).reshape(-1)


def gaussians(words: jax.Array) -> jax.Array:
    """Standard normal values from 16 uniform bits each: uint32 ``[n]`` to float32 ``[2 * n]``, |g| < 4.33."""
    count = 2 * words.shape[0]
    if count > _TABLED and jax.default_backend() == "cpu":
        table = jnp.asarray(normal_table())  # looked up in a loop for a finished array, as below
        return lax.map(lambda half: table[half], jnp.stack([words & 0xFFFF, words >> 16])).reshape(-1)
    halves = jnp.concatenate([words & 0xFFFF, words >> 16])
    if count <= _CHUNK:
        return _normal(halves)
    # A loop over chunks yields a finished array: folded into its uses, the inverse is not vectorised.
    chunks = jnp.pad(halves, (0, -count % _CHUNK)).reshape(-1, _CHUNK)
    return lax.map(_normal, chunks).reshape(-1)[:count]


def _normal(part: jax.Array) -> jax.Array:
    """The normal value of each number below 2^16."""
    return np.float32(2**0.5) * lax.erf_inv((part.astype(jnp.float32) + 0.5) * np.float32(2 / 65536) - 1)


@cache
def normal_table() -> np.ndarray:
    """The normal value of every number of 16 bits, float32 ``[65536]``."""
    with jax.ensure_compile_time_eval():
        return np.asarray(jax.jit(_normal)(jnp.arange(_TABLED, dtype=jnp.uint32)))
