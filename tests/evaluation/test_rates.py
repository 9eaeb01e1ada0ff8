"""The table of rates: what a row may spend, and what it measures."""

import jax
import numpy as np
import pytest
from ml_collections import ConfigDict

from jaxcrypt.errors import Refusal
from jaxcrypt.evaluation.pictures import Named
from jaxcrypt.evaluation.subject import Subject
from jaxcrypt.evaluation.suites import rates
from jaxcrypt.metrics.image import psnr
from jaxcrypt.sealing import cipher as loading
from jaxcrypt.sealing.cipher import Cipher
from jaxcrypt.systems import catalog
from jaxcrypt.systems.cyclegan import netless
from tests.support import picture

GRAIN = np.random.default_rng(2).normal(0, 12, (64, 64, 3))
PICTURE = np.clip(picture((64, 64, 3), 3) + GRAIN, 0, 255).astype(np.uint8)
KEY = bytes(range(32))
SMALL = {"encoder": {"width": 8, "blocks": 1}, "widths": (8, 8), "blocks": (1, 1)}


@pytest.fixture(scope="module")
def subject():
    system = catalog.build("cyclegan", ConfigDict({"model": SMALL}))
    params, extra = jax.jit(system.init)(jax.random.key(0), None)
    variables = {"params": jax.tree.map(np.asarray, params), "extra": extra}
    return Subject("cyclegan", Cipher(system, variables))


@pytest.fixture(scope="module")
def values(subject):
    rows = rates.subject_rows(subject, PICTURE)
    rows |= rates.subject_rows(Subject("mixing", loading.load("mixing")), PICTURE)
    rows |= {name: row for name, row in rates.codec_rows().items() if "AVIF" not in name}
    return rates.measure([Named("a", PICTURE)], rows)


def test_no_row_spends_more_than_its_rate_but_mixing(values):
    spent = {name: max(v["share"][0] for v in by_rate.values()) for name, by_rate in values.items()}
    assert 1 < spent.pop("mixing") < 1.05
    assert max(spent.values()) <= 1
    assert min(share for name, share in spent.items() if "sealed" not in name) > 0.98


@pytest.mark.parametrize(("shape", "rate"), [((50, 70, 3), 2), ((17, 40, 3), 4)])
def test_sides_that_are_no_multiples_keep_to_the_rate(subject, shape, rate):
    profile = netless.trained_profile(subject.cipher.variables["params"])
    made = netless.linear(picture(shape, 1), rate, profile, KEY)
    assert made.picture.shape == shape
    assert made.bytes <= np.prod(shape) / rate


def test_more_bytes_are_better_in_every_row(values):
    for name, by_rate in values.items():
        if len(by_rate) == 3:
            assert by_rate[1]["psnr"] > by_rate[2]["psnr"] > by_rate[4]["psnr"], name
            assert by_rate[1]["psnr"][0] > 35, name


def test_nets_at_zero_are_the_linear_row(subject, values):
    bare, linear = (values[name][4]["psnr"][0] for name in ("cyclegan, nets zeroed", "linear and mixing"))
    assert -0.3 < bare - linear < 1.5  # bytes beside the cipher: digits, and step counts, which help
    bare = netless.ablations(subject.cipher.variables)["nets zeroed"]["params"]
    assert not any(np.any(x) for net in ("denoiser", "context") for x in jax.tree.leaves(bare[net]))
    base = subject.cipher.variables["params"]["encoder"]["base"]
    np.testing.assert_array_equal(bare["encoder"]["base"], base)


def test_local_scales_help_where_the_picture_varies_and_pay_their_digits(subject):
    profile = netless.trained_profile(subject.cipher.variables["params"])
    varied = np.full((64, 64, 3), 90, np.uint8)
    varied[:, :32] = np.random.default_rng(0).integers(0, 256, (64, 32, 3))
    plain, local = (make(varied, 2, profile, KEY) for make in (netless.linear, netless.adapted))
    assert psnr(local.picture, varied) > psnr(plain.picture, varied) + 2
    assert local.bytes == varied.nbytes // 2


def test_subsampling_takes_half_and_loses_colour_only():
    grey = np.repeat(PICTURE[..., :1], 3, axis=2)
    made = netless.subsampled(grey, KEY)
    assert made.bytes == grey.nbytes // 2
    assert psnr(made.picture, grey) > 42


def test_the_table_names_rates_and_marks_exact_pictures():
    by_rate = {"1": {"psnr": ["exact", 45.0], "ssim": [1.0, 0.99], "share": [0.5, 0.999]}}
    facts = {"values": {"row": by_rate}, "systems": [], "pictures": 2, "setting": {"crop": 64, "seed": 0}}
    lines = [
        [cell.strip() for cell in line.split("|")] for line in rates.table(facts).splitlines() if "|" in line
    ]
    assert lines[0][2:-1] == ["1 of the bytes", "1/2 of the bytes", "1/4 of the bytes", "of them spent"]
    assert lines[2][1:-1] == ["row", "45.00 (45.0), 1 of 2 exact, 0.9950", "", "", "99.90%"]


def test_better_codecs_are_named():
    values = {
        "ours": {r: {"psnr": [50.0, 40.0]} for r in (1, 2, 4)},
        "AVIF, sealed": {r: {"psnr": [51.0, 38.0]} for r in (1, 2, 4)},
        "JPEG 2000, sealed": {r: {"psnr": ["exact", 41.0]} for r in (1, 2, 4)},
    }
    words = rates.codecs_better("ours", values)
    assert "1/2 of the bytes: AVIF, sealed: better than ours for 1 of 2, -0.50 dB." in words
    assert "1/4 of the bytes: JPEG 2000, sealed: better than ours for 2 of 2, exact for 1." in words


def test_a_system_without_rates_stands_where_its_bytes_are():
    mixing = rates.subject_rows(Subject("mixing", loading.load("mixing")), PICTURE)
    assert list(mixing["mixing"]) == [1]


def test_every_choice_of_an_option_has_a_label(subject):
    labels = [one.label for one in subject.varied("robust")]
    assert labels == ["cyclegan", "cyclegan robust=1", "cyclegan robust=2", "cyclegan robust=3"]
    assert [one.label for one in subject.varied("rate")] == [
        f"cyclegan rate={r}" for r in ("1", "1/2", "1/4")
    ]
    assert dict(subject.varied("rate")[1].cipher.options)["rate"] == 2
    with pytest.raises(Refusal, match="it has rate, robust"):
        subject.varied("depth")
