"""What a picture keeps at equal bytes without any net: the rows beside the cipher in ``evaluate rates``.

Each function takes a picture, uint8 ``[H, W, 3]``, and the rate (the picture has so many times the bytes that
may be spent), and returns :class:`Made`. Rows go through the tiles, pilots, dither and bytes of
:mod:`jaxcrypt.systems.cyclegan.channel`, and back through Wiener's estimate.

    linear     coefficients of blocks, their scales fixed for all pictures; those with the largest are kept
    adapted    each block's scales besides times a power of two for each octave band, sent as digits
    subsampled luminance whole, colour differences of half the width and height, no transform
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxcrypt.functional import companding, jpeg, mixing
from jaxcrypt.functional.block_transform import BLOCK, analyse
from jaxcrypt.models.cyclegan import LEAST, OCTAVE, UNIT
from jaxcrypt.systems.cyclegan import channel, code
from jaxcrypt.systems.drivers import host

_BANDS = 5  # the lowest coefficient, and octaves of the larger of its two frequencies
_FINEST, _DIGITS = -5, 8  # the smallest power of two that a digit stands for, and how many there are


class Made(NamedTuple):
    """The picture that came back, uint8 ``[H, W, 3]``, and the bytes that were spent."""

    picture: np.ndarray
    bytes: int


def ablations(variables: dict) -> dict[str, dict]:
    """The cipher's weights with every net at zero, by what a table calls them: digits 8, no slopes, no
    denoiser; of the encoder the scales of all pictures stay."""
    nothing = functools.partial(jax.tree.map, np.zeros_like)
    params = dict(variables["params"])
    params |= {net: nothing(params[net]) for net in ("denoiser", "context")}
    encoder = params["encoder"]
    params["encoder"] = encoder | {part: nothing(encoder[part]) for part in ("slope", "leave")}
    return {"nets zeroed": variables | {"params": params}}


def rows(variables: dict) -> dict[str, dict[int, Callable[[np.ndarray, bytes], Made]]]:
    """The rows without nets, by name and rate: ``(picture, subkey) -> Made``."""
    profile = trained_profile(variables["params"])

    def at_all_rates(make: Callable) -> dict[int, Callable]:
        return {rate: lambda x, key, rate=rate: make(x, rate, profile, key) for rate in code.RATES}

    return {
        "4:2:0 and mixing": {2: subsampled},
        "linear and mixing": at_all_rates(linear),
        "local scales and mixing": at_all_rates(adapted),
    }


# ------------------------------------------------------------------------------------------ transform


def trained_profile(params: dict) -> np.ndarray:
    """Binary logarithms of the coefficients' spread, float32 ``[768]``: the encoder's ``base`` alone."""
    return np.asarray(UNIT * params["encoder"]["base"], np.float32)


def linear(picture: np.ndarray, rate: int, profile: np.ndarray, subkey: bytes) -> Made:
    """``profile`` float32 ``[768]``, binary logarithms; ``subkey`` 32 bytes."""
    coefficients, mean = _analysed(picture)
    scales = np.broadcast_to(_steps(profile), coefficients.shape)
    return _sent(picture, coefficients, mean, scales, picture.nbytes // rate, 0, subkey)


def adapted(picture: np.ndarray, rate: int, profile: np.ndarray, subkey: bytes) -> Made:
    """As :func:`linear`; the digits' bytes are taken off those of the cipher."""
    coefficients, mean = _analysed(picture)
    relative = np.asarray(coefficients) / np.exp2(profile)
    scales = np.empty(relative.shape, np.float32)
    for members in _bands():
        power = np.mean(np.square(relative[..., members]), axis=-1, keepdims=True)
        octaves = np.clip(np.rint(0.5 * np.log2(power + 1e-9)), _FINEST, _FINEST + _DIGITS - 1)
        scales[..., members] = _steps(profile[members] + octaves)
    spent = -(-relative[..., 0].size * len(_bands()) * (_DIGITS - 1).bit_length() // 8)
    return _sent(picture, coefficients, mean, scales, picture.nbytes // rate - spent, spent, subkey)


def _bands() -> list[np.ndarray]:
    """bool ``[768]`` each: the coefficients that share a digit."""
    u, v = np.mgrid[:BLOCK, :BLOCK]
    octave = np.minimum(np.ceil(np.log2(np.maximum(u, v) + 1)), _BANDS - 1).reshape(-1)
    return [
        np.concatenate([(octave == band) & (plane == p) for p in range(3)])
        for plane in range(3)
        for band in range(_BANDS)
    ]


def _steps(logarithms: np.ndarray) -> np.ndarray:
    return np.maximum(np.rint(OCTAVE * logarithms), OCTAVE * LEAST).astype(np.float32)


@jax.jit
def _transform(picture):
    mean = jnp.mean(picture, axis=(1, 2))
    return analyse(picture - mean[:, None, None]), mean


def _analysed(picture: np.ndarray):
    """Coefficients ``[1, h, w, 768]`` and mean ``[1, 3]``; sides are first made multiples of 16."""
    pad = [(0, -side % BLOCK) for side in picture.shape[:2]]
    return _transform(np.pad(picture, (*pad, (0, 0)), mode="edge")[None].astype(np.float32))


def _sent(picture, coefficients, mean, scales, room: int, spent: int, subkey: bytes) -> Made:
    height, width, _ = picture.shape
    plan = code.plan(*coefficients.shape[1:3], 3, room)
    cipher, estimate = _through(coefficients, mean, scales, host.words(subkey)[None], plan)
    estimate = np.asarray(estimate)[0, :height, :width]
    return Made(_eight_bits(estimate), cipher.size + spent)


@functools.partial(jax.jit, static_argnames="plan")
def _through(coefficients, mean, scales, key, plan):
    chosen = jax.vmap(lambda one: code.choose(one, plan.symbols[-1]))(scales)
    symbols, spread = code.to_symbols(code.Described(coefficients, mean, None, scales), chosen)
    cipher, back, error = _bytes_and_back(symbols, key, plan)
    received, there = code.from_symbols(back, spread, chosen, scales)
    got = code.Received(received, there, scales, jnp.sqrt(error) * spread, mean)
    return cipher, code.estimate(got).picture


def _bytes_and_back(symbols, key, plan):
    values, dither = channel.mix(symbols, key, plan)
    cipher = companding.compand(values, dither)
    return cipher, *channel.unmix(companding.expand(cipher, dither), key, plan)


def _eight_bits(picture: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8)


# ---------------------------------------------------------------------------------------- subsampling


def subsampled(picture: np.ndarray, subkey: bytes) -> Made:
    """4:2:0 at half of the bytes, sides even: means of 2×2 colour differences, interpolated linearly again.

    Every plane is divided by the root of its spread, as coefficients are. There are no pilots: they would
    not fit.
    """
    planes = (picture.astype(np.float32) - 128) @ jpeg.TO_YCC.T.astype(np.float32)
    height, width, _ = planes.shape
    small = planes.reshape(height // 2, 2, width // 2, 2, 3).mean(axis=(1, 3))
    parts = [planes[..., 0], small[..., 1], small[..., 2]]
    means, spreads = [p.mean() for p in parts], [max(p.std(), 1e-3) for p in parts]
    weighed = [((p - m) / s**0.5).ravel() for p, m, s in zip(parts, means, spreads, strict=True)]
    symbols = np.concatenate(weighed)
    power = float(np.sqrt(np.mean(symbols**2)))
    cipher, back = _unpiloted(symbols[None] / power, host.words(subkey)[None])
    cut = np.split(np.asarray(back)[0] * power, np.cumsum([p.size for p in parts])[:-1])
    planes = [c.reshape(p.shape) * s**0.5 + m for c, p, m, s in zip(cut, parts, means, spreads, strict=True)]
    whole = [jax.image.resize(p, (height, width), "linear") for p in planes]
    colours = np.stack(whole, axis=-1) @ np.linalg.inv(jpeg.TO_YCC).T + 128
    return Made(_eight_bits(colours), cipher.size)


@jax.jit
def _unpiloted(symbols, key):
    total = symbols.shape[1]
    size = mixing.array_size(total)
    bounds = code.even_bounds(total, -(-total // size))
    plan = code.Plan(0, 0, 1, size, bounds, bounds)
    cipher, back, _ = _bytes_and_back(symbols, key, plan)
    return cipher, back
