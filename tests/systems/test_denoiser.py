"""Damaged cipher pictures decode to better pictures than mixing alone gives; undamaged ones to none worse."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from configs.denoiser import get_config
from jaxcrypt import zoo
from jaxcrypt.errors import Refusal
from jaxcrypt.pictures.damages import Damage
from jaxcrypt.record import Sealed
from jaxcrypt.systems import denoiser
from jaxcrypt.systems.catalog import build
from jaxcrypt.systems.decoding import received, turbo
from jaxcrypt.training.defaults import complete
from jaxcrypt.training.optimizer import optimizers
from tests.systems.through import decrypt_pictures, encrypt_pictures, opened_by_record, sealed_by_record

KEY = bytes(range(32))


@pytest.fixture(scope="module")
def shipped():
    system, variables, _ = zoo.load("denoiser")
    return system, variables


def _photo(channels=3, height=96, width=96):
    """Smooth shades and hard edges: most of what makes a photo."""
    y, x = np.mgrid[:height, :width].astype(float)
    planes = []
    for k in range(channels):
        plane = 120 + 60 * np.sin(x / 23 + k) + 30 * np.cos(y / 11 - k)
        plane[(x - 40) ** 2 + (y - 50) ** 2 < 500] -= 60 - 20 * k
        plane[(x > 60) & (y < 30)] += 40
        planes.append(plane)
    return np.clip(np.stack(planes, -1), 0, 255).astype(np.uint8)


def _psnr(estimate, picture):
    return 10 * np.log10(255**2 / np.mean((estimate.astype(float) - picture) ** 2))


def _jpeg(cipher, quality, subsampling=0):
    return Damage("jpeg" if subsampling else "jpeg444", quality)(cipher, None).pixels


def _both(shipped, photo, distort, lost=None):
    system, variables = shipped
    ((cipher, side),) = encrypt_pictures(system, variables, [photo], [KEY])
    received = distort(cipher)
    gaps = None if lost is None else [lost(cipher)]
    (ours,) = decrypt_pictures(system, variables, [received], [side], [KEY], (), photo.shape, gaps)
    (plain,) = decrypt_pictures(build("mixing"), {}, [received], [side], [KEY], (), photo.shape, gaps)
    return ours["image"], plain["image"]


def _noise(sigma):
    def distort(cipher):
        noise = sigma * np.random.default_rng(1).standard_normal(cipher.shape)
        return np.clip(np.rint(cipher + noise), 0, 255).astype(np.uint8)

    return distort


DAMAGES = {
    "nothing": (lambda cipher: cipher, 3.0),
    "jpeg 90": (lambda cipher: _jpeg(cipher, 90), 8.0),
    "jpeg 50": (lambda cipher: _jpeg(cipher, 50), 8.0),
    "noise": (_noise(8.0), 8.0),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_better_than_mixing(shipped, name):
    photo = _photo()
    distort, gain = DAMAGES[name]
    ours, plain = _both(shipped, photo, distort)
    assert ours.dtype == np.uint8
    assert ours.shape == photo.shape
    assert _psnr(ours, photo) >= _psnr(plain, photo) + gain


@pytest.mark.parametrize("channels", [1, 2, 4])
def test_other_channels(shipped, channels):
    photo = _photo(channels, 80, 72)
    ours, plain = _both(shipped, photo, _noise(8.0))
    assert _psnr(ours, photo) >= _psnr(plain, photo) + 5


def _gaps(cipher):
    lost = np.zeros(cipher.shape[:2], bool)
    lost[16:32, 16:32] = lost[64:80, 32:48] = lost[0:16, 80:96] = lost[48:64, 80:96] = True
    return lost


@pytest.mark.parametrize("marked", [True, False])
def test_lost_blocks_marked_or_flat(shipped, marked):
    photo = _photo()

    def distort(cipher):
        return np.where(_gaps(cipher)[..., None], 128, cipher).astype(np.uint8)

    ours, _ = _both(shipped, photo, distort, _gaps if marked else None)
    _, plain = _both(shipped, photo, distort, _gaps)
    assert _psnr(ours, photo) >= _psnr(plain, photo) + 12


def test_jpeg_and_losses_together(shipped):
    """A hole does not make the decoder forget the steps that the rest of the picture shows."""
    photo = _photo()

    def distort(cipher):
        return np.where(_gaps(cipher)[..., None], 128, _jpeg(cipher, 75)).astype(np.uint8)

    both, _ = _both(shipped, photo, distort, _gaps)
    coded, _ = _both(shipped, photo, lambda cipher: _jpeg(cipher, 75))
    assert _psnr(both, photo) > _psnr(coded, photo) - 1.5


def test_flat_blocks_are_found_and_noise_is_not():
    cipher = np.random.default_rng(0).integers(0, 256, (50, 70, 3)).astype(np.uint8)
    assert not received.flat_blocks(cipher).any()
    cipher[16:32, 48:64] = (3, 200, 77)  # one colour, not one grey
    lost = received.flat_blocks(cipher)
    assert lost[16:32, 48:64].all()
    assert lost.sum() == 256


def test_a_wrong_key_gives_noise(shipped):
    system, variables = shipped
    photo = _photo()
    ((cipher, side),) = encrypt_pictures(system, variables, [photo], [KEY])
    other = bytes([KEY[0] ^ 1]) + KEY[1:]
    (decrypted,) = decrypt_pictures(system, variables, [cipher], [side], [other], (), photo.shape)
    assert _psnr(decrypted["image"], photo) < 16
    assert abs(np.corrcoef(decrypted["image"].ravel(), photo.ravel())[0, 1]) < 0.1


def test_bands_agree_with_the_whole(shipped, monkeypatch):
    """A picture of several mixing tiles, decoded at once and a tile at a time."""
    system, variables = shipped
    photo = _photo(1, 560, 520)
    ((cipher, side),) = encrypt_pictures(system, variables, [photo], [KEY])
    assert len(side["mean"]) > 1
    noisy = _noise(8.0)(cipher)
    decrypted = []
    for band in (denoiser._BAND, 1):
        monkeypatch.setattr(denoiser, "_BAND", band)
        monkeypatch.setattr(received, "PASSES", 1)
        (results,) = decrypt_pictures(system, variables, [noisy], [side], [KEY], (), photo.shape)
        decrypted.append(results["image"])
    assert _psnr(decrypted[0], photo) > 34
    assert abs(_psnr(decrypted[0], photo) - _psnr(decrypted[1], photo)) < 0.3


def test_inside_jit_one_pass_is_better_than_none(shipped):
    system, variables = shipped
    photo = _photo()[None]
    subkey = jnp.asarray(np.frombuffer(KEY, "<u4").astype(np.uint32))[None]
    sealed = sealed_by_record(system, variables, photo, subkey)
    noisy = np.asarray(_noise(8.0)(np.asarray(sealed.pixels)))
    received = Sealed(noisy, sealed.side)
    decrypted = opened_by_record(system, variables, received, subkey)
    plain = opened_by_record(build("mixing"), {}, received, subkey)
    assert _psnr(np.asarray(decrypted["image"]), photo) > _psnr(np.asarray(plain["image"]), photo) + 4


def test_two_steps_move_every_parameter():
    from ml_collections import ConfigDict

    config = ConfigDict(
        {"model": {"widths": [8, 12], "blocks": [1, 1], "sigma": 60.0, "size": 16}, "train": {"steps": 2}}
    )
    system = build("denoiser", config)
    batch = {"image": np.stack([_photo(3, 16, 16)] * 2)}
    params, extra = jax.jit(system.init)(jax.random.key(0), batch)
    loss = system.stages[0].phases["denoiser"].loss
    start, gradients = params, jax.jit(jax.grad(lambda p, rng: loss(p, extra, batch, rng)[0]))
    for step in range(3):  # the first steps move the last convolution only, which starts at zero
        grads = gradients(params, jax.random.key(step))
        params = jax.tree.map(lambda p, g: p - 0.01 * g, params, grads)
    for (path, old), new in zip(
        jax.tree_util.tree_leaves_with_path(start), jax.tree.leaves(params), strict=True
    ):
        assert np.abs(np.asarray(new - old)).max() > 0, jax.tree_util.keystr(path)


@pytest.mark.parametrize("options", [(("robust", 7),), (("strength", 1),)])
def test_options_are_checked(shipped, options):
    system, variables = shipped
    with pytest.raises(Refusal, match="robust"):
        encrypt_pictures(system, variables, [_photo()], [KEY], options)


# ------------------------------------------------------------------------------------------------- robust


def _robust(shipped, photo, strength, distort, lost=None):
    system, variables = shipped
    options = (("robust", strength),)
    ((cipher, side),) = encrypt_pictures(system, variables, [photo], [KEY], options)
    received = distort(cipher)
    (decrypted,) = decrypt_pictures(system, variables, [received], [side], [KEY], options, photo.shape, lost)
    return decrypted["image"]


@pytest.mark.parametrize("strength", [1, 2, 3])
def test_robust_survives_a_jpeg_with_less_chroma(shipped, strength):
    photo = _photo()
    decrypted = _robust(shipped, photo, strength, lambda cipher: _jpeg(cipher, 75, 2))
    assert _psnr(decrypted, photo) > (25 if strength == 1 else 30)


def test_robust_survives_cutting_and_whole_enlarging(shipped):
    photo = _photo()
    whole = _robust(shipped, photo, 2, lambda cipher: cipher)
    larger = _robust(shipped, photo, 2, lambda cipher: np.kron(cipher, np.ones((2, 2, 1), np.uint8)))
    np.testing.assert_array_equal(larger, whole)
    cut = _robust(shipped, photo, 2, lambda cipher: cipher[8:, 16:])
    assert _psnr(cut, photo) > 28


@pytest.mark.parametrize("channels", [1, 4])
def test_robust_takes_other_channels(shipped, channels):
    photo = _photo(channels)
    assert _psnr(_robust(shipped, photo, 2, lambda cipher: cipher), photo) > 30


def test_robust_refuses_what_it_cannot_align(shipped):
    def shrink(cipher):
        return np.asarray(Image.fromarray(cipher[..., 0]).resize((130, 70)))[..., None]

    with pytest.raises(Refusal, match="no whole factor"):
        _robust(shipped, _photo(), 2, shrink)
    with pytest.raises(Refusal, match="too small"):
        _robust(shipped, _photo(3, 8, 8), 1, lambda cipher: cipher)


def test_robust_needs_the_key_to_find_its_place(shipped):
    system, variables = shipped
    options = (("robust", 2),)
    ((cipher, side),) = encrypt_pictures(system, variables, [_photo()], [KEY], options)
    with pytest.raises(Refusal):
        decrypt_pictures(system, variables, [cipher[8:]], [side], [bytes(32)], options, _photo().shape)


def test_levels_follow_the_pilots_where_there_are_many():
    few, many = np.array([4]), np.array([40_000])
    assert turbo.level(1.0, np.array([4.0]), few)[0] == pytest.approx(1.0, rel=0.1)
    assert turbo.level(1.0, np.array([4.0]), many)[0] == pytest.approx(2.0, rel=0.02)


def test_a_pass_that_makes_it_worse_is_not_taken():
    """A channel that claims noise beyond reason after the first pass."""
    rng = np.random.default_rng(0)
    subkey = np.frombuffer(KEY, "<u4").astype(np.uint32)
    one = np.ones(1, np.float32)
    run = turbo.Run(subkey, 0, 1024, (0, 900), (0, 1000), 100 * one, 20 * one)
    symbols = run.mix(rng.standard_normal(900).astype(np.float32))
    calls = []

    def receive(prior, variance):
        calls.append(variance)
        level = 0.1 if len(calls) == 1 else 5.0
        return symbols + level * rng.standard_normal(1000).astype(np.float32), level**2

    decoded = turbo.decode(run, receive, lambda samples, levels: 0.5 * samples + 50, None, 4)
    assert len(calls) == 2
    assert decoded.levels[0] == pytest.approx(2.0, rel=0.2)
    assert decoded.error == pytest.approx(10, rel=0.1)  # half of the picture is gone
    np.testing.assert_allclose(decoded.clean, 0.5 * decoded.noisy + 50)


def _turns(powers, denoise):
    """What comes of a channel whose noise has these powers, turn by turn, and of a denoiser."""
    rng = np.random.default_rng(0)
    subkey = np.frombuffer(KEY, "<u4").astype(np.uint32)
    one = np.ones(1, np.float32)
    run = turbo.Run(subkey, 0, 1 << 15, (0, 20_000), (0, 30_000), 100 * one, 20 * one)
    standard = rng.standard_normal(20_000).astype(np.float32)
    symbols, noise, left = run.mix(standard), rng.standard_normal(30_000).astype(np.float32), iter(powers)

    def receive(prior, variance):
        power = next(left)
        return symbols + np.float32(power**0.5) * noise, power

    decoded = turbo.decode(run, receive, denoise, None, len(powers))
    return decoded, run.plain_of(standard), list(left)


def test_the_best_turn_is_taken_not_the_last():
    decoded, _, left = _turns([0.10, 0.105, 0.11, 0.112], lambda samples, levels: 0.5 * samples + 50)
    assert decoded.levels[0] == pytest.approx(20 * 0.1**0.5, rel=0.03)
    assert not left  # what rises a little may gain yet


@pytest.mark.parametrize("share", [0.0, 0.3, 0.8])
def test_the_expected_error_is_that_of_any_denoiser(share):
    """That leaves its share of what is not the mean: the best one, one too careful, and one that is deaf."""
    decoded, truth, _ = _turns([0.25, 0.01], lambda samples, levels: share * (samples - 100) + 100)
    assert decoded.error == pytest.approx(np.sqrt(np.mean((decoded.clean - truth) ** 2)), rel=0.1)


def test_a_turn_that_gains_next_to_nothing_is_the_last():
    rng = np.random.default_rng(0)
    subkey = np.frombuffer(KEY, "<u4").astype(np.uint32)
    one = np.ones(1, np.float32)
    run = turbo.Run(subkey, 0, 8192, (0, 7000), (0, 8000), 100 * one, 20 * one)
    symbols, calls = run.mix(rng.standard_normal(7000).astype(np.float32)), []
    received = symbols + np.float32(0.5) * rng.standard_normal(8000).astype(np.float32)

    def receive(prior, variance):
        calls.append(variance)
        return received, 0.25

    turbo.decode(run, receive, lambda samples, levels: 0.5 * samples + 50, None, 9)
    assert len(calls) == 2


def test_its_config_gives_every_kernel_to_muon_and_every_bias_to_adam():
    config = complete(get_config())
    system = build("denoiser", config)
    params, _ = jax.eval_shape(system.init, jax.random.key(0), {})
    rule = optimizers(config, system.stages[0])["denoiser"]
    state = jax.eval_shape(rule.init, params)
    moments = [node for node in jax.tree.leaves(state, is_leaf=_has_moments) if _has_moments(node)]
    (muon,) = [node.mu for node in moments if not hasattr(node, "nu")]
    (adam,) = [node.mu for node in moments if hasattr(node, "nu")]
    assert _leaf_names(params) == {"kernel", "bias"}
    assert _leaf_names(muon) == {"kernel"}
    assert _leaf_names(adam) == {"bias"}


def _has_moments(node):
    return hasattr(node, "mu")


def _leaf_names(tree):
    return {jax.tree_util.keystr(path[-1:], simple=True) for path, _ in jax.tree.leaves_with_path(tree)}
