"""Hidden pictures: every kind trains, comes back through an 8-bit PNG, and needs its key."""

import functools
import io

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from configs import stego, stego_invertible, stego_robust
from jaxcrypt.errors import Refusal
from jaxcrypt.pictures.damages import Damage
from jaxcrypt.record import Sealed
from jaxcrypt.systems.catalog import build
from jaxcrypt.systems.drivers import windows
from jaxcrypt.systems.stego import coefficients, networks
from jaxcrypt.training.optimizer import optimizers
from jaxcrypt.training.state import create, init_arrays
from jaxcrypt.training.step import StepOptions, make_step
from tests.support import picture, psnr
from tests.systems.through import decrypt_pictures, encrypt_pictures

pytestmark = pytest.mark.usefixtures("fast_rng")
KEY, OTHER = bytes(range(32)), bytes(range(1, 33))
SMALL = {"features": 8, "encoder_blocks": 1, "decoder_blocks": 1}


def config(kind, secrets=1):
    modules = {"lattice": stego, "robust": stego_robust}
    made = modules.get(kind, stego_invertible).get_config()
    made.model.size, made.model.secrets, made.model.kind = 32, secrets, kind
    made.train.batch_size, made.optimizer.warmup_steps = 2, 0
    if kind in modules:
        made.model[kind].update(SMALL)
        if secrets == 3:
            made.model.lattice.depth = (6, 6, 6)
    if kind == "invertible":
        made.model.invertible.update({"blocks": 2, "features": 8})
    if kind == "networks":
        made.model.networks = {"levels": 2, "features": 4, "layers": 2}
    return made


def test_rounding_passes_gradients_but_never_drives_what_is_clipped_further_out():
    x = jnp.array([-1.2, -1.2, -0.3, 0.3, 1.2, 1.2])
    wanted = jnp.array([1.0, -1.0, 1.0, -1.0, 1.0, -1.0])  # descent towards this side
    gradient = jax.grad(lambda x: -jnp.sum(wanted * networks.rounded(x)))(x)
    assert gradient.tolist() == [-1.0, 0.0, -1.0, 1.0, 0.0, 1.0]
    shown = np.asarray((networks.rounded(x) + 1) * 127.5)
    assert np.allclose(shown, [0, 0, 89, 166, 255, 255], atol=1e-4)


def _waves(shape):
    return np.sin(np.arange(np.prod(shape), dtype=np.float32)).reshape(shape)


@functools.cache
def built(kind, secrets=1):
    """A small System, variables and a batch. A hiding net starts as the identity; here it is shaken."""
    settings = config(kind, secrets)
    system = build("stego", settings)
    start = jax.jit(lambda: init_arrays(system.init, system.batch(settings), 0))
    params, extra = jax.device_get(start())
    if kind not in ("lattice", "robust"):
        params = jax.tree.map(lambda x: x + np.float32(0.01) * _waves(x.shape), params)
    batch = {
        "cover": np.stack([picture((32, 32, 3), seed) for seed in range(2)]),
        "secrets": np.stack(
            [[picture((32, 32, 3), 9 + seed + i) for i in range(secrets)] for seed in range(2)]
        ),
    }
    return system, {"params": params, "extra": extra}, batch


def through_png(pixels):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return np.asarray(Image.open(buffer))


@pytest.mark.parametrize(
    ("kind", "secrets"), [("lattice", 1), ("robust", 1), ("invertible", 1), ("networks", 3)]
)
def test_steps_move_every_parameter_and_report(kind, secrets):
    system, before, batch = built(kind, secrets)
    stage = system.stages[0]
    opts = optimizers(config(kind, secrets), stage)
    state = jax.jit(lambda params: create(params, before["extra"], stage, opts, system.ema))(before["params"])
    step = jax.jit(make_step(stage, opts, StepOptions()))
    for _ in range(4):
        state, metrics = step(state, batch)
    moved = jax.tree.map(lambda a, b: (a != b).any(), before["params"], jax.device_get(state.params))
    assert all(jax.tree.leaves(moved)), moved
    assert np.isfinite(metrics["stego/secret_psnr"].total)
    assert np.isfinite(metrics["stego/grad_norm"].total)


