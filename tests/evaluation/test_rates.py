"""The table of rates: what a row may spend, what it measures, and what a wrong key is held against."""

import jax
import numpy as np
import pytest
from ml_collections import ConfigDict
from PIL import Image

from jaxcrypt.errors import ExitCode
from jaxcrypt.evaluation import netless
from jaxcrypt.evaluation.suites import rates
from jaxcrypt.evaluation.suites.damage import decoders, psnr
from jaxcrypt.systems import catalog as systems
from tests.systems.test_autoencoder import picture

GRAIN = np.random.default_rng(2).normal(0, 12, (64, 64, 3))
PICTURE = np.clip(picture((64, 64, 3), 3) + GRAIN, 0, 255).astype(np.uint8)
KEY = bytes(range(32))
SMALL = {"encoder": {"width": 8, "blocks": 1}, "widths": (8, 8), "blocks": (1, 1)}


@pytest.fixture(scope="module")
def cipher():
    system = systems.build("cyclegan", ConfigDict({"model": SMALL}))
    params, extra = system.init(jax.random.key(0), None)
    return rates.Cipher(system, {"params": jax.tree.map(np.asarray, params), "extra": extra})


@pytest.fixture(scope="module")
def found(cipher):
    rows = rates.table_rows(cipher)
    rows = {name: row for name, row in rows.items() if not name.startswith("AVIF")}
    return rates.measure({"a": PICTURE}, rows)


def test_no_row_spends_more_than_its_rate_but_mixing(found):
    spent = {name: max(v["share"][0] for v in by_rate.values()) for name, by_rate in found.items()}
    assert 1 < spent.pop("mixing") < 1.03
    assert max(spent.values()) <= 1
    assert min(share for name, share in spent.items() if "sealed" not in name) > 0.98


@pytest.mark.parametrize(("shape", "rate"), [((50, 70, 3), 2), ((17, 40, 3), 4)])
def test_sides_that_are_no_multiples_keep_to_the_rate(cipher, shape, rate):
    made = netless.linear(picture(shape, 1), rate, netless.trained_profile(cipher.variables["params"]), KEY)
    assert made.picture.shape == shape
    assert made.bytes <= np.prod(shape) / rate


def test_more_bytes_are_better_in_every_row(found):
    for name, by_rate in found.items():
        if len(by_rate) == 3:
            assert by_rate[1]["psnr"] > by_rate[2]["psnr"] > by_rate[4]["psnr"], name
            assert by_rate[1]["psnr"][0] > 35, name


def test_nets_at_zero_are_the_linear_row(cipher, found):
    bare, linear = (found[name][4]["psnr"][0] for name in ("cyclegan, nets zeroed", "linear and mixing"))
    assert -0.3 < bare - linear < 1.5  # bytes beside the cipher: digits, and step counts, which help
    bare = rates.zeroed(cipher.variables)["params"]
    assert not any(np.any(x) for net in ("denoiser", "context") for x in jax.tree.leaves(bare[net]))
    np.testing.assert_array_equal(bare["encoder"]["base"], cipher.variables["params"]["encoder"]["base"])


def test_local_scales_help_where_the_picture_varies_and_pay_their_digits(cipher):
    profile = netless.trained_profile(cipher.variables["params"])
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


def test_the_best_avif_fits_and_is_no_worse_than_one_subsampling():
    room = PICTURE.nbytes // 4
    whole, best = (netless.sealed_avif(PICTURE, 4, choice) for choice in (("4:4:4",), netless.SUBSAMPLINGS))
    assert max(whole.bytes, best.bytes) <= room
    assert psnr(best.picture, PICTURE) >= psnr(whole.picture, PICTURE) > 30


def test_jpeg2000_is_exact_where_it_fits():
    smooth = np.broadcast_to(np.arange(64, dtype=np.uint8)[:, None, None], (64, 64, 3))
    assert psnr(netless.sealed_jpeg2000(np.ascontiguousarray(smooth), 2).picture, smooth) == 99
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    made = netless.sealed_jpeg2000(noise, 4)
    assert made.bytes <= noise.nbytes // 4
    assert psnr(made.picture, noise) < 30


def test_shifts_tell_a_likeness_from_noise(rng):
    photo = picture((256, 256, 3), 5)
    assert rates.shifted_p(255 - photo // 2, photo) < 0.01
    noise = [rng.integers(0, 256, photo.shape, dtype=np.uint8) for _ in range(40)]
    p = np.array([rates.shifted_p(x, photo) for x in noise])
    assert np.sum(p < 0.01) < 4
    assert 0.3 < p.mean() < 0.7
    assert np.isnan(rates.shifted_p(np.full_like(photo, 7), photo))


def test_wrong_keys_give_no_picture_and_the_right_key_would_show(cipher, monkeypatch):
    found = rates.wrong_keys(cipher, {"a": PICTURE})
    assert set(found) == {(name, r) for name in ("wrong key", "one bit flipped") for r in (1, 2, 4)}
    for values in found.values():
        assert values["psnr"][0] < max(values["flat"][0], values["colour"][0]) + rates.MARGIN
    monkeypatch.setattr(rates, "flip_bit", lambda key, bit: key)
    leaky = rates.wrong_keys(cipher, {"a": PICTURE})["one bit flipped", 1]
    assert leaky["psnr"][0] > leaky["colour"][0] + 10
    assert "| one bit flipped | 1 |" in rates.keys_markdown({("one bit flipped", 1): leaky})
    assert "| 1 of 1 |" in rates.keys_markdown({("one bit flipped", 1): leaky})


def test_the_table_names_rates_and_marks_exact_pictures():
    by_rate = {1: {"psnr": [99.0, 45.0], "ssim": [1.0, 0.99], "share": [0.5, 0.999]}}
    lines = rates.markdown({"row": by_rate}).splitlines()
    assert lines[0] == "| | 1 of the bytes | 1/2 of the bytes | 1/4 of the bytes | of them spent |"
    assert lines[2] == "| row | 72.00 (45.0), 0.9950, 1 exact |  |  | 99.90% |"


def test_better_codecs_are_named():
    found = {
        "cyclegan": {r: {"psnr": [50.0, 40.0]} for r in (1, 2, 4)},
        "AVIF, sealed": {r: {"psnr": [51.0, 38.0]} for r in (1, 2, 4)},
        "JPEG 2000, sealed": {r: {"psnr": [99.0, 41.0]} for r in (1, 2, 4)},
    }
    words = rates.codecs_better(found)
    assert "1/2 of the bytes: AVIF, sealed: better for 1 of 2 pictures, -0.50 dB." in words
    assert "1/4 of the bytes: JPEG 2000, sealed: better for 2 of 2 pictures, exact for 1." in words


def test_refusals_are_one_line(tmp_path, capsys):
    Image.fromarray(picture((256, 256, 3), 1)).save(tmp_path / "a.png")
    assert rates.main(["--data", str(tmp_path), "--weights", "denoiser"]) == ExitCode.USAGE
    assert "weights of denoiser, not of cyclegan" in capsys.readouterr().err
    with pytest.raises(Exception, match="stego has no robust layout"):
        decoders(["stego"], False)


def test_the_recovery_table_names_its_columns_by_system():
    plain, sturdy = decoders(["denoiser"], False)
    assert list(plain)[-1] == "denoiser"
    assert list(sturdy) == [f"denoiser --robust {s}" for s in (1, 2, 3)]
