"""The detector by rich models: what it sees, and that it sees nothing where there is nothing.

The package brings PyTorch, so these run where somebody installed it (``pip install '.[detect]'``).
"""

import numpy as np
import pytest

from jaxcrypt.attacks import srm
from tests.attacks.conftest import scene

_LEARNT = 24


@pytest.fixture(scope="module")
def covers():
    pytest.importorskip("sealwatch")
    return np.stack([scene(np.random.default_rng(seed), 64) for seed in range(_LEARNT + 16)])


def _parts(features):
    return features[:_LEARNT], features[_LEARNT:]


def test_it_tells_lsb_matching_from_covers_and_covers_not_from_covers(covers):
    clean = srm.features(covers)
    full = srm.features(np.roll(covers, 1, axis=1) // 2 * 2)  # no lowest bits at all: any detector's prey
    accuracy = srm.detect(*zip(_parts(clean), _parts(full), strict=True))
    assert accuracy.right > 0.9
    assert accuracy.pairs > 0.9
    assert accuracy.p < 1e-4
    null = srm.covers_apart(*_parts(clean))
    assert null.p > 1e-4
    assert "side by side" in null.words


def test_the_grey_model_comes_behind_the_colours(covers):
    [colour], [both] = srm.features(covers[:1]), srm.features(covers[:1], grey=True)
    assert len(both) > len(colour) > 1000
    assert np.array_equal(both[: len(colour)], colour)


def test_processes_find_the_same_features(covers):
    """Names of submodels come in another order in every process."""
    with srm.Extraction(grey=True, workers=2) as extraction:
        waiting = extraction.start(covers[:3])
        assert np.array_equal(waiting(), srm.features(covers[:3], grey=True))


def test_lsb_matching_moves_half_of_the_samples_by_one(rng):
    covers = rng.integers(0, 256, (2, 64, 64, 3), np.uint8)
    full = srm.lsb_matched(covers)
    change = full.astype(int) - covers
    assert np.abs(change).max() == 1
    assert np.mean(change != 0) == pytest.approx(0.5, abs=0.02)
    assert np.mean(change > 0) == pytest.approx(0.25, abs=0.02)
    assert (srm.lsb_matched(covers, share=0.0) == covers).all()
