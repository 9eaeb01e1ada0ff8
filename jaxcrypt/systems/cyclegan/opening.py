"""One cipher picture of the CycleGAN cipher on its way back, whole or damaged.

Undamaged bytes are un-mixed once. Of others the symbols are decoded by turns
(:mod:`jaxcrypt.systems.decoding.turbo`), the decrypting generator being their denoiser.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np

from jaxcrypt.functional import outermost
from jaxcrypt.functional.block_transform import BLOCK
from jaxcrypt.record import Outcome, Progress, Sealed, Shape
from jaxcrypt.systems.cyclegan import cells, code, header, tiles
from jaxcrypt.systems.cyclegan.blocks import Blocks
from jaxcrypt.systems.cyclegan.symbols import Symbols
from jaxcrypt.systems.decoding import received, robust, turbo
from jaxcrypt.systems.drivers import host

_MOST = 1e6  # above every spread that pictures have


def run_of(subkey: bytes, plan: code.Plan) -> turbo.Run:
    """Mixing of symbols: they have mean 0 and spread 1 already."""
    count = plan.count
    none, one = np.zeros(count, np.float32), np.ones(count, np.float32)
    return turbo.Run(host.words(subkey), 0, plan.size, plan.symbols, plan.cipher, none, one, plan.rounds)


def plan_of(shape: Shape, settings: dict[str, int]) -> tuple[code.Plan, Any]:
    """The plan of a picture of ``shape``, and its layout where that is robust."""
    rows, columns = (-(-side // BLOCK) for side in shape[:2])
    if settings["robust"]:
        layout = robust.plan(shape, settings["robust"])
        return code.plan(rows, columns, shape[2], layout.symbols, settings["rounds"]), layout
    total = int(np.prod(code.cipher_shape(shape, settings["rate"])))
    return code.plan(rows, columns, shape[2], total, settings["rounds"]), None


def _last(progress: Progress) -> Progress:
    """The same, told of the end alone."""
    return None if progress is None else lambda share: progress(share) if share == 1 else None


class Opening:
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
        plan, self.layout = plan_of(shape, settings)
        blocks = plan.rows, plan.columns
        many = np.shape(self.side.get("digits"))[:2] if settings["robust"] else blocks
        share = cells.side_of(blocks, many) or 1
        shape_of_digits = (*cells.grid(blocks, share), code.DIGIT_BYTES)
        packed = host.side_array(self.side, "digits", shape_of_digits, np.uint8)
        mean = host.side_array(self.side, "mean", (3,), np.uint32)
        spread = host.side_array(self.side, "spread", (plan.count,), np.float32, 0, _MOST)
        self.masked, self.run = header.OnHost(subkey), run_of(subkey, plan)
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
        power = float(np.mean(np.square(own)))  # by which turbo.decode chooses
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
