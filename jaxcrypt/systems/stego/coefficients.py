"""Hiding that outlives JPEG: a short learned code in the low frequencies of the cover's luminance.

Each 8x8 block of luminance Y gives its first n DCT coefficients c_i in zigzag order to one bit t_i each,

    c_i' = s_i (2 round((c_i / s_i - t_i) / 2) + t_i),    t_i = round(c_i' / s_i) mod 2,

with s_i the step that JPEG has at quality 50 (functional/jpeg). A JPEG of that quality or better moves a
coefficient by half such a step at most, so bits fail only where rounding and clipping of pixels come on
top. Blue, green and red move together: the two colour differences stay.

A 16x16 patch holds the code of the same patch of the secret, which the key XORs with a ChaCha20 keystream (no
diffusion: one wrong bit stays one wrong bit). The bits that weigh most are sent three times, far apart, and
the majority counts. Training flips bits at the rate that recompressing costs, so that the reveal network
learns to live with it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxcrypt.errors import usage
from jaxcrypt.functional import jpeg
from jaxcrypt.functional.keyed import Purpose, bits, draw
from jaxcrypt.functional.levels import to_bytes, to_floats
from jaxcrypt.models.autoencoder import PATCH, Autoencoder, dequantise, quantise, zigzag
from jaxcrypt.systems.drivers import host, windows

ARGUMENT = (
    "that something is hidden shows to whoever looks for it; the hidden code is XORed with a ChaCha20 "
    "keystream (RFC 8439) under a key of this picture alone"
)
COPIES = 3
_BLOCKS = (PATCH // 8) ** 2
_QUALITY = 50
_WINDOW = 32  # patches on a side of what goes through a net at once
_BAND = 16  # rows of patches that are embedded at once
_PASSES = 3  # of embedding: each mends what clipping undid in the one before


@dataclass(frozen=True)
class DctCode:
    """A code of few bits and where it goes.

    Attributes:
      net: the code of one patch.
      coefficients: of a block's luminance that carry a bit.
      repeated: how many bits of a patch's code are sent three times.
      flips: share of the bits that training flips.
    """

    net: Autoencoder
    coefficients: int
    repeated: int
    flips: float

    argument = ARGUMENT

    # ---------------------------------------------------------------------------------------- the code's bits

    @property
    def places(self) -> tuple[np.ndarray, np.ndarray]:
        """For every bit of a code, those that weigh most first: its latent, and its place value as a
        shift."""
        widths = self.net.widths
        latent = np.repeat(np.arange(len(widths)), widths)
        shift = np.concatenate([np.arange(width) for width in widths])
        order = np.argsort(-shift, kind="stable")
        return latent[order], shift[order]

    @property
    def capacity(self) -> int:
        """Bits that a patch of the cover carries."""
        return _BLOCKS * self.coefficients

    def _to_bits(self, indices: jax.Array) -> jax.Array:
        latent, shift = self.places
        return (indices[..., latent] >> jnp.asarray(shift)) & 1

    def _to_indices(self, code: jax.Array) -> jax.Array:
        latent, shift = self.places
        total = jnp.zeros((*code.shape[:-1], len(self.net.widths)), jnp.int32)
        return total.at[..., latent].add(code.astype(jnp.int32) << jnp.asarray(shift))

    def _spread(self, code: jax.Array) -> jax.Array:
        """Bits of a picture's patches ``[h, w, n]`` to ``[h, w, capacity]``: copies lie far apart."""
        parts = [code]
        for copy in range(1, COPIES):
            parts.append(jnp.roll(code[..., : self.repeated], _shift(code, copy), (0, 1)))
        spread = jnp.concatenate(parts, axis=-1)
        return jnp.pad(spread, ((0, 0), (0, 0), (0, self.capacity - spread.shape[-1])))

    def _gather(self, spread: jax.Array) -> jax.Array:
        """The inverse of :meth:`_spread`, by majority."""
        size = sum(self.net.widths)
        code, votes = spread[..., :size], spread[..., : self.repeated]
        for copy in range(1, COPIES):
            start = size + (copy - 1) * self.repeated
            back = [-step for step in _shift(code, copy)]
            votes = votes + jnp.roll(spread[..., start : start + self.repeated], back, (0, 1))
        return code.at[..., : self.repeated].set((2 * votes > COPIES).astype(code.dtype))

    # -------------------------------------------------------------------------------------- arrays, jittable

    def init(self, rng: jax.Array, cover: jax.Array, secrets: jax.Array) -> Any:
        """Parameters, from uint8 examples ``[B, H, W, 3]`` and ``[B, S, H, W, 3]``."""
        return self.net.init(rng, to_floats(cover))["params"]

    def loss(self, params: Any, cover: jax.Array, secrets: jax.Array, rng: jax.Array):
        """The error of the secrets' code with bits flipped; covers are photos too, and serve as secrets
        here."""
        x = to_floats(jnp.concatenate([cover[:, None], secrets], axis=1))
        x = x.reshape(-1, *cover.shape[1:])
        y = self.net.apply({"params": params}, x, method=lambda net, x: net.encoder(x))
        indices = quantise(y, self.net.widths)
        indices = indices ^ self.flipped(rng, (*indices.shape[:-1], sum(self.net.widths)))
        sent = y + jax.lax.stop_gradient(dequantise(indices, self.net.widths) - y)
        back = self.net.apply({"params": params}, sent, method=lambda net, y: net.decoder(y))
        error = jnp.mean(jnp.square(back - x))
        return error, {"secret_psnr": 10 * jnp.log10(4 / error)}

    def flipped(self, rng: jax.Array, shape: tuple[int, ...]) -> jax.Array:
        """Which bits of indices JPEG flips, int32 ``[…, K]``; ``shape`` is that of the bits, ``[…, n]``."""
        rate = np.full(shape[-1], self.flips)
        rate[: self.repeated] = COPIES * self.flips**2
        return self._to_indices(jax.random.bernoulli(rng, jnp.asarray(rate), shape))

    def hide(self, params: Any, cover: jax.Array, secrets: jax.Array, subkey: jax.Array, keyed: bool):
        """uint8 cover ``[B, H, W, 3]`` and secret ``[B, 1, H, W, 3]`` to the stego picture and its side."""
        indices = self.compress(params, secrets[:, 0])
        code = jax.vmap(lambda one, key: self.lay_out(one, key, keyed))(indices, subkey)
        return jax.vmap(self.embed)(cover, code), {}

    def reveal(self, params: Any, stego: jax.Array, side: Mapping, subkey: jax.Array, keyed: bool):
        """The secret, uint8 ``[B, 1, H, W, 3]``, and other findings."""
        code = jax.vmap(self.extract)(stego)
        indices = jax.vmap(lambda one, key: self.collect(one, key, keyed))(code, subkey)
        return self.expand(params, indices)[:, None], {}

    def compress(self, params: Any, secret: jax.Array) -> jax.Array:
        """uint8 ``[B, 16h, 16w, 3]`` to indices, int32 ``[B, h, w, K]``."""
        return self.net.apply({"params": params}, to_floats(secret), method="encode")

    def expand(self, params: Any, indices: jax.Array) -> jax.Array:
        """The inverse of :meth:`compress`, as far as there is one."""
        return to_bytes(self.net.apply({"params": params}, indices, method="decode"))

    def lay_out(self, indices: jax.Array, subkey: jax.Array, keyed: bool) -> jax.Array:
        """One picture's indices ``[h, w, K]`` to what its patches carry: bits ``[h, w, capacity]``."""
        code = self._spread(self._to_bits(indices))
        return code ^ _keystream(subkey, code.shape) if keyed else code

    def collect(self, code: jax.Array, subkey: jax.Array, keyed: bool) -> jax.Array:
        """The inverse of :meth:`lay_out`."""
        code = code ^ _keystream(subkey, code.shape) if keyed else code
        return self._to_indices(self._gather(code))

    # ---------------------------------------------------------------------------- one picture's luminance

    @property
    def _chosen(self) -> tuple[np.ndarray, np.ndarray]:
        places = np.array([8 * row + column for row, column in zigzag(8)[: self.coefficients]])
        return places, jpeg.tables(_QUALITY)[0][places]

    def embed(self, cover: jax.Array, code: jax.Array) -> jax.Array:
        """Bits ``[h, w, capacity]`` into uint8 ``[16h, 16w, 3]``."""
        places, steps = self._chosen
        height, width = cover.shape[:2]
        wanted = _to_blocks(code, self.coefficients)
        now = cover.astype(jnp.float32)
        first = jpeg.blocks(_luma(now))[:, 0, places] / steps
        aim = steps * (2 * jnp.round((first - wanted) / 2) + wanted)
        for _ in range(_PASSES):
            measured = jpeg.blocks(_luma(now))
            change = jnp.zeros_like(measured).at[:, 0, places].set(aim - measured[:, 0, places])
            now = jnp.clip(now + jpeg.unblocks(change, (height, width, 1)), 0, 255)
        return jnp.round(now).astype(jnp.uint8)

    def extract(self, stego: jax.Array) -> jax.Array:
        """The bits that :meth:`embed` wrote, int32 ``[h, w, capacity]``."""
        places, steps = self._chosen
        measured = jpeg.blocks(_luma(stego.astype(jnp.float32)))[:, 0, places]
        read = jnp.round(measured / steps).astype(jnp.int32) & 1
        return _from_blocks(read, stego.shape[0] // PATCH, stego.shape[1] // PATCH)

    # ------------------------------------------------------------------------------- pictures of any size

    def hide_picture(
        self,
        params: Any,
        cover: np.ndarray,
        secrets: Sequence[np.ndarray],
        subkey: bytes,
        keyed: bool,
        progress: Callable[[float], None] | None = None,
    ) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Host arrays of one size, sides multiples of 16, window by window: as :meth:`hide`, no batch
        axis."""
        run, reach = _program(self, "compress"), self.net.reach[0] // PATCH
        indices = windows.map_windows(
            lambda window: run(params, window), secrets[:1], (PATCH, 1), _WINDOW, reach, progress
        )
        code = np.asarray(_program(self, "lay_out")(indices, host.words(subkey), keyed))
        put, stego = _program(self, "embed"), np.empty_like(cover)
        for start in range(0, len(code), _BAND):
            rows = slice(start * PATCH, (start + _BAND) * PATCH)
            stego[rows] = put(cover[rows], code[start : start + _BAND])
        return stego, {}

    def reveal_picture(
        self,
        params: Any,
        stego: np.ndarray,
        side: Mapping[str, np.ndarray],
        subkey: bytes,
        keyed: bool,
        progress: Callable[[float], None] | None = None,
    ) -> tuple[list[np.ndarray], dict[str, Any]]:
        """The secret ``[H, W, 3]`` of :meth:`hide_picture`, and other findings."""
        take = _program(self, "extract")
        bands = range(0, len(stego), _BAND * PATCH)
        code = np.concatenate([take(stego[row : row + _BAND * PATCH]) for row in bands])
        indices = np.asarray(_program(self, "collect")(code, host.words(subkey), keyed))
        run, reach = _program(self, "expand"), self.net.reach[1] // PATCH
        secret = windows.map_windows(
            lambda window: run(params, window), (indices,), (1, PATCH), _WINDOW, reach, progress
        )
        return [secret], {}


def _shift(code: jax.Array, copy: int) -> tuple[int, int]:
    return code.shape[0] * copy // COPIES, code.shape[1] * copy // COPIES


def _keystream(subkey: jax.Array, shape: tuple[int, ...]) -> jax.Array:
    count = int(np.prod(shape))
    [words] = draw([(subkey, Purpose.STREAM, 0, -(-count // 32))])
    return bits(words)[:count].reshape(shape).astype(jnp.int32)


def _luma(pixels: jax.Array) -> jax.Array:
    return jpeg.to_planes(pixels)[..., :1]


def _to_blocks(code: jax.Array, count: int) -> jax.Array:
    """Bits of patches ``[h, w, 4n]`` to bits of blocks in raster order, ``[4hw, n]``."""
    h, w, _ = code.shape
    return code.reshape(h, w, 2, 2, count).transpose(0, 2, 1, 3, 4).reshape(-1, count)


def _from_blocks(read: jax.Array, h: int, w: int) -> jax.Array:
    return read.reshape(h, 2, w, 2, -1).transpose(0, 2, 1, 3, 4).reshape(h, w, -1)


@functools.cache
def _program(hider: DctCode, name: str) -> Callable:
    static = {"static_argnums": 2} if name in ("lay_out", "collect") else {}
    return jax.jit(getattr(hider, name), **static)


def learned(model: Mapping[str, Any], secrets: int) -> DctCode:
    """The code that ``config.model`` describes.

    Raises:
      Refusal: more than one secret, or a code that does not fit the cover.
    """
    settings = dict(model["robust"])
    digits = tuple(int(digit, 16) for digit in settings.pop("bits"))
    own = {name: settings.pop(name) for name in ("coefficients", "repeated", "flips")}
    code = DctCode(Autoencoder(bits=digits, channels=3, **settings), **own)
    needed = sum(digits) + (COPIES - 1) * code.repeated
    if secrets != 1:
        raise usage(f"config.model.secrets={secrets}: the robust kind hides one")
    if needed > code.capacity or not 0 <= code.repeated <= sum(digits):
        raise usage(
            f"config.model.robust: {needed} bits a patch with the repeated ones; "
            f"{code.coefficients} coefficients carry {code.capacity}"
        )
    return code
