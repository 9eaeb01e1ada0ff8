"""What a lossy System leaves out: coded, mended, and called exact only where the samples are."""

import numpy as np
import pytest

from jaxcrypt.errors import Refusal
from jaxcrypt.sealing import residual


def pair(share=0.01, shape=(40, 56, 3), seed=0):
    """A picture, and the same with errors of 1 and 2 in so many of its samples."""
    rng = np.random.default_rng(seed)
    plain = rng.integers(0, 256, shape, np.uint8)
    wrong = rng.random(shape) < share
    return plain, plain + np.where(wrong, rng.choice([1, 2, 254, 255], shape), 0).astype(np.uint8)


@pytest.mark.parametrize("share", [0, 0.0002, 0.01, 0.3, 1])
def test_there_and_back(share):
    plain, decoded = pair(share)
    np.testing.assert_array_equal(residual.mend(decoded, residual.code(plain, decoded)), plain)


@pytest.mark.parametrize("gap", [0, 1, 253, 254, 255, 256, 509, 510, 511])
def test_gaps_of_every_length(gap):
    plain = np.zeros((1, 1200, 1), np.uint8)
    decoded = plain.copy()
    decoded[0, [3, 4 + gap, -1]] = 9
    np.testing.assert_array_equal(residual.mend(decoded, residual.code(plain, decoded)), plain)


def test_it_takes_hardly_more_than_its_entropy():
    share, shape = 0.01, (256, 256, 3)
    plain, decoded = pair(share, shape)
    bits = -share * np.log2(share) - (1 - share) * np.log2(1 - share) + 2 * share  # which, and which of four
    assert len(residual.code(plain, decoded)) < 1.06 * bits * plain.size / 8 + 100


def test_bytes_that_do_not_fit_are_refused():
    plain, decoded = pair()
    data = residual.code(plain, decoded)
    for broken in (b"", data[:20], data[:-3], data + b"x", data[5:]):
        with pytest.raises(ValueError, match="residual"):
            residual.mend(decoded, broken)
    with pytest.raises(ValueError, match="fit"):
        residual.mend(decoded[:20], data)


def test_another_shape_is_refused():
    plain, decoded = pair()
    with pytest.raises(Refusal, match="another shape"):
        residual.code(plain, decoded[:20])


def test_the_digest_tells_shapes_and_samples():
    plain, decoded = pair()
    seen = {residual.digest(one) for one in (plain, decoded, plain.reshape(56, 40, 3), plain[..., :1])}
    assert len(seen) == 4
