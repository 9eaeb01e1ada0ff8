"""Detecting that a picture hides another, and reassembling what a reveal without the key shows.

A small convolutional network behind a fixed high-pass filter learns from covers and the stego pictures made
of them, and is tested on other pictures; :mod:`jaxcrypt.attacks.srm` is the stronger detector.

All pictures are uint8 ``[N, H, W, 3]``.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import linen as nn

_BATCH = 8  # pairs in a step of the network
_SQUARE = 8  # side of the pieces of a jigsaw
_TIMES = 10  # over, to look at
_HIGH_PASS = np.array(
    [[-1, 2, -2, 2, -1], [2, -6, 8, -6, 2], [-2, 8, -12, 8, -2], [2, -6, 8, -6, 2], [-1, 2, -2, 2, -1]]
)  # the KV filter of the spatial rich model


class _Detector(nn.Module):
    """Residuals, three strided convolutions and a mean: one number a picture, positive for stego."""

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        filters = jnp.asarray(_HIGH_PASS[:, :, None, None] / 12 * np.eye(3), jnp.float32)
        x = jax.lax.conv_general_dilated(
            x, filters, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
        )
        x = jnp.clip(x, -8, 8)
        for width in (16, 32, 32):
            x = nn.relu(nn.GroupNorm(4)(nn.Conv(width, (3, 3), strides=(2, 2))(x)))
        return nn.Dense(1)(x.mean((1, 2)))[:, 0]


def network_accuracy(
    covers: np.ndarray, stegos: np.ndarray, train: int, steps: int = 300, batch: int = _BATCH
) -> float:
    """Share of the pictures after the first ``train`` pairs that a small convolutional network, trained for
    ``steps`` steps of ``batch`` pairs, tells right."""
    net, optimizer = _Detector(), optax.adam(2e-3)
    params = jax.jit(net.init)(jax.random.key(0), jnp.zeros((1, *covers.shape[1:]), jnp.float32))
    state = jax.jit(optimizer.init)(params)

    def loss(params, pairs):
        logits = net.apply(params, pairs.reshape(-1, *pairs.shape[2:]).astype(jnp.float32)).reshape(2, -1)
        return jnp.mean(nn.softplus(logits[0]) + nn.softplus(-logits[1]))

    @jax.jit
    def step(params, state, pairs):
        updates, state = optimizer.update(jax.grad(loss)(params, pairs), state)
        return optax.apply_updates(params, updates), state

    rng = np.random.default_rng(0)
    for _ in range(steps):
        chosen = rng.choice(train, min(batch, train), replace=False)
        params, state = step(params, state, np.stack([covers[chosen], stegos[chosen]]))
    score = jax.jit(lambda pictures: net.apply(params, pictures.astype(jnp.float32)))
    clean, full = (np.array([score(p[None])[0] for p in part[train:]]) for part in (covers, stegos))
    return float(np.mean(np.concatenate([clean < 0, full >= 0])))


def reassemble(picture: np.ndarray) -> np.ndarray:
    """A jigsaw of unturned squares put together greedily: each place takes the piece whose edges fit best.

    Args:
      picture: uint8 ``[H, W, 3]``, sides multiples of 8.

    Returns:
      uint8 ``[H, W, 3]``: row by row from the top left, whose piece is the picture's own first.
    """
    height, width, _ = picture.shape
    rows, columns = height // _SQUARE, width // _SQUARE
    pieces = picture.reshape(rows, _SQUARE, columns, _SQUARE, 3).transpose(0, 2, 1, 3, 4)
    pieces = pieces.reshape(-1, _SQUARE, _SQUARE, 3).astype(np.int32)
    tops, lefts = pieces[:, 0].reshape(len(pieces), -1), pieces[:, :, 0].reshape(len(pieces), -1)
    free, placed = np.ones(len(pieces), bool), np.zeros((rows, columns), int)
    for row in range(rows):
        for column in range(columns):
            cost = np.zeros(len(pieces))
            if row:
                above = pieces[placed[row - 1, column], -1].reshape(-1)
                cost += np.abs(tops - above).sum(1)
            if column:
                before = pieces[placed[row, column - 1], :, -1].reshape(-1)
                cost += np.abs(lefts - before).sum(1)
            best = int(np.argmin(np.where(free, cost, np.inf)))
            placed[row, column], free[best] = best, False
    out = pieces[placed.reshape(-1)].reshape(rows, columns, _SQUARE, _SQUARE, 3).transpose(0, 2, 1, 3, 4)
    return out.reshape(picture.shape).astype(np.uint8)


def signature(pictures: np.ndarray) -> np.ndarray:
    """What turning, inverting and exchanging squares and their colours leaves of pictures.

    Args:
      pictures: uint8 ``[S, H, W, 3]``, sides multiples of 8.

    Returns:
      float32 ``[4, n]``: of the n squares of all pictures spread, roughness, how far the mean lies from the
      middle, and how far those of the colours lie apart; each sorted, the first two as logarithms.
    """
    count, height, width, _ = pictures.shape
    shape = (count, height // _SQUARE, _SQUARE, width // _SQUARE, _SQUARE, 3)
    pieces = pictures.reshape(shape).swapaxes(2, 3).reshape(-1, _SQUARE, _SQUARE, 3).astype(np.float32)
    spread = pieces.var(axis=(1, 2)).mean(axis=1)
    steps = (np.square(np.diff(pieces, axis=axis)).mean((1, 2, 3)) for axis in (1, 2))
    colours = pieces.mean(axis=(1, 2))
    middle = np.abs(colours.mean(axis=1) - 127.5)
    return np.sort(
        np.stack([np.log(spread + 1), np.log(sum(steps) + 1), middle, colours.std(axis=1)]), axis=1
    )


def named(revealed: np.ndarray, candidates: np.ndarray) -> int:
    """Which of ``candidates``, float32 ``[N, 4, n]``, has the signature nearest to that of ``revealed``,
    uint8 ``[S, H, W, 3]``: a scrambled picture is told from others without putting it together. Candidates
    are best what comes out where the adversary hid them himself: a net leaves its traces in both."""
    apart = np.abs(candidates - signature(revealed)).mean(axis=2)
    scale = np.abs(candidates - candidates.mean(axis=0)).mean(axis=(0, 2)) + 1e-6
    return int(np.argmin((apart / scale).sum(axis=1)))


def amplified(stego: np.ndarray, cover: np.ndarray) -> np.ndarray:
    """What hiding changed, ten times over, about mid-grey: uint8, to look at."""
    change = stego.astype(np.int32) - cover.astype(np.int32)
    return np.clip(128 + _TIMES * change, 0, 255).astype(np.uint8)
