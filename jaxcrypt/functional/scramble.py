"""A keyed scramble of pictures that keeps their local statistics: a net trained on photos still sees photos.

Each picture is cut into squares. The squares of all pictures of an example change places by a keyed
permutation, and each is, as the key says, mirrored left to right, mirrored top to bottom, transposed,
inverted (x -> 255 - x), and its three colours exchanged (one of the six orders). All of it is undone
exactly.

Of a picture alone it is a jigsaw with unknown turns; it hides no histogram and no texture, so it stands with
whatever a net does, not in the place of a cipher.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from jaxcrypt.functional.keyed import Purpose, draw
from jaxcrypt.functional.permutation import KEY_WORDS, indices

SQUARE = 8
_ORDERS = np.array([[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]])


def scramble(pictures: jax.Array, subkey: jax.Array, inverse: bool = False) -> jax.Array:
    """Scramble, or with ``inverse`` unscramble, the pictures of one example.

    Args:
      pictures: uint8 ``[S, H, W, 3]``, sides multiples of 8.
      subkey: uint32 ``[8]``.

    Returns:
      uint8 ``[S, H, W, 3]``.
    """
    count, height, width, _ = pictures.shape
    rows, columns = height // SQUARE, width // SQUARE
    squares = pictures.reshape(count, rows, SQUARE, columns, SQUARE, 3).transpose(0, 1, 3, 2, 4, 5)
    squares = squares.reshape(-1, SQUARE, SQUARE, 3)
    total = squares.shape[0]
    size = 1 << max(total - 1, 1).bit_length()
    key, words = draw([(subkey, Purpose.ROUNDS, 0, KEY_WORDS), (subkey, Purpose.SIGNS, 0, total)])
    places = indices(key, total, size, inverse)[:total]
    squares = _turn(squares, words, True)[places] if inverse else _turn(squares[places], words, False)
    squares = squares.reshape(count, rows, columns, SQUARE, SQUARE, 3).transpose(0, 1, 3, 2, 4, 5)
    return squares.reshape(pictures.shape)


def _turn(squares: jax.Array, words: jax.Array, inverse: bool) -> jax.Array:
    """The changes within each square; mirrors come before the transposition, which the inverse undoes
    first."""

    def bit(place: int) -> jax.Array:
        return ((words >> place) & 1).astype(bool)[:, None, None, None]

    def mirror(x: jax.Array) -> jax.Array:
        x = jnp.where(bit(0), x[:, :, ::-1], x)
        return jnp.where(bit(1), x[:, ::-1], x)

    def transpose(x: jax.Array) -> jax.Array:
        return jnp.where(bit(2), x.transpose(0, 2, 1, 3), x)

    squares = mirror(transpose(squares)) if inverse else transpose(mirror(squares))
    squares = jnp.where(bit(3), 255 - squares, squares)
    orders = np.argsort(_ORDERS, axis=1) if inverse else _ORDERS
    order = jnp.asarray(orders)[((words >> 16) * 6) >> 16]
    return jnp.take_along_axis(squares, order[:, None, None, :], axis=3)
