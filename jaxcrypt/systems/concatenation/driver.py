"""The driver of the ablation, and what it shares with the System: programs and padding."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxcrypt.declared import chosen
from jaxcrypt.functional.levels import to_levels, unit
from jaxcrypt.models.cyclegan_concatenation import PATCH
from jaxcrypt.record import Call, Outcome, Progress, Sealed, Shape
from jaxcrypt.systems.catalog import entry
from jaxcrypt.systems.concatenation.nets import Nets, decrypt_unit, encrypt_levels, key_planes
from jaxcrypt.systems.drivers import host
from jaxcrypt.systems.drivers.windows import UNIT, map_picture

ENTRY = entry("concatenation")


def _bytes(levels: jax.Array) -> jax.Array:
    return jnp.clip(jnp.round(levels), 0, 255).astype(jnp.uint8)


def programs(nets: Nets) -> dict[str, Callable]:
    """For :func:`map_picture`, on a picture and its key planes as six channels: ``see_`` in floats."""

    def parts(both):
        return (x.astype(jnp.float32) for x in jnp.split(both, 2, axis=-1))

    def see_encrypt(params, both):
        photo, planes = parts(both)
        return encrypt_levels(nets, params, unit(photo), unit(planes))

    def see_decrypt(params, both):
        cipher, planes = parts(both)
        return to_levels(decrypt_unit(nets, params, cipher, unit(planes)))

    return {
        "see_encrypt": see_encrypt,
        "see_decrypt": see_decrypt,
        "encrypt": lambda params, both: _bytes(see_encrypt(params, both)),
        "decrypt": lambda params, both: _bytes(see_decrypt(params, both)),
    }


def pad(picture: Any) -> Any:
    """``[…, H, W, C]`` as three planes, its borders repeated up to multiples of 16."""
    height, width, channels = picture.shape[-3:]
    edges = ((0, 0),) * (picture.ndim - 3) + ((0, -height % UNIT), (0, -width % UNIT), (0, 0))
    array = np if isinstance(picture, np.ndarray) else jnp
    return array.pad(array.repeat(picture, 3 // channels, axis=-1), edges, mode="edge")


def whole_patches(shape: tuple[int, ...]) -> tuple[slice, slice]:
    """Of a padded picture what the cipher picture keeps: sides are multiples of 4."""
    return tuple(slice(side + -side % PATCH) for side in shape[:2])


_key_planes = jax.jit(key_planes, static_argnums=1)


@functools.cache
def _jitted(nets: Nets) -> dict[str, Callable]:
    return {name: jax.jit(function) for name, function in programs(nets).items()}


@dataclass(frozen=True)
class ConcatenationDriver:
    """The :class:`~jaxcrypt.record.Driver` for pictures of any size: window by window, as far around each as
    the generators see."""

    nets: Nets

    def aligns(self, options) -> bool:
        """Never."""
        return False

    def check(self, shape: Shape, options) -> None:
        """Refuse alpha."""
        chosen((), options)
        host.check_channels(shape, ENTRY.traits.channels)

    def _map(self, name: str, call: Call, picture, key: bytes, progress: Progress) -> np.ndarray:
        run, padded = _jitted(self.nets), pad(picture)
        planes = np.asarray(_key_planes(jnp.asarray(host.words(key)[None]), padded.shape[:2]))[0]
        both = np.concatenate([padded, planes], axis=2)
        return map_picture(run[name], run[f"see_{name}"], call.variables["params"], both, progress)

    def encrypt(self, call: Call, pictures: Sequence[np.ndarray], keys: Sequence[bytes]) -> list[Sealed]:
        """As :class:`~jaxcrypt.record.Driver` says; the side information is empty."""
        self.check(pictures[0].shape, call.options)
        made = []
        for i, (picture, key) in enumerate(zip(pictures, keys, strict=True)):
            whole = self._map("encrypt", call, picture, key, host.share(call.progress, i, len(pictures)))
            made.append(Sealed(np.ascontiguousarray(whole[whole_patches(picture.shape)])))
        return made

    def decrypt(
        self,
        call: Call,
        sealed: Sequence[Sealed],
        keys: Sequence[bytes],
        shape: Shape,
        lost: Sequence[np.ndarray] | None = None,
    ) -> list[Outcome]:
        """As :class:`~jaxcrypt.record.Driver` says; ``lost`` pixels are read as they are."""
        chosen((), call.options)
        host.check_sealed(sealed, shape, ENTRY.traits.channels)
        results = []
        for i, (one, key) in enumerate(zip(sealed, keys, strict=True)):
            host.check_shape(one.pixels, (*(s.stop for s in whole_patches(tuple(shape))), 3))
            whole = self._map("decrypt", call, one.pixels, key, host.share(call.progress, i, len(sealed)))
            image = whole[: shape[0], : shape[1]]
            if shape[2] == 1:
                image = np.rint(image.mean(axis=2, keepdims=True)).astype(np.uint8)
            results.append(Outcome([np.ascontiguousarray(image)]))
        return results
