"""What whoever holds a key may seal in a genuine header: every System refuses it on purpose, before it works.

Any other exception would be a bug, not tampering, and fails these tests.
"""

from pathlib import Path

import numpy as np
import pytest

from jaxcrypt import Keys
from jaxcrypt.errors import ExitCode, Refusal
from jaxcrypt.record import Sealed
from jaxcrypt.sealing.unseal import Opener

FOLDER = Path(__file__).parents[1] / "fixtures" / "older"
NAMES = (
    *("logistic", "mixing", "mixing-alpha", "autoencoder", "denoiser", "denoiser-robust2", "cyclegan"),
    *("cyclegan-half", "cyclegan-robust2", "concatenation", "stego", "stego-three", "stego-networks"),
)
# Lossy hiding and whatever puts cut pictures in their place take what they get.
ANY_SHAPE = ("stego", "stego-three", "stego-networks")


@pytest.fixture(scope="module")
def opener():
    return Opener(Keys(key_file=FOLDER / "keys" / "key.txt"), from_pixels=True)


def _parts(opener, name):
    """The System, its cipher picture and side arrays, the key, and the plain picture's shape."""
    begun = opener.begin((FOLDER / "sealed" / f"{name}.png").read_bytes(), name)
    opened = begun.opened
    side = {array: np.asarray(value) for array, value in opened.side.items()}
    key = opened.key.subkey("system")
    return opener.policy.cipher(opened), Sealed(begun.pixels, side), key, tuple(opened.header.original)


def _refused(cipher, sealed, key, shape):
    with pytest.raises(Refusal) as refused:
        cipher.decrypt([sealed], [key], shape)
    assert refused.value.code == ExitCode.TAMPERED, refused.value
    assert "\n" not in str(refused.value)


def _changes(array: np.ndarray):
    yield array[..., None]
    yield array.reshape(-1)[:0]
    yield np.concatenate([array.reshape(-1), array.reshape(-1)])
    yield array.astype(np.uint8 if array.dtype.kind == "f" else np.float32)
    if array.dtype.kind == "f":
        yield np.full_like(array, np.nan)
        yield np.full_like(array, np.inf)


@pytest.mark.parametrize("name", NAMES)
def test_side_arrays_that_no_encryption_gives(opener, name):
    cipher, sealed, key, shape = _parts(opener, name)
    for array, value in sealed.side.items():
        rest = {other: kept for other, kept in sealed.side.items() if other != array}
        _refused(cipher, Sealed(sealed.pixels, rest), key, shape)
        for changed in _changes(value):
            _refused(cipher, Sealed(sealed.pixels, rest | {array: changed}), key, shape)


@pytest.mark.parametrize("name", NAMES)
def test_shapes_that_the_picture_cannot_have_had(opener, name):
    cipher, sealed, key, shape = _parts(opener, name)
    height, width, channels = shape
    wrong = [(0, width, channels), (height, width, 7), (2**32 - 1, 2**32 - 1, 4), (height, width)]
    if name not in ANY_SHAPE:
        wrong += [(height + 64, width, channels), (1, 1, channels)]
    for bad in wrong:
        _refused(cipher, sealed, key, bad)


@pytest.mark.parametrize("name", NAMES)
def test_cipher_pictures_of_another_shape(opener, name):
    cipher, sealed, key, shape = _parts(opener, name)
    wrong = [sealed.pixels[:0], sealed.pixels[..., None]]
    if not cipher.aligns:
        wrong += [sealed.pixels[:, :1], sealed.pixels[..., :1].repeat(2, axis=2)]
    for bad in wrong:
        _refused(cipher, Sealed(bad, sealed.side), key, shape)
