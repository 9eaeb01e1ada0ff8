"""What channels claim of symbols behind bytes, against symbols that are known."""

import io

import numpy as np
import pytest
from PIL import Image

from jaxcrypt.functional import companding
from jaxcrypt.systems.decoding import channels, turbo

SHAPE = (160, 256, 3)
ROW = 256 * 3
SUBKEY = np.arange(8, dtype=np.uint32)


@pytest.fixture
def symbols(rng):
    return rng.standard_normal(np.prod(SHAPE)).astype(np.float32)


def _guess(symbols, variance, rng):
    """A prior of ``symbols`` that is as good as it says."""
    noise = rng.standard_normal(symbols.shape)
    return ((1 - variance) * symbols + (variance * (1 - variance)) ** 0.5 * noise).astype(np.float32)


def _through_jpeg(symbols, dither):
    data = np.asarray(companding.compand(symbols, dither)).reshape(SHAPE)
    file = io.BytesIO()
    Image.fromarray(data).save(file, "JPEG", quality=75, subsampling=0)
    return np.asarray(Image.open(file))


@pytest.mark.parametrize("variance", [1.0, 0.05, 0.01])
@pytest.mark.parametrize("span", [(0, np.prod(SHAPE)), (21 * ROW + 5, 107 * ROW + 99)], ids=["all", "rows"])
def test_rows_of_a_jpeg_claim_the_error_that_they_have(symbols, rng, span, variance):
    dither, own = rng.standard_normal(symbols.shape).astype(np.float32), slice(*span)
    received = _through_jpeg(symbols, dither)
    channel = channels.rows_of_cells(received, span, dither[own], None, 600.0, 75)
    prior = _guess(symbols[own], variance, rng) if variance < 1 else np.zeros(span[1] - span[0], np.float32)
    value, claimed = channel(prior, variance)
    error, before = value - symbols[own], prior - symbols[own]
    assert claimed == pytest.approx(np.mean(error**2), rel=0.15)
    assert abs(np.mean(error * before)) < 0.15 * np.sqrt(np.mean(error**2) * np.mean(before**2))


def test_less_than_a_row_of_blocks_has_no_cells(symbols):
    received = _through_jpeg(symbols, np.zeros_like(symbols))
    span = 9 * ROW, 23 * ROW
    assert channels.rows_of_cells(received, span, np.zeros(14 * ROW, np.float32), None, 600.0, 75) is None


def test_lost_symbols_are_what_was_known_before(symbols, rng):
    dither = np.zeros_like(symbols)
    lost = np.zeros(SHAPE, bool)
    lost[40:56, 64:96] = True
    channel = channels.rows_of_cells(
        _through_jpeg(symbols, dither), (0, symbols.size), dither, lost.reshape(-1), 600.0, 75
    )
    value, _ = channel(np.zeros_like(symbols), 1.0)
    error = np.square(value - symbols).reshape(SHAPE)
    assert error[lost].mean() == pytest.approx(1.0, rel=0.1)
    assert error[~lost].mean() < 0.5


def test_a_region_without_a_whole_block_is_noise(symbols):
    received = _through_jpeg(symbols, np.zeros_like(symbols))
    mask = np.zeros(SHAPE[:2], bool)
    mask[4:11, 4:11] = True
    data, dither = received[mask].reshape(-1), np.zeros(7 * 7 * 3, np.float32)
    channel = channels.cells(received, mask, data, dither, None, 600.0, 75)
    assert isinstance(channel, channels.Bytes)


def test_a_prior_is_as_wrong_about_pilots_as_about_samples(rng):
    one, variance = np.ones(2, np.float32), np.array([0.04, 0.16])
    run = turbo.Run(SUBKEY, 0, 1 << 14, (0, 9_000, 18_000), (0, 12_000, 24_000), 100 * one, 20 * one)
    standard = rng.standard_normal(18_000).astype(np.float32)
    back, errors = run.unmix(run.prior(standard, variance))
    np.testing.assert_allclose(back, standard, atol=1e-5)
    np.testing.assert_allclose(errors, variance, rtol=0.1)
    _, exact = run.unmix(run.mix(standard))
    assert (exact < 1e-9).all()
