"""--exact: the samples of a lossy System, exact from verified pixels; else close, and said to be."""

import json

import numpy as np
import pytest
from PIL import Image

import jaxcrypt
from jaxcrypt import decrypt, encrypt, keygen
from jaxcrypt.errors import ExitCode, Refusal
from jaxcrypt.pictures.files import encode_png, load_picture
from jaxcrypt.sealing import begun
from tests.support import picture


@pytest.fixture(scope="module")
def keys():
    return jaxcrypt.Keys(passphrase="exact samples, 48 by 40")


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_exact_samples_from_verified_pixels(keys, channels):
    plain = picture((40, 48, channels))
    how = {"system": "mixing", "pixels_only": True}
    sealed = jaxcrypt.seal(encode_png(plain), keys, exact=True, **how)
    opened = jaxcrypt.unseal(sealed, keys)
    assert opened.exact
    np.testing.assert_array_equal(opened.pictures[0], plain)
    assert not jaxcrypt.unseal(jaxcrypt.seal(encode_png(plain), keys, **how), keys).exact


def test_alpha_beside_and_a_region(keys):
    plain = picture((40, 48, 4))
    mask = np.zeros((40, 48), bool)
    mask[8:30, 10:40] = True
    sealed = jaxcrypt.seal(
        encode_png(plain), keys, system="mixing", pixels_only=True, exact=True, region=mask
    )
    opened = jaxcrypt.unseal(sealed, keys)
    assert opened.exact
    np.testing.assert_array_equal(opened.pictures[0], plain)


def test_a_machine_that_rounds_otherwise_is_told(keys, monkeypatch):
    plain = picture((40, 48, 3))
    sealed = jaxcrypt.seal(encode_png(plain), keys, system="mixing", pixels_only=True, exact=True)
    decode = begun.Begun._decode

    def otherwise(self, *given):
        outcome = decode(self, *given)
        outcome.pictures[0] = outcome.pictures[0].copy()
        outcome.pictures[0][5, 6, 1] ^= 1
        return outcome

    monkeypatch.setattr(begun.Begun, "_decode", otherwise)
    opened = jaxcrypt.unseal(sealed, keys)
    assert not opened.exact
    assert opened.authenticated
    assert any("decodes otherwise" in note for note in opened.notes)
    assert (opened.pictures[0] != plain).sum() == 1


def test_damaged_pixels_come_back_as_without_it(keys):
    plain = picture((64, 64, 3))
    sealed = jaxcrypt.seal(encode_png(plain), keys, system="mixing", pixels_only=True, exact=True)
    damaged = load_picture(sealed).pixels.copy()
    damaged[:8] = 128
    data = bytearray(sealed)
    data[sealed.index(b"IDAT") + 2000] ^= 1
    opened = jaxcrypt.unseal(bytes(data), keys, recover=True)
    assert not opened.exact
    assert not opened.authenticated


def test_from_the_command_line(tmp_path, capsys):
    Image.fromarray(picture((40, 48, 3))).save(tmp_path / "a.png")
    key = ["--key-file", str(tmp_path / "k")]
    assert keygen.main(["--key", key[1]]) == ExitCode.OK
    given = [str(tmp_path / "a.png"), "-o", str(tmp_path / "x.png"), *key, "--exact"]
    assert encrypt.main(given) == ExitCode.USAGE
    assert encrypt.main([*given, "--pixels-only"]) == ExitCode.USAGE
    assert "exact anyway" in capsys.readouterr().err
    assert encrypt.main([*given, "--pixels-only", "--system", "mixing"]) == ExitCode.OK
    capsys.readouterr()
    opening = [str(tmp_path / "x.png"), "-o", str(tmp_path / "b.png"), *key, "--json"]
    assert decrypt.main(opening) == ExitCode.OK
    assert json.loads(capsys.readouterr().out)["exact"]


def test_only_with_pixels_and_of_lossy_systems(keys):
    for how in ({"system": "mixing"}, {"pixels_only": True}):
        with pytest.raises(Refusal, match="--exact"):
            jaxcrypt.seal(encode_png(picture((16, 16, 3))), keys, exact=True, **how)
