"""A hidden region amid its open surroundings: what its cipher adds to what everybody sees.

The adversary holds crops of one user whose middle is encrypted, and knows what was there. He learns to guess
regions from their surroundings, and to correct the guess (:mod:`jaxcrypt.attacks.onlooker`), once from
surroundings and cipher, once from the surroundings alone. On photos that he never saw, each correction is
taken as far as it helps on a tenth of his pairs that he set aside; what the first gains over the second is
what ciphers give away, be it by the region's mean, its contrast or anything else.

By chance: with c_ij the correction of crop i given the cipher of crop j, and r_i what the guess lacks, the
cosines of c_ij and r_i are as large under any pairing of crops and ciphers if ciphers tell nothing of their
crops. The surroundings are the same in all of them, so what these tell counts for nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from ml_collections import ConfigDict

from jaxcrypt.attacks import pictures
from jaxcrypt.attacks.onlooker import Onlooker, middle
from jaxcrypt.attacks.rows import Row
from jaxcrypt.attacks.significance import permutation_p
from jaxcrypt.attacks.victim import Victim
from jaxcrypt.errors import usage
from jaxcrypt.metrics import image as quality

_log = logging.getLogger("jaxcrypt.evaluate")
ATTACK = "surroundings and cipher"
_HELD_OUT = 10  # one pair in so many
_BATCH = 64  # crops encrypted together


def rows(
    victim: Victim, known: Sequence[Any], judged: Sequence[Any], config: ConfigDict, broken: Victim
) -> list[Row]:
    """The row of a System, and that of the same with its nonce withheld, which is its control if it falls.

    Args:
      known, judged: picture files; config: :mod:`jaxcrypt.attacks.budget`.
      broken: whose row is the control of a System that resists even so.

    Raises:
      Refusal: a System that encrypts no region.
    """
    if not _takes_region(victim):
        raise usage(f"--part surroundings: --system {victim.name} encrypts no region")
    budget, seeds = config.surroundings, config.seeds
    game = Game(budget, known, judged, seeds[0])
    granted = f"{budget.pairs} crops under one key, their surroundings"
    weak = game.row(victim, f"{granted}, nonce withheld", seeds, nonce=False, weakened=True)
    control = weak if weak.surely_in else game.row(broken, "a fixed keystream", seeds, nonce=False)
    row = game.row(victim, granted, seeds, control=control)
    _log.info("%s: %s: %s", victim.name, ATTACK, row.verdict)
    return [row, weak]


def _takes_region(victim: Victim) -> bool:
    return any(given.kind == "mask" for given in victim.system.inputs)


@dataclass(frozen=True)
class _Played:
    """One run: mean PSNR in dB of the region with ciphers and without, and the cosines of the docstring."""

    psnr: float
    alone: float
    likeness: np.ndarray


class Game:
    """The crops of an adversary, and what he learned of surroundings, shared by the rows of a System.

    Args:
      budget: ``surroundings`` of :mod:`jaxcrypt.attacks.budget`.
      known, judged: picture files that crops are cut from, as ``seed`` has it.
    """

    def __init__(self, budget: ConfigDict, known: Sequence[Any], judged: Sequence[Any], seed: int):
        side, self._pairs = budget.side, budget.pairs
        cut = [(known, budget.pairs, seed), (judged, budget.judged, seed)]
        self._photos = np.concatenate([pictures.windows(files, side, n, 3, own) for files, n, own in cut])
        self._box, self._seed, self._onlooker = middle(side, budget.region), seed, Onlooker(budget)
        self._held = np.arange(budget.pairs) % _HELD_OUT == 0
        self._alone: dict[int, float] = {}

    @cached_property
    def _guess(self) -> dict[str, Any]:
        """What every run starts from."""
        return self._onlooker.start(self._known[~self._held], self._seed)

    @property
    def _known(self) -> np.ndarray:
        return self._photos[: self._pairs]

    @property
    def _judged(self) -> np.ndarray:
        return self._photos[self._pairs :]

    def row(self, victim: Victim, granted: str, seeds: Sequence[int], nonce: bool = True, **more: Any) -> Row:
        """All seeds' runs against ``victim`` as one row; ``more``: of :class:`Row`."""
        runs = [self._play(self.ciphers(victim, seed, nonce), seed) for seed in seeds]
        psnr, alone = (float(np.mean([getattr(run, name) for run in runs])) for name in ("psnr", "alone"))
        words = f"{quality.words(psnr)}; the surroundings alone {alone:.2f}"
        p = permutation_p([run.likeness for run in runs], self._seed)
        return Row(ATTACK, granted, words, p, psnr - alone, **more)

    def ciphers(self, victim: Victim, seed: int, nonce: bool) -> np.ndarray:
        """Ciphers uint8 ``[N, h, w, 3]`` of the regions of all crops, those to be judged last."""
        keys, parts = victim.subkeys(self._photos, seed, nonce), []
        inside = (slice(None), *self._box)
        regional = _takes_region(victim)
        if regional:
            mask = np.zeros(self._photos.shape[1:3], bool)
            mask[self._box] = True
            victim = replace(victim, cipher=victim.cipher.given({"mask": mask}))
        for start in range(0, len(keys), _BATCH):
            some = self._photos[start : start + _BATCH]
            made, _ = victim.encrypt(some if regional else some[inside], keys[start : start + _BATCH])
            parts.append(made[inside] if regional else made)
        return np.concatenate(parts)

    def _play(self, ciphers: np.ndarray, seed: int) -> _Played:
        learnt, tried = ciphers[: self._pairs], ciphers[self._pairs :]
        params = self._onlooker.correct(self._guess, self._known[~self._held], learnt[~self._held], seed)
        trust = self._trust(params, learnt[self._held])
        count = len(tried)
        first, more = self._onlooker.answers(
            params, np.repeat(self._judged, count, 0), np.tile(tried, (count, 1, 1, 1))
        )
        lacking = self._truth(self._judged) - first[::count]
        grid = more.reshape(count, count, -1)
        own = grid[np.arange(count), np.arange(count)].reshape(lacking.shape)
        psnr = self._psnr(first[::count] + trust * own)
        return _Played(psnr, self._without(seed), _cosines(grid, lacking.reshape(count, -1)))

    def _without(self, seed: int) -> float:
        """PSNR where the correction sees blanks instead of ciphers."""
        if seed not in self._alone:
            size = self._box[0].stop - self._box[0].start
            blank = np.zeros((len(self._photos), size, size, 3), np.uint8)
            kept = ~self._held
            params = self._onlooker.correct(self._guess, self._known[kept], blank[: self._pairs][kept], seed)
            trust = self._trust(params, blank[: self._held.sum()])
            first, more = self._onlooker.answers(params, self._judged, blank[self._pairs :])
            self._alone[seed] = self._psnr(first + trust * more)
        return self._alone[seed]

    def _trust(self, params: Mapping[str, Any], ciphers: np.ndarray) -> float:
        """The factor in [0, 1] with which the correction errs least on the crops that were set aside."""
        photos = self._known[self._held]
        first, more = self._onlooker.answers(params, photos, ciphers)
        power = float(np.sum(more * more))
        wanted = float(np.sum(more * (self._truth(photos) - first)))
        return float(np.clip(wanted / power, 0, 1)) if power > 0 else 0.0

    def _truth(self, photos: np.ndarray) -> np.ndarray:
        return photos[:, *self._box].astype(np.float32) / 127.5 - 1

    def _psnr(self, answers: np.ndarray) -> float:
        """Mean over the judged crops in dB, after rounding to 8 bits."""
        return quality.mean(
            quality.psnr((answers + 1) / 2, self._judged[:, *self._box] / np.float32(255))
        ).psnr


def _cosines(grid: np.ndarray, lacking: np.ndarray) -> np.ndarray:
    """Of corrections ``[N, N, n]`` with what their crops lack, ``[N, n]``: float ``[N, N]``; 0 of nothing."""
    products = np.einsum("ijn,in->ij", grid, lacking)
    norms = np.linalg.norm(grid, axis=2) * np.linalg.norm(lacking, axis=1)[:, None]
    return np.divide(products, norms, out=np.zeros_like(products), where=norms > 1e-9)
