"""Drawing pictures from a System's prior: sheets, single files, walks, and what is refused."""

import numpy as np
import pytest
from PIL import Image

from jaxcrypt import generate
from jaxcrypt.errors import ExitCode
from tests.systems.dcgan_toy import written


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """Weights as ``export`` leaves them."""
    return written(tmp_path_factory.mktemp("zoo"))


def test_a_sheet_and_single_files_hold_the_same_faces(weights, tmp_path, capsys):
    assert generate.main(["--weights", weights, "-o", str(tmp_path / "sheet.png"), "--count", "5"]) == 0
    folder = tmp_path / "faces"
    assert generate.main(["--weights", weights, "-o", str(folder), "--count", "5", "--each"]) == 0
    sheet = np.asarray(Image.open(tmp_path / "sheet.png"))
    assert sheet.shape == (128, 192, 3)
    assert (sheet[64:, 128:] == 255).all()
    for index, path in enumerate(sorted(folder.iterdir())):
        row, column = divmod(index, 3)
        cell = sheet[64 * row : 64 * row + 64, 64 * column : 64 * column + 64]
        np.testing.assert_array_equal(np.asarray(Image.open(path)), cell)
    assert "5 pictures" in capsys.readouterr().out


def test_a_seed_gives_the_same_latents_and_another_others():
    one, same, other = (generate.latents(16, 100, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert abs(np.corrcoef(one.ravel(), other.ravel())[0, 1]) < 0.1


def test_a_walk_goes_from_latent_to_latent_at_their_length():
    path = generate.latents(32, 100, 0, walk=True)
    lengths = np.linalg.norm(path, axis=1)
    assert 7 < lengths.min() < lengths.max() < 13
    steps = np.linalg.norm(np.diff(path, axis=0), axis=1)
    assert steps.max() < 4 < np.linalg.norm(path[0] - path[8])


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (["--count", "0"], "--count 0: must be at least 1"),
        (["--walk", "--count", "9"], "a multiple of 8 with --walk"),
        (["--seed", "-1"], "--seed -1: must be 0 or more"),
        (["--each"], "none: no entry of the zoo"),
        (["-o", "-"], "-o -: "),
        (["-o", "x.jpg"], "-o x.jpg: a sheet is a PNG"),
    ],
)
def test_what_makes_no_sense_is_refused(more, says, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    out = tmp_path / "x.png"
    given = more if "-o" in more else ["-o", str(out), *more]
    assert generate.main(["--weights", "none", *given]) == ExitCode.USAGE
    assert says in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_weights_that_generate_nothing_are_refused(tmp_path, capsys):
    out = tmp_path / "x.png"
    assert generate.main(["--weights", "denoiser", "-o", str(out)]) == ExitCode.USAGE
    assert "generates no pictures" in capsys.readouterr().err
    assert not out.exists()
