"""The driver of the diffusion cipher: regions or whole pictures of any size, in and out of host arrays.

``Call.inputs`` may hold ``mask``, bool ``[H, W]``: the region. Its samples alone are encrypted, in place, and
the mask travels in the side; without it the region is the whole picture. ``key_image``, uint8 ``[H, W, 3]``,
conditions the key's noise and the net where the option of that name is on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any

import jax
import numpy as np
from PIL import Image

from jaxcrypt.declared import chosen
from jaxcrypt.functional.key_image import with_key_image
from jaxcrypt.functional.levels import unit
from jaxcrypt.models.unet import ResUNet
from jaxcrypt.record import Call, Outcome, Sealed, Shape
from jaxcrypt.systems.catalog import entry
from jaxcrypt.systems.diffusion import cipher, decode
from jaxcrypt.systems.diffusion.scenes import Sampler
from jaxcrypt.systems.drivers import host, masks, regions
from jaxcrypt.systems.drivers.regions import Region

ENTRY = entry("diffusion")
_TOGETHER = 1 << 16  # samples that are encrypted in one call: small regions many at a time


@cache
def _seal(left: float):
    """The jitted program of a stack of tiles; it is compiled anew for each size and count of tiles."""
    return jax.jit(lambda tiles: cipher.seal_stack(tiles, left))


@dataclass(frozen=True)
class DiffusionDriver:
    """The :class:`~jaxcrypt.record.Driver`."""

    net: ResUNet

    def aligns(self, options) -> bool:
        """Never: a region has its place."""
        self.check((1, 1, 1), options)
        return False

    def check(self, shape: Shape, options) -> None:
        """Refuse options that are not declared, and timesteps that nothing comes back from."""
        cipher.signal(options)

    def encrypt(self, call: Call, pictures: Sequence[np.ndarray], keys: Sequence[bytes]) -> list[Sealed]:
        """As :class:`~jaxcrypt.record.Driver` says."""
        self.check(pictures[0].shape, call.options)
        mask = call.inputs.get("mask")
        region = regions.region(mask, pictures[0].shape)
        packed = {} if mask is None else {"mask": masks.pack(mask)}
        left, made = cipher.signal(call.options), []
        together = max(1, _TOGETHER // region.size)
        for start in range(0, len(pictures), together):
            some = pictures[start : start + together]
            subkeys = np.stack([_subkey(call, key) for key in keys[start : start + together]])
            runs = _encrypt_runs(np.stack([region.take(picture) for picture in some]), subkeys, left)
            for picture, (data, side) in zip(some, runs, strict=True):
                made.append(Sealed(region.put(picture, data), side | packed))
            if call.progress is not None:
                call.progress(len(made) / len(pictures))
        return made

    def decrypt(
        self,
        call: Call,
        sealed: Sequence[Sealed],
        keys: Sequence[bytes],
        shape: Shape,
        lost: Sequence[np.ndarray] | None = None,
    ) -> list[Outcome]:
        """As :class:`~jaxcrypt.record.Driver` says.

        ``stages`` are what the last sampling began with, and its steps. The report tells whether the bytes
        were ``undamaged``, and what plain inversion gives, the yardstick: ``algebraic``.
        """
        self.check(shape, call.options)
        host.check_sealed(sealed, shape, ENTRY.traits.channels)
        options = chosen(ENTRY.options, call.options)
        how = _seen_key(call), options["steps"], options["schedule"]
        sampler = Sampler(self.net, call.variables["params"]["unet"], *how)
        results = []
        for i, (one, key) in enumerate(zip(sealed, keys, strict=True)):
            host.check_shape(one.pixels, shape)
            gaps = None if lost is None else lost[i]
            progress = host.share(call.progress, i, len(sealed))
            region = regions.stored(one.side, shape)
            arrived = opened(one, region, _subkey(call, key), cipher.signal(call.options), gaps)
            results.append(_outcome(arrived, sampler, progress))
        return results


def opened(one: Sealed, region: Region, subkey: np.ndarray, left: float, lost=None) -> decode.Arrived:
    """A received region ready to be decoded, its header's side checked.

    Raises:
      Refusal: side arrays that no encryption gives.
    """
    layout = cipher.layout(region.size)
    side = {
        "mean": host.side_array(one.side, "mean", (layout.count,), np.float32, 0, 255),
        "spread": host.side_array(one.side, "spread", (layout.count,), np.float32, 0, 128),
        "pilots": host.side_array(one.side, "pilots", (layout.count, layout.pilots), np.uint8),
    }
    return decode.arrived(one.pixels, region, side, subkey, left, lost)


def _outcome(one: decode.Arrived, sampler: Sampler, progress) -> Outcome:
    decoded = decode.decode(one, sampler.denoiser(one.region, one.picture), progress=progress)
    stages = [decoded.clean]
    if decoded.decoded:
        stages = sampler.stages(one.region, one.picture, decoded.noisy, decoded.levels)
    pictures = [one.region.put(one.picture, _bytes(x)) for x in (stages[-1], decoded.noisy, *stages)]
    by_algebra = one.region.put(one.picture, _bytes(decode.algebraic(one)))
    return Outcome(
        pictures[:1], decoded.error, pictures[1:], {"undamaged": decoded.intact, "algebraic": by_algebra}
    )


def _bytes(samples: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(samples), 0, 255).astype(np.uint8)


def _uses_key_image(call: Call) -> bool:
    return bool(chosen(ENTRY.options, call.options)["key_image"])


def _subkey(call: Call, key: bytes) -> np.ndarray:
    words = host.words(key)
    if not _uses_key_image(call):
        return words
    return np.asarray(with_key_image(words[None], call.inputs["key_image"][None]))[0]


def _seen_key(call: Call) -> np.ndarray:
    """The key image as the net sees it; zeros for none."""
    side = cipher.KEY_SIDE
    if not _uses_key_image(call):
        return np.zeros((side, side, 3), np.float32)
    small = Image.fromarray(call.inputs["key_image"]).resize((side, side), Image.Resampling.BOX)
    return unit(np.asarray(small, np.float32))


def _encrypt_runs(
    runs: np.ndarray, subkeys: np.ndarray, left: float
) -> list[tuple[np.ndarray, dict[str, Any]]]:
    """Bytes uint8 ``[n]`` and side of each of ``runs``, uint8 ``[B, n]``; ``subkeys``: uint32 ``[B, 8]``."""
    tiling = cipher.layout(runs.shape[1])
    lengths, batch = np.diff(tiling.plain), len(runs)
    rows = np.zeros((batch, tiling.count, tiling.size), np.uint8)
    for i, (first, last) in enumerate(pairwise(tiling.plain)):
        rows[:, i, : last - first] = runs[:, first:last]
    made, side = jax.tree.map(np.asarray, _seal(left)(cipher.stack(tiling, rows, subkeys)))
    made = made.reshape(rows.shape)
    data = np.concatenate([made[:, i, :n] for i, n in enumerate(lengths)], axis=1)
    pilots = np.stack([made[:, i, n : n + tiling.pilots] for i, n in enumerate(lengths)], axis=1)
    sides = {name: x.reshape(batch, tiling.count) for name, x in side.items()} | {"pilots": pilots}
    return [(data[b], {name: x[b] for name, x in sides.items()}) for b in range(batch)]
