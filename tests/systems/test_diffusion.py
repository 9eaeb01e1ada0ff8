"""The diffusion cipher: regions in place, nothing grows, and what comes back of them under which key."""

import io

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from configs.diffusion import get_config
from jaxcrypt.errors import Refusal
from jaxcrypt.record import Call, Sealed
from jaxcrypt.systems.catalog import build
from jaxcrypt.systems.diffusion import cipher, decode, driver
from jaxcrypt.systems.diffusion.channels import Bins, Diffused
from jaxcrypt.systems.diffusion.driver import opened
from jaxcrypt.systems.diffusion.scenes import Sampler, box
from jaxcrypt.systems.drivers import host
from jaxcrypt.systems.drivers.regions import Region
from jaxcrypt.training.defaults import complete
from tests.systems.through import opened_by_record, sealed_by_record

KEY, WRONG = bytes(range(32)), bytes([1, *range(1, 32)])  # one bit apart
SMALL = {"widths": (4, 8, 8), "blocks": (1, 1, 1), "attention": (2,), "heads": 2}
SMALL |= {"time": 16, "key_features": 8}
LINEAR = (("schedule", "linear"),)


@pytest.fixture(scope="module")
def system():
    config = get_config()
    config.model.update(SMALL)
    return build("diffusion", complete(config))


@pytest.fixture(scope="module")
def variables(system):
    """Untrained: the net finds no noise, so whatever is gained over algebra is the channels' doing."""
    params, extra = jax.jit(lambda rng: system.init(rng, None))(jax.random.key(0))
    return {"params": params, "extra": extra}


def _photo(channels=3, height=64, width=80):
    y, x = np.mgrid[:height, :width].astype(float)
    planes = [128 + 60 * np.sin(x / (9 + k)) * np.cos(y / (7 + k)) + 20 * (x > 40) for k in range(channels)]
    return np.clip(np.stack(planes, -1), 0, 255).astype(np.uint8)


def _mask(shape=(64, 80)):
    y, x = np.mgrid[: shape[0], : shape[1]]
    return (y - 30) ** 2 / 400 + (x - 45) ** 2 / 600 <= 1


@pytest.fixture(scope="module")
def sealed(system, variables):
    call = Call(variables, LINEAR, {"mask": _mask()})
    (one,) = system.driver.encrypt(call, [_photo()], [KEY])
    return one


def _psnr(estimate, photo, mask=None):
    error = np.square(estimate.astype(float) - photo)
    return 10 * np.log10(255**2 / np.mean(error if mask is None else error[mask]))


def _open(sealed, key=KEY, options=LINEAR, mask=None):
    region = Region(_mask() if mask is None else mask, sealed.pixels.shape[2])
    return opened(sealed, region, host.words(key), cipher.signal(options))


def test_the_cipher_stands_in_place_and_nothing_grows(sealed):
    photo, mask = _photo(), _mask()
    assert sealed.pixels.shape == photo.shape
    np.testing.assert_array_equal(sealed.pixels[~mask], photo[~mask])
    inside = sealed.pixels[mask].reshape(-1).astype(float)
    assert inside.mean() == pytest.approx(127.5, abs=5 * 74 / inside.size**0.5)
    assert np.mean(np.square(inside - 127.5)) == pytest.approx(65535 / 12, rel=0.06)
    assert abs(np.corrcoef(inside, photo[mask].reshape(-1))[0, 1]) < 5 / inside.size**0.5
    assert sum(np.asarray(x).nbytes for x in sealed.side.values()) < 400


def test_the_key_alone_brings_the_region_back(system, variables, sealed):
    photo, mask = _photo(), _mask()
    call = Call(variables, LINEAR, {"mask": mask})
    right, wrong = (system.driver.decrypt(call, [sealed], [key], photo.shape)[0] for key in (KEY, WRONG))
    for outcome in (right, wrong):
        np.testing.assert_array_equal(outcome.pictures[0][~mask], photo[~mask])
    assert right.report["undamaged"]
    assert _psnr(right.pictures[0], photo, mask) > 40
    flat = np.broadcast_to(photo[mask].mean(), photo.shape)
    assert _psnr(wrong.pictures[0], photo, mask) < _psnr(flat, photo, mask) + 0.3
    assert [stage.shape for stage in right.stages] == [photo.shape] * 3


def test_turns_beat_the_bins_and_those_beat_algebra(sealed):
    photo, mask = _photo(), _mask()
    one = _open(sealed)
    keep = decode.decode(one, lambda samples, levels: samples, turns=1)
    region = Region(mask, 3)
    truth = region.take(photo).astype(float)
    algebra, bins = (
        10 * np.log10(255**2 / np.mean((x - truth) ** 2)) for x in (decode.algebraic(one), keep.clean)
    )
    assert 30 < algebra < bins - 1
    assert np.std(keep.noisy - truth) == pytest.approx(keep.levels.mean(), rel=0.15)


