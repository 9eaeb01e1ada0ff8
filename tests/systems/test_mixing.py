"""The mixing System: a floor of fidelity, and no trace of flat, sparse or two-tone pictures."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from jaxcrypt.errors import Refusal
from jaxcrypt.functional import keyed
from jaxcrypt.functional import mixing as functional
from jaxcrypt.record import Call
from jaxcrypt.sealing import cipher as loading
from jaxcrypt.systems.catalog import build
from jaxcrypt.systems.drivers import effort
from jaxcrypt.systems.mixing import system as mixing
from tests.systems.through import decrypt_pictures, encrypt_pictures

SYSTEM = build("mixing")
SHAPE = (61, 67, 3)


def seal(pictures, seed=0):
    keys = [np.random.default_rng([seed, i]).bytes(32) for i in range(len(pictures))]
    return encrypt_pictures(SYSTEM, {}, pictures, keys), keys


def unseal(sealed, keys, shape, lost=None):
    ciphers, sides = zip(*sealed, strict=True)
    return decrypt_pictures(SYSTEM, {}, ciphers, sides, keys, (), shape, lost)


def psnr(a, b) -> float:
    return 10 * np.log10(255**2 / max(1e-9, np.mean((a.astype(float) - b) ** 2)))


def photo_like(rng, shape=SHAPE) -> np.ndarray:
    y, x = np.mgrid[: shape[0], : shape[1]]
    base = 120 + 60 * np.sin(x / 9) * np.cos(y / 13) + 20 * (x > y)
    return np.clip(base[..., None] + rng.normal(size=shape) * 4 + np.arange(shape[2]) * 9, 0, 255).astype(
        np.uint8
    )


def hard_pictures() -> dict[str, np.ndarray]:
    flat = np.full(SHAPE, 77, np.uint8)
    dot, dark = np.zeros(SHAPE, np.uint8), np.zeros(SHAPE, np.uint8)
    dot[30, 33] = 255
    dark[7, 9, 1] = 1
    step = np.zeros(SHAPE, np.uint8)
    step[:, 33:] = 255
    text = np.full(SHAPE, 255, np.uint8)
    text[10:50:6, 5:60:2] = 0
    return {"flat": flat, "dot": dot, "dark": dark, "step": step, "text": text}


def streams(rng, size, rounds):
    """Bits of signs and keys of permutations, as they are drawn, and as the functions of JAX take them."""
    block = functional.block_size(size)
    words = rng.integers(0, 2**32, rounds * (size + block) // 32 + 1, np.uint32)
    keys = rng.integers(0, 2**32, (rounds, 16), np.uint32)
    drawn = np.asarray(keyed.bits(jnp.asarray(words)))
    signs, ends = drawn[: rounds * size], drawn[rounds * size : rounds * (size + block)]
    none = jnp.zeros(size)
    return (
        words,
        keys,
        functional.Material(signs.reshape(rounds, size), ends.reshape(rounds, block), keys, none, none, none),
    )


@pytest.mark.parametrize("size", [32, 64, 1024, 1 << 12])
@pytest.mark.parametrize("rounds", [2, 3])
def test_numba_mixes_as_jax_does(size, rounds, rng):
    compiled = pytest.importorskip("jaxcrypt.systems.mixing.compiled", exc_type=ImportError)
    words, keys, material = streams(rng, size, rounds)
    z = rng.normal(size=size).astype(np.float32)
    mix, unmix = jax.jit(functional.mix), jax.jit(functional.unmix)
    for length in (size // 4, size // 2 + 1, size - 3, size):
        mixed = compiled.mix(z, length, words, keys)
        np.testing.assert_allclose(mixed, mix(z, length, material), atol=5e-6)
        np.testing.assert_allclose(
            compiled.unmix(z, length, words, keys), unmix(z, length, material), atol=5e-6
        )
        np.testing.assert_allclose(compiled.unmix(mixed, length, words, keys), z, atol=5e-6)


def test_numba_seals_and_opens_as_jax_does(rng, monkeypatch):
    pytest.importorskip("numba")
    pictures = [photo_like(rng, (350, 300, 3)), np.full((350, 300, 3), 9, np.uint8)]
    lost = [np.zeros(mixing.cipher_shape(pictures[0].shape)[:2], bool)] * 2
    plain, keys = seal(pictures)
    monkeypatch.setattr(effort, "has_numba", lambda samples: True)
    ours, _ = seal(pictures)
    for (a, _), (b, _) in zip(ours, plain, strict=True):
        apart = a.astype(int) - b
        assert abs(apart).max() <= 1
        assert (apart != 0).mean() < 1e-3
    opened = unseal(ours, keys, pictures[0].shape)
    blind = unseal(ours, keys, pictures[0].shape, lost)
    monkeypatch.setattr(effort, "has_numba", lambda samples: False)
    for one, other, none, picture in zip(
        opened, unseal(plain, keys, pictures[0].shape), blind, pictures, strict=True
    ):
        assert psnr(one["image"], picture) > 40
        assert abs(one["image"].astype(int) - other["image"]).max() <= 2
        assert abs(one["image"].astype(int) - none["image"]).max() <= 1


@pytest.mark.parametrize("name", list(hard_pictures()))
def test_hard_pictures_leave_no_trace(name):
    picture = hard_pictures()[name]
    sealed, keys = seal([picture] * 24, seed=1)
    statistics, corners = [], []
    for cipher, _ in sealed:
        counts = np.bincount(cipher.ravel(), minlength=256)
        statistics.append(scipy.stats.chisquare(counts).statistic)
        corners.append(np.corrcoef(cipher[:, :-1].ravel(), cipher[:, 1:].ravel())[0, 1])
    pooled = scipy.stats.chi2.sf(np.sum(statistics), 255 * len(sealed))
    assert 1e-4 < pooled < 1 - 1e-4
    assert abs(np.mean(corners)) < 4 / np.sqrt(24 * picture.size)
    opened = unseal(sealed[:1], keys[:1], SHAPE)[0]["image"]
    assert psnr(opened, picture) > 38 if name != "flat" else (opened == picture).all()


def test_photo_comes_back_and_pilots_tell_how_well(rng):
    picture = photo_like(rng)
    sealed, keys = seal([picture])
    opened = unseal(sealed, keys, SHAPE)[0]
    assert psnr(opened["image"], picture) > 42
    error = np.sqrt(np.mean((opened["image"].astype(float) - picture) ** 2))
    assert float(opened["noise"]) == pytest.approx(error, rel=0.45)


def test_noise_in_the_cipher_is_seen_by_the_pilots(rng):
    picture = photo_like(rng)
    ((cipher, side),), keys = seal([picture])
    noisy = np.clip(cipher + rng.normal(scale=12, size=cipher.shape), 0, 255).astype(np.uint8)
    opened = unseal([(noisy, side)], keys, SHAPE)[0]
    error = np.sqrt(np.mean((opened["image"].astype(float) - picture) ** 2))
    assert error > 5
    assert float(opened["noise"]) == pytest.approx(error, rel=0.4)


def test_known_losses_are_weighted_out(rng):
    picture = photo_like(rng)
    ((cipher, side),), keys = seal([picture])
    lost = np.zeros(cipher.shape[:2], bool)
    lost[10:20, 5:60] = True
    damaged = np.where(lost[..., None], 255, cipher)
    believed = unseal([(damaged, side)], keys, SHAPE)[0]["image"]
    weighted = unseal([(damaged, side)], keys, SHAPE, [lost])[0]["image"]
    assert psnr(weighted, picture) > psnr(believed, picture) + 3
    assert psnr(weighted, picture) > 17


def test_wrong_key_gives_nothing(rng):
    picture = photo_like(rng)
    sealed, keys = seal([picture])
    flat_mean = psnr(np.full(SHAPE, picture.mean()), picture)
    wrong = bytearray(keys[0])
    wrong[13] ^= 1
    opened = unseal(sealed, [bytes(wrong)], SHAPE)[0]["image"]
    assert psnr(opened, picture) < flat_mean
    assert abs(np.corrcoef(opened.ravel(), picture.ravel())[0, 1]) < 4 / np.sqrt(picture.size)


@pytest.mark.parametrize(
    "shape", [(1, 1, 1), (1, 7, 1), (5, 1, 3), (2, 2, 4), (1, 40, 1), (17, 13, 2)], ids=str
)
def test_odd_shapes(rng, shape):
    picture = rng.integers(0, 256, shape, np.uint8)
    sealed, keys = seal([picture])
    assert sealed[0][0].shape == mixing.cipher_shape(shape)
    opened = unseal(sealed, keys, shape)[0]["image"]
    assert np.sqrt(np.mean((opened.astype(float) - picture) ** 2)) < 25


def test_cipher_is_at_most_three_percent_larger_and_tells_the_shape():
    for shape in ((34, 34, 1), (34, 34, 3), (256, 256, 3), (512, 768, 3), (95, 4000, 1), (10_000, 10_000, 3)):
        outer = mixing.cipher_shape(shape)
        assert 1 < np.prod(outer) / np.prod(shape) <= 1.03
    for height in (*range(1, 40), 95, 96, 97, 191, 192, 5000):
        for width in (1, 2, 3, 34, 96, 200):
            for channels in (1, 3):
                shape = (height, width, channels)
                assert mixing.plain_shape(mixing.cipher_shape(shape)) == shape
    with pytest.raises(ValueError, match="no picture"):
        mixing.plain_shape((1, 1, 1))


def test_every_tile_has_pilots_and_room():
    for shape in ((1, 1, 1), (512, 512, 3), (600, 900, 4), (1, 300_000, 1), (10_000, 10_000, 3)):
        cut = mixing.layout(shape)
        plain, cipher = np.diff(cut.plain), np.diff(cut.cipher)
        assert (cipher > plain).all()
        assert cipher.max() <= cut.size
        assert cipher.min() >= cut.size // 4


def test_whole_pictures_equal_streamed_ones(rng, monkeypatch):
    monkeypatch.setattr(effort, "has_numba", lambda samples: False)  # which rounds in another order
    pictures = np.stack([photo_like(rng, (20, 24, 3)) for _ in range(2)])
    sealed, keys = seal(list(pictures))
    subkeys = jnp.asarray(np.stack([np.frombuffer(key, "<u4") for key in keys]))
    whole = SYSTEM.encrypt({}, {"image": pictures}, subkeys, ())
    for i in range(2):
        np.testing.assert_array_equal(whole.pixels[i], sealed[i][0])
        np.testing.assert_allclose(whole.side["spread"][i], sealed[i][1]["spread"], rtol=1e-6)
    lost = np.zeros(whole.pixels.shape[:3], bool)
    lost[:, 3:5] = True
    opened = SYSTEM.decrypt({}, whole, {"lost": jnp.asarray(lost)}, subkeys, ())
    streamed = unseal(sealed, keys, pictures.shape[1:], list(lost))
    np.testing.assert_allclose(np.asarray(opened["image"][0]).astype(int), streamed[0]["image"], atol=1)


def test_record(rng):
    assert SYSTEM.init(None, None) == ({}, {})
    assert not SYSTEM.traits.exact
    assert "experimental" in SYSTEM.traits.argument
    image = photo_like(rng, (20, 24, 3))[None]
    made = SYSTEM.outputs({}, {"image": image}, jax.random.key(0))
    assert made["cipher"].shape == (1, *mixing.cipher_shape((20, 24, 3)))
    assert float(jnp.abs(made["decrypted"] - image / 255).mean()) < 0.02
    with pytest.raises(Refusal, match="this System has rounds"):
        SYSTEM.decrypt({}, None, {}, None, (("rate", 3),))


@pytest.mark.slow
def test_kodak_crops_keep_44_decibels(real_data):
    from PIL import Image

    crops = []
    for path in sorted(real_data.rglob("kodim*.png")):
        picture = np.asarray(Image.open(path).convert("RGB"))
        top, left = (picture.shape[0] - 256) // 2, (picture.shape[1] - 256) // 2
        crops.append(picture[top : top + 256, left : left + 256])
    assert len(crops) == 24
    sealed, keys = seal(crops)
    opened = unseal(sealed, keys, crops[0].shape)
    assert np.mean([psnr(f["image"], crop) for f, crop in zip(opened, crops, strict=True)]) > 45


def test_the_power_of_a_cipher_does_not_tell_flat_pictures(rng):
    """Mixing keeps energy, so a filling of random power would stand out among pictures of unit power."""
    spreads = {}
    for name, picture in (
        ("flat", np.full((32, 32, 3), 77, np.uint8)),
        ("photo", photo_like(rng, (32, 32, 3))),
    ):
        sealed, _ = seal([picture] * 40, seed=7)
        symbols = scipy.stats.norm.ppf((np.stack([cipher for cipher, _ in sealed]) + 0.5) / 256)
        spreads[name] = np.std(np.sum(symbols.reshape(40, -1) ** 2, axis=1))
    assert spreads["flat"] < 2 * spreads["photo"]


def test_the_old_mixing_must_be_asked_for_and_is_another(rng):
    picture = photo_like(rng)
    made = [
        SYSTEM.driver.encrypt(Call(options=options), [picture], [bytes(32)])[0].pixels
        for options in ((), (("rounds", 3),), (("rounds", 2),))
    ]
    assert (made[0] == made[1]).all()
    assert np.mean(made[0] != made[2]) > 0.99


def test_headers_without_rounds_are_of_the_old_mixing():
    assert dict(loading.load("mixing").options) == {"rounds": 3}
    assert dict(loading.load("mixing").stored) == {"rounds": 3}
    assert dict(loading.load_stored("mixing", (), None, "x.png").options) == {"rounds": 2}
    assert dict(loading.load_stored("mixing", (("rounds", 3),), None, "x.png").options) == {"rounds": 3}
    assert "two rounds" in loading.load("mixing", options={"rounds": 2}).argument
