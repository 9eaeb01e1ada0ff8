"""The robust layout at the sizes that people have: phones, cameras, screens, and odd ones."""

import numpy as np
import pytest

from jaxcrypt.errors import Refusal
from jaxcrypt.functional import mixing
from jaxcrypt.record import Sealed
from jaxcrypt.systems.decoding import robust

SUBKEY = bytes(range(32))
SIZES = (
    *((640, 480), (768, 512), (800, 600), (1024, 768), (1080, 1080), (1152, 864), (1280, 720), (1280, 1024)),
    *((1366, 768), (1440, 900), (1600, 1200), (1920, 1080), (2048, 1536), (1170, 2532), (1080, 2400)),
    *((4000, 3000), (3024, 4032), (6000, 4000), (12_000, 300), (37, 53), (101, 997), (33, 4001)),
)


@pytest.mark.parametrize("strength", robust.STRENGTHS)
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_every_ordinary_size_has_a_layout(strength, channels):
    for width, height in SIZES:
        if min(width, height) < 128 or (strength, channels) == (1, 4):
            continue
        layout = robust.plan((height, width, channels), strength)
        assert 1.01 * layout.samples <= layout.symbols
        assert np.prod(layout.cipher_shape) <= strength * width * height


@pytest.mark.parametrize("shape", [(4001, 33, 3), (997, 101, 3), (3000, 4000, 4)])
def test_a_refusal_names_the_strength_that_fits(shape):
    with pytest.raises(Refusal, match=f"{shape[1]}×{shape[0]} does not fit into it; take 2 or 3"):
        robust.plan(shape, 1)
    robust.plan(shape, 2)


@pytest.mark.parametrize(
    ("width", "height", "strength"),
    [(640, 480, 2), (768, 512, 1), (768, 512, 3), (1080, 1080, 2), (1920, 1080, 2), (33, 4001, 3)],
)
def test_blocks_of_ordinary_pictures_have_pilots(width, height, strength):
    layout = robust.plan((height, width, 3), strength)
    pilots = robust.alignment(SUBKEY, layout)
    assert pilots.shape == (layout.grid[0] * layout.grid[1],)
    assert abs(pilots.std() - 1) < 5 / np.sqrt(2 * pilots.size)
    assert abs(pilots.mean()) < 5 / np.sqrt(pilots.size)


@pytest.mark.parametrize(("shape", "strength"), [((480, 640, 3), 2), ((512, 768, 3), 1), ((512, 768, 4), 3)])
def test_ordinary_pictures_have_a_cipher(rng, shape, strength):
    picture = rng.integers(0, 256, shape, dtype=np.uint8)
    cipher, _ = robust.encrypt(picture, SUBKEY, strength)
    assert cipher.shape == robust.plan(shape, strength).cipher_shape


@pytest.mark.parametrize("shape", [(1, 1, 3), (8, 8, 3), (2, 12_000, 1)])
def test_what_is_too_small_is_refused(shape):
    with pytest.raises(Refusal, match=f"{shape[1]}×{shape[0]} is too small"):
        robust.plan(shape, 2)


def _page():
    """A white page with some lines, as RGB."""
    page = np.full((96, 160, 3), 255, np.uint8)
    page[40:44, 20:120] = 10
    page[70:72, 30:90] = 60
    return page


def _powers(cipher, layout):
    """Spread of the coefficients by mixing tile."""
    symbols = robust.jpeg_layout.coefficients(cipher)[:, layout.carriers].reshape(-1)
    _, _, bounds = robust._tiles(layout)
    return np.array([part.std() for part in np.split(symbols, bounds[1:-1])])


def test_tiles_of_a_page_all_have_the_same_power(monkeypatch):
    monkeypatch.setattr(mixing, "MAX_TILE", 1 << 11)
    layout = robust.plan(_page().shape, 2)
    powers = {
        rounds: _powers(robust.encrypt(_page(), SUBKEY, 2, rounds)[0], layout)
        for rounds in (mixing.ROUNDS, mixing.OLD_ROUNDS)
    }
    usual = powers[mixing.ROUNDS].mean()
    assert len(powers[mixing.ROUNDS]) > 8
    assert powers[mixing.ROUNDS].min() > 0.93 * usual
    assert powers[mixing.ROUNDS].max() < 1.07 * usual
    assert powers[mixing.OLD_ROUNDS].min() < 0.6 * usual  # flat tiles, which were not filled


@pytest.mark.parametrize("rounds", [mixing.ROUNDS, mixing.OLD_ROUNDS])
def test_a_page_with_flat_tiles_comes_back(monkeypatch, rounds):
    monkeypatch.setattr(mixing, "MAX_TILE", 1 << 11)
    cipher, side = robust.encrypt(_page(), SUBKEY, 2, rounds)

    class Windows:
        """A denoiser that leaves pictures alone."""

        def __call__(self, picture, sigma):
            return picture

        def some(self, picture, sigma):
            return picture, np.ones(picture.shape, bool)

    decoded, noise = robust.decrypt(
        Sealed(cipher, side), SUBKEY, 2, rounds, _page().shape, Windows(), None, None
    )
    assert np.mean((decoded.astype(float) - _page()) ** 2) < 20
    assert noise < 5


def test_blocks_that_were_painted_over_are_missing(rng):
    picture = rng.integers(0, 256, (512, 768, 3), dtype=np.uint8)
    cipher, _ = robust.encrypt(picture, SUBKEY, 1)
    cipher = np.array(cipher)
    cipher[32:48, 64:80] = 0
    pixels, missing = robust.align(cipher, None, SUBKEY, robust.plan(picture.shape, 1))
    assert np.array_equal(pixels, cipher)
    assert missing[32:48, 64:80].all()
    assert missing.sum() == 256
