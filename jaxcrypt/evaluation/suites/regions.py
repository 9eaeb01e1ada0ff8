"""Regions of photos, encrypted in place and decoded amid their open surroundings.

Every photo, as RGB, has one region of each kind, where the seed says, or where its stored mask is. Its
samples alone are encrypted, the whole picture is damaged, and what comes back is compared inside the region.
Beside it stand what plain inversion gives, where the System tells that, and on request a box as a picture of
its own: what the surroundings are worth. A wrong key, and the right one with one bit changed, go to the
System itself, past every check.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from jaxcrypt.errors import usage
from jaxcrypt.evaluation import places
from jaxcrypt.evaluation.features import inception_features
from jaxcrypt.evaluation.pictures import Named, draw
from jaxcrypt.evaluation.regionstable import ALGEBRA, ALONE, REGION, SQUARE, beside, plot, table
from jaxcrypt.evaluation.report import Result
from jaxcrypt.evaluation.setting import Setting, digests, progress
from jaxcrypt.evaluation.subject import Subject
from jaxcrypt.metrics import fid
from jaxcrypt.metrics.image import decibels
from jaxcrypt.pictures import damages
from jaxcrypt.pictures.files import encode_png
from jaxcrypt.record import Outcome, Sealed

__all__ = ["beside", "plot", "run", "table"]
REGIONS = ("box=96", "box=256", "ellipse=160")
DAMAGES = ("none", "jpeg444=90", "jpeg444=75", "jpeg444=50")
_PHOTO = "photo"
_BLOCK = 8


def run(setting: Setting) -> Result:
    """Every photo with every kind of region through every damage."""
    (subject,) = setting.subjects()
    texts = setting.own.get("region") or REGIONS
    chosen = [damages.parse(text) for text in setting.own.get("damage") or DAMAGES]
    tasks = list(_tasks(setting, [places.parse(text) for text in texts], texts))
    if not tasks:
        raise usage("--region mask: none of the pictures has one in --masks")
    with_fid = bool(setting.own.get("fid"))
    if with_fid:
        _check_squares(tasks)
    threads, end = setting.own.get("threads") or 1, setting.own.get("seconds") or float("inf")
    start = time.monotonic()

    def measured(task: _Task) -> _Found | None:
        if time.monotonic() - start > end:
            return None
        return _Trial(subject, task, setting.seed, setting.own.get("alone", False)).measure(chosen, with_fid)

    with ThreadPoolExecutor(threads) as pool:
        made = progress(([one] for one in pool.map(measured, tasks)), len(tasks), "measured")
        found = [one for (one,) in made if one is not None]
    if not found:
        raise usage(f"--seconds {end}: too few to measure any")
    psnrs: dict[str, Any] = {text: {damage.words: {} for damage in chosen} for text in texts}
    for one in found:
        for damage, columns in one.psnrs.items():
            for name, value in columns.items():
                psnrs[one.text][damage].setdefault(name, []).append(value)
    if setting.own.get("sheet"):
        _save_sheet(setting.own["sheet"], _Trial(subject, tasks[0], setting.seed), chosen)
    keys = {name: [one.keys[name] for one in found] for name in found[0].keys}
    names = [*dict.fromkeys(one.picture for one in found)]
    facts = {"pictures": len(names), "names": names, "label": subject.label, "digests": digests([subject])}
    facts |= {
        "values": psnrs,
        "keys": keys,
        "threads": threads,
        "wanted": len(tasks),
        "seconds": [one.seconds for one in found],
    }
    if with_fid:
        facts["fid"] = _distances([one.squares for one in found], setting.own.get("inception"))
    return Result(facts, plot(facts))


@dataclass(frozen=True)
class _Task:
    """One region of one photo: of which kind, as it was named, and its mask, bool ``[H, W]``."""

    picture: Named
    kind: places.Kind
    text: str
    mask: np.ndarray

    @property
    def name(self) -> str:
        """What its key follows from."""
        return f"{self.picture.name} {self.text}"


@dataclass
class _Found:
    """What was measured of a task.

    Attributes:
      psnrs: PSNR inside the region by damage and column; keys: what :meth:`_Trial.under_wrong_keys` gives.
      seconds: of the slowest decryption; squares: of the photo and of what came back, where they are wanted.
    """

    picture: str
    text: str
    psnrs: dict[str, dict[str, float]] = field(default_factory=dict)
    keys: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    squares: dict[str, np.ndarray] = field(default_factory=dict)


def _tasks(setting: Setting, kinds: Sequence[places.Kind], texts: Sequence[str]) -> Iterator[_Task]:
    pictures, masks = setting.colour_pictures(), setting.own.get("masks")
    wanted = any(kind.shape == places.MASK for kind in kinds)
    if wanted != bool(masks):
        raise usage("--region mask and --masks FOLDER go together")
    stored = places.stored(setting.paths(), masks) if masks else [None] * len(pictures)
    for picture, mask in zip(pictures, stored, strict=True):
        for kind, text in zip(kinds, texts, strict=True):
            if kind.shape != places.MASK:
                seed = draw(setting.seed, "region", f"{picture.name} {text}")
                rng = np.random.default_rng(np.frombuffer(seed, np.uint32))
                yield _Task(picture, kind, text, kind.mask(picture.pixels.shape[:2], rng))
            elif mask is not None:
                yield _Task(picture, kind, text, mask)


def _check_squares(tasks: Sequence[_Task]) -> None:
    """Refuse regions that are too few for a FID before any work."""
    count = sum(len(places.squares(task.picture.pixels, task.mask, SQUARE)) for task in tasks)
    if count < fid.LEAST:
        raise usage(f"--fid: needs {fid.LEAST} squares of {SQUARE}×{SQUARE} in regions, these have {count}")


def _distances(squares: Sequence[Mapping[str, np.ndarray]], weights: str | None) -> dict[str, Any]:
    """FID and KID of what came back through each damage, against the photos."""
    sets = {name: np.concatenate([one[name] for one in squares]) for name in squares[0]}
    if len(sets[_PHOTO]) < fid.LEAST:  # --seconds were too few
        return {}
    made, _ = inception_features(sets, weights)
    photos = made.pop(_PHOTO)
    return {name: fid.distance(features, photos)._asdict() for name, features in made.items()}


class _Trial:
    """One region of one photo, encrypted."""

    def __init__(self, subject: Subject, task: _Task, seed: int, alone: bool = False):
        self._task, self._seed, self._name = task, seed, task.name
        self._subject, self.photo, self.mask = subject, task.picture.pixels, task.mask
        self._key = draw(seed, "key", self._name)
        (self.sealed,) = subject.given({"mask": self.mask}).encrypt([self.photo], [self._key])
        if not np.array_equal(self.sealed.pixels[~self.mask], self.photo[~self.mask]):
            raise AssertionError(f"{self._name}: a sample outside the region changed")
        self._alone = alone and task.kind.shape == "box"
        self._undamaged: Outcome | None = None

    def measure(self, chosen: Sequence[damages.Damage], squares: bool) -> _Found:
        """Everything of it, through the damages ``chosen``; with ``squares`` of what came back."""
        found = _Found(self._task.picture.name, self._task.text)
        if squares:
            found.squares[_PHOTO] = places.squares(self.photo, self.mask, SQUARE)
        for damage in chosen:
            start = time.perf_counter()
            outcome = self.received(damage)
            found.seconds = max(found.seconds, time.perf_counter() - start)
            found.psnrs[damage.words] = self._psnrs(outcome, damage)
            if squares:
                found.squares[damage.words] = places.squares(outcome.pictures[0], self.mask, SQUARE)
            if damage.words == damages.Damage("none").words:
                self._undamaged = outcome
        found.keys = self.under_wrong_keys()
        return found

    def _psnrs(self, outcome: Outcome, damage: damages.Damage) -> dict[str, float]:
        """PSNR inside the region, by column."""
        psnrs = {REGION: self._psnr(outcome.pictures[0])}
        if "algebraic" in outcome.report:
            psnrs[ALGEBRA] = self._psnr(outcome.report["algebraic"])
        if self._alone:
            psnrs[ALONE] = self._by_itself(damage)
        return psnrs

    def received(self, damage: damages.Damage, key: bytes | None = None) -> Outcome:
        """What comes back of the damaged picture."""
        rng = np.random.default_rng(np.frombuffer(draw(self._seed, "damage", self._name), np.uint32))
        pixels, lost = damage(self.sealed.pixels, rng)
        known = None if lost is None else [lost]
        sealed = Sealed(pixels, self.sealed.side)
        return self._subject.decrypt([sealed], [key or self._key], self.photo.shape, known)[0]

    def _by_itself(self, damage: damages.Damage) -> float:
        rows, columns = (np.flatnonzero(self.mask.any(axis=axis)) for axis in (1, 0))
        part = np.ascontiguousarray(self.photo[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])
        (sealed,) = self._subject.encrypt([part], [self._key])
        rng = np.random.default_rng(np.frombuffer(draw(self._seed, "damage", self._name), np.uint32))
        pixels, lost = damage(sealed.pixels, rng)
        known = None if lost is None else [lost]
        (outcome,) = self._subject.decrypt([Sealed(pixels, sealed.side)], [self._key], part.shape, known)
        return _decibels(outcome.pictures[0], part)

    def under_wrong_keys(self) -> dict[str, float]:
        """PSNR inside the region under the right key, another and a neighbour, and of the region's own mean.

        ``blocks``: of the block means under the other key, how many standard deviations their correlation
        with the photo's is from none.
        """
        other = draw(self._seed, "wrong key", self._name)
        bit = int.from_bytes(draw(self._seed, "bit", self._name)[:1], "big")
        near = (int.from_bytes(self._key, "big") ^ 1 << bit).to_bytes(32, "big")
        nothing = damages.Damage("none")
        right = (self._undamaged or self.received(nothing)).pictures[0]
        wrong, flipped = (self.received(nothing, key).pictures[0] for key in (other, near))
        flat = np.broadcast_to(self.photo[self.mask].mean(axis=0), self.photo.shape)
        values = {"right": right, "wrong": wrong, "flipped": flipped, "flat": flat}
        psnrs = {name: self._psnr(picture) for name, picture in values.items()}
        return psnrs | {"blocks": _surprise(self._block_means(wrong), self._block_means(self.photo))}

    def _psnr(self, picture: np.ndarray) -> float:
        return _decibels(picture[self.mask], self.photo[self.mask])

    def _block_means(self, picture: np.ndarray) -> np.ndarray:
        """Means of the 8×8 blocks that lie inside the region."""
        height, width = (side // _BLOCK for side in self.mask.shape)
        cut = np.s_[: height * _BLOCK, : width * _BLOCK]
        shape = height, _BLOCK, width, _BLOCK
        inside = self.mask[cut].reshape(shape).all(axis=(1, 3))
        return picture[cut].astype(float).reshape(*shape, -1).mean(axis=(1, 3, 4))[inside]


def _decibels(estimate: np.ndarray, photo: np.ndarray) -> float:
    return float(decibels(np.mean(np.square(estimate.astype(np.float64) - photo))))


def _surprise(one: np.ndarray, other: np.ndarray) -> float:
    if len(one) < 3 or not (np.ptp(one) and np.ptp(other)):
        return float("nan")  # too small a region
    return float(np.corrcoef(one, other)[0, 1] * np.sqrt(max(len(one) - 1, 1)))


def _save_sheet(path: str, trial: _Trial, chosen) -> None:
    """Photo, cipher, and after each damage plain inversion and what comes back, side by side."""
    shown = [trial.photo, trial.sealed.pixels]
    for damage in chosen:
        outcome = trial.received(damage)
        shown += [outcome.report.get("algebraic", outcome.pictures[0]), outcome.pictures[0]]
    rows = [np.concatenate(shown[i : i + 2], axis=1) for i in range(0, len(shown), 2)]
    Path(path).write_bytes(encode_png(np.concatenate(rows)))
