"""Hiding a learned code of the secrets in the low digits of the cover.

    code = pack(encode(secret)),    container = logistic(code_1 … code_S, zeros),
    stego = embed(cover, container)

The preparation network is the encoder of :mod:`jaxcrypt.models.autoencoder`, the reveal network its
decoder, the hiding between them :mod:`jaxcrypt.functional.lattice`, which moves samples by 2^(d-1) at most
where there is room, and is undone exactly. So the cover's error is fixed by the depth d, and training
lowers the secrets' error alone. A 16x16 patch of the cover holds the codes of the same patch of each
secret: a fixed rate, so pictures of any size go patch by patch.

With a key the System ``logistic`` encrypts the container. What lies in the cover is then a string of random
bits: without the key there is nothing to reassemble.
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
from jaxcrypt.functional import lattice
from jaxcrypt.functional.bitpack import pack, unpack
from jaxcrypt.functional.levels import to_bytes, to_floats
from jaxcrypt.models.autoencoder import PATCH, Autoencoder
from jaxcrypt.models.layers import depth_to_space, space_to_depth
from jaxcrypt.record import Call, Sealed
from jaxcrypt.systems.drivers import host, tiles, windows
from jaxcrypt.systems.logistic import tiles as logistic

ARGUMENT = (
    "that something is hidden shows in the statistics of low bits, to whoever looks; of what is hidden it "
    f"holds that {logistic.SYSTEM.traits.argument}"
)
_WINDOW = 32  # patches on a side of what goes through a net at once
_BAND = 16  # rows of patches that are embedded at once


@dataclass(frozen=True)
class Lattice:
    """A fixed-rate code and where it goes.

    Attributes:
      net: the code of one secret's patch.
      secrets: how many pictures are hidden in one.
      depth: low bits of red, green and blue samples that carry them.
    """

    net: Autoencoder
    secrets: int
    depth: tuple[int, int, int]

    argument = ARGUMENT

    @property
    def capacity(self) -> int:
        """Bytes that a patch of the cover carries."""
        return PATCH * PATCH * sum(self.depth) // 8

    # -------------------------------------------------------------------------------------- arrays, jittable

    def init(self, rng: jax.Array, cover: jax.Array, secrets: jax.Array) -> Any:
        """Parameters, from uint8 examples ``[B, H, W, 3]`` and ``[B, S, H, W, 3]``."""
        return self.net.init(rng, to_floats(cover))["params"]

    def loss(self, params: Any, cover: jax.Array, secrets: jax.Array, rng: jax.Array):
        """The error of the secrets' code; covers are photos too, and serve as secrets here."""
        x = to_floats(jnp.concatenate([cover[:, None], secrets], axis=1))
        x = x.reshape(-1, *cover.shape[1:])
        error = jnp.mean(jnp.square(self.net.apply({"params": params}, x) - x))
        return error, {"secret_psnr": 10 * jnp.log10(4 / error)}

    def compress(self, params: Any, secret: jax.Array) -> jax.Array:
        """uint8 ``[B, 16h, 16w, 3]`` to its code, uint8 ``[B, h, w, n]``."""
        return pack(self.net.apply({"params": params}, to_floats(secret), method="encode"), self.net.widths)

    def expand(self, params: Any, code: jax.Array) -> jax.Array:
        """The inverse of :meth:`compress`, as far as there is one."""
        return to_bytes(self.net.apply({"params": params}, unpack(code, self.net.widths), method="decode"))

    def embed(self, cover: jax.Array, container: jax.Array) -> jax.Array:
        """Bytes ``[B, h, w, capacity]`` into a cover, uint8 ``[B, 16h, 16w, 3]``."""
        digits = depth_to_space(unpack(container, self._widths), PATCH)
        return lattice.embed(cover, digits, jnp.asarray(self.depth))

    def extract(self, stego: jax.Array) -> jax.Array:
        """The bytes that :meth:`embed` wrote."""
        return pack(space_to_depth(lattice.extract(stego, jnp.asarray(self.depth)), PATCH), self._widths)

    @property
    def _widths(self) -> tuple[int, ...]:
        return tuple(d for _ in range(PATCH * PATCH) for d in self.depth)

    def hide(self, params: Any, cover: jax.Array, secrets: jax.Array, subkey: jax.Array, keyed: bool):
        """uint8 cover ``[B, H, W, 3]`` and secrets ``[B, S, H, W, 3]`` to the stego picture and its side."""
        codes = [self.compress(params, secrets[:, i]) for i in range(secrets.shape[1])]
        container = jnp.concatenate(codes, axis=-1)
        container = jnp.pad(container, ((0, 0),) * 3 + ((0, self.capacity - container.shape[3]),))
        if not keyed:
            return self.embed(cover, container), {}
        made = tiles.encrypt_whole(logistic.TILES, container, subkey)
        return self.embed(cover, made.pixels), made.side

    def reveal(self, params: Any, stego: jax.Array, side: Mapping, subkey: jax.Array, keyed: bool):
        """The secrets, uint8 ``[B, S, H, W, 3]``, and with a key whether the code came through intact."""
        container, report = self.extract(stego), {}
        if keyed:
            sealed = Sealed(container, dict(side))
            report = tiles.decrypt_whole(logistic.TILES, sealed, subkey, container.shape[1:])
            container = report.pop("image")
        codes = self._codes(container)
        return jnp.stack([self.expand(params, code) for code in codes], axis=1), report

    def _codes(self, container: Any) -> list[Any]:
        size = sum(self.net.widths) // 8
        return [container[..., i * size : (i + 1) * size] for i in range(self.secrets)]

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
        height, width = cover.shape[0] // PATCH, cover.shape[1] // PATCH
        container = np.zeros((height, width, self.capacity), np.uint8)
        run, reach = _program(self, "compress"), self.net.reach[0] // PATCH
        for index, (secret, place) in enumerate(zip(secrets, self._codes(container), strict=False)):
            part = host.share(progress, index, len(secrets))
            place[...] = windows.map_windows(
                lambda window: run(params, window), (secret,), (PATCH, 1), _WINDOW, reach, part
            )
        side: dict[str, np.ndarray] = {}
        if keyed:
            [made] = logistic.SYSTEM.driver.encrypt(Call(), [container], [subkey])
            container, side = made.pixels, made.side
        put, stego = _program(self, "embed"), np.empty_like(cover)
        for start in range(0, height, _BAND):
            rows = slice(start * PATCH, (start + _BAND) * PATCH)
            stego[rows] = put(cover[None, rows], container[None, start : start + _BAND])[0]
        return stego, side

    def reveal_picture(
        self,
        params: Any,
        stego: np.ndarray,
        side: Mapping[str, np.ndarray],
        subkey: bytes,
        keyed: bool,
        progress: Callable[[float], None] | None = None,
    ) -> tuple[list[np.ndarray], dict[str, Any]]:
        """The secrets ``[H, W, 3]`` of :meth:`hide_picture`, and other findings."""
        take = _program(self, "extract")
        bands = range(0, stego.shape[0], _BAND * PATCH)
        container = np.concatenate([take(stego[None, row : row + _BAND * PATCH])[0] for row in bands])
        report: dict[str, Any] = {}
        if keyed:
            sealed = [Sealed(container, dict(side))]
            [opened] = logistic.SYSTEM.driver.decrypt(Call(), sealed, [subkey], container.shape)
            [container], report = opened.pictures, opened.report
        run, reach = _program(self, "expand"), self.net.reach[1] // PATCH
        secrets = []
        for index, code in enumerate(self._codes(container)):
            part = host.share(progress, index, self.secrets)
            secrets.append(
                windows.map_windows(
                    lambda window: run(params, window), (code,), (1, PATCH), _WINDOW, reach, part
                )
            )
        return secrets, report


@functools.cache
def _program(hider: Lattice, name: str) -> Callable:
    return jax.jit(getattr(hider, name))


def learned(model: Mapping[str, Any], secrets: int) -> Lattice:
    """The code that ``config.model`` describes.

    Raises:
      Refusal: codes that do not fit the cover, or that are no whole bytes.
    """
    settings = dict(model["lattice"])
    depth = tuple(int(d) for d in settings.pop("depth"))
    bits = tuple(int(digit, 16) for digit in settings.pop("bits"))
    code = Lattice(Autoencoder(bits=bits, channels=3, **settings), secrets, depth)
    if len(depth) != 3 or not all(1 <= d <= 7 for d in depth):
        raise usage(f"config.model.lattice.depth={depth}: three numbers from 1 to 7")
    if sum(bits) % 8 or secrets * sum(bits) > 8 * code.capacity:
        raise usage(
            f"config.model.lattice.bits: {sum(bits)} for each of {secrets} secrets; must be whole bytes, "
            f"together at most the {8 * code.capacity} bits that depth={depth} carries"
        )
    return code
