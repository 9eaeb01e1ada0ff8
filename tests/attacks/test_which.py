"""The game "which of two pictures": what falls to it, and that it finds nothing where there is nothing."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxcrypt.attacks import bench, drawn, games, which
from jaxcrypt.attacks.budget import quick_config
from jaxcrypt.attacks.rows import CHANCE
from jaxcrypt.errors import Refusal
from jaxcrypt.functional import companding, mixing

SIZE = 1 << 16  # of 4 blocks


def _encrypt(rounds):
    """Bytes of a grey picture of 256×256 after so many rounds."""

    @jax.jit
    def one(samples, subkey):
        keyed = mixing.material(subkey, 0, SIZE, SIZE, SIZE, rounds)
        standard = (samples - samples.mean()) / samples.std()
        return companding.compand(mixing.mix(standard, SIZE, keyed), keyed.dither)

    def encrypt(pictures, keys):
        words = (jnp.asarray(np.frombuffer(key, "<u4").astype(np.uint32)) for key in keys)
        flat = (jnp.asarray(picture.reshape(-1), jnp.float32) for picture in pictures)
        return [np.asarray(one(x, key)).reshape(256, 256, 1) for x, key in zip(flat, words, strict=True)]

    return encrypt


def _play(encrypt, rng, trials):
    photo = np.clip(rng.normal(128, 40, (256, 256, 1)), 0, 255).astype(np.uint8)
    pictures = drawn.picture("dot", 256, 1), photo
    return which.play(*(which.ciphers_seen(encrypt, one, trials, rng) for one in pictures))


def test_one_round_of_mixing_falls_and_three_do_not(rng):
    fallen = _play(_encrypt(1), rng, 24)
    assert max(fallen.energy, fallen.trained) > 0.8
    assert fallen.p < 1e-4
    assert _play(_encrypt(mixing.ROUNDS), rng, 60).p > 1e-4


def test_a_game_without_anything_to_see_is_chance(rng):
    first, second = ([(rng.normal(size=30), rng.normal(size=18)) for _ in range(100)] for _ in range(2))
    played = which.play(first, second)
    assert abs(played.energy) < 0.5
    assert played.p > 1e-4
    assert "advantage" in played.words


@pytest.mark.parametrize("name", drawn.KINDS)
@pytest.mark.parametrize("side", [64, 256])
def test_drawn_pictures_show_what_their_names_say(name, side):
    picture = drawn.picture(name, side, 3)
    assert picture.shape == (side, side, 3)
    assert picture.dtype == np.uint8
    assert (picture == drawn.picture(name, side, 3)).all()
    share = np.mean(picture == np.bincount(picture.reshape(-1)).argmax())
    assert share == 1 if name == "blank" else share < 1
    if name in ("dot", "square"):
        assert (picture[..., 0] > 0).sum() == {"dot": 1, "square": 64}[name]


@pytest.mark.parametrize("shape", [(5, 4, 3), (8, 9, 1), (64, 66, 4), (200, 40, 1)])
def test_features_of_any_cipher_are_finite(rng, shape):
    cipher = rng.integers(0, 256, shape, dtype=np.uint8)
    for part in which.seen(cipher, which.powers_of_bytes(cipher)):
        assert np.isfinite(part).all()


def test_one_tile_of_many_that_is_sparse_shows(rng):
    """Two rounds leave the energies of its blocks further apart than noise; the others' hide that in the
    mean."""
    powers = np.square(rng.normal(size=20 * mixing.MAX_TILE).astype(np.float32))
    cipher = rng.integers(0, 256, (8, 8, 1), np.uint8)
    plain = which.energies(cipher, powers)
    blocks = powers[: mixing.MAX_TILE].reshape(-1, mixing.MAX_BLOCK)
    blocks *= 1 + 0.04 * np.tile([-1, 1], len(blocks) // 2)[:, None]
    sparse = which.energies(cipher, powers)
    largest = 5 + 5  # behind the tiles' own energies, and the blocks'
    assert sparse[largest] - plain[largest] > 1


def test_rows_have_a_control_that_falls(judged, mixing, logistic):
    config = quick_config()
    for victim in (mixing, logistic):
        made = games.rows(victim, judged, config, bench.BROKEN)
        assert [row.verdict for row in made] == [CHANCE] * 2, victim.name
        assert made[0].control.surely_in
        assert "dot" in made[0].attack


def test_the_older_system_is_that_of_older_headers(mixing, logistic):
    assert dict(games.older(mixing).cipher.options) == {"rounds": 2}
    assert games.older(logistic) is None


def test_unknown_parts_of_the_table_are_refused(mixing, judged):
    config = quick_config()
    config.parts = ("games", "guesses")
    with pytest.raises(Refusal, match="no part guesses"):
        bench.run(mixing, judged, judged, config)
