"""Genuine headers that no encryption wrote: whoever holds a key can seal nonsense, and gets one line for it.

What a System says of them is damage; none of it may look like a bug, and no bug may look like damage.
"""

import io

import numpy as np
import pytest
from PIL import Image

import jaxcrypt
from jaxcrypt.crypto import sealed, sources
from jaxcrypt.errors import ExitCode, Refusal
from jaxcrypt.sealing.seal import Sealer

KEYS = jaxcrypt.Keys(
    key_file=sources.encode_key_file(sources.Source(sources.Kind.KEY_FILE, bytes(32))).encode()
)
CASES = {
    **{
        system: (system, {})
        for system in ("logistic", "mixing", "denoiser", "cyclegan", "stego", "autoencoder")
    },
    "robust denoiser": ("denoiser", {"robust": 1}),
    "robust cyclegan": ("cyclegan", {"robust": 1}),
}
REFUSED = {ExitCode.TAMPERED, ExitCode.BAD_INPUT, ExitCode.USAGE}


def photo(size=(64, 64)) -> bytes:
    y, x = np.mgrid[: size[1], : size[0]]
    file = io.BytesIO()
    Image.fromarray(np.stack([3 * x, 2 * y, x + y], axis=-1).astype(np.uint8)).save(file, "PNG")
    return file.getvalue()


def outcome(data: bytes) -> tuple[ExitCode | None, str]:
    """The code of a refusal and its text; None and nothing where a picture came back."""
    try:
        jaxcrypt.unseal(data, KEYS)
    except Refusal as refusal:
        return refusal.code, str(refusal)
    return None, ""


class Made:
    """What a System made of a picture, to be sealed again with other words about it."""

    def __init__(self, system: str, options: dict):
        inputs = {"cover": photo()} if system == "stego" else {}
        sealer = Sealer(KEYS, system, options=options, inputs=inputs)
        self.system, self.plain = system, sealer.read(photo(), "p.png")
        self.stored = sealer.cipher.stored
        self.key = KEYS.keyring.new_file_key(self.plain.data, system, self.stored)
        (one,) = sealer.cipher.encrypt([self.plain.pixels], [self.key.subkey("system")])
        self.pixels, self.side = one.pixels, one.side

    def code(self, **words) -> ExitCode | None:
        """How opening goes with some of the header's words changed; None: a picture came back."""
        given = {
            "options": self.stored,
            "pixels": self.pixels,
            "original": self.plain.shape,
            "side": self.side,
        }
        picture = sealed.seal(self.key, system=self.system, name="p.png", **(given | words))
        file = io.BytesIO()
        picture.write(file)
        code, says = outcome(file.getvalue())
        assert code is None or says.startswith("input: ")
        return code


SLOW = [pytest.param(name, marks=pytest.mark.slow) for name in CASES if name not in ("logistic", "mixing")]


@pytest.fixture(scope="module", params=["logistic", "mixing", *SLOW])
def made(request):
    return Made(*CASES[request.param])


def test_what_was_made_opens(made):
    assert made.code() is None


def test_side_arrays_that_are_missing_or_of_another_kind(made):
    for name, array in made.side.items():
        array = np.asarray(array)
        others = [
            {key: value for key, value in made.side.items() if key != name},
            made.side | {name: array[None]},
            made.side | {name: np.concatenate([np.atleast_1d(array)] * 2)},
            made.side | {name: np.zeros(array.shape, np.int32 if array.dtype != np.int32 else np.uint8)},
            made.side | {name: np.zeros((), array.dtype)},
        ]
        for side in others:
            assert made.code(side=side) in REFUSED, f"{made.system}: {name}"
    assert made.code(side={}) in (REFUSED if made.side else {None})


def test_side_arrays_of_wild_values(made, rng):
    """Whatever the numbers are, there is a picture or a refusal."""
    for name, array in made.side.items():
        array = np.asarray(array)
        if array.dtype.kind == "f":
            wilds = [np.full(array.shape, value, array.dtype) for value in (-1, 0, 1e30, -1e30)]
        else:
            limits = np.iinfo(array.dtype) if array.dtype != bool else None
            values = (0, 1) if limits is None else (limits.min, limits.max)
            wilds = [np.full(array.shape, value, array.dtype) for value in values]
        for wild in wilds:
            assert made.code(side=made.side | {name: wild}) in REFUSED | {None}, f"{made.system}: {name}"


@pytest.mark.parametrize(
    "shape", [(1, 1, 1), (64, 64, 1), (64, 65, 3), (63, 64, 3), (4096, 1, 3), (9000, 9000, 3)]
)
def test_another_original(made, shape):
    assert made.code(original=shape) in REFUSED | {None}


def test_another_cipher_picture(made, rng):
    for shape in ((1, 1, 1), (64, 64, 4), (8, 8, 3), (65, 64, 3)):
        pixels = rng.integers(0, 256, shape, np.uint8)
        assert made.code(pixels=pixels) in REFUSED | {None}


def test_other_options(made):
    for name, value in made.stored:
        if name == "weights":
            values = ["", "nonesuch@0000000000000000", f"{value}0", "../stego@0000000000000000"]
        else:
            values = [99, -1, "text", 0.5]
        for other in values:
            options = tuple((key, other if key == name else old) for key, old in made.stored)
            assert made.code(options=options) in REFUSED, f"{made.system}: {name}={other}"
    assert made.code(options=(*made.stored, ("strange", 1))) in REFUSED
