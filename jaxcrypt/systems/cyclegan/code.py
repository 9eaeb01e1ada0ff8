"""What goes between a picture and the keyed mixing: scaled transform coefficients, as many as there is room.

With coefficients c of :mod:`jaxcrypt.functional.block_transform` and the scales s that the encoder's digits
stand for, the symbols are

    z_j = c_j / √s_j / p    of the k largest scales,        p: their root mean square in a mixing tile.

So every tile has the same power whatever the picture; one without any is filled with key stream noise, of
that power as well. Symbols travel through the keyed mixing, which adds white noise of some level σ whatever
happens to the cipher, so c_j comes back with an error of σ p √s_j. Where s_j is the coefficient's standard
deviation, that division of the noise has the least sum of squares that a linear code reaches at high quality
(Lee and Petersen 1976); since s is a picture's own, block by block, the code is not linear. Both sides sort
whole numbers, so they agree which symbols there are.

The digits (4 bits each, six for a block of 16×16) travel in the encrypted header, masked by the key stream
besides, and so do the step counts of :mod:`jaxcrypt.functional.outermost`, which an undamaged cipher is
decoded with. Their bytes and those of the cipher picture together are the rate's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxcrypt.functional import mixing, outermost
from jaxcrypt.functional.block_transform import BLOCK, PLANE, analyse, synthesise
from jaxcrypt.functional.keyed import Purpose, draw, gaussians
from jaxcrypt.functional.levels import to_levels, unit
from jaxcrypt.models.cyclegan import DIGITS, LEAST, OCTAVE
from jaxcrypt.systems.drivers.layout import even_bounds

RATES = (1, 2, 4)  # the picture has so many times the bytes of its cipher
DIGIT_BYTES = DIGITS // 2
MEAN_STEPS = 256  # of one grey level, in which means travel
FLAT = 1e-6  # mean square of the symbols below which a picture counts as flat
_ERRORS = 3  # standard deviations of Wiener's estimate that the net may go from it
_FEWEST = 96  # samples of the smallest cipher picture
_PILOT_SHARE = 96
_GROUPS = ((0, 0, 3), (0, 3, 6), (0, 6, 11), (0, 11, 99), (1, 0, 4), (1, 4, 99), (2, 0, 4), (2, 4, 99))


def cipher_shape(shape: tuple[int, int, int], rate: int) -> tuple[int, int, int]:
    """``(H', W', C)`` of the cipher of a picture of ``shape`` at 1/``rate`` of its bytes; 96 samples at
    least."""
    height = -(-shape[0] // (1 if rate == 1 else 2))
    width = -(-shape[1] // (2 if rate == 4 else 1))
    row = width * shape[2]
    beside = DIGIT_BYTES * -(-shape[0] // BLOCK) * -(-shape[1] // BLOCK) + count_bytes(height * row)
    return max(height - -(-beside // row), -(-_FEWEST // row), 1), width, shape[2]


def count_bytes(total: int) -> int:
    """Bytes of the outermost bytes' step counts beside ``total`` bytes of cipher."""
    return outermost.capacity(total) // 2


@dataclass(frozen=True)
class Plan:
    """How many symbols there are, and where they go.

    Attributes:
      rows, columns: blocks; planes: 1 or 3.
      size: samples of a mixing tile's static array.
      symbols: bounds of the tiles' symbols, ``[t + 1]``: every t-th symbol goes into one tile, so that each
        tile is spread over the whole picture; cipher: bounds of their bytes.
      rounds: of the mixing.
    """

    rows: int
    columns: int
    planes: int
    size: int
    symbols: tuple[int, ...]
    cipher: tuple[int, ...]
    rounds: int = mixing.ROUNDS

    @property
    def coefficients(self) -> int:
        return self.rows * self.columns * self.planes * PLANE

    @property
    def count(self) -> int:
        return len(self.cipher) - 1

    def order(self) -> np.ndarray:
        """int ``[k]``: place in the order of tiles -> number of the symbol."""
        numbers = np.arange(self.symbols[-1])
        return np.concatenate([numbers[t :: self.count] for t in range(self.count)])