@pytest.mark.parametrize(("kind", "secrets"), [("invertible", 1), ("networks", 3)])
def test_learned_nets_round_trip_in_shape_and_in_unit_range(kind, secrets):
    system, variables, batch = built(kind, secrets)
    made = jax.device_get(jax.jit(system.outputs)(variables, batch, jax.random.key(0)))
    assert made["image"].shape == made["decrypted"].shape == (2, 32, 32 * secrets, 3)
    assert made["cover_image"].shape == made["cover_decrypted"].shape == (2, 32, 32, 3)
    for image in made.values():
        assert 0 <= image.min() <= image.max() <= 1


def test_damage_reaches_the_reveal_network_alone():
    """Damage to the stego picture: the cover's error stays, the secret's grows, gradients are
    finite."""
    plain, variables, batch = built("networks", 3)
    settings = config("networks", 3)
    settings.model.distortions = ("crop",)
    damaged = build("stego", settings)
    values = {}
    for name, system in (("plain", plain), ("damaged", damaged)):
        loss = system.stages[0].phases["stego"].loss
        slope = jax.jit(jax.value_and_grad(loss, has_aux=True))
        made = jax.device_get(slope(variables["params"], {}, batch, jax.random.key(0)))
        (_, (_, metrics)), slopes = made
        assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(slopes))
        values[name] = metrics
    assert values["plain"]["cover_psnr"] == values["damaged"]["cover_psnr"]
    assert values["plain"]["secret_psnr"] != values["damaged"]["secret_psnr"]


def test_a_stage_may_start_from_shipped_weights():
    settings = config("networks")
    assert build("stego", settings).stages[0].init_from is None
    settings.model.init_from = "stego-networks"
    assert build("stego", settings).stages[0].init_from == "stego-networks"


def test_an_invertible_net_is_inverted():
    """With what it throws away at hand, the reverse run gives back cover and secret."""
    from jaxcrypt.models.invertible import Coupling

    net = Coupling(48, 48, 8, 1.0)
    x, y = np.random.default_rng(0).normal(size=(2, 1, 8, 8, 48)).astype(np.float32)
    params = jax.jit(net.init)(jax.random.key(0), x, y)
    params = jax.tree.map(lambda leaf: leaf + np.float32(0.05) * _waves(leaf.shape), jax.device_get(params))
    there = jax.jit(net.apply)(params, x, y)
    assert np.abs(np.asarray(there[1]) - y).max() > 0.1
    back = jax.jit(functools.partial(net.apply, method="inverse"))(params, *there)
    np.testing.assert_allclose(back[0], x, atol=1e-4)
    np.testing.assert_allclose(back[1], y, atol=1e-4)


def hidden(kind, cover, secrets, key=KEY, options=()):
    system, variables, _ = built(kind, 3 if len(secrets) > 1 else 1)
    inputs = {"cover": cover, "secrets": secrets[1:]}
    [(stego_picture, side)] = encrypt_pictures(system, variables, [secrets[0]], [key], options, inputs=inputs)
    return system, variables, stego_picture, side


def revealed(made, shape, key=KEY, options=()):
    system, variables, stego_picture, side = made
    [opened] = decrypt_pictures(
        system, variables, [through_png(stego_picture)], [side], [key], options, shape
    )
    return opened


@pytest.mark.parametrize(
    ("cover", "secret"), [((64, 64, 3), (64, 64, 3)), ((50, 71, 3), (40, 90, 1)), ((16, 16, 1), (33, 20, 3))]
)
def test_lattice_hides_any_size_in_any_size(cover, secret):
    front, back = picture(cover, 1), picture(secret, 2)
    made = hidden("lattice", front, [back])
    assert made[2].shape == (*cover[:2], 3)
    assert psnr(made[2], np.broadcast_to(front, (*cover[:2], 3))) > 45
    opened = revealed(made, secret)
    assert opened["intact"]
    assert opened["image"].shape == secret
    if cover == secret:
        assert psnr(opened["image"], back) > 33


