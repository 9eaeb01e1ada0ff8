"""The one list of damages: what each does, its names, and its twin with gradients."""

import io

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from jaxcrypt.declared import DAMAGES
from jaxcrypt.errors import Refusal
from jaxcrypt.functional import distortion
from jaxcrypt.pictures import damages
from jaxcrypt.pictures.damages import Damage

LISTED = dict.fromkeys((*damages.CIPHER, *damages.COVERT))


@pytest.fixture(scope="module")
def photo():
    """A smooth picture with fine grain and strong colours, uint8 [48, 80, 3]."""
    y, x = np.mgrid[:48, :80]
    waves = np.stack([np.sin(x / 9 + y / 7), np.sin(x / 5), np.cos(y / 6)], axis=-1)
    return np.clip(128 + 90 * waves + np.random.default_rng(3).normal(0, 6, (48, 80, 3)), 0, 255).astype(
        np.uint8
    )


def error(a, b):
    return float(np.mean((np.asarray(a, float) - b) ** 2))


@pytest.mark.parametrize("damage", LISTED, ids=lambda damage: damage.words)
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_every_damage_keeps_shape_and_does_damage(photo, damage, channels):
    pixels = np.dstack([photo, photo[..., :1]])[..., :channels]
    received, lost = damage(np.ascontiguousarray(pixels), np.random.default_rng(0))
    assert received.shape == pixels.shape
    assert received.dtype == np.uint8
    assert (error(received, pixels) > 0.1) == (damage.kind != "none")
    assert (lost is not None) == (damage.kind == "blocks")


def test_lost_blocks_are_whole_known_and_black():
    pixels = np.full((64, 72, 3), 9, np.uint8)
    received, lost = Damage("blocks", 0.25)(pixels, np.random.default_rng(0))
    assert 0.1 < lost.mean() < 0.45
    assert (received[lost] == 0).all()
    assert (received[~lost] == 9).all()
    assert len(np.unique(lost[:16, :16])) == len(np.unique(lost[48:, 64:])) == 1


def test_noise_has_the_strength_asked_for():
    received, _ = Damage("noise", 8)(np.full((64, 64, 3), 128, np.uint8), np.random.default_rng(0))
    assert 7.8 < np.std(received.astype(float)) < 8.2


def test_colour_differences_are_whole_in_444(photo):
    buffer = io.BytesIO()
    Image.fromarray(photo).save(buffer, "JPEG", quality=90, subsampling=0)
    np.testing.assert_array_equal(
        Damage("jpeg444", 90)(photo, np.random.default_rng(0)).pixels, np.asarray(Image.open(buffer))
    )
    worse = Damage("jpeg", 90)(photo, np.random.default_rng(0)).pixels
    assert error(worse, photo) > error(Damage("jpeg444", 90)(photo, np.random.default_rng(0)).pixels, photo)


TWINS = {
    "jpeg": lambda x, n: distortion.jpeg(x, int(n)),
    "blur": distortion.blur,
    "resize": distortion.resize,
}


@pytest.mark.parametrize("damage", [d for d in LISTED if d.kind in TWINS], ids=lambda damage: damage.words)
def test_a_twin_with_gradients_does_the_same_at_the_same_strength(photo, damage):
    theirs = damage(photo, np.random.default_rng(0)).pixels
    x = jnp.asarray(photo, jnp.float32)[None] / 127.5 - 1
    ours = np.clip(np.round((np.asarray(TWINS[damage.kind](x, damage.strength)[0]) + 1) * 127.5), 0, 255)
    assert error(ours, theirs) < 0.1 * error(photo, theirs)


def test_twins_that_draw_hit_as_much(photo):
    x = jnp.asarray(photo, jnp.float32)[None] / 127.5 - 1
    noisy = distortion.noise(x, jax.random.key(0), 4.0)
    here = Damage("noise", 4)(np.full_like(photo, 128), np.random.default_rng(0)).pixels
    assert np.std(here.astype(float)) == pytest.approx(127.5 * float(jnp.std(noisy - x)), rel=0.05)
    kept = np.asarray(distortion.crop(jnp.ones_like(x), jax.random.key(1), 0.875)) == 1
    middle = Damage("crop", 0.875)(np.full_like(photo, 9), np.random.default_rng(0)).pixels == 9
    assert kept.mean() == pytest.approx(middle.mean(), abs=0.02)
    dropped = np.asarray(distortion.dropout(x, x + 1, jax.random.key(2), 0.1)) != np.asarray(x)
    shifted = Damage("dropout", 0.1)(
        np.arange(48 * 80 * 3, dtype=np.uint8).reshape(48, 80, 3), np.random.default_rng(0)
    )
    moved = shifted.pixels != np.arange(48 * 80 * 3, dtype=np.uint8).reshape(48, 80, 3)
    assert dropped.mean() == pytest.approx(moved.mean(), abs=0.02)


def test_what_nets_train_on_and_what_systems_promise_is_in_the_list():
    assert set(distortion.KINDS) <= set(damages.KINDS)
    assert set(DAMAGES) - {"cut"} <= set(damages.KINDS)


@pytest.mark.parametrize("damage", damages.COVERT, ids=lambda damage: damage.words)
def test_tables_measure_strengths_that_nets_are_trained_on(damage):
    low, high = distortion.STRENGTHS[damage.kind]
    assert low <= damage.strength <= high
    assert damages.KINDS[damage.kind].low <= max(low, 0.1)
    assert high <= damages.KINDS[damage.kind].high


@pytest.mark.parametrize(
    ("text", "damage", "words"),
    [
        ("jpeg=75", Damage("jpeg", 75), "JPEG 75, 4:2:0"),
        ("jpeg444=90", Damage("jpeg444", 90), "JPEG 90, 4:4:4"),
        ("blocks=0.1", Damage("blocks", 0.1), "10% of 16×16 blocks lost"),
        ("noise=8", Damage("noise", 8), "noise, σ = 8"),
        ("none", Damage("none"), "nothing"),
    ],
)
def test_names_on_the_command_line_and_in_tables(text, damage, words):
    assert damages.parse(text) == damage
    assert damage.words == words


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("rain=3", "unknown; choose KIND=STRENGTH with one of none, jpeg"),
        ("jpeg", "the strength of jpeg is a number from 1 to 100"),
        ("jpeg=101", "from 1 to 100"),
        ("blocks=ten", "from 0 to 1"),
        ("noise=nan", "from 0 to 128"),
    ],
)
def test_others_are_refused(text, says):
    with pytest.raises(Refusal, match=f"--damage {text}: .*{says}"):
        damages.parse(text)
