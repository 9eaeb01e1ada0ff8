"""The logistic map x <- 4x(1 - x) in fixed point: 64-bit states as two uint32 limbs, or whole on CPUs; the
same bits on every device.

With 4x(1 - x) = 1 - (1 - 2x)^2 and X = x·2^64, M = 2^64 - 1, one step is, exactly,

    Y = 2X mod 2^64 where X >= 2^63, else M - (2X mod 2^64),        X <- M - floor(Y^2 / 2^64),

one square in place of a product. Zero is no fixed point (0 -> 1 -> 5 -> 21 ...), and 3/4 is left by the
rounding. Floating point would differ between devices after some fifty steps, since the map doubles every
error; 32-bit states would merge within thousands of steps. Hence also the rules of use: orbits of at most
``MAX_STEPS`` steps, each from its own keyed seed, and only the middle 32 bits of a state are given out, for
the upper bits follow the arcsine density and the lowest repeat.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import lax

MAX_STEPS = 64
_ROUND_STEPS = 3
_LOW = 0xFFFF


def _multiply_high(a, b):
    """Upper 32 bits of a 32×32-bit product, by 16-bit halves (no 64-bit integer is needed)."""
    a0, a1, b0, b1 = a & _LOW, a >> 16, b & _LOW, b >> 16
    cross = a1 * b0 + ((a0 * b0) >> 16)
    other = a0 * b1 + (cross & _LOW)
    return a1 * b1 + (cross >> 16) + (other >> 16)


def step(high: jax.Array, low: jax.Array) -> tuple[jax.Array, jax.Array]:
    """One step of every orbit: uint32 limbs of any one shape, in and out."""
    flip = (high >> 31) - 1  # all ones where x < 1/2
    h = ((high << 1) | (low >> 31)) ^ flip
    v = (low << 1) ^ flip
    # Y^2 / 2^64 = h·h + (2·h·v + (v·v >> 32)) >> 32, with carries between the limbs.
    cross_high, cross_low = _multiply_high(h, v), h * v
    doubled = cross_low << 1
    carry = ((doubled + _multiply_high(v, v)) < doubled).astype(jnp.uint32)
    middle = (cross_high << 1) | (cross_low >> 31)
    square = h * h
    first = square + middle
    second = first + carry
    carries = (first < square).astype(jnp.uint32) + (second < first).astype(jnp.uint32)
    return ~(_multiply_high(h, h) + (cross_high >> 31) + carries), ~second


def middle(high: jax.Array, low: jax.Array) -> jax.Array:
    """Bits 16 to 47 of the states."""
    return (high << 16) | (low >> 16)


def orbits(high: jax.Array, low: jax.Array, steps: int) -> jax.Array:
    """Middle bits along orbits.

    Args:
      high, low: uint32 ``[lanes]``: keyed seeds. steps: static, at most ``MAX_STEPS``.

    Returns:
      uint32 ``[steps, lanes]``, row t after t + 1 steps.
    """
    if steps > MAX_STEPS:
        raise ValueError(f"steps {steps}: an orbit gives at most {MAX_STEPS} outputs")

    if jax.default_backend() == "cpu":
        return _wide_orbits(high, low, steps)

    def advance(state, _):
        state = step(*state)
        return state, middle(*state)

    return lax.scan(advance, (high, low), None, length=steps)[1]


def _wide_step(x: jax.Array) -> jax.Array:
    """:func:`step` of states uint64: on CPUs, which have products of 64 bits, in half of its time."""
    y = (x << 1) ^ ((x >> 63) - 1)
    h, v = y >> 32, y & 0xFFFFFFFF
    return ~(h * h + ((h * v + (v * v >> 33)) >> 31))  # floor(Y^2 / 2^64), of which h·v + … < 2^64


def _wide(high: jax.Array, low: jax.Array) -> jax.Array:
    return (high.astype(jnp.uint64) << 32) | low.astype(jnp.uint64)


def _wide_orbits(high: jax.Array, low: jax.Array, steps: int) -> jax.Array:
    """:func:`orbits`. JAX has 64 bits only where it is told so, here for this loop alone."""

    def advance(state, _):
        state = _wide_step(state)
        return state, (state >> 16).astype(jnp.uint32)

    with jax.enable_x64(True):
        return lax.scan(advance, _wide(high, low), None, length=steps)[1]


def round_function(x: jax.Array, k1: jax.Array, k2: jax.Array) -> jax.Array:
    """A keyed function of 32-bit words: three steps of the orbit that starts at the keyed word.

    The multiplication carries a change of any bit into many bits of the seed, so that three doublings are
    enough to reach all of the middle.

    Args:
      x, k1, k2: uint32 of one shape.

    Returns:
      uint32 of that shape.
    """
    high, low = k1 + x * jnp.uint32(0x9E3779B1), k2 ^ x
    if jax.default_backend() == "cpu":
        return _wide_rounds(high, low)
    for _ in range(_ROUND_STEPS):
        high, low = step(high, low)
    return middle(high, low)


def _wide_rounds(high: jax.Array, low: jax.Array) -> jax.Array:
    with jax.enable_x64(True):
        state = _wide(high, low)
        for _ in range(_ROUND_STEPS):
            state = _wide_step(state)
        return (state >> 16).astype(jnp.uint32)