def test_three_secrets_come_back_each_in_its_own_size():
    secrets = [picture(shape, seed) for seed, shape in enumerate([(64, 48, 3), (64, 64, 3), (30, 40, 1)])]
    opened = revealed(hidden("lattice", picture((64, 64, 3), 9), secrets), secrets[0].shape)
    for name, secret in zip(("image", "image2", "image3"), secrets, strict=True):
        assert opened[name].shape == secret.shape
    assert psnr(opened["image2"], secrets[1]) > 33


@pytest.mark.parametrize("kind", ["lattice", "robust"])
def test_wrong_key_gives_nothing(kind):
    back = picture((64, 64, 3), 2)
    made = hidden(kind, picture((64, 64, 3), 1), [back])
    right, wrong = revealed(made, back.shape)["image"], revealed(made, back.shape, OTHER)["image"]
    assert psnr(right, back) > psnr(wrong, back) + 8
    assert abs(np.corrcoef(wrong.ravel(), back.ravel())[0, 1]) < 0.2


def test_without_a_key_whoever_has_the_net_reads():
    back, options = picture((64, 64, 3), 2), (("keyed", False),)
    made = hidden("lattice", picture((64, 64, 3), 1), [back], options=options)
    assert psnr(revealed(made, back.shape, OTHER, options)["image"], back) > 33


@pytest.mark.parametrize("quality", [50, 75, 90])
def test_robust_outlives_jpeg(quality):
    back = picture((64, 64, 3), 2)
    system, variables, front, side = hidden("robust", picture((64, 64, 3), 1), [back])
    damaged = Damage("jpeg", quality)(front, None).pixels
    [opened] = decrypt_pictures(system, variables, [damaged], [side], [KEY], (), back.shape)
    assert psnr(opened["image"], back) > 18


def test_robust_training_flips_bits_of_the_code():
    hider = coefficients.learned(stego_robust.get_config().model, 1)
    shape = (4, 2, 2, sum(hider.net.widths))
    bits = jax.random.bernoulli(jax.random.key(1), 0.5, shape).astype(jnp.int32)
    indices, flipped = hider._to_indices(bits), hider.flipped(jax.random.key(0), (4000, *shape[1:]))
    changed = hider._to_bits(indices ^ flipped[:4])
    np.testing.assert_array_equal(changed, bits ^ hider._to_bits(flipped[:4]))
    rate = np.asarray(hider._to_bits(flipped)).mean((0, 1, 2))
    once, repeated = rate[hider.repeated :].mean(), rate[: hider.repeated].mean()
    assert once == pytest.approx(hider.flips, rel=0.05)
    assert repeated < once / 5  # two of three copies must be hit


def test_robust_bits_are_what_was_hidden():
    hider = built("robust")[0].driver.hider
    code = jnp.asarray(np.random.default_rng(0).integers(0, 2, (3, 4, sum(hider.net.widths))))
    np.testing.assert_array_equal(hider._gather(hider._spread(code)), code)
    spread = hider._spread(code)
    spread = spread.at[0, 0, : hider.repeated].set(1 - spread[0, 0, : hider.repeated])
    np.testing.assert_array_equal(hider._gather(spread), code)  # one copy of three is outvoted
    indices = np.random.default_rng(0).integers(0, 4, (2, len(hider.net.widths)))
    np.testing.assert_array_equal(hider._to_indices(hider._to_bits(indices)), indices)


