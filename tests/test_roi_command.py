"""encrypt --roi: what of a photo is encrypted, and that the very file comes back."""

import json

import numpy as np
import pytest
from PIL import Image

import jaxcrypt
from jaxcrypt import decrypt, encrypt, keygen, roi
from jaxcrypt.data import listing
from jaxcrypt.errors import ExitCode, Refusal
from tests.regions import finders
from tests.support import waves


@pytest.fixture
def key(tmp_path):
    assert keygen.main(["--key", str(tmp_path / "key")]) == ExitCode.OK
    return ["--key-file", str(tmp_path / "key")]


@pytest.fixture
def plain(tmp_path):
    """A photo's path and its samples, as JPEG."""
    path = tmp_path / "plain.jpg"
    Image.fromarray(waves()).save(path, quality=90)
    return path, np.asarray(Image.open(path))


def _sealed(plain, key, *more):
    out = plain.with_name("out.png")
    code = encrypt.main([str(plain), "-o", str(out), *key, *more])
    return code, np.asarray(Image.open(out)) if code == ExitCode.OK else None


@pytest.mark.parametrize("system", ["logistic", "mixing"])
def test_a_box_there_and_back(plain, key, tmp_path, system):
    path, samples = plain
    given = "--system", system, "--roi", "5,6,30x20", "--roi", "40,0,9x9"
    code, cipher = _sealed(path, key, *given)
    assert code == ExitCode.OK
    mask = np.zeros(samples.shape[:2], bool)
    mask[6:26, 5:35] = mask[:9, 40:49] = True
    np.testing.assert_array_equal(cipher[~mask], samples[~mask])
    assert (cipher[mask] != samples[mask]).mean() > 0.98
    back = tmp_path / "back.jpg"
    assert decrypt.main([str(tmp_path / "out.png"), "-o", str(back), *key, "--check-pixels"]) == ExitCode.OK
    assert back.read_bytes() == path.read_bytes()


def test_the_pixels_alone_give_exact_samples(plain, key, tmp_path):
    path, samples = plain
    assert _sealed(path, key, "--roi", "tests.regions.finders:bright", "--pixels-only")[0] == ExitCode.OK
    back = tmp_path / "back.png"
    assert decrypt.main([str(tmp_path / "out.png"), "-o", str(back), *key]) == ExitCode.OK
    np.testing.assert_array_equal(np.asarray(Image.open(back)), samples)


def test_preview_and_json(plain, key, tmp_path, capsys):
    path, samples = plain
    given = "--roi", "0,0,14x10", "--preview", str(tmp_path / "seen.png"), "--json", "--dilate", "2"
    assert _sealed(path, key, *given)[0] == ExitCode.OK
    told = json.loads(capsys.readouterr().out)
    assert told["places"] == 1
    assert told["share"] == pytest.approx(16 * 12 / samples[..., 0].size, abs=1e-5)
    seen = np.asarray(Image.open(tmp_path / "seen.png"))
    np.testing.assert_array_equal(seen[20:, 20:], samples[20:, 20:])
    assert (seen[:10, :14] != samples[:10, :14]).any()


@pytest.mark.parametrize(("empty", "code"), [("fail", ExitCode.BAD_INPUT), ("skip", ExitCode.OK)])
def test_a_photo_without_anything_is_never_passed_through(plain, key, tmp_path, capsys, empty, code):
    given = "--roi", "tests.regions.finders:nothing", "--roi-empty", empty
    assert encrypt.main([str(plain[0]), "-o", str(tmp_path / "out.png"), *key, *given]) == code
    assert "nothing was found" in capsys.readouterr().err
    assert not (tmp_path / "out.png").exists()


def test_the_whole_of_it_where_asked_for(plain, key):
    path, samples = plain
    for given in (("--roi", "tests.regions.finders:nothing", "--roi-empty", "whole"), ("--roi", "none")):
        code, cipher = _sealed(path, key, *given, "--force")
        assert code == ExitCode.OK
        assert (cipher != samples).mean() > 0.98


