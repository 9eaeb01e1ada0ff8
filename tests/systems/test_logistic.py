"""The logistic System: exact, keyed, nonced by the picture itself, and aware of tampering."""

import importlib
import importlib.util
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from jaxcrypt.errors import Refusal
from jaxcrypt.pictures.files import encode_png, load_picture
from jaxcrypt.record import Call
from jaxcrypt.systems.catalog import build
from jaxcrypt.systems.drivers import effort
from jaxcrypt.systems.logistic import host, system
from jaxcrypt.systems.logistic import tiles as logistic
from tests.systems.through import decrypt_pictures, encrypt_pictures

SYSTEM = build("logistic")
KEY = bytes(range(32))
SHAPES = (
    (1, 1, 1), (1, 2, 1), (1, 1, 3), (3, 1, 1), (1, 1, 4), (1, 5, 1), (5, 1, 2), (1, 97, 1), (101, 1, 3),
    (13, 17, 4), (31, 33, 1), (23, 29, 2), (35, 39, 3),
)  # fmt: skip


def seal(picture, key=KEY):
    return encrypt_pictures(SYSTEM, {}, [picture], [key])[0]


def unseal(cipher, side, key=KEY, shape=None):
    return decrypt_pictures(SYSTEM, {}, [cipher], [side], [key], (), shape or cipher.shape)[0]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_round_trip_is_exact(rng, shape):
    picture = rng.integers(0, 256, shape, np.uint8)
    cipher, side = seal(picture)
    assert cipher.shape == shape
    assert cipher.dtype == np.uint8
    opened = unseal(cipher, side)
    np.testing.assert_array_equal(opened["image"], picture)
    assert bool(opened["intact"])


def test_first_pixel_is_encrypted_like_any_other():
    # A known defect of ciphers that chain from pixel to pixel.
    firsts = [seal(np.full((4, 4, 3), 7, np.uint8), bytes([k]) * 32)[0][0, 0] for k in range(40)]
    assert len({tuple(first) for first in firsts}) == 40


@pytest.mark.parametrize(
    "key", [bytes(32), b"\xff" * 32, bytes(31) + b"\x01"], ids=["zeros", "ones", "one bit"]
)
def test_extreme_keys_and_flat_pictures_give_noise(key):
    for value in (0, 128, 255):
        cipher, side = seal(np.full((36, 36, 3), value, np.uint8), key)
        counts = np.bincount(cipher.ravel(), minlength=256)
        assert scipy.stats.chisquare(counts).pvalue > 1e-4
        assert (unseal(cipher, side, key)["image"] == value).all()


def test_one_changed_pixel_changes_the_whole_cipher_under_one_subkey(rng):
    picture = rng.integers(0, 256, (36, 36, 3), np.uint8)
    base, _ = seal(picture)
    for place in ((0, 0, 0), (35, 35, 2), (17, 20, 1)):
        changed = picture.copy()
        changed[place] ^= 1
        other, _ = seal(changed)
        assert (other != base).mean() == pytest.approx(0.99609, abs=0.005)  # 255/256
        assert np.abs(other.astype(int) - base).mean() / 255 == pytest.approx(0.33464, abs=0.02)


def test_one_key_bit_gives_an_unrelated_cipher_and_opens_nothing(rng):
    picture = np.zeros((36, 36, 3), np.uint8)
    base, side = seal(picture)
    for byte, bit in ((0, 0), (31, 7), (16, 3)):
        key = bytearray(KEY)
        key[byte] ^= 1 << bit
        other, _ = seal(picture, bytes(key))
        assert (other != base).mean() == pytest.approx(0.99609, abs=0.005)
        opened = unseal(base, side, bytes(key))
        assert not bool(opened["intact"])
        assert opened["image"].std() > 60


def test_pictures_of_one_run_but_another_shape_have_another_cipher(rng):
    picture = rng.integers(0, 256, (6, 8, 3), np.uint8)
    flat, turned = seal(picture)[0].ravel(), seal(picture.reshape(8, 6, 3))[0].ravel()
    assert (flat != turned).mean() > 0.9