def test_the_claim_of_a_channel_is_its_error(sealed):
    """With a prior that knows much, and with none; and through the forward process around another channel."""
    one = _open(sealed)
    standard = one.run.standard(Region(_mask(), 3).take(_photo()).astype(np.float32))
    symbols = one.run.mix(standard)
    rng = np.random.default_rng(0)
    for variance in (1.0, 0.01):
        prior = (
            symbols * 0 if variance == 1 else symbols + rng.normal(0, 0.1, symbols.size).astype(np.float32)
        )
        estimate, claimed = Bins(one.data, one.dither, one.noise, one.left)(prior, variance)
        assert np.mean((estimate - symbols) ** 2) == pytest.approx(claimed, rel=0.2)
    diffused = one.left**0.5 * symbols + (1 - one.left) ** 0.5 * one.noise

    def noisy(prior, variance):
        return diffused + rng.normal(0, 0.05, symbols.size).astype(np.float32), 0.05**2

    estimate, claimed = Diffused(noisy, one.noise, one.left)(symbols * 0, 1.0)
    assert np.mean((estimate - symbols) ** 2) == pytest.approx(claimed, rel=0.1)


@pytest.mark.parametrize("channels", [1, 2, 4])
def test_other_channels_and_single_pixels_come_back(system, variables, channels):
    photo = _photo(channels)
    mask = np.zeros(photo.shape[:2], bool)
    mask[5, 7] = mask[20:40, 3:30] = True
    call = Call(variables, (), {"mask": mask})
    (one,) = system.driver.encrypt(call, [photo], [KEY])
    (outcome,) = system.driver.decrypt(call, [one], [KEY], photo.shape)
    assert _psnr(outcome.pictures[0], photo, mask) > 40
    lone = np.zeros_like(mask)
    lone[0, 0] = True
    call = Call(variables, (), {"mask": lone})
    (one,) = system.driver.encrypt(call, [photo], [KEY])
    (outcome,) = system.driver.decrypt(call, [one], [KEY], photo.shape)
    assert np.abs(outcome.pictures[0].astype(int) - photo).max() <= 8


def test_a_flat_region_looks_like_any_other_and_comes_back_exactly(system, variables):
    photo = np.full((40, 40, 3), 77, np.uint8)
    call = Call(variables, ())
    (one,) = system.driver.encrypt(call, [photo], [KEY])
    assert np.unique(one.pixels).size > 240
    (outcome,) = system.driver.decrypt(call, [one], [KEY], photo.shape)
    np.testing.assert_array_equal(outcome.pictures[0], photo)


def test_pictures_that_go_together_are_encrypted_as_one_by_one(system, variables, monkeypatch):
    photos = [_photo(), 255 - _photo(), _photo()[::-1]]
    keys = [KEY, WRONG, bytes(32)]
    call = Call(variables, LINEAR, {"mask": _mask()})
    together = system.driver.encrypt(call, photos, keys)
    monkeypatch.setattr(driver, "_TOGETHER", 1)
    alone = [system.driver.encrypt(call, [photo], [key])[0] for photo, key in zip(photos, keys, strict=True)]
    for one, other in zip(together, alone, strict=True):
        np.testing.assert_array_equal(one.pixels, other.pixels)
        assert set(one.side) == set(other.side)
        for name, array in one.side.items():
            np.testing.assert_array_equal(array, other.side[name])


def test_the_functions_and_the_driver_make_the_same_cipher(system, variables):
    photo = _photo()
    (one,) = system.driver.encrypt(Call(variables, ()), [photo], [KEY])
    made = sealed_by_record(system, variables, photo[None], host.words(KEY)[None])
    np.testing.assert_array_equal(np.asarray(made.pixels)[0], one.pixels)
    decrypted = opened_by_record(system, variables, made, host.words(KEY)[None])
    assert _psnr(np.asarray(decrypted["image"])[0], photo) > 40


@pytest.mark.parametrize("quality", [90, 60])
def test_after_jpeg_the_region_still_comes_back(system, variables, quality):
    photo, mask = _photo(3, 96, 96), _mask((96, 96))
    call = Call(variables, (), {"mask": mask})
    (one,) = system.driver.encrypt(call, [photo], [KEY])
    file = io.BytesIO()
    Image.fromarray(one.pixels).save(file, "JPEG", quality=quality, subsampling=0)
    received = Sealed(np.asarray(Image.open(file)), one.side)
    (outcome,) = system.driver.decrypt(call, [received], [KEY], photo.shape)
    by_algebra = Region(mask, 3).put(
        received.pixels, decode.algebraic(_open(received, options=(), mask=mask))
    )
    assert not outcome.report["undamaged"]
    assert _psnr(outcome.pictures[0], photo, mask) > _psnr(np.clip(by_algebra, 0, 255), photo, mask) + 1


