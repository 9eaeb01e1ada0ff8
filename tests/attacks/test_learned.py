"""Learned attacks: they get into weakened ciphers, into a broken one, and not into sound ones."""

import jax
import numpy as np
import pytest

from jaxcrypt.attacks import bench
from jaxcrypt.attacks.budget import default_config, quick_config
from jaxcrypt.attacks.learned import Attack, Pairs
from jaxcrypt.attacks.rows import CHANCE, FALLS, RESISTS, VOID, WEAKENED, Row
from jaxcrypt.record import Sealed


@pytest.fixture(scope="module")
def config():
    """The quick budget with shorter runs."""
    config = quick_config()
    for kind in (config.known_plaintext, config.ciphertext_only):
        kind.train.steps = 80
    return config


@pytest.fixture(scope="module")
def made(config):
    return bench._Made(config)


KNOWN_PLAINTEXT, CIPHERTEXT_ONLY = bench.KINDS


@pytest.mark.parametrize("kind", bench.KINDS, ids=lambda kind: kind.field)
def test_broken_falls(kind, known, judged, config, made):
    row, weakened = bench.learned_rows(bench.BROKEN, kind, known, judged, config, made)
    assert row.verdict == FALLS
    assert row.gain > 5
    assert weakened.verdict == WEAKENED


@pytest.mark.parametrize("kind", bench.KINDS, ids=lambda kind: kind.field)
def test_logistic_resists_even_without_nonce_and_the_row_counts(kind, logistic, known, judged, config, made):
    row, weakened = bench.learned_rows(logistic, kind, known, judged, config, made)
    assert row.verdict == CHANCE
    assert abs(row.gain) < 0.3
    assert weakened.verdict == RESISTS
    assert row.control.surely_in  # the same attack on a fixed keystream


def test_mixing_resists_and_its_own_weakened_form_is_the_control(mixing, known, judged, config, made):
    row, weakened = bench.learned_rows(mixing, KNOWN_PLAINTEXT, known, judged, config, made)
    assert row.verdict == CHANCE
    assert weakened.verdict == WEAKENED
    assert row.control is weakened
    assert weakened.gain > 1


def test_an_attack_is_a_system_that_decrypts_without_a_key(logistic, photos):
    config = {"model": {"hidden": 8, "width": 4, "blocks": 1}, "train": {"steps": 2, "batch_size": 4}}
    attack = Attack(logistic, config, (8, 8, 3), (8, 8, 3))
    small = photos[:20, :8, :8]
    ciphers, _ = logistic.encrypt(small, logistic.subkeys(small, 0))
    mean = small.mean(axis=0, dtype=np.float32) / 255
    trained = attack.train(Pairs(ciphers, small), mean, seed=0)
    seen = attack.system.decrypt(trained, Sealed(ciphers), {}, None, ())["image"]
    assert seen.shape == small.shape
    assert seen.dtype == np.uint8
    start = attack._start(0, mean).params
    moved = jax.tree.map(lambda a, b: float(np.abs(a - b).max()) > 0, start, trained["params"])
    late = moved["reader"].pop(
        "ResidualBlock_0"
    )  # behind layers that start at zero: two steps reach its last
    assert late["Conv_1"]["kernel"]
    assert moved["reader"]["place"]
    assert moved["reader"]["Dense_1"]["kernel"]
    pictures = attack.system.outputs(trained, {"image": small, "cipher": ciphers}, None)
    assert set(pictures) == {"image", "cipher", "decrypted"}


def test_a_failed_control_voids_the_row_but_not_a_break():
    failed = Row("a", "weakened", "", p=0.5, gain=0.1)
    assert Row("a", "b", "", p=0.5, gain=0.0, control=failed).verdict == VOID
    assert Row("a", "b", "", p=1e-5, gain=0.0, control=failed).verdict == FALLS
    assert Row("a", "b", "", p=0.5, gain=0.31, control=failed).verdict == FALLS
    one_measure = Row("a", "weakened", "", p=1e-5, gain=0.1)
    assert Row("a", "b", "", p=0.5, gain=0.0, control=one_measure).verdict == VOID


def test_the_default_budget_is_what_the_table_promises():
    config = default_config()
    assert len(config.seeds) == 3
    assert config.known_plaintext.pairs[0] == 100
    assert config.known_plaintext.pairs[-1] == 10_000