def plan(rows: int, columns: int, planes: int, total: int, rounds: int = mixing.ROUNDS) -> Plan:
    """The plan of a picture of so many blocks whose cipher has ``total`` places, mixed in so many rounds."""
    size = mixing.array_size(total)
    count = -(-total // size)
    kept = min(rows * columns * planes * PLANE, total - max(count, total // _PILOT_SHARE))
    symbols = np.cumsum([0, *(len(range(t, kept, count)) for t in range(count))])
    bounds = tuple(map(int, symbols)), even_bounds(total, count)
    return Plan(rows, columns, planes, size, *bounds, rounds)


class Described(NamedTuple):
    """A picture before mixing, batch axis first.

    Attributes:
      coefficients: float32 ``[B, h, w, 256·planes]`` of the picture less its mean; mean: float32 ``[B, 3]``.
      digits: float32 ``[B, h, w, 6]``; scales: float32 ``[B, h, w, 256·planes]``, logarithms in whole steps.
    """

    coefficients: jax.Array
    mean: jax.Array
    digits: jax.Array
    scales: jax.Array


def describe(encoder, params, picture: jax.Array) -> Described:
    """float32 ``[B, 16h, 16w, 1 or 3]`` in grey levels."""
    planes = picture.shape[3]
    colour = jnp.broadcast_to(picture, (*picture.shape[:3], 3))
    mean = jnp.round(jnp.mean(colour, axis=(1, 2)) * MEAN_STEPS) / MEAN_STEPS
    coefficients = analyse(colour - mean[:, None, None])
    digits = encoder.apply({"params": params}, coefficients)
    scales = encoder.apply({"params": params}, digits, method="scales")
    kept = planes * PLANE
    return Described(coefficients[..., :kept], mean, digits, scales[..., :kept])


def choose(scales: jax.Array, count: int) -> jax.Array:
    """Indices int32 ``[count]``, rising, of the ``count`` largest scales of one picture; of equal ones the
    first."""
    flat = scales.reshape(-1)
    return jnp.sort(jnp.argsort(-flat, stable=True)[:count])


def to_symbols(described: Described, chosen: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Symbols float32 ``[B, k]`` of unit power, and their spread before, ``[B]``; 0 of a flat picture."""
    batch = chosen.shape[0]
    values = jnp.take_along_axis(described.coefficients.reshape(batch, -1), chosen, axis=1)
    scales = jnp.take_along_axis(described.scales.reshape(batch, -1), chosen, axis=1)
    weighed = values * jnp.exp2(-0.5 * scales / OCTAVE)
    power = jnp.mean(jnp.square(weighed), axis=1)
    flat = power < FLAT
    spread = jnp.where(flat, 0.0, jnp.sqrt(jnp.where(flat, 1.0, power)))
    return weighed / jnp.where(flat, 1.0, spread)[:, None], spread


def noise(subkey: jax.Array, count: int) -> jax.Array:
    """Key stream noise that stands for symbols where all are zero, float32 ``[B, count]``."""
    half = -(-count // 4096) * 2048  # the chunks of :func:`gaussians`
    words = jax.vmap(lambda key: draw([(key, Purpose.DIGITS, 1, half)])[0])(subkey)
    return jax.vmap(gaussians)(words)[:, :count]


def filled(symbols: jax.Array, spread: jax.Array, subkey: jax.Array) -> jax.Array:
    """The symbols, or in place of a flat picture's key stream noise: all ciphers look alike."""
    return jnp.where((spread > 0)[:, None], symbols, noise(subkey, symbols.shape[1]))


def levelled(symbols: jax.Array, spread: jax.Array, subkey: jax.Array, plan: Plan):
    """Symbols ``[B, k]`` with unit power in every mixing tile, and the spreads before by tile, ``[B, t]``.

    A tile of less power would show in its bytes. Where a tile has none, noise of unit power takes its place:
    were its power left to chance, that would tell flat pictures.
    """
    fill, spreads = noise(subkey, symbols.shape[1]), []
    for tile in range(plan.count):
        own = np.s_[:, tile :: plan.count]
        power = jnp.mean(jnp.square(symbols[own]), axis=1) * jnp.square(spread)
        tile_symbols = jnp.where((power < FLAT)[:, None], fill[own], symbols[own])
        size = jnp.sqrt(jnp.mean(jnp.square(tile_symbols), axis=1, keepdims=True))
        symbols = symbols.at[own].set(tile_symbols / size)
        spreads.append(jnp.where(power < FLAT, 0.0, jnp.sqrt(power)))
    return symbols, jnp.stack(spreads, axis=1)


def by_symbol(values: jax.Array, plan: Plan) -> jax.Array:
    """``[B, t]``, a value for each tile, to one for each symbol, ``[B, k]``."""
    return values[:, np.arange(plan.symbols[-1]) % plan.count]


def placed(values: jax.Array, chosen: jax.Array, shape: tuple[int, ...]) -> jax.Array:
    """Values ``[B, k]`` at their coefficients ``chosen``, ``[B, *shape]``, zero elsewhere."""
    empty = jnp.zeros((values.shape[0], int(np.prod(shape))))
    return jax.vmap(lambda x, i, v: x.at[i].set(v))(empty, chosen, values).reshape(-1, *shape)


def from_symbols(symbols: jax.Array, spread: jax.Array, chosen: jax.Array, scales: jax.Array):
    """The coefficients that symbols ``[B, k]`` stand for, shaped as ``scales``, zero where there is none, and
    bool of that shape: where there is one."""

    def one(values, place, scales):
        flat = scales.reshape(-1)
        weight = jnp.exp2(0.5 * flat[place] / OCTAVE)
        put = jnp.zeros_like(flat).at[place].set(values * weight, unique_indices=True)
        return put.reshape(scales.shape), jnp.zeros(flat.shape, bool).at[place].set(True).reshape(
            scales.shape
        )

    return jax.vmap(one)(symbols * spread[:, None], chosen, scales)


class Received(NamedTuple):
    """What decoding starts from, in a window of blocks or in the whole picture.

    Attributes:
      coefficients, there, scales: as :func:`from_symbols` gives and takes them.
      level: float32 ``[B]``, or shaped as ``scales``: the symbols' error times their spread.
      mean: float32 ``[B, 3]``.
    """

    coefficients: jax.Array
    there: jax.Array
    scales: jax.Array
    level: jax.Array
    mean: jax.Array


def groups(planes: int) -> np.ndarray:
    """float32 ``[256·planes, P]``: weights that average over groups of coefficients."""
    u, v = np.mgrid[:BLOCK, :BLOCK]
    radius = np.hypot(u, v).reshape(-1)
    columns = []
    for plane, low, high in _GROUPS:
        member = np.zeros((planes, PLANE), np.float32)
        if plane < planes:
            member[plane] = (low <= radius) & (radius < high)
        columns.append(member.reshape(-1) / max(member.sum(), 1))
    return np.stack(columns, axis=1)


class Estimate(NamedTuple):
    """The best linear estimate of a picture, and what it leaves open.

    Attributes:
      picture: float32 ``[B, 16h, 16w, 3]``, grey levels; doubt: what shrinking took off, of that shape, in
        units of the error.
      error: float32 ``[B, 16h, 16w]``, grey levels; spread: ``[B, h, w, 8]``, logarithms of the error by
        groups.
    """

    picture: jax.Array
    doubt: jax.Array
    error: jax.Array
    spread: jax.Array


def estimate(got: Received) -> Estimate:
    """Wiener's: a coefficient of variance s², seen with an error of variance e² s, keeps s / (s + e²)."""
    scale = jnp.exp2(got.scales / OCTAVE)
    noise = jnp.square(got.level.reshape(*got.level.shape, *[1] * (4 - got.level.ndim)))
    kept = jnp.where(got.there, scale / (scale + noise), 0.0)
    variance = jnp.square(scale) * (1 - kept)
    planes = got.scales.shape[3] // PLANE
    pad = ((0, 0),) * 3 + ((0, (3 - planes) * PLANE),)
    clean, taken = (synthesise(jnp.pad(x * got.coefficients, pad)) for x in (kept, 1 - kept))
    error = jnp.sqrt(jnp.mean(variance, axis=-1) + 1e-4)
    spread = 0.5 * jnp.log2(jnp.einsum("zabk,kp->zabp", variance, groups(planes)) + 4.0**LEAST)
    tall = jnp.repeat(jnp.repeat(error, BLOCK, axis=1), BLOCK, axis=2)
    doubt = jnp.clip(taken / tall[..., None], -8, 8)
    return Estimate(clean + got.mean[:, None, None], doubt, tall, spread)


def restore(denoiser, context, params, got: Received) -> jax.Array:
    """The decrypting generator: float32 ``[B, 16h, 16w, 3]``, grey levels."""
    wiener = estimate(got)
    seen = context.apply({"params": params["context"]}, wiener.doubt, 0.25 * wiener.spread)
    clean = denoiser.apply({"params": params["denoiser"]}, unit(wiener.picture), wiener.error / 127.5, seen)
    return to_levels(clean)


def near(clean: jax.Array, got: Received) -> jax.Array:
    """What the generator made, grey levels 0 to 255, within three expected errors of Wiener's estimate.

    Told of more noise than it was trained with, it may run away; one window would spoil what is known of all.
    """
    wiener = estimate(got)
    most = _ERRORS * wiener.error[..., None]
    return jnp.clip(jnp.clip(clean, wiener.picture - most, wiener.picture + most), 0.0, 255.0)
