"""Sealed pictures made by the release before open for ever: every System and option, every kind of key.

``tests/fixtures/older/sealed`` was written by version 0.1.0 (format versions 1 and 2); ``opened`` is what
that version decoded the pixels to.
"""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from jaxcrypt import decrypt
from jaxcrypt.errors import ExitCode

FOLDER = Path(__file__).parents[1] / "fixtures" / "older"
KEYS = FOLDER / "keys"
# Learned decoders may improve, and floats round differently elsewhere: it must stay as close to the photo.
MARGIN_DB = 0.5
LOSSLESS = "logistic"


def _key_options(name: str) -> list[str]:
    options = []
    if name.endswith("passphrase"):
        options += ["--passphrase-file", str(KEYS / "passphrase.txt")]
    if "key-image" in name:
        options += ["--key-image", str(KEYS / "key-image.png")]
    if "recipient" in name:
        options += ["--identity", str(KEYS / "friend"), "--signed-by", str(KEYS / "signer.pub")]
    return options or ["--key-file", str(KEYS / "key.txt")]


def _plain(name: str) -> Path:
    kind = next((kind for kind in ("grey", "alpha", "half", "quarter") if name.endswith(kind)), "colour")
    if kind in ("half", "quarter") or name == "concatenation":
        kind = "large"
    return FOLDER / "plain" / f"{kind}.png"


def _pixels(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path), np.float64)


def _error(path: Path, plain: Path) -> float:
    return float(np.mean((_pixels(path) - _pixels(plain)) ** 2))


NAMES = sorted(path.stem for path in (FOLDER / "sealed").glob("*.png"))


def test_every_system_stands_in_the_folder():
    systems = {name.partition("-")[0] for name in NAMES}
    assert systems >= {"logistic", "mixing", "denoiser", "autoencoder", "cyclegan", "concatenation", "stego"}


@pytest.mark.parametrize("name", NAMES)
def test_pixels_of_older_files_decode(name, tmp_path):
    out = tmp_path / "back.png"
    sealed = FOLDER / "sealed" / f"{name}.png"
    assert decrypt.main([str(sealed), *_key_options(name), "--from-pixels", "-o", str(out)]) == ExitCode.OK
    before, plain = FOLDER / "opened" / f"{name}.png", _plain(name)
    if name.startswith(LOSSLESS):
        assert np.array_equal(_pixels(out), _pixels(plain))
        return
    assert _pixels(out).shape == _pixels(before).shape
    assert _error(out, plain) <= _error(before, plain) * 10 ** (MARGIN_DB / 10) + 0.02


@pytest.mark.parametrize("name", ["logistic", "mixing", "autoencoder-grey", "cyclegan-grey", "stego"])
def test_files_that_travel_in_older_files_come_back(name, tmp_path):
    sealed = FOLDER / "sealed" / f"{name}.png"
    out = tmp_path / "back.png"
    assert decrypt.main([str(sealed), *_key_options(name), "-o", str(out)]) == ExitCode.OK
    assert out.read_bytes() == _plain(name).read_bytes()


def test_a_bundle_of_version_2_comes_back(tmp_path):
    sealed = FOLDER / "sealed" / "stego-three.png"
    assert decrypt.main([str(sealed), *_key_options("stego-three"), "-o", f"{tmp_path}/"]) == ExitCode.OK
    for name in ("colour.png", "two.png", "three.png"):
        assert (tmp_path / name).read_bytes() == (FOLDER / "plain" / name).read_bytes()
