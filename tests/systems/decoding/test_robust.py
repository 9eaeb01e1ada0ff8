"""The robust layout at the sizes that people have: phones, cameras, screens, and odd ones."""

import numpy as np
import pytest

from jaxcrypt.errors import Refusal
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
    found = robust.alignment(SUBKEY, layout)
    assert found.shape == (layout.grid[0] * layout.grid[1],)
    assert abs(found.std() - 1) < 5 / np.sqrt(2 * found.size)
    assert abs(found.mean()) < 5 / np.sqrt(found.size)


@pytest.mark.parametrize(("shape", "strength"), [((480, 640, 3), 2), ((512, 768, 3), 1), ((512, 768, 4), 3)])
def test_ordinary_pictures_have_a_cipher(rng, shape, strength):
    picture = rng.integers(0, 256, shape, dtype=np.uint8)
    cipher, _ = robust.encrypt(picture, SUBKEY, strength)
    assert cipher.shape == robust.plan(shape, strength).cipher_shape


@pytest.mark.parametrize("shape", [(1, 1, 3), (8, 8, 3), (7, 12_000, 1)])
def test_what_is_too_small_is_refused(shape):
    with pytest.raises(Refusal, match=f"{shape[1]}×{shape[0]} is too small"):
        robust.plan(shape, 2)
