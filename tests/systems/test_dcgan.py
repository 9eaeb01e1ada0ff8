"""Pictures as sheets of generated faces: they come back byte for byte, are healed, or are refused by name."""

import io

import numpy as np
import pytest
from PIL import Image

from jaxcrypt.errors import Refusal
from jaxcrypt.pictures.sheets import sheet
from jaxcrypt.record import Call, Sealed
from jaxcrypt.systems.dcgan import driver, inner, reading
from jaxcrypt.systems.dcgan.training import nets
from tests.systems.dcgan_toy import config, system_and_variables

KEY, OTHER = bytes(range(32)), bytes(range(1, 33))
SHAPE = (48, 40, 3)


def picture(shape=SHAPE):
    y, x = np.mgrid[: shape[0], : shape[1]] / 16
    made = [np.sin(x + phase) * np.cos(y * (phase + 1)) * 80 + 128 for phase in range(shape[2])]
    return np.stack(made, -1).astype(np.uint8)


def call(**options):
    return Call(system_and_variables()[1], tuple(options.items()))


@pytest.fixture(scope="module")
def sealed():
    system, _ = system_and_variables()
    [made] = system.driver.encrypt(call(quality=30), [picture()], [KEY])
    return made


def opened(made, key=KEY, lost=None, **options):
    system, _ = system_and_variables()
    options = {"quality": 30} | options
    [outcome] = system.driver.decrypt(call(**options), [made], [key], SHAPE, lost)
    return outcome


def test_latents_are_read_back_far_below_a_bin(rng):
    system, variables = system_and_variables()
    z = rng.standard_normal((10, 100)).astype(np.float32)
    faces = system.prior.generate(variables, z)
    latent = system.prior.read(variables, faces, twice=True)
    assert faces.shape == (10, 64, 64, 3)
    error = latent.z - z
    assert np.sqrt(np.mean(error**2)) < 1e-3
    assert np.std(error / latent.sigma) == pytest.approx(1, abs=0.1)
    assert np.abs(latent.other - latent.z).max() < 1e-3
    assert latent.noise == pytest.approx(0.289, abs=0.02)
    alone = reading.read(system.driver.of, variables, faces[7:8])
    np.testing.assert_allclose(alone.z[0], latent.z[7], atol=1e-3)


def test_slopes_at_many_faces_at_once_are_those_of_each(rng):
    """An accelerator takes them at once, a CPU one by one."""
    of, (_, variables) = nets(config().model), system_and_variables()
    z = rng.standard_normal((3, of.latent)).astype(np.float32)
    together = np.asarray(reading.program(reading.slopes_of_all, of)(variables, z))
    alone = np.stack([np.asarray(reading.slopes_at(of, variables, one)) for one in z])
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_the_very_file_comes_back_from_an_8_bit_sheet(sealed):
    pixels = through_png(sealed.pixels)
    assert pixels.shape[0] % 64 == pixels.shape[1] % 64 == 0
    outcome = opened(Sealed(pixels, sealed.side))
    assert outcome.report["file"] == inner.pack(picture(), 30)
    np.testing.assert_array_equal(outcome.pictures[0], inner.unpack(outcome.report["file"], SHAPE))
    assert outcome.report["noise"] == pytest.approx(0.289, abs=0.02)
    assert outcome.noise is None


def through_png(pixels):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return np.asarray(Image.open(buffer))


def test_another_key_is_refused(sealed):
    with pytest.raises(Refusal, match="nothing under this key"):
        opened(sealed, OTHER)


def test_a_missing_face_and_another_order_are_healed(sealed):
    system, _ = system_and_variables()
    [made] = system.driver.encrypt(call(quality=10, survives=75), [picture((16, 16, 3))], [KEY])
    lost = np.zeros(made.pixels.shape[:2], bool)
    lost[:64, :64] = True
    moved = np.roll(driver.cells(made.pixels), 2, axis=0)
    moved = Sealed(sheet(moved), made.side)
    [outcome] = system.driver.decrypt(call(quality=10, survives=75), [moved], [KEY], (16, 16, 3), [lost])
    assert outcome.report["file"] == inner.pack(picture((16, 16, 3)), 10)
    assert 0 < outcome.report["mended"] < outcome.report["coded"]


def test_faces_of_others_are_refused(sealed, rng):
    system, variables = system_and_variables()
    cells = driver.cells(sealed.pixels)
    others = system.prior.generate(variables, rng.standard_normal((len(cells), 100)).astype(np.float32))
    with pytest.raises(Refusal, match="nothing under this key"):
        opened(Sealed(sheet(others), sealed.side))


def test_what_no_encryption_gives_is_refused(sealed):
    for pixels, side in (
        (sealed.pixels[:-1], sealed.side),
        (sealed.pixels, {}),
        (sealed.pixels, {"faces": np.asarray(0, np.uint32)}),
        (sealed.pixels, {"faces": np.asarray(driver.MOST + 1, np.uint32)}),
    ):
        with pytest.raises(Refusal, match="does not fit the picture"):
            opened(Sealed(pixels, side))


def test_a_sheet_that_would_be_too_large_is_refused_before_it_is_made(monkeypatch):
    system, _ = system_and_variables()
    monkeypatch.setattr(driver, "MOST", 4)
    with pytest.raises(Refusal, match="faces, more than 4: take a lower quality or a smaller picture"):
        system.driver.encrypt(call(quality=90), [picture()], [KEY])


@pytest.mark.parametrize("channels", [1, 3])
def test_inner_files_keep_shape_and_exact_ones_every_sample(channels):
    plain = picture((30, 20, channels))
    assert np.array_equal(inner.unpack(inner.pack(plain, inner.EXACT), plain.shape), plain)
    assert inner.unpack(inner.pack(plain, 50), plain.shape).shape == plain.shape
    with pytest.raises(Refusal, match="not of 20×31"):
        inner.unpack(inner.pack(plain, 50), (31, 20, channels))
    with pytest.raises(Refusal, match="no picture that can be read"):
        inner.unpack(b"RIFF nothing", plain.shape)


def test_cells_undo_sheets(rng):
    cells = rng.integers(0, 256, (6, 64, 64, 3), dtype=np.uint8)
    assert sheet(cells).shape == (128, 192, 3)
    np.testing.assert_array_equal(driver.cells(sheet(cells)), cells)
