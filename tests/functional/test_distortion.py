"""Damage with gradients: what real encoders and filters do, and which way is down."""

import io

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image, ImageFilter

from jaxcrypt.errors import Refusal
from jaxcrypt.functional import distortion
from jaxcrypt.functional import jpeg as channel
from tests.support import picture


def to_floats(pixels):
    return np.asarray(pixels, np.float32)[None] / np.float32(127.5) - 1


def to_bytes(x):
    return np.clip(np.round((np.asarray(x[0]) + 1) * 127.5), 0, 255)


def error(a, b):
    return np.mean((np.asarray(a, float) - b) ** 2)


@pytest.fixture(scope="module")
def photo():
    """A smooth picture with fine grain and strong colours, uint8 [48, 80, 3]."""
    grain = np.random.default_rng(3).normal(0, 6, (48, 80, 3))
    return np.clip(picture((48, 80, 3), 1) + grain, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("quality", [50, 75, 95])
def test_jpeg_is_pillows(photo, quality):
    buffer = io.BytesIO()
    Image.fromarray(photo).save(buffer, "JPEG", quality=quality)
    theirs = np.asarray(Image.open(buffer))
    ours = to_bytes(jax.jit(distortion.jpeg)(to_floats(photo), quality))
    assert error(ours, theirs) < 0.1 * error(photo, theirs)


@pytest.mark.parametrize("quality", [1, 30, 50, 88, 100])
def test_traced_tables_are_those_of_the_channel(quality):
    np.testing.assert_array_equal(jax.jit(distortion._tables)(quality), channel.tables(quality))


def test_jpeg_takes_sides_that_chroma_blocks_do_not_fill(photo):
    """Half of 48 rows is three blocks, half of 40 columns two and a half."""
    cut = np.ascontiguousarray(photo[:, :40])
    buffer = io.BytesIO()
    Image.fromarray(cut).save(buffer, "JPEG", quality=75)
    theirs = np.asarray(Image.open(buffer))
    assert error(to_bytes(jax.jit(distortion.jpeg)(to_floats(cut), 75)), theirs) < 0.1 * error(cut, theirs)


def test_rounding_is_exact_forwards_and_soft_backwards():
    x = jnp.array([-1.4, 0.0, 0.3, 0.5, 2.75])
    np.testing.assert_array_equal(distortion.soft_round(x), np.round(x))
    slope = jax.vmap(jax.grad(distortion.soft_round))(x)
    np.testing.assert_allclose(slope, [0.48, 0, 0.27, 0.75, 0.1875], rtol=1e-5)


def test_blur_is_pillows(photo):
    theirs = np.asarray(Image.fromarray(photo).filter(ImageFilter.GaussianBlur(0.6)))
    # Pillow's is a chain of box filters, close to the Gaussian.
    assert error(
        to_bytes(jax.jit(distortion.blur, static_argnums=1)(to_floats(photo), 0.6)), theirs
    ) < 0.1 * error(photo, theirs)


@pytest.mark.parametrize("scale", [0.5, 0.75])
def test_resizing_is_pillows(photo, scale):
    small = Image.fromarray(photo).resize((int(80 * scale), int(48 * scale)), Image.Resampling.BICUBIC)
    theirs = np.asarray(small.resize((80, 48), Image.Resampling.BICUBIC))
    ours = to_bytes(jax.jit(distortion.resize, static_argnums=1)(to_floats(photo), scale))
    assert error(ours, theirs) < 0.5  # bytes on the way
    assert error(photo, theirs) > 15


def test_noise_has_the_strength_asked_for():
    distorted = distortion.noise(jnp.zeros((2, 64, 64, 3)), jax.random.key(0), 4.0)
    assert abs(float(jnp.std(distorted)) * 127.5 / 4 - 1) < 0.02


def test_crop_keeps_one_rectangle_of_each_picture():
    kept = np.asarray(distortion.crop(jnp.ones((8, 32, 64, 3)), jax.random.key(1), 0.75)) == 1
    assert len({one.tobytes() for one in kept}) > 1
    for one in kept:
        rows, columns = one.any((1, 2)), one.any((0, 2))
        assert rows.sum() == 24
        assert columns.sum() == 48
        np.testing.assert_array_equal(one, (rows[:, None] & columns)[..., None] & np.ones(3, bool))


def test_dropout_takes_whole_pixels_of_the_cover():
    stego, cover = jnp.ones((4, 64, 64, 3)), jnp.zeros((4, 64, 64, 3))
    distorted = np.asarray(distortion.dropout(stego, cover, jax.random.key(2), 0.1))
    assert abs(np.mean(distorted == 0) - 0.1) < 0.01
    assert set(np.unique(distorted.sum(-1))) == {0.0, 3.0}


@pytest.mark.parametrize("name", distortion.KINDS)
def test_every_kind_has_gradients_and_depends_on_its_key(photo, name):
    x, cover = to_floats(photo), to_floats(photo[::-1].copy())
    damage = jax.jit(lambda x, rng: distortion.distort(x, cover, rng, (name,)))
    first, *others = (np.asarray(damage(x, jax.random.key(seed))) for seed in range(4))
    assert first.shape == x.shape
    assert any((first != other).any() for other in others) == (name != "none")
    slope = np.asarray(jax.jit(jax.grad(lambda x: jnp.sum(jnp.square(damage(x, jax.random.key(0))))))(x))
    assert np.isfinite(slope).all()
    assert np.mean(slope != 0) > 0.4


def test_all_kinds_are_met():
    x = jnp.full((1, 16, 16, 3), 0.5)
    names = ("none", "crop", "noise")
    damage = jax.jit(lambda rng: distortion.distort(x, x, rng, names))
    met = {len(np.unique(damage(jax.random.key(i)))) for i in range(24)}
    assert {1, 2} < met


def test_unknown_damage_is_refused():
    with pytest.raises(Refusal, match="distortions=rain: unknown; choose of none, jpeg"):
        distortion.check_names(("jpeg", "rain"))