def test_lost_pixels_are_told_and_cost_only_themselves(system, variables):
    photo, lost = _photo(), np.zeros((64, 80), bool)
    lost[:8] = True
    call = Call(variables, ())
    (one,) = system.driver.encrypt(call, [photo], [KEY])
    hurt = Sealed(np.where(lost[..., None], 128, one.pixels).astype(np.uint8), one.side)
    (outcome,) = system.driver.decrypt(call, [hurt], [KEY], photo.shape, [lost])
    assert _psnr(outcome.pictures[0], photo) > 22
    assert not outcome.report["undamaged"]


def test_the_key_image_is_a_condition(system, variables):
    photo, keys = _photo(), np.random.default_rng(0).integers(0, 256, (2, 30, 50, 3), np.uint8)
    keys[1] = keys[0]
    keys[1, 4, 9, 1] ^= 1
    options = (("key_image", 1),)
    calls = [Call(variables, options, {"key_image": picture}) for picture in keys]
    (one,) = system.driver.encrypt(calls[0], [photo], [KEY])
    right, wrong = (system.driver.decrypt(call, [one], [KEY], photo.shape)[0] for call in calls)
    assert _psnr(right.pictures[0], photo) > 40
    assert _psnr(wrong.pictures[0], photo) < _psnr(np.full_like(photo, photo.mean()), photo) + 0.3


def test_what_no_encryption_gives_is_refused(system, variables, sealed):
    call = Call(variables, LINEAR, {"mask": _mask()})
    for side in (
        {},
        {**sealed.side, "pilots": sealed.side["pilots"][:, 1:]},
        {**sealed.side, "mean": np.float32([np.nan])},
        {**sealed.side, "spread": np.float32([1e9])},
    ):
        with pytest.raises(Refusal):
            system.driver.decrypt(call, [Sealed(sealed.pixels, side)], [KEY], (64, 80, 3))
    with pytest.raises(Refusal, match="40×64"):
        system.driver.encrypt(Call(variables, (), {"mask": np.ones((64, 40), bool)}), [_photo()], [KEY])
    with pytest.raises(Refusal, match="empty"):
        system.driver.encrypt(Call(variables, (), {"mask": np.zeros((64, 80), bool)}), [_photo()], [KEY])
    with pytest.raises(Refusal, match="timestep"):
        system.driver.encrypt(Call(variables, (("timestep", 1001),)), [_photo()], [KEY])


@pytest.mark.parametrize(
    ("schedule", "timestep", "least"),
    [("linear", 1, 44), ("cosine", 333, 40), ("linear", 700, 25), ("linear", 954, 11), ("cosine", 993, 11)],
)
def test_any_timestep_that_leaves_something_comes_back(system, variables, schedule, timestep, least):
    """By the channel alone: the net finds nothing. Beyond, where nothing is left, it is refused."""
    options = (("schedule", schedule), ("timestep", timestep))
    call, photo, mask = Call(variables, options, {"mask": _mask()}), _photo(), _mask()
    (one,) = system.driver.encrypt(call, [photo], [KEY])
    (outcome,) = system.driver.decrypt(call, [one], [KEY], photo.shape)
    assert _psnr(outcome.pictures[0], photo, mask) > least
    with pytest.raises(Refusal, match="nothing comes back from beyond"):
        system.driver.check(photo.shape, (("schedule", schedule), ("timestep", 994)))


def test_samples_of_a_region_go_back_to_their_places():
    photo, region = _photo(3), Region(_mask(), 3)
    np.testing.assert_array_equal(region.put(photo * 0, region.take(photo))[_mask()], photo[_mask()])
    assert region.size == region.take(photo).size
    rows, columns = box(region)
    assert _mask()[rows, columns].sum() == _mask().sum()


def test_windows_reach_all_of_a_large_region_and_nothing_else(system):
    net = system.driver.net
    inputs = jnp.zeros((1, 16, 16, 8)), jnp.zeros((1, 16, 16, 8)), jnp.ones((1, 2)), jnp.zeros((1, 8, 8, 3))
    rng = np.random.default_rng(1)
    params = jax.jit(net.init)(jax.random.key(0), *inputs)["params"]
    params = jax.tree.map(lambda x: x + rng.normal(0, 0.03, x.shape).astype(np.float32), params)
    mask = np.zeros((50, 700), bool)
    mask[10:40, 5:690] = True
    region = Region(mask, 1)
    photo = _photo(1, 50, 700)
    sampler = Sampler(net, params, np.zeros((64, 64, 3), np.float32), 1, "linear")
    samples = region.take(photo).astype(np.float32)
    (sampled,) = sampler.stages(region, photo, samples, np.full(samples.shape, 9.0))
    assert np.mean(sampled == samples) < 1e-3  # by chance; a window left out would be a twentieth
    assert np.abs(np.diff(region.put(photo, sampled)[20, 5:690, 0])).max() < 60
