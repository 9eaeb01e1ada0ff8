"""What a region's cipher adds to its open surroundings: nothing of a sound one, much of a broken one."""

import jax
import numpy as np
import pytest

from jaxcrypt.attacks import bench, surroundings
from jaxcrypt.attacks.budget import quick_config
from jaxcrypt.attacks.onlooker import CORRECTION, GUESS, middle, opened_of
from jaxcrypt.attacks.rows import CHANCE, FALLS, RESISTS, WEAKENED
from jaxcrypt.attacks.surroundings import Game
from jaxcrypt.errors import Refusal

SEEDS = (0,)


def quick():
    """The quick budget with shorter runs."""
    config = quick_config()
    config.surroundings.train.update({"steps": 40, "batch_size": 32})
    return config


@pytest.fixture(scope="module")
def game(known, judged):
    """A game that plays once against the same ciphers: a run follows from them and its seed."""
    made, played = Game(quick().surroundings, known, judged, 0), {}
    play = made._play

    def once(ciphers, seed):
        which = ciphers.tobytes(), seed
        if which not in played:
            played[which] = play(ciphers, seed)
        return played[which]

    made._play = once
    return made


def test_a_fixed_keystream_falls_and_so_would_the_row(game):
    row = game.row(bench.BROKEN, "a fixed keystream", SEEDS)
    assert row.verdict == FALLS
    assert row.gain > 3
    assert row.surely_in


def test_surroundings_are_guessed_from(game):
    """The guess alone is far better than the region's flat mean colour over all crops."""
    flat = game._known[:, *game._box].mean(axis=(0, 1, 2)) / 127.5 - 1
    shape = game._truth(game._judged).shape
    assert game._without(0) > game._psnr(np.broadcast_to(flat, shape)) + 1


def test_a_sound_cipher_adds_nothing(mixing, game):
    row = game.row(mixing, "nonce in force", SEEDS)
    assert abs(row.gain) < 0.3
    assert row.verdict == CHANCE


def test_rows_stand_beside_a_control_that_falls(monkeypatch, game, logistic, known, judged):
    monkeypatch.setattr(surroundings, "Game", lambda *given: game)  # what is compiled already
    row, weak = surroundings.rows(logistic, known, judged, quick(), bench.BROKEN)
    assert row.verdict == CHANCE
    assert row.control.surely_in
    assert weak.verdict in (WEAKENED, RESISTS)
    assert row.control is weak or weak.verdict == RESISTS


def test_only_the_regions_are_ciphers(logistic, game):
    ciphers = game.ciphers(logistic, 0, nonce=True)
    assert ciphers.shape == (624, 8, 8, 3)
    again = game.ciphers(logistic, 1, nonce=True)
    assert (ciphers != again).mean() > 0.98
    fixed = game.ciphers(bench.BROKEN, 0, nonce=False)
    inside = game._photos[:, *game._box]
    assert len({(a ^ b).tobytes() for a, b in zip(fixed, inside, strict=True)}) == 1


def test_the_region_itself_is_not_seen(game):
    onlooker, photos, params = game._onlooker, game._photos[:4], game._guess
    other = photos.copy()
    other[:, *middle(16, 8)] = 255 - other[:, *middle(16, 8)]
    np.testing.assert_array_equal(opened_of(photos, 8), opened_of(other, 8))
    blank = np.zeros((4, 8, 8, 3), np.uint8)
    after = onlooker.correct(params, photos, game.ciphers(bench.BROKEN, 0, True)[:4], 0)
    moved = [any(np.any(a != b) for a, b in zip(*map(jax.tree.leaves, (params[n], after[n])), strict=True))
             for n in (GUESS, CORRECTION)]  # fmt: skip
    assert moved == [False, True]
    assert not onlooker.answers(params, photos, blank)[1].any()  # a correction starts at nothing


def test_systems_without_regions_are_refused(known, judged):
    with pytest.raises(Refusal, match="encrypts no region"):
        surroundings.rows(bench.SCRAMBLED, known, judged, quick_config(), bench.BROKEN)
