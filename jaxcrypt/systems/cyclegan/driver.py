"""The driver of the CycleGAN cipher for host pictures of any size, whole or damaged on the way.

Nets run window by window (:mod:`jaxcrypt.systems.cyclegan.blocks`). Every mixing tile holds symbols of the
whole picture: a hole in the cipher dims the picture everywhere, a little. The way back is
:mod:`jaxcrypt.systems.cyclegan.opening`. ``robust`` picks the layout of
:mod:`jaxcrypt.functional.jpeg_layout`, which JPEG with 4:2:0 leaves alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxcrypt.declared import Options, chosen
from jaxcrypt.errors import Refusal, usage
from jaxcrypt.functional.block_transform import BLOCK
from jaxcrypt.functional.key_image import with_key_image
from jaxcrypt.record import Call, Outcome, Sealed, Shape
from jaxcrypt.systems.catalog import entry
from jaxcrypt.systems.cyclegan import cells, code, header, tiles
from jaxcrypt.systems.cyclegan.blocks import Blocks
from jaxcrypt.systems.cyclegan.opening import Opening, plan_of, run_of
from jaxcrypt.systems.cyclegan.symbols import Symbols
from jaxcrypt.systems.decoding import robust
from jaxcrypt.systems.drivers import host
from jaxcrypt.systems.drivers.windows import pad_to
from jaxcrypt.travel import headline

ENTRY = entry("cyclegan")
MEGAPIXELS = 40  # more would not fit into the memory of an ordinary machine
_SMALL, _TOGETHER = 64 * 64 * 3, 64  # samples of pictures that are encrypted together, and how many
_REST = 272  # bytes of a robust picture's header besides digits and spreads, under one key, and for a name


def choices(given: Options) -> dict[str, int]:
    """The options with their defaults. Raises a Refusal for unknown ones, and for two that exclude each
    other."""
    settings = chosen(ENTRY.options, given)
    if settings["robust"] and settings["rate"] != 1:
        raise usage("--robust decides how large the cipher is: leave out --rate")
    return settings


@cache
def _sealer(seal: Callable[..., Any]) -> Callable[..., Any]:
    def run(variables, image, subkey, options):
        sealed = seal(variables, {"image": image}, subkey, options)
        return sealed.pixels, sealed.side

    return jax.jit(run, static_argnums=3)


@dataclass(frozen=True)
class CycleganDriver:
    """The :class:`~jaxcrypt.record.Driver`. A call's input ``key_image``, uint8 ``[H, W, C]``, is what the
    option of that name wants.

    Attributes:
      seal: ``System.encrypt``, for many small pictures at once.
    """

    nets: Any
    seal: Callable[..., Any]

    def aligns(self, options) -> bool:
        """Where the layout is robust."""
        return bool(choices(options)["robust"])

    def check(self, shape: Shape, options) -> None:
        """Refuse what is too large, alpha, and what the robust layout has no room for."""
        settings = choices(options)
        host.check_channels(shape, ENTRY.traits.channels)
        if shape[0] * shape[1] > MEGAPIXELS * 1_000_000:
            raise Refusal(f"--system cyclegan: takes pictures of up to {MEGAPIXELS} megapixels")
        if settings["robust"]:
            robust.plan(shape, settings["robust"])

    def encrypt(self, call: Call, pictures: Sequence[np.ndarray], keys: Sequence[bytes]) -> list[Sealed]:
        """As :class:`~jaxcrypt.record.Driver` says."""
        self.check(pictures[0].shape, call.options)
        settings, made = choices(call.options), []
        keys = _conditioned(call, keys)
        if len(pictures) > 1 and pictures[0].size <= _SMALL and not settings["robust"]:
            return self._encrypt_small(call, pictures, keys)
        for index, (picture, key) in enumerate(zip(pictures, keys, strict=True), 1):
            made.append(self._encrypt(call.variables["params"], picture, key, settings, call.grows))
            if call.progress is not None:
                call.progress(index / len(pictures))
        return made

    def _encrypt_small(self, call: Call, pictures, subkeys) -> list[Sealed]:
        """Small pictures of one shape, :data:`_TOGETHER` at a time."""
        settings, made = choices(call.options), []
        options = tuple((name, settings[name]) for name in ("rate", "rounds"))
        for start in range(0, len(pictures), _TOGETHER):
            images = np.stack(pictures[start : start + _TOGETHER])
            words = np.stack([host.words(subkey) for subkey in subkeys[start : start + _TOGETHER]])
            rest = ((0, _TOGETHER - len(images)), *[(0, 0)] * 3)  # one shape, compiled once
            full, keys = np.pad(images, rest), np.pad(words, rest[:2])
            pixels, side = jax.tree.map(np.asarray, _sealer(self.seal)(call.variables, full, keys, options))
            for i in range(len(images)):
                made.append(Sealed(pixels[i], {name: value[i] for name, value in side.items()}))
            if call.progress is not None:
                call.progress(len(made) / len(pictures))
        return made

    def _encrypt(
        self, params, picture: np.ndarray, subkey: bytes, settings: dict[str, int], grows: bool
    ) -> Sealed:
        plan, layout = plan_of(picture.shape, settings)
        padded = pad_to(picture, BLOCK)
        mean = np.broadcast_to(padded.mean(axis=(0, 1), dtype=np.float64), (3,))
        mean = (np.round(mean * code.MEAN_STEPS) / code.MEAN_STEPS).astype(np.float32)
        blocks = Blocks(self.nets, params, plan.planes, mean)
        share, blocks_shape = _cells_side(plan, layout, grows), (plan.rows, plan.columns)
        sent = cells.pooled(blocks.digits(padded), share)
        digits = cells.interpolated(sent, share, blocks_shape)
        weighed = blocks.take(padded, Symbols(digits, blocks.scales, plan))
        masked, run = header.OnHost(subkey), run_of(subkey, plan)
        side = {"digits": masked.pack(sent), "mean": masked.pack_mean(mean)}
        spread = side["spread"] = np.zeros(plan.count, np.float32)
        if layout is not None:
            levelled = np.empty_like(weighed)
            for tile, (start, stop) in enumerate(pairwise(plan.symbols)):
                levelled[start:stop], spread[tile] = tiles.levelled(
                    weighed[tile :: plan.count], tile, run, plan
                )
            return Sealed(robust.lay_out(run.mix(levelled), subkey, layout), side)
        data, counts = tiles.to_bytes(weighed, spread, plan, run)
        side["beyond"] = masked.pack_counts(counts)
        return Sealed(data.reshape(code.cipher_shape(picture.shape, settings["rate"])), side)

    def decrypt(
        self,
        call: Call,
        sealed: Sequence[Sealed],
        keys: Sequence[bytes],
        shape: Shape,
        lost: Sequence[np.ndarray] | None = None,
    ) -> list[Outcome]:
        """As :class:`~jaxcrypt.record.Driver` says."""
        settings, results = choices(call.options), []
        host.check_sealed(sealed, shape, ENTRY.traits.channels)
        for i, (one, key) in enumerate(zip(sealed, _conditioned(call, keys), strict=True)):
            opening = Opening(self.nets, call.variables["params"], one, key, tuple(shape), settings)
            progress = host.share(call.progress, i, len(sealed))
            results.append(opening.outcome(None if lost is None else lost[i], progress))
        return results


def _cells_side(plan: code.Plan, layout: Any, grows: bool) -> int:
    """How many blocks on a side share digits: one, but where the header has to fit into robust pixels.

    Then digits take at most a quarter of what the header's symbols would hold, did no tile of them repeat the
    others, and half of the longest header. A carrier that grows (:class:`~jaxcrypt.record.Call`) does so by
    about a photo's size: there may be more digits, never fewer. Where no header would fit they take what is
    allowed at most, since it travels beside.
    """
    if layout is None:
        return 1
    rows, columns = (side // BLOCK for side in layout.cipher_shape[:2])
    if grows:
        rows += plan.rows * plan.columns // columns
    room, half = headline.room(rows, columns) // 4, headline.MOST // 2
    rest, blocks = _REST + 4 * plan.count, (plan.rows, plan.columns)
    sizes = {
        side: code.DIGIT_BYTES * math.prod(cells.grid(blocks, side)) for side in range(1, max(blocks) + 1)
    }

    def fits(side: int) -> bool:
        if sizes[side] > max(min(room, half), code.DIGIT_BYTES):
            return False
        return headline.fits(headline.length_of(bytes(rest + sizes[side])), rows, columns)

    allowed = next(side for side, size in sizes.items() if size <= half)
    side = next(filter(fits, sizes), allowed)
    return min(side, _cells_side(plan, layout, grows=False)) if grows else side


def outline(shape: Shape, options: Options, grows: bool) -> Sealed:
    """A robust picture of ``shape`` as the driver makes it, with zeros for everything."""
    plan, layout = plan_of(shape, choices(options))
    rows, columns = cells.grid((plan.rows, plan.columns), _cells_side(plan, layout, grows))
    side = {
        "digits": np.zeros((rows, columns, code.DIGIT_BYTES), np.uint8),
        "mean": np.zeros(3, np.uint32),
        "spread": np.zeros(plan.count, np.float32),
    }
    return Sealed(np.broadcast_to(np.uint8(0), layout.cipher_shape), side)


def _conditioned(call: Call, keys: Sequence[bytes]) -> Sequence[bytes]:
    """The subkeys, made to depend on the key image where that is wanted."""
    if not choices(call.options)["key_image"]:
        return keys
    if "key_image" not in call.inputs:
        raise usage("--condition-on-key-image: the key image is a condition here; name it with --key-image")
    key_image = jnp.asarray(call.inputs["key_image"])[None]
    words = (jnp.asarray(host.words(key)[None]) for key in keys)
    return [np.asarray(with_key_image(own, key_image)).tobytes() for own in words]