@pytest.mark.parametrize("kind", ["lattice", "invertible"])
def test_driver_and_record_agree(kind):
    system, variables, batch = built(kind)
    subkey = np.frombuffer(KEY, "<u4")[None]
    inputs = {"cover": batch["cover"][:1], "image": batch["secrets"][:1, 0]}
    pixels, side = jax.jit(
        lambda: (lambda made: (made.pixels, made.side))(system.encrypt(variables, inputs, subkey, ()))
    )()
    cover = {"cover": batch["cover"][0]}
    [(stego_picture, own)] = encrypt_pictures(
        system, variables, [batch["secrets"][0, 0]], [KEY], inputs=cover
    )
    assert (stego_picture != pixels[0]).mean() < 0.01
    assert set(own) == set(side)
    opened = jax.jit(lambda: system.decrypt(variables, Sealed(pixels, side), {}, subkey, ()))()
    assert opened["secrets"].shape == (1, 1, 32, 32, 3)


@pytest.mark.parametrize("kind", ["robust", "invertible"])
def test_windows_leave_no_seams(kind, monkeypatch):
    """Large pictures go window by window; made small, the windows give what the whole gives."""
    system, variables, _ = built(kind)
    cover, back = picture((192, 256, 3), 1), picture((192, 256, 3), 2)
    made = []
    for small in (False, True):
        if small:
            monkeypatch.setattr(windows, "_CORE", 5)
            monkeypatch.setattr(coefficients, "_WINDOW", 9)
            monkeypatch.setattr(coefficients, "_BAND", 5)
        [(front, side)] = encrypt_pictures(system, variables, [back], [KEY], inputs={"cover": cover})
        [opened] = decrypt_pictures(system, variables, [front], [side], [KEY], (), back.shape)
        made.append((front, opened["image"]))
    assert (made[0][0] != cover).mean() > 0.1
    for whole, parts in zip(*made, strict=True):
        assert (whole != parts).mean() < 1e-3
        assert np.abs(whole.astype(int) - parts).max() <= 1


def test_how_far_a_net_sees_is_found_out():
    """Two 3x3 convolutions on a grid of 16 pixels see two units; a mean over all has no end."""
    kernel = np.ones((3, 3, 1, 1), np.float32)

    def see(params, x):
        x = x[:, ::16, ::16, :1]
        for _ in range(2):
            x = jax.lax.conv_general_dilated(
                x, kernel, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
            )
        return x.repeat(16, 1).repeat(16, 2)

    assert windows.reach(see, None, 3) == 2
    assert windows.reach(lambda params, x: x - x.mean(), None, 3) is None


def test_what_cannot_be_hidden_is_refused_by_name():
    system, variables, _ = built("lattice")
    secret = picture((32, 32, 3))
    with pytest.raises(Refusal, match="--cover FILE"):
        encrypt_pictures(system, variables, [secret], [KEY])
    small = {"cover": picture((15, 64, 3))}
    with pytest.raises(Refusal, match="at least 16×16"):
        encrypt_pictures(system, variables, [secret], [KEY], inputs=small)
    many = {"cover": picture((32, 32, 3)), "secrets": [secret]}
    with pytest.raises(Refusal, match="hide 1 in all, not 2"):
        encrypt_pictures(system, variables, [secret], [KEY], inputs=many)


def test_a_code_that_does_not_fit_is_refused():
    settings = config("lattice")
    settings.model.lattice.depth = (1, 2, 2)
    with pytest.raises(Refusal, match=r"config\.model\.lattice\.bits: 1536"):
        build("stego", settings)
    settings = config("robust")
    settings.model.robust.coefficients = 20
    with pytest.raises(Refusal, match=r"84 bits a patch"):
        build("stego", settings)
    settings = config("lattice")
    settings.model.kind = "magic"
    with pytest.raises(Refusal, match="kind=magic: unknown"):
        build("stego", settings)
    settings = config("networks")
    settings.model.distortions = ("jpeg", "rain")
    with pytest.raises(Refusal, match=r"config\.model\.distortions=rain: unknown"):
        build("stego", settings)
