"""Detecting what hides something by rich models of residuals and an ensemble, from the package ``sealwatch``.

Two sets of features, both joint histograms of neighbouring noise residuals, cut and quantised:

* CRM: three colours of a residual together (Goljan, Fridrich and Cogranne, *Rich model for steganalysis of
  color images*, 2014): 2,073 numbers;
* SRMQ1: four neighbours of the green channel's residuals, one quantisation step (Fridrich and Kodovsky, *Rich
  models for steganalysis of digital images*, 2012): 12,753 more, and three times the work.

The rule is an ensemble of Fisher linear discriminants on random subspaces (Kodovsky, Fridrich and Holub,
*Ensemble classifiers for steganalysis of digital media*, 2012), whose dimension out-of-bag errors choose. All
pictures are uint8 ``[N, H, W, 3]``. The extra ``detect`` brings the package (and PyTorch with it); without it
functions raise ModuleNotFoundError.
"""

from __future__ import annotations

import importlib.util
import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from scipy import stats

from jaxcrypt.attacks import cooccurrence
from jaxcrypt.systems.drivers.host import cores

GREEN = 1
_TOGETHER = 50  # pictures of one call of a process
_LEARNERS = 101
_DIMENSIONS = (50, 100, 200, 400)  # of the subspaces, of which out-of-bag errors choose


@dataclass(frozen=True)
class Detected:
    """What a detector found on pictures that it did not learn from, as many covers as stego pictures.

    Attributes:
      right: share of the pictures that it calls by their names; chance is a half.
      pairs: share of the pairs, cover and stego side by side, whose stego picture is the more suspect.
      p: how likely chance is to call as many right.
    """

    right: float
    pairs: float
    p: float

    @property
    def words(self) -> str:
        return f"{100 * self.right:.1f}%, side by side {100 * self.pairs:.0f}%"


def available() -> bool:
    """Whether the package is installed; it is not imported, which takes seconds."""
    return importlib.util.find_spec("sealwatch") is not None


def features(pictures: Sequence[np.ndarray], grey: bool = False) -> np.ndarray:
    """CRM of every picture, and with ``grey`` SRMQ1 of its green channel behind it: float32 ``[N, n]``."""
    import sealwatch

    rows = []
    with cooccurrence.counted():
        for picture in pictures:
            parts = [sealwatch.crm.extract(picture)]
            if grey:
                parts.append(sealwatch.srmq1.extract(picture[..., GREEN]))
            rows.append(np.concatenate([part[name].ravel() for part in parts for name in sorted(part)]))
    return np.stack(rows).astype(np.float32)


class Extraction:
    """:func:`features` of many pictures in processes of their own, as many as the processor has cores:

    with Extraction(grey=True) as extraction:
        waiting = extraction.start(pictures)  # meanwhile something else may be done
        rows = waiting()
    """

    def __init__(self, grey: bool = False, workers: int | None = None):
        self._grey, self._workers = grey, workers or cores()

    def __enter__(self) -> Extraction:
        self._pool = ProcessPoolExecutor(self._workers, multiprocessing.get_context("spawn"))
        return self

    def __exit__(self, *_) -> None:
        self._pool.shutdown(cancel_futures=True)

    def start(self, pictures: np.ndarray) -> Callable[[], np.ndarray]:
        """Begin with uint8 ``[N, H, W, 3]``; what comes back waits for their features."""
        parts = [pictures[start : start + _TOGETHER] for start in range(0, len(pictures), _TOGETHER)]
        waiting = [self._pool.submit(features, part, self._grey) for part in parts]
        return lambda: np.concatenate([one.result() for one in waiting])


def detect(learnt: Sequence[np.ndarray], tested: Sequence[np.ndarray], seed: int = 0) -> Detected:
    """Train the ensemble and try it.

    Args:
      learnt, tested: the features of covers and of stego pictures, float ``[N, n]`` both, as many of each.
    """
    clean, full = (np.ascontiguousarray(side) for side in learnt)
    with ThreadPoolExecutor(len(_DIMENSIONS)) as pool:
        tried = list(pool.map(lambda size: _ensemble(clean, full, size, seed), _DIMENSIONS))
    _, ensemble = min(tried, key=lambda one: one[0])
    votes = [ensemble.predict_confidence(side) for side in tested]
    right = float(np.mean(np.concatenate([_shares(-votes[0]), _shares(votes[1])])))
    count = 2 * len(votes[0])
    p = float(stats.binom.sf(int(np.ceil(right * count - 1e-9)) - 1, count, 0.5))
    return Detected(right, float(np.mean(_shares(votes[1] - votes[0]))), p)


def _ensemble(clean: np.ndarray, full: np.ndarray, dimension: int, seed: int):
    """The out-of-bag error of an ensemble on subspaces of one dimension, and the ensemble."""
    import sealwatch

    trainer = sealwatch.ensemble_classifier.FldEnsembleTrainer(
        clean, full, seed=seed, L=_LEARNERS, d_sub=min(dimension, clean.shape[1]), verbose=0
    )
    ensemble, records = trainer.train()
    return records[-1]["oob_error"], ensemble


def _shares(margins: np.ndarray) -> np.ndarray:
    """1 where a margin is positive, 0 where it is negative, a half where it is neither."""
    return (np.sign(margins) + 1) / 2


def covers_apart(learnt: np.ndarray, tested: np.ndarray, seed: int = 0) -> Detected:
    """The null: covers against other covers, of which nothing tells who is called a stego picture."""
    return detect(_halves(learnt, seed), _halves(tested, seed + 1), seed)


def _halves(features: np.ndarray, seed: int) -> list[np.ndarray]:
    """A random half, and as many of the others."""
    order = np.random.default_rng([seed, 21]).permutation(len(features))
    half = len(features) // 2
    return [features[order[:half]], features[order[half : 2 * half]]]


def lsb_matched(pictures: np.ndarray, seed: int = 0, share: float = 1.0) -> np.ndarray:
    """The control: a random bit in the last place of a ``share`` of the samples, by adding or taking 1
    (Sharp, *An implementation of key-based digital signal steganography*, 2001)."""
    random = np.random.default_rng([seed, 22])
    bits = random.integers(0, 2, pictures.shape, np.uint8)
    differ = (pictures % 2 != bits) & (random.random(pictures.shape) < share)
    step = np.where(random.integers(0, 2, pictures.shape, np.uint8) == 1, 1, -1)
    step = np.where(pictures == 0, 1, np.where(pictures == 255, -1, step))
    return (pictures + differ * step).astype(np.uint8)
