"""What the bytes of a diffused region still say about its symbols, through any damage.

Each channel is a ``receive`` of :func:`jaxcrypt.systems.decoding.turbo.decode`: from what is known of the
symbols beforehand, N(prior, variance), to the extrinsic estimate and its variance. The forward process
y = sqrt(a) m + sqrt(1 - a) e is undone by handing the channel of y the prior of y, and its answer back:

    N(sqrt(a) prior + sqrt(1 - a) e, a variance)  ->  (r, tau)  ->  ((r - sqrt(1 - a) e) / sqrt(a), tau / a)
"""

from __future__ import annotations

from functools import partial

import jax
import numpy as np

from jaxcrypt.functional import soft_expand
from jaxcrypt.functional.diffusion import diffuse, undiffuse
from jaxcrypt.systems.decoding.channels import Receive
from jaxcrypt.systems.diffusion import cipher

_symbols = jax.jit(cipher.symbols_of, static_argnames="left")


class Bins:
    """Undamaged bytes: each symbol lies in its byte's bin.

    Args:
      data: uint8; dither, noise: float32, what the key gives; all ``[m]``. left: alpha_bar.
    """

    def __init__(self, data: np.ndarray, dither: np.ndarray, noise: np.ndarray, left: float):
        self._of = partial(_symbols, data, dither, noise, left=left)

    def __call__(self, prior: np.ndarray, variance: float) -> tuple[np.ndarray, float]:
        value, error = (np.asarray(x) for x in self._of(prior, np.float32(variance)))
        return soft_expand.extrinsic(value, float(error.mean()), prior, variance)


class Diffused:
    """A channel of diffused symbols as a channel of the symbols themselves."""

    def __init__(self, inner: Receive, noise: np.ndarray, left: float):
        self._inner, self._noise, self._left = inner, noise, left

    def __call__(self, prior: np.ndarray, variance: float) -> tuple[np.ndarray, float]:
        value, error = self._inner(np.asarray(diffuse(prior, self._noise, self._left)), self._left * variance)
        return np.asarray(undiffuse(value, self._noise, self._left)), error / self._left
