"""How long the header of a robust picture will be is known before the work; where it fits, it is there."""

import dataclasses
import io

import numpy as np
import pytest
from PIL import Image

from jaxcrypt.crypto import recipients
from jaxcrypt.crypto.sources import Kind, Source
from jaxcrypt.errors import Refusal
from jaxcrypt.sealing import carriers
from jaxcrypt.sealing.direct import seal
from jaxcrypt.sealing.keys import Keys
from jaxcrypt.sealing.robustseal import RobustSealer
from jaxcrypt.sealing.seal import Plain
from jaxcrypt.sealing.unseal import unseal
from tests.support import waves

KEYS = Keys(passphrase=Source(Kind.KEY_FILE, bytes(32)))
SYSTEMS = ("cyclegan", "denoiser")


def _sealer(system: str, strength: int, way: int = 0) -> RobustSealer:
    return RobustSealer(KEYS, system, carriers.Travel(way=way), options={"robust": strength})


def _plain(width: int, height: int) -> Plain:
    shape = height, width, 3
    return Plain("photo.png", bytes(1000), shape, np.broadcast_to(np.uint8(0), shape))


def _file(pixels: np.ndarray, kind: str = "PNG", **how) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels.squeeze()).save(file, kind, **how)
    return file.getvalue()


def _chat(sealed: bytes) -> bytes:
    return _file(np.asarray(Image.open(io.BytesIO(sealed))), "JPEG", quality=75, subsampling=2)


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize(
    "size", [(256, 256), (320, 240), (768, 512), (3000, 200), (300, 12000), (4000, 3000)]
)
def test_pictures_from_256_on_have_room_for_their_header(system, size):
    for strength in (1, 2, 3):
        assert _sealer(system, strength).remarks(_plain(*size)) == []


@pytest.mark.parametrize("system", SYSTEMS)
def test_where_there_is_no_room_that_is_said(system):
    (told,) = _sealer(system, 1).remarks(_plain(200, 200))
    assert "--write-header" in told


def test_what_goes_beside_may_be_too_long_for_any_header(rng):
    noisy = np.concatenate([waves((256, 256, 3)), rng.integers(0, 256, (256, 256, 1), np.uint8)], axis=2)
    sealer = _sealer("denoiser", 1)
    plain = sealer.read(_file(noisy[..., :3]), "profile.png")
    plain = dataclasses.replace(plain, extras=dataclasses.replace(plain.extras, icc=rng.bytes(50_000)))
    (told,) = sealer.remarks(plain)
    assert "--write-header" in told
    (sealed,) = sealer.seal([plain])
    assert sealed.pixels.shape[2] == 1  # the layout alone
    with pytest.raises(Refusal, match="at most 4096 go into pixels"):
        _sealer("cyclegan", 1, 75).read(_file(noisy), "alpha.png")


@pytest.mark.parametrize("system", SYSTEMS)
def test_the_length_is_what_was_said(system, monkeypatch):
    made, wanted = [], carriers.carried.seal

    def kept(*args, **facts):
        made.append(wanted(*args, **facts))
        return made[-1]

    sealer = _sealer(system, 1)
    plain = sealer.read(_file(waves((256, 272, 3))), "a name with ü.png")
    said, height, width = sealer._header(plain)
    monkeypatch.setattr(carriers.carried, "seal", kept)
    (sealed,) = sealer.seal([plain])
    assert [len(head) for head in made] == [said]
    assert sealed.pixels.shape == (height, width, 3)


def test_digits_take_room_only_where_nothing_bounds_the_carrier():
    recipient = Keys(recipients=[recipients.generate().recipient()])
    bounds = [(KEYS, {"pixels": 3.0}), (KEYS, {"fit": 2000}), (recipient, {})]
    for keys, how in [(KEYS, {}), *bounds]:
        sealer = RobustSealer(keys, "cyclegan", carriers.Travel(way=75, **how), options={"robust": 1})
        assert sealer.cipher.grows == (not how and keys is KEYS)


@pytest.mark.parametrize("channels", [1, 3])
def test_the_estimated_quality_is_about_the_true_one(channels, rng):
    photo = waves((256, 256, 3))[..., :channels] + rng.normal(0, 6, (256, 256, channels))
    opened, error = _recovered(photo.clip(0, 255).astype(np.uint8))
    assert abs(opened.quality - 20 * np.log10(255 / error)) < 3


def test_busy_blocks_among_flat_ones_cost_the_others_little(rng):
    photo = waves((320, 320, 3)).astype(float)
    for top, left in ((64, 64), (208, 256)):
        photo[top : top + 32, left : left + 32] += rng.normal(0, 60, (32, 32, 1))
    assert _recovered(photo.clip(0, 255).astype(np.uint8))[1] < 5.7


def _recovered(photo: np.ndarray):
    """What comes back of a robust picture of ``cyclegan`` after JPEG 75, and its root mean square error."""
    options = {"robust": 1}
    sealed = seal(_file(photo), KEYS, name="p.png", system="cyclegan", options=options, pixels_only=True)
    opened = unseal(_chat(sealed), KEYS, name="chat.jpg", recover=True)
    return opened, np.sqrt(np.mean((opened.pictures[0].astype(float) - photo) ** 2))