def test_tampering_is_noticed_and_damage_decodes_to_noise(rng):
    picture = np.full((36, 36, 3), 100, np.uint8)
    cipher, side = seal(picture)
    hit, words = 0, 0
    for place in ((0, 0, 0), (5, 7, 1), (35, 35, 2), (20, 3, 0)):
        damaged = cipher.copy()
        damaged[place] ^= 0x10
        opened = unseal(damaged, side)
        assert not bool(opened["intact"])
        wrong = opened["image"] != picture
        words += 8 if wrong.sum() > 1 else 0
        hit += wrong.sum()
    assert words >= 24  # a pair of words for every damaged one
    assert hit == pytest.approx(words, abs=3)  # nearly every byte of them is noise
    forged = {"digest": side["digest"] ^ np.uint32(1)}
    assert not bool(unseal(cipher, forged)["intact"])


def test_batches_equal_single_pictures_and_nothing_is_remembered(rng):
    pictures = rng.integers(0, 256, (3, 9, 11, 3), np.uint8)
    keys = jnp.asarray(rng.integers(0, 2**32, (3, 8), np.uint32))
    encrypt = jax.jit(lambda image, key: _pair(SYSTEM.encrypt({}, {"image": image}, key, ())))
    together, side = encrypt(pictures, keys)
    again, _ = encrypt(pictures, keys)
    np.testing.assert_array_equal(together, again)
    for i in range(3):
        alone, own = seal(pictures[i], np.asarray(keys[i]).astype("<u4").tobytes())
        np.testing.assert_array_equal(alone, together[i])
        np.testing.assert_array_equal(own["digest"], side["digest"][i])


def _pair(sealed):
    return sealed.pixels, sealed.side


@pytest.fixture(params=["kernels", "compiled"])
def arithmetic(request):
    """The arithmetic of the host: NumPy's, or numba's where that is installed."""
    if request.param == "compiled":
        pytest.importorskip("numba")
    return importlib.import_module(f"jaxcrypt.systems.logistic.{request.param}")


@pytest.mark.parametrize("shape", [*SHAPES, (64, 64, 3), (301, 300, 3)], ids=str)
def test_the_host_gives_the_bits_of_the_device_and_opens_them(rng, shape, arithmetic):
    picture, key = rng.integers(0, 256, shape, np.uint8), rng.bytes(32)
    (plain,) = host.encrypt([picture], [key], None, arithmetic)
    (device,) = logistic.DRIVER.encrypt(Call(), [picture], [key])
    np.testing.assert_array_equal(plain.pixels, device.pixels)
    np.testing.assert_array_equal(plain.side["digest"], device.side["digest"])
    (opened,) = host.decrypt([device], [key], shape, None, arithmetic)
    np.testing.assert_array_equal(opened.pictures[0], picture)
    assert bool(opened.report["intact"])
    device.pixels[0, 0, 0] ^= 1
    assert not host.decrypt([device], [key], shape, None, arithmetic)[0].report["intact"]


def test_several_pictures_at_once_and_progress(rng, arithmetic):
    shape, shares = (120, 100, 3), []
    pictures, keys = [rng.integers(0, 256, shape, np.uint8) for _ in range(5)], [rng.bytes(32)] * 5
    sealed = host.encrypt(pictures, keys, shares.append, arithmetic)
    for one, picture in zip(sealed, pictures, strict=True):
        alone = host.encrypt([picture], keys[:1], None, arithmetic)[0]
        np.testing.assert_array_equal(one.pixels, alone.pixels)
    opened = host.decrypt(sealed, keys, shape, shares.append, arithmetic)
    for one, picture in zip(opened, pictures, strict=True):
        np.testing.assert_array_equal(one.pictures[0], picture)
    half = len(shares) // 2
    for part in shares[:half], shares[half:]:
        assert part == sorted(part)
        assert part[-1] == 1


