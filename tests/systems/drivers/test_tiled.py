"""The driver: tiles from host memory give what whole pictures give, in order and with progress."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxcrypt.declared import chosen
from jaxcrypt.record import Sealed
from jaxcrypt.systems.catalog import build
from jaxcrypt.systems.drivers.layout import even_bounds
from jaxcrypt.systems.drivers.tiles import over_tiles
from jaxcrypt.systems.drivers.whole import driven
from jaxcrypt.systems.logistic import layout as logistic_layout
from jaxcrypt.systems.logistic import tiles as logistic
from jaxcrypt.systems.mixing import system as mixing
from tests.systems.through import decrypt_pictures, encrypt_pictures


@pytest.fixture
def small_tiles(monkeypatch):
    """logistic with tiles of 4 KiB at most, so that small pictures have many."""
    monkeypatch.setattr(logistic_layout, "_SIZES", (1 << 12,))
    return build("logistic")


def test_many_tiles_streamed_equal_the_whole(rng, small_tiles):
    pictures = list(rng.integers(0, 256, (2, 57, 83, 3), np.uint8))
    keys = [rng.bytes(32) for _ in pictures]
    assert logistic.layout(pictures[0].shape).count == 4
    sealed = encrypt_pictures(small_tiles, {}, pictures, keys)
    subkeys = jnp.asarray(np.stack([np.frombuffer(key, "<u4") for key in keys]))
    whole = small_tiles.encrypt({}, {"image": np.stack(pictures)}, subkeys, ())
    for i, (cipher, side) in enumerate(sealed):
        np.testing.assert_array_equal(cipher, whole.pixels[i])
        np.testing.assert_array_equal(side["digest"], whole.side["digest"][i])
    ciphers, sides = zip(*sealed, strict=True)
    decrypted = decrypt_pictures(small_tiles, {}, ciphers, sides, keys, (), pictures[0].shape)
    opened = small_tiles.decrypt({}, whole, {}, subkeys, ())
    for i, picture in enumerate(pictures):
        np.testing.assert_array_equal(decrypted[i]["image"], picture)
        np.testing.assert_array_equal(opened["image"][i], picture)
        assert bool(decrypted[i]["intact"])


def test_tiles_with_equal_contents_have_unrelated_ciphers(small_tiles):
    cipher = encrypt_pictures(small_tiles, {}, [np.zeros((64, 64, 3), np.uint8)], [bytes(32)])[0][0].ravel()
    bounds = logistic.layout((64, 64, 3)).plain
    first, second = cipher[: bounds[1]], cipher[bounds[1] : bounds[2]]
    assert (first[:4000] != second[:4000]).mean() > 0.98


def test_a_change_in_one_tile_changes_every_other(rng, small_tiles):
    picture = rng.integers(0, 256, (64, 64, 3), np.uint8)
    base = encrypt_pictures(small_tiles, {}, [picture], [bytes(32)])[0][0]
    picture[-1, -1, -1] ^= 1
    other = encrypt_pictures(small_tiles, {}, [picture], [bytes(32)])[0][0]
    assert (base != other).mean() > 0.99


def test_progress_rises_to_one(rng, small_tiles):
    seen = []
    picture = rng.integers(0, 256, (57, 83, 3), np.uint8)
    ((cipher, side),) = encrypt_pictures(small_tiles, {}, [picture], [bytes(32)], progress=seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == 1.0
    seen.clear()
    decrypt_pictures(small_tiles, {}, [cipher], [side], [bytes(32)], (), picture.shape, progress=seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == 1.0


def test_inputs_are_left_alone(rng, small_tiles):
    picture = rng.integers(0, 256, (9, 9, 3), np.uint8)
    view = picture[:, ::-1]
    before = picture.copy()
    ((cipher, side),) = encrypt_pictures(small_tiles, {}, [view], [bytes(32)])
    np.testing.assert_array_equal(picture, before)
    decrypted = decrypt_pictures(small_tiles, {}, [cipher], [side], [bytes(32)], (), view.shape)[0]
    np.testing.assert_array_equal(decrypted["image"], view)


def test_systems_without_tiles_run_whole(rng):
    def encrypt(variables, inputs, subkey, options):
        shift = subkey[:, :1, None, None].astype(jnp.uint8) + variables["by"]
        return Sealed(inputs["image"] + shift, {"shift": shift[:, 0, 0, 0]})

    def decrypt(variables, sealed, inputs, subkey, options):
        lost = inputs.get("lost")
        image = sealed.pixels - sealed.side["shift"][:, None, None, None]
        return {"image": image if lost is None else jnp.where(lost[..., None], 0, image)}

    plain = driven(dataclasses.replace(build("logistic"), encrypt=encrypt, decrypt=decrypt))
    pictures = list(rng.integers(0, 256, (2, 5, 6, 3), np.uint8))
    keys, variables = [bytes([3]) * 32, bytes([200]) * 32], {"by": jnp.uint8(1)}
    sealed = encrypt_pictures(plain, variables, pictures, keys)
    np.testing.assert_array_equal(sealed[1][0], pictures[1] + np.uint8(201))
    ciphers, sides = zip(*sealed, strict=True)
    shape = pictures[0].shape
    decrypted = decrypt_pictures(plain, variables, ciphers, sides, keys, (), shape)
    np.testing.assert_array_equal(decrypted[0]["image"], pictures[0])
    lost = np.zeros((5, 6), bool)
    lost[2] = True
    decrypted = decrypt_pictures(plain, variables, ciphers, sides, keys, (), shape, [lost, lost])
    assert not decrypted[0]["image"][2].any()


def test_even_bounds():
    assert even_bounds(10, 3) == (0, 3, 6, 10)
    assert even_bounds(11, 2, 4) == (0, 4, 11)
    assert even_bounds(3, 1, 4) == (0, 3)


@pytest.mark.parametrize("driver", [logistic.DRIVER, mixing.SYSTEM.driver.whole], ids=["logistic", "mixing"])
def test_tiles_side_by_side_equal_tiles_one_by_one(rng, driver):
    # An accelerator takes a stack of tiles at once, a CPU one after another.
    pictures = list(rng.integers(0, 256, (3, 20, 24, 3), np.uint8))
    keys = [rng.bytes(32) for _ in pictures]
    tiles = driver.tiles(chosen(driver.options, ()))
    layout = tiles.layout(pictures[0].shape)
    tile = {
        "data": np.zeros((3, layout.size), np.uint8),
        "subkey": np.stack([np.frombuffer(key, "<u4") for key in keys]),
        "index": np.arange(3, dtype=np.uint32),
        "plain_length": np.full(3, 1440, np.int32),
        "cipher_length": np.full(3, layout.cipher[-1], np.int32),
    }
    tile["data"][:, :1440] = np.stack(pictures).reshape(3, -1)
    tile["data"] = tile["data"].view(tiles.word)
    if tiles.unfold:
        tile["stream_key"] = tile["subkey"]
    looped = jax.jit(lambda t: over_tiles(tiles.seal, t))(tile)
    stacked = jax.jit(jax.vmap(tiles.seal))(tile)
    np.testing.assert_array_equal(looped[0], stacked[0])
    opened = jax.jit(jax.vmap(tiles.open))(tile | {"data": stacked[0]} | stacked[1])[0]
    again = np.asarray(opened).view(np.uint8)[:, :1440].astype(int)
    error = np.abs(again - np.stack(pictures).reshape(3, -1))
    assert error.max() == 0 if driver is logistic.DRIVER else error.mean() < 6
