"""What a cipher picture's header holds besides, masked by the key stream: digits, means, step counts.

Without the key, side information does not tell even those.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from jaxcrypt.functional.keyed import Purpose, draw
from jaxcrypt.models.cyclegan import DIGITS
from jaxcrypt.systems.cyclegan.code import DIGIT_BYTES, MEAN_STEPS
from jaxcrypt.systems.drivers import host


def pack(digits: jax.Array, subkey: jax.Array) -> jax.Array:
    """Digits ``[B, h, w, 6]`` to masked bytes, uint8 ``[B, h, w, 3]``."""
    whole = digits.astype(jnp.uint8)
    return (whole[..., ::2] | (whole[..., 1::2] << 4)) ^ _mask(subkey, digits.shape[1:3])


def unpack(data: jax.Array, subkey: jax.Array) -> jax.Array:
    """The inverse of :func:`pack`, float32."""
    data = jnp.asarray(data) ^ _mask(subkey, data.shape[1:3])
    pairs = jnp.stack([data & 15, data >> 4], axis=-1)
    return pairs.reshape(*data.shape[:3], DIGITS).astype(jnp.float32)


def pack_mean(mean: jax.Array, subkey: jax.Array) -> jax.Array:
    """Mean colours, float32 ``[B, 3]``, to masked steps, uint32 ``[B, 3]``: without the key
    side information does not tell even those."""
    return jnp.round(mean * MEAN_STEPS).astype(jnp.uint32) ^ _mean_mask(subkey)


def unpack_mean(data: jax.Array, subkey: jax.Array) -> jax.Array:
    """The inverse of :func:`pack_mean`; under another key somewhere from 0 to 255."""
    steps = (jnp.asarray(data) ^ _mean_mask(subkey)) & 0xFFFF
    return jnp.minimum(steps.astype(jnp.float32) / MEAN_STEPS, 255.0)


def pack_counts(counts: jax.Array, subkey: jax.Array) -> jax.Array:
    """Step counts uint8 ``[B, n]`` below 16, n even, to masked bytes, uint8 ``[B, n / 2]``."""
    return (counts[:, ::2] | (counts[:, 1::2] << 4)) ^ _stream(subkey, 3, counts.shape[1] // 2)


def unpack_counts(data: jax.Array, subkey: jax.Array) -> jax.Array:
    """The inverse of :func:`pack_counts`."""
    data = jnp.asarray(data) ^ _stream(subkey, 3, data.shape[1])
    return jnp.stack([data & 15, data >> 4], axis=-1).reshape(data.shape[0], -1)


def _mean_mask(subkey: jax.Array) -> jax.Array:
    return jax.vmap(lambda key: draw([(key, Purpose.DIGITS, 2, 3)])[0])(subkey) & 0xFFFF


def _mask(subkey: jax.Array, blocks: tuple[int, int]) -> jax.Array:
    """uint8 ``[B, h, w, 3]`` of key stream."""
    return _stream(subkey, 0, blocks[0] * blocks[1] * DIGIT_BYTES).reshape(-1, *blocks, DIGIT_BYTES)


def _stream(subkey: jax.Array, part: int, count: int) -> jax.Array:
    """uint8 ``[B, count]`` of key stream."""
    words = jax.vmap(lambda key: draw([(key, Purpose.DIGITS, part, -(-count // 4))])[0])(subkey)
    return jax.lax.bitcast_convert_type(words, jnp.uint8).reshape(words.shape[0], -1)[:, :count]


class OnHost:
    """The functions above for one picture, with NumPy and OpenSSL's key stream: the same bits, no program."""

    def __init__(self, subkey: bytes):
        self._subkey = host.words(subkey)

    def pack(self, digits: np.ndarray) -> np.ndarray:
        """Digits ``[h, w, 6]`` to masked bytes, uint8 ``[h, w, 3]``."""
        whole = digits.astype(np.uint8)
        return (whole[..., ::2] | (whole[..., 1::2] << 4)) ^ self._mask(digits.shape[:2])

    def unpack(self, data: np.ndarray) -> np.ndarray:
        """The inverse of :meth:`pack`, float32."""
        return _pairs(data ^ self._mask(data.shape[:2])).reshape(*data.shape[:2], DIGITS).astype(np.float32)

    def pack_mean(self, mean: np.ndarray) -> np.ndarray:
        """Mean colours, float32 ``[3]``, to masked steps, uint32 ``[3]``."""
        return np.round(mean * np.float32(MEAN_STEPS)).astype(np.uint32) ^ self._mean_mask()

    def unpack_mean(self, data: np.ndarray) -> np.ndarray:
        """The inverse of :meth:`pack_mean`."""
        steps = (data ^ self._mean_mask()) & np.uint32(0xFFFF)
        return np.minimum(steps.astype(np.float32) / np.float32(MEAN_STEPS), np.float32(255))

    def pack_counts(self, counts: np.ndarray) -> np.ndarray:
        """Step counts uint8 ``[n]`` below 16, n even, to masked bytes, uint8 ``[n / 2]``."""
        return (counts[::2] | (counts[1::2] << 4)) ^ self._stream(3, len(counts) // 2)

    def unpack_counts(self, data: np.ndarray) -> np.ndarray:
        """The inverse of :meth:`pack_counts`."""
        return _pairs(data ^ self._stream(3, len(data))).reshape(-1)

    def _mean_mask(self) -> np.ndarray:
        return host.draw(self._subkey, Purpose.DIGITS, 2, 3) & np.uint32(0xFFFF)

    def _mask(self, blocks: tuple[int, int]) -> np.ndarray:
        return self._stream(0, blocks[0] * blocks[1] * DIGIT_BYTES).reshape(*blocks, DIGIT_BYTES)

    def _stream(self, part: int, count: int) -> np.ndarray:
        words = host.draw(self._subkey, Purpose.DIGITS, part, -(-count // 4))
        return words.astype("<u4", copy=False).view(np.uint8)[:count]


def _pairs(data: np.ndarray) -> np.ndarray:
    return np.stack([data & np.uint8(15), data >> np.uint8(4)], axis=-1)
