"""The driver of tiled Systems (:mod:`jaxcrypt.systems.drivers.tiles`): pictures of any size, tile by tile.

Tiles come from preallocated host arrays. So a handful of compiled programs serves every shape, and a picture
of 100 megapixels needs little more memory than itself and its cipher.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxcrypt.declared import Option, chosen
from jaxcrypt.record import Call, Outcome, Sealed, Shape, System
from jaxcrypt.systems.drivers import host, passes
from jaxcrypt.systems.drivers.layout import Layout
from jaxcrypt.systems.drivers.regions import Regional
from jaxcrypt.systems.drivers.tiles import Tiles, decrypt_whole, encrypt_whole, split_side


@dataclass(frozen=True)
class Tiled:
    """The :class:`~jaxcrypt.record.Driver` of a System that works tile by tile.

    Attributes:
      options: that the System declares.
      tiles: the tiles for chosen options, the same object for the same ones.
    """

    options: tuple[Option, ...]
    tiles: Callable[[dict[str, Any]], Tiles]

    def aligns(self, options) -> bool:
        """Never."""
        return False

    def check(self, shape: Shape, options) -> None:
        """Any shape will do."""
        chosen(self.options, options)

    def encrypt(self, call: Call, pictures: Sequence[np.ndarray], keys: Sequence[bytes]) -> list[Sealed]:
        """As :class:`~jaxcrypt.record.Driver` says."""
        self.check(pictures[0].shape, call.options)
        tiles, shape = self.tiles(chosen(self.options, call.options)), pictures[0].shape
        layout, held = tiles.layout(shape), passes.keys_of(keys)
        flats = [np.ascontiguousarray(picture).reshape(-1) for picture in pictures]
        groups = passes.groups_of(len(flats), layout)
        share = 0.25 if tiles.summary is not None else 0.0
        ahead = passes.compile_ahead(tiles, layout, len(groups[0]), "seal")
        heads = passes.summarise(tiles, layout, flats, held, shape, groups, call.progress, (0.0, share))
        shared = passes.unfold(tiles, held, heads)
        if ahead is not None:
            ahead.result()
        ciphers, own = passes.seal(tiles, layout, flats, shared, groups, call.progress, (share, 1.0))
        return [
            Sealed(cipher.reshape(layout.cipher_shape), head | passes.stacked(rows))
            for cipher, head, rows in zip(ciphers, heads, own, strict=True)
        ]

    def decrypt(
        self,
        call: Call,
        sealed: Sequence[Sealed],
        keys: Sequence[bytes],
        shape: Shape,
        lost: Sequence[np.ndarray] | None = None,
    ) -> list[Outcome]:
        """As :class:`~jaxcrypt.record.Driver` says."""
        tiles = self.tiles(chosen(self.options, call.options))
        host.check_sealed(sealed, shape)
        layout, held = tiles.layout(shape), passes.keys_of(keys)
        for one in sealed:
            host.check_shape(one.pixels, layout.cipher_shape)
        split = [split_side(tiles, _checked(tiles, layout, one.side)) for one in sealed]
        flats = [np.ascontiguousarray(one.pixels).reshape(-1) for one in sealed]
        gaps = None if lost is None else [np.repeat(mask.reshape(-1), shape[2]) for mask in lost]
        groups = passes.groups_of(len(flats), layout)
        shared = passes.unfold(tiles, held, [head for head, _ in split])
        share = 0.75 if tiles.summary is not None else 1.0
        ahead = passes.compile_ahead(tiles, layout, len(groups[0]), "summary")
        own = [one for _, one in split]
        images, findings = passes.open_tiles(
            tiles, layout, flats, gaps, shared, own, groups, call.progress, (0.0, share)
        )
        if ahead is not None:
            ahead.result()
        again = passes.summarise(tiles, layout, images, held, shape, groups, call.progress, (share, 1.0))
        return [
            _outcome(image.reshape(shape), tiles.report(head, other or None, passes.stacked(rows)))
            for image, (head, _), other, rows in zip(images, split, again, findings, strict=True)
        ]


def _checked(tiles: Tiles, layout: Layout, side: dict) -> dict[str, np.ndarray]:
    """The side arrays that the System declares. Raises a Refusal where no encryption gives them."""
    front = () if tiles.head is not None else (layout.count,)
    return {name: host.side_array(side, name, (*front, *shape), dtype) for name, shape, dtype in tiles.side}


def _outcome(image: np.ndarray, report: dict) -> Outcome:
    rest = {name: np.asarray(value) for name, value in report.items()}
    noise = rest.pop("noise", None)
    return Outcome([image], None if noise is None else float(noise), report=rest)


def tiled_system(
    declared: Mapping[str, Any],
    tiles: Callable[[dict[str, Any]], Tiles],
    plain_shape: Callable[[Shape], Shape],
    cipher_shape: Callable[[Shape], Shape],
) -> System:
    """The System that tiles make: nothing learned, nothing to configure.

    Args:
      declared: of the System's entry in the catalog, :meth:`~jaxcrypt.declared.Entry.declared`.
      tiles: those for chosen options.
      plain_shape: the plain picture's ``(H, W, C)`` from its cipher picture's.
      cipher_shape: the other way.
    """

    def encrypt(variables, inputs, subkey, options) -> Sealed:
        own = tiles(chosen(declared["options"], options))
        return encrypt_whole(own, jnp.asarray(inputs["image"]), subkey)

    def decrypt(variables, sealed, inputs, subkey, options) -> dict[str, Any]:
        own = tiles(chosen(declared["options"], options))
        shape = plain_shape(sealed.pixels.shape[1:])
        return decrypt_whole(own, sealed, subkey, shape, inputs.get("lost"))

    def batch(config) -> dict[str, jax.ShapeDtypeStruct]:
        config = dict(config or {})
        shape = (config.get("batch_size", 1), *config.get("image_shape", (64, 64, 3)))
        return {"image": jax.ShapeDtypeStruct(shape, jnp.uint8)}

    return System(
        init=lambda rng, batch: ({}, {}),
        batch=batch,
        stages=(),
        encrypt=encrypt,
        decrypt=decrypt,
        outputs=partial(_outputs, encrypt, decrypt),
        driver=Regional(Tiled(declared["options"], tiles), cipher_shape),
        **declared,
    )


def _outputs(encrypt, decrypt, variables, batch, rng) -> dict[str, Any]:
    """``image``, ``cipher`` and ``decrypted``, float32 in [0, 1]."""
    image = jnp.asarray(batch["image"])
    subkey = jax.random.bits(rng, (image.shape[0], 8), jnp.uint32)
    sealed = encrypt(variables, batch, subkey, ())
    opened = decrypt(variables, sealed, {}, subkey, ())
    pictures = {"image": image, "cipher": sealed.pixels, "decrypted": opened["image"]}
    return {key: x.astype(jnp.float32) / 255 for key, x in pictures.items()}
