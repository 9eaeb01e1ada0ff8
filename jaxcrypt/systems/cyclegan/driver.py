"""The driver of the CycleGAN cipher for host pictures of any size, whole or damaged on the way.

Nets run window by window (:mod:`jaxcrypt.systems.cyclegan.blocks`). Every mixing tile holds symbols of the
whole picture: a hole in the cipher dims the picture everywhere, a little. Damaged ciphers are decoded by
turns (:mod:`jaxcrypt.systems.decoding.turbo`), the decrypting generator being the denoiser of symbols.
``robust`` picks the layout of :mod:`jaxcrypt.functional.jpeg_layout`, which JPEG with 4:2:0 leaves alone.
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
from jaxcrypt.functional import outermost
from jaxcrypt.functional.block_transform import BLOCK
from jaxcrypt.functional.key_image import with_key_image
from jaxcrypt.record import Call, Outcome, Progress, Sealed, Shape
from jaxcrypt.systems.catalog import entry
from jaxcrypt.systems.cyclegan import cells, code, header, tiles
from jaxcrypt.systems.cyclegan.blocks import Blocks
from jaxcrypt.systems.cyclegan.symbols import Symbols
from jaxcrypt.systems.decoding import received, robust, turbo
from jaxcrypt.systems.drivers import host
from jaxcrypt.systems.drivers.windows import pad_to
from jaxcrypt.travel import headline

ENTRY = entry("cyclegan")
MEGAPIXELS = 40  # more would not fit into the memory of an ordinary machine
_SMALL, _TOGETHER = 64 * 64 * 3, 64  # samples of pictures that are encrypted together, and how many
_MOST = 1e6  # above every spread that pictures have
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


def _run(subkey: bytes, plan: code.Plan) -> turbo.Run:
    """Mixing of symbols: they have mean 0 and spread 1 already."""
    count = plan.count
    none, one = np.zeros(count, np.float32), np.ones(count, np.float32)
    return turbo.Run(host.words(subkey), 0, plan.size, plan.symbols, plan.cipher, none, one, plan.rounds)


def _plan(shape: Shape, settings: dict[str, int]) -> tuple[code.Plan, Any]:
    """The plan of a picture of ``shape``, and its layout where that is robust."""
    rows, columns = (-(-side // BLOCK) for side in shape[:2])
    if settings["robust"]:
        layout = robust.plan(shape, settings["robust"])
        return code.plan(rows, columns, shape[2], layout.symbols, settings["rounds"]), layout
    total = int(np.prod(code.cipher_shape(shape, settings["rate"])))
    return code.plan(rows, columns, shape[2], total, settings["rounds"]), None


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
        plan, layout = _plan(picture.shape, settings)
        padded = pad_to(picture, BLOCK)
        mean = np.broadcast_to(padded.mean(axis=(0, 1), dtype=np.float64), (3,))
        mean = (np.round(mean * code.MEAN_STEPS) / code.MEAN_STEPS).astype(np.float32)
        blocks = Blocks(self.nets, params, plan.planes, mean)
        share, blocks_shape = _cells_side(plan, layout, grows), (plan.rows, plan.columns)
        sent = cells.pooled(blocks.digits(padded), share)
        digits = cells.interpolated(sent, share, blocks_shape)
        weighed = blocks.take(padded, Symbols(digits, blocks.scales, plan))
        masked, run = header.OnHost(subkey), _run(subkey, plan)
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
            opening = _Opening(self.nets, call.variables["params"], one, key, tuple(shape), settings)
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
    plan, layout = _plan(shape, choices(options))
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


def _last(progress: Progress) -> Progress:
    """The same, told of the end alone."""
    return None if progress is None else lambda share: progress(share) if share == 1 else None


class _Opening:
    """One cipher picture with its verified header values, on its way back.

    Raises:
      Refusal: values that no encryption gives.
    """

    _made: Outcome  # by the call of _denoise that was told of the least noise
    _least, _turn = math.inf, 0
    _progress: Progress = None

    def __init__(self, nets, params, sealed: Sealed, subkey: bytes, shape: Shape, settings: dict[str, int]):
        self.cipher, self.side, self.shape, self.subkey = sealed.pixels, sealed.side, shape, subkey
        if settings["robust"]:
            robust.planned(shape, settings["robust"])
        else:
            host.check_shape(self.cipher, code.cipher_shape(shape, settings["rate"]))
        plan, self.layout = _plan(shape, settings)
        blocks = plan.rows, plan.columns
        many = np.shape(self.side.get("digits"))[:2] if settings["robust"] else blocks
        share = cells.side_of(blocks, many) or 1
        shape_of_digits = (*cells.grid(blocks, share), code.DIGIT_BYTES)
        packed = host.side_array(self.side, "digits", shape_of_digits, np.uint8)
        mean = host.side_array(self.side, "mean", (3,), np.uint32)
        spread = host.side_array(self.side, "spread", (plan.count,), np.float32, 0, _MOST)
        self.masked, self.run = header.OnHost(subkey), _run(subkey, plan)
        self.spread = spread
        self.blocks = Blocks(nets, params, plan.planes, self.masked.unpack_mean(mean))
        digits = cells.interpolated(self.masked.unpack(packed), share, blocks)
        self.symbols = Symbols(digits, self.blocks.scales, plan)

    def _weighed(self, noisy: np.ndarray) -> np.ndarray:
        """Symbols in the order of tiles to weighed ones in that of their coefficients."""
        plan, weighed = self.symbols.plan, np.empty(noisy.shape, np.float32)
        for tile, (start, stop) in enumerate(pairwise(plan.symbols)):
            weighed[tile :: plan.count] = noisy[start:stop] * self.spread[tile]
        return weighed

    def _by_tiles(self, weighed: np.ndarray) -> np.ndarray:
        """The inverse of :meth:`_weighed`."""
        plan, symbols = self.symbols.plan, np.empty(weighed.shape, np.float32)
        for tile, (start, stop) in enumerate(pairwise(plan.symbols)):
            own = weighed[tile :: plan.count]
            symbols[start:stop] = own / np.maximum(self.spread[tile], np.float32(1e-3))
        return symbols

    def _restore(self, noisy: np.ndarray, levels: np.ndarray, dtype, damaged: bool, progress=None):
        """What symbols in the order of tiles show, whose errors have ``levels``, ``[t]``, as
        :meth:`Blocks.restore` gives it."""
        told = self._weighed(noisy), levels * self.spread, self.symbols
        return self.blocks.restore(*told, dtype, damaged, progress)

    def _of_tiles(self, levels: np.ndarray) -> np.ndarray:
        """``[k]``, one for each symbol, to one for each tile."""
        return levels[list(self.symbols.plan.symbols[:-1])]

    def _denoise(self, noisy: np.ndarray, levels: np.ndarray) -> np.ndarray:
        """The decrypting generator as the denoiser of symbols; the best picture that it makes is kept."""
        own, told = self._of_tiles(levels), host.share(self._progress, self._turn, received.PASSES)
        self._turn += 1
        picture, error = self._restore(noisy, own, np.float32, True, told)
        power = float(np.mean(np.square(own)))
        if power < self._least:
            self._least, self._made = power, self._outcome(picture, error)
        return self._by_tiles(self.blocks.take(picture, self.symbols))

    def _some(self, noisy: np.ndarray, levels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """As :meth:`_denoise`, of some of the symbols, and which."""
        spread = self._of_tiles(levels) * self.spread
        clean = self._by_tiles(self.blocks.some(self._weighed(noisy), spread, self.symbols))
        seen = ~np.isnan(clean)
        clean[~seen] = 0
        return clean, seen

    def _outcome(self, picture: np.ndarray, error: float) -> Outcome:
        """Of ``[16h, 16w, 3]``, float32 or uint8, the picture as it was."""
        picture = picture[: self.shape[0], : self.shape[1]]
        if self.shape[2] == 1:
            picture = picture.mean(axis=2, keepdims=True)
        if picture.dtype != np.uint8:
            picture = np.clip(np.rint(picture), 0, 255).astype(np.uint8)
        return Outcome([np.ascontiguousarray(picture)], error)

    def outcome(self, lost: np.ndarray | None, progress) -> Outcome:
        """The picture, and the error expected of Wiener's estimate, from which the net starts."""
        untouched = None if self.layout is not None else self._untouched(lost)
        if untouched is None:
            self._by_turns(lost, progress)
            return self._made
        dtype = np.float32 if self.shape[2] == 1 else np.uint8
        return self._outcome(*self._restore(*untouched, dtype, False, progress))

    def _by_turns(self, lost: np.ndarray | None, progress: Progress) -> None:
        self._progress = progress
        run, cipher, denoise = self.run, self.cipher, (self._denoise, self._some)
        if self.layout is not None:
            robust.decode(run, cipher, self.subkey, self.layout, *denoise, lost, _last(progress))
            return
        samples, quality = received.distortion(cipher, received.lost_pixels(cipher, lost))
        received.decode(run, cipher, (0, cipher.size), samples, quality, *denoise, _last(progress))

    def _untouched(self, lost: np.ndarray | None) -> tuple[np.ndarray, np.ndarray] | None:
        """Symbols and the levels of their errors by tile, of a cipher of bytes to which nothing happened;
        None of any other."""
        cipher, run = self.cipher, self.run
        packed = host.side_array(self.side, "beyond", (code.count_bytes(cipher.size),), np.uint8)
        counts = self.masked.unpack_counts(packed)
        if received.lost_pixels(cipher, lost).any():
            return None
        symbols, measured = tiles.expanded(run, cipher.reshape(-1), counts)
        claimed, pilots = outermost.error(), int(run.pilots.sum())
        if not received.untouched(float(np.average(measured, weights=run.pilots)), claimed, pilots):
            return None
        return symbols, turbo.level(claimed, measured, run.pilots)