def test_sums_are_exact_where_they_are_largest(arithmetic):
    words, keys = np.full((1024, 64), 0xFFFFFFFF, np.uint32), np.full((2, 1032), 0xFFFFFFFF, np.uint32)
    expected = 2 * 1024 * 0xFFFF * 0xFFFFFFFF % 2**32
    assert (arithmetic.sums(words, arithmetic.columns(keys, 1024)) == expected).all()


def test_what_starts_fast_comes_first_then_what_is_fast(monkeypatch):
    pytest.importorskip("numba")
    from jaxcrypt.systems.logistic import compiled, kernels

    def chosen(done, *started, numba=True, expected=0):
        monkeypatch.setattr(effort, "_done", done)
        monkeypatch.setattr(effort, "_starts", lambda: numba)
        for name in ("jax", "numba"):
            monkeypatch.setitem(sys.modules, name, jax)
            if name not in started:
                monkeypatch.delitem(sys.modules, name)
        return system._arithmetic([np.zeros(1000, np.uint8)], expected)

    assert chosen(0) is kernels
    assert chosen(0, "jax") is None
    assert chosen(0, "jax", "numba") is compiled
    assert chosen(1 << 28) is compiled
    assert chosen(1 << 28, numba=False) is None
    assert chosen(30_000_000) is compiled
    assert chosen(30_000_000, "jax") is None
    assert chosen(30_000_000, numba=False) is kernels
    assert chosen(0, expected=1 << 25) is compiled  # a folder, from its first picture on


def test_small_pictures_need_no_jax(tmp_path):
    photo, sealed, opened = tmp_path / "photo.png", tmp_path / "sealed.png", tmp_path / "opened.png"
    photo.write_bytes(encode_png(np.arange(48 * 64 * 3, dtype=np.uint8).reshape(48, 64, 3)))
    program = f"""
import sys
import jaxcrypt
from jaxcrypt import decrypt, encrypt, keygen
keygen.main(["--key", {str(tmp_path / "k")!r}])
assert encrypt.main([{str(photo)!r}, "-o", {str(sealed)!r}, "--key-file", {str(tmp_path / "k")!r}]) == 0
arguments = [{str(sealed)!r}, "--from-pixels", "-o", {str(opened)!r}, "--key-file", {str(tmp_path / "k")!r}]
assert decrypt.main(arguments) == 0
assert "jax" not in sys.modules
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    np.testing.assert_array_equal(load_picture(opened.read_bytes(), "").pixels.reshape(-1)[:9], np.arange(9))


def test_record(rng):
    assert SYSTEM.init(None, None) == ({}, {})
    assert SYSTEM.traits.exact
    assert "ChaCha20" in SYSTEM.traits.argument
    assert SYSTEM.batch({"image_shape": (8, 9, 1), "batch_size": 2})["image"].shape == (2, 8, 9, 1)
    image = rng.integers(0, 256, (2, 8, 8, 3), np.uint8)
    made = SYSTEM.outputs({}, {"image": image}, jax.random.key(0))
    np.testing.assert_allclose(made["decrypted"], image / np.float32(255), atol=1e-6)
    assert float(made["cipher"].std()) > 0.2
    with pytest.raises(Refusal, match="this System has none"):
        SYSTEM.encrypt({}, {"image": image}, jnp.zeros((2, 8), jnp.uint32), (("rounds", 3),))


def test_layout_covers_everything_in_few_sizes():
    sizes = set()
    for shape in ((1, 1, 1), (64, 64, 3), (100, 100, 3), (512, 512, 3), (777, 1013, 3), (10_000, 10_000, 4)):
        cut = logistic.layout(shape)
        sizes.add(cut.size)
        lengths = np.diff(cut.plain)
        assert cut.plain[-1] == np.prod(shape)
        assert lengths.max() <= cut.size
        assert lengths.max() - lengths.min() <= 8
        assert all(start % 4 == 0 for start in cut.plain[:-1])
    assert len(sizes) <= 3
