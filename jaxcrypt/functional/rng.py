"""Randomness of training: every use of it gets a stream of its own, and this is the place that divides it.

One rng that feeds two draws correlates them, and ``fold_in(rng, 1)`` is also one of ``split(rng)``: an rng is
divided once, by names, and not used besides.
"""

from __future__ import annotations

import zlib

import jax


def streams(rng: jax.Array, *names: str) -> tuple[jax.Array, ...]:
    """Independent rngs, one for each name; the same name gives the same stream whatever stands beside it.

    Raises:
      ValueError: a name stands twice, or two names have one checksum.
    """
    constants = [zlib.crc32(name.encode()) for name in names]
    if len(set(constants)) < len(names):
        raise ValueError(f"streams of one name: {', '.join(names)}")
    (root,) = jax.random.split(rng, 1)  # so that JAX's own check of key reuse sees an rng that is used again
    return tuple(jax.random.fold_in(root, constant) for constant in constants)