def test_a_folder_with_its_previews(plain, key, tmp_path, capsys):
    folder = tmp_path / "in"
    folder.mkdir()
    Image.fromarray(waves()).save(folder / "a.png")
    Image.fromarray(np.zeros((12, 12, 3), np.uint8)).save(folder / "b.png")
    given = [
        "-o",
        f"{tmp_path}/out/",
        "--preview",
        f"{tmp_path}/seen/",
        "--roi",
        "tests.regions.finders:bright",
    ]
    assert encrypt.main([str(folder), *given, *key]) == ExitCode.FAILED
    assert "b.png: nothing was found" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["a.png.png"]
    assert [path.name for path in (tmp_path / "seen").iterdir()] == ["a.png.png"]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["--system", "stego", "--cover", "plain.jpg", "--roi", "1,1,4x4"], "take a region"),
        (["--dilate", "3"], "--dilate: needs --roi"),
        (["--roi", "1,1,4x4", "--confidence", "0.5"], "needs --roi yolo"),
        (["--roi", "missing.png"], "no such file"),
        (["--roi", "1,1,4x4", "--preview", "plain.jpg"], "plain.jpg"),
    ],
)
def test_what_makes_no_sense_is_refused_before_work(plain, key, tmp_path, capsys, monkeypatch, given, words):
    monkeypatch.chdir(tmp_path)
    assert encrypt.main(["plain.jpg", "-o", "out.png", *key, *given]) != ExitCode.OK
    assert words in capsys.readouterr().err
    assert not (tmp_path / "out.png").exists()


def test_regions_have_their_own_help(capsys):
    assert encrypt.main(["--help"]) == ExitCode.OK
    short = capsys.readouterr().out
    assert len(short.splitlines()) <= 50
    assert "--roi WHAT" in short
    assert "--spare" not in short
    assert encrypt.main(["--roi", "--help"]) == ExitCode.OK
    told = capsys.readouterr().out
    assert all(flag in told for flag in ("--spare", "--dilate", "--preview", "--roi-empty", "yolo:person"))


def test_the_public_interface(plain):
    path, samples = plain
    keys = jaxcrypt.Keys(passphrase="a passphrase of five words")
    mask = np.zeros(samples.shape[:2], bool)
    mask[4:12, 4:20] = True
    sealed = jaxcrypt.seal(path.read_bytes(), keys, name="plain.jpg", region=mask)
    opened = jaxcrypt.unseal(sealed, keys, from_pixels=True)
    np.testing.assert_array_equal(opened.pictures[0], samples)
    with pytest.raises(Refusal, match="nothing was found"):
        jaxcrypt.seal(path.read_bytes(), keys, region="tests.regions.finders:nothing")


@pytest.fixture
def folder(tmp_path):
    """Two pictures with something bright, one without."""
    (tmp_path / "in" / "deep").mkdir(parents=True)
    Image.fromarray(waves()).save(tmp_path / "in" / "a.jpg")
    Image.fromarray(waves((30, 20, 3))).save(tmp_path / "in" / "deep" / "b.png")
    Image.fromarray(np.zeros((12, 12, 3), np.uint8)).save(tmp_path / "in" / "dark.png")
    return tmp_path / "in"


def test_masks_lie_where_the_pipeline_reads_them(folder, tmp_path):
    given = [str(folder), "--roi", "tests.regions.finders:bright", "--sheet", str(tmp_path / "sheet.png")]
    assert roi.main([*given, "--roi-empty", "skip"]) == ExitCode.OK
    named = {entry.name: entry for entry in listing.entries(folder)}
    assert set(named) == {"a.jpg", "dark.png", "deep/b.png"}
    assert named["dark.png"].mask is None
    mask = np.asarray(Image.open(named["deep/b.png"].mask)) > 127
    np.testing.assert_array_equal(mask, finders.bright(waves((30, 20, 3))))
    assert Image.open(tmp_path / "sheet.png").size == (320, 320)


def test_masks_go_into_a_folder_of_their_own(folder, tmp_path):
    given = [str(folder), "--roi", "0,0,5x5", "--masks", str(tmp_path / "masks")]
    assert roi.main(given) == ExitCode.OK
    assert all(entry.mask for entry in listing.entries(folder, str(tmp_path / "masks")))
    assert not any(entry.mask for entry in listing.entries(folder))


def test_a_run_goes_on_where_it_stopped(folder, capsys):
    assert roi.main([str(folder), "--roi", "tests.regions.finders:bright"]) == ExitCode.FAILED
    assert "dark.png: nothing was found" in capsys.readouterr().err
    kept = (folder / "a.jpg.mask.png").read_bytes()
    assert roi.main([str(folder), "--roi", "0,0,5x5"]) == ExitCode.OK
    assert capsys.readouterr().err.count("skipped") == 2
    assert (folder / "a.jpg.mask.png").read_bytes() == kept
    assert roi.main([str(folder), "--roi", "0,0,5x5", "--force"]) == ExitCode.OK
    assert (folder / "a.jpg.mask.png").read_bytes() != kept


def test_masks_of_nothing_asked_for_are_refused(folder, capsys):
    for given in ([], ["--roi", "none"], ["--roi", "0,0,5x5", "--preview", "x.png"]):
        assert roi.main([str(folder), *given]) == ExitCode.USAGE
    assert roi.main([str(folder / "missing"), "--roi", "0,0,5x5"]) != ExitCode.OK
    assert not list(folder.rglob("*.mask.png"))
