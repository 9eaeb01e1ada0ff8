"""What generated pictures carry, and how they compare with real ones."""

import json

import numpy as np
import pytest
from PIL import Image

from jaxcrypt import evaluate, generate
from jaxcrypt.errors import Refusal
from jaxcrypt.evaluation import generated
from jaxcrypt.metrics import fid, inception, latents
from tests.systems.dcgan_toy import written


def test_bits_follow_from_the_error_of_what_is_read(rng):
    z = rng.standard_normal((20_000, 6))
    wrong = latents.errors(z, z + 0.004 * rng.standard_normal(z.shape))
    assert (np.diff(wrong.mean(1)) >= 0).all()
    bits, share = latents.uniform(wrong, 1e-2)
    assert bits == 6 * 7  # half a bin is 1/256: 2.4 deviations of the error in the middle, far more elsewhere
    assert share <= 1e-2
    assert latents.uniform(np.ones((latents.MOST, 6)), 1e-2) == (0, 0.0)


def test_latents_that_are_read_better_get_more_bits(rng):
    z = rng.standard_normal((20_000, 2))
    estimate = z + np.array([0.1, 0.001]) * rng.standard_normal(z.shape)
    wrong = latents.errors(z, estimate)
    assert latents.allotted(wrong, 1e-2) > latents.uniform(wrong, 1e-2)[0]


def test_spread_tells_a_collapsed_generator(rng):
    varied = rng.integers(0, 256, (40, 8, 8, 3), dtype=np.uint8)
    assert np.quantile(latents.spread(varied, 500, 0), 0.01) > 50
    assert np.median(latents.spread(np.repeat(varied[:1], 40, axis=0), 500, 0)) == 0


def test_features_are_computed_once(tmp_path, rng, monkeypatch):
    monkeypatch.setenv("JAXCRYPT_CACHE", str(tmp_path))
    pictures, calls = rng.integers(0, 256, (5, 8, 8, 3), dtype=np.uint8), []

    def compute():
        calls.append(1)
        return pictures.reshape(5, -1).astype(np.float32)

    one = fid.kept(pictures, "a", compute)
    np.testing.assert_array_equal(fid.kept(pictures, "a", compute), one)
    assert len(calls) == 1
    fid.kept(pictures, "b", compute)
    fid.kept(pictures[:4], "a", lambda: compute()[:4])
    assert len(calls) == 3
    (kept,) = (path for path in (tmp_path / "features").iterdir() if np.load(path).shape == (4, 192))
    kept.write_bytes(b"damaged")
    fid.kept(pictures[:4], "a", lambda: compute()[:4])
    assert len(calls) == 4


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    return written(tmp_path_factory.mktemp("zoo"))


@pytest.fixture
def real(tmp_path, rng):
    folder = tmp_path / "real"
    folder.mkdir()
    for index in range(12):
        Image.fromarray(rng.integers(0, 256, (64, 64, 3), dtype=np.uint8)).save(folder / f"{index}.png")
    return str(folder)


def test_the_suite_reads_what_another_machine_made(weights, real, tmp_path, capsys, monkeypatch):
    """The sheet of ``generate`` is read by its seed; features are those of a stand-in for Inception."""
    monkeypatch.setattr(fid, "LEAST", 4)
    monkeypatch.setenv("JAXCRYPT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(inception, "find", lambda path: path)
    monkeypatch.setattr(inception, "digest", lambda path: "stand-in")
    monkeypatch.setattr(inception, "load", lambda path: None)
    monkeypatch.setattr(inception, "features", lambda layers, x: x[:, ::16, ::16].reshape(len(x), -1) / 255.0)
    made, out = str(tmp_path / "sheet.png"), tmp_path / "out"
    assert generate.main(["--weights", weights, "-o", made, "--count", "4", "--seed", "3"]) == 0
    command = ["faces", "--system", "dcgan", "--weights", weights, "--data", real, "--output", str(out)]
    command += ["--count", "4", "--seed", "3", "--made", made, "--way", "none", "--fid", "12"]
    assert evaluate.main(command) == 0
    facts = json.loads((out / "faces.json").read_text())
    assert facts["read"]["none"]["bits"] >= 500
    assert facts["read"]["none"]["astray"] == 0
    assert facts["real"] == facts["generated"] == 12
    assert facts["fid"] > 0
    told = capsys.readouterr().out
    assert "12 generated against 12 real" in told
    assert "pairs of generated" in told


def test_a_sheet_of_too_few_is_refused(weights, real, tmp_path):
    Image.new("RGB", (64, 64)).save(tmp_path / "one.png")
    command = ["faces", "--system", "dcgan", "--weights", weights, "--data", real, "--count", "4"]
    with pytest.raises(Refusal, match="holds 1 pictures; --count 4"):
        evaluate.main([*command, "--made", str(tmp_path / "one.png"), "--output", str(tmp_path / "out")])


def test_detectors_are_tried_beside_their_control(weights, real, tmp_path, monkeypatch):
    monkeypatch.setattr(generated, "_STEPS", 2)
    command = ["faces", "--system", "dcgan", "--weights", weights, "--data", real, "--count", "0"]
    out = tmp_path / "out"
    assert evaluate.main([*command, "--detectors", "24", "--inverted", "12", "--output", str(out)]) == 0
    detected = json.loads((out / "faces.json").read_text())["detected"]
    rows = detected["rows"]
    assert rows[generated.NETWORK]["held"] == 24
    assert rows[generated.LATENTS]["held"] == rows[generated.CONTROL + generated.LATTICE]["held"] == 12
    assert rows[generated.CONTROL + generated.LATTICE]["right"] > 0.9
    assert set(detected["whole"]) == {"plain", "carrying", "lattice"}
    assert "held out" in (out / "faces.md").read_text()


def test_messages_that_another_machine_hid_are_found_one_by_one(weights, real, tmp_path):
    """The sheet that one run leaves is read by another, in other batches; what was replaced is not found."""
    sheet = str(tmp_path / "hidden.png")

    def run(out, *more):
        command = ["faces", "--system", "dcgan", "--weights", weights, "--data", real, "--seed", "4"]
        assert evaluate.main([*command, *more, "--output", str(tmp_path / out)]) == 0

    run("one", "--count", "0", "--decodings", "5", "--keep", sheet)
    pixels = np.array(Image.open(sheet))
    pixels[64:128, :64] = pixels[:64, :64]  # the fourth is another copy of the first
    Image.fromarray(pixels).save(sheet)
    part = ["--decodings", "3", "--first", "2", "--made", sheet, "--batch", "2"]
    run("two", "--count", "0", *part)
    facts = json.loads((tmp_path / "two" / "faces.json").read_text())["decoded"]
    assert facts["messages"] == facts["pictures"] == 3
    assert facts["right"] == 2
    assert "3 in 3 pictures, read 2 together" in (tmp_path / "two" / "faces.md").read_text()
    with pytest.raises(Refusal, match="leave one of them at 0"):
        run("three", "--count", "4", *part)
