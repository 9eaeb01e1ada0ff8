"""Attacks that learn nothing: wrong keys, chosen pairs, statistics; and the chance tests behind them."""

import dataclasses

import numpy as np
import pytest

from jaxcrypt.attacks import bench, linked, looks, pictures, significance, wrong_keys
from jaxcrypt.attacks.rows import CHANCE, FALLS, RESISTS, WEAKENED, table
from jaxcrypt.attacks.victim import Victim
from jaxcrypt.declared import Input
from jaxcrypt.errors import Refusal
from jaxcrypt.record import Sealed
from jaxcrypt.sealing.cipher import Cipher
from jaxcrypt.systems.drivers.whole import Whole, driven


@pytest.fixture(scope="module")
def naked():
    """A System that hides nothing."""
    shows = dataclasses.replace(
        bench.BROKEN.system,
        encrypt=lambda variables, inputs, subkey, options: Sealed(inputs["image"]),
        decrypt=lambda variables, sealed, inputs, subkey, options: {"image": sealed.pixels},
    )
    return Victim("naked", Cipher(driven(shows)))


@pytest.fixture(scope="module")
def offset():
    """A System whose wrong key moves brightness only: little PSNR, all there to see."""

    def shift(image, subkey, sign):
        return image + (sign * (subkey[:, :1] % 256)[:, :, None, None]).astype(np.uint8)

    system = dataclasses.replace(
        bench.BROKEN.system,
        encrypt=lambda v, inputs, subkey, options: Sealed(shift(inputs["image"], subkey, 1)),
        decrypt=lambda v, sealed, inputs, subkey, options: {"image": shift(sealed.pixels, subkey, -1)},
    )
    return Victim("offset", Cipher(driven(system)))


def test_wrong_keys_give_nothing(logistic, mixing, photos):
    for victim in (logistic, mixing):
        rows = wrong_keys.rows(victim, photos, 0)
        assert [row.verdict for row in rows] == [CHANCE] * 5, victim.name
        assert rows[-1].control.surely_in  # what was sealed without a key is revealed without one
        assert all(row.gain < -1 for row in rows)


def test_wrong_keys_open_what_ignores_its_key(photos):
    assert all(row.verdict == FALLS for row in wrong_keys.rows(bench.BROKEN, photos, 0))


def test_likeness_counts_where_psnr_says_nothing(offset, photos):
    assert wrong_keys.rows(offset, photos, 0)[0].p < 1e-4


def test_each_wrong_source_differs_in_what_it_says(photos):
    right, wrong = wrong_keys.key_files(photos, 0)
    bits = [
        np.unpackbits(np.frombuffer(a.secret, np.uint8) ^ np.frombuffer(b.secret, np.uint8)).sum()
        for a, b in zip(right, wrong, strict=True)
    ]
    assert bits == [1] * len(photos)
    for pair in (wrong_keys.passphrases, wrong_keys.key_images):
        right, wrong = pair(photos, 0)
        assert all(a.secret != b.secret and a.kind == b.kind for a, b in zip(right, wrong, strict=True))


def test_the_right_source_gives_the_right_subkey_again(logistic, photos):
    right, wrong = wrong_keys.passphrases(photos, 0)
    keys = wrong_keys._subkeys(logistic, right, photos, 0)
    assert keys == wrong_keys._subkeys(logistic, right, photos, 0)
    assert not set(keys) & set(wrong_keys._subkeys(logistic, wrong, photos, 0))


def test_a_nonce_is_fresh_and_withheld_it_is_one(logistic, photos):
    assert len(set(logistic.subkeys(photos, 0))) == len(photos)
    assert len(set(logistic.subkeys(photos, 0, nonce=False))) == 1


def test_chosen_difference(logistic, mixing, photos):
    verdicts = {
        victim.name: [row.verdict for row in looks.chosen_difference(victim, photos, 0)]
        for victim in (logistic, mixing, bench.BROKEN)
    }
    assert verdicts == {
        "logistic": [CHANCE, RESISTS],  # its digest makes another stream of every picture
        "mixing": [CHANCE, WEAKENED],
        "broken": [FALLS, WEAKENED],
    }


def test_statistics_and_block_means(logistic, mixing, naked, photos):
    for victim in (logistic, mixing):
        rows = looks.uniform(victim, photos, 0) + looks.block_means(victim, photos, 0)
        assert [row.verdict for row in rows] == [CHANCE] * 4, victim.name
    rows = looks.uniform(naked, photos, 0) + looks.block_means(naked, photos, 0)
    assert [row.verdict for row in rows] == [FALLS] * 4


def test_block_means_of_many_ciphers_find_what_one_hides(naked, photos):
    def faint(variables, inputs, subkey, options):
        random = np.random.default_rng(int(subkey[0, 0]))
        noise = random.normal(128, 60, inputs["image"].shape)
        return Sealed(np.clip(noise + 0.04 * inputs["image"], 0, 255).astype(np.uint8))

    class Leaky(Whole):
        def encrypt(self, call, pictures, keys):
            rows = [np.frombuffer(key, "<u4")[None] for key in keys]
            return [faint({}, {"image": p}, row, ()) for p, row in zip(pictures, rows, strict=True)]

    driver = Leaky(naked.system.encrypt, naked.system.decrypt)
    leaky = Victim("leaky", Cipher(dataclasses.replace(naked.system, driver=driver)))
    one, many = looks.block_means(leaky, photos, 0)
    assert many.verdict == FALLS
    assert many.p < one.p


def test_permutation_p_is_calibrated_and_sees_every_sign():
    random = np.random.default_rng(5)
    photos = random.normal(size=(20, 4, 4, 1)).cumsum(axis=1)
    p_values = [
        significance.permutation_p([significance.cosines(random.normal(size=photos.shape), photos)], seed)
        for seed in range(60)
    ]
    assert min(p_values) > 1e-3
    assert np.mean(np.array(p_values) < 0.1) < 0.2
    assert np.mean(p_values) > 0.4
    signs = random.choice([-1, 1], 20)[:, None, None, None]
    for sign in (1, -1, signs):
        leaked = [
            significance.cosines(sign * photos + 2 * random.normal(size=photos.shape), photos)
            for _ in range(6)
        ]
        assert significance.permutation_p(leaked) < 1e-4


def test_too_few_pictures_are_refused():
    with pytest.raises(ValueError, match="12 pictures"):
        significance.permutation_p([np.eye(5)])


def test_pictures_come_from_every_file_and_are_the_same_again(judged):
    made = pictures.windows(judged, 16, 48, 3, 7)
    assert made.shape == (48, 16, 16, 3)
    assert np.array_equal(made, pictures.windows(judged, 16, 48, 3, 7))
    assert len({picture.tobytes() for picture in made}) == 48
    assert pictures.windows(judged, 16, 3, 1, 7).shape == (3, 16, 16, 1)
    with pytest.raises(Refusal, match="smaller than"):
        pictures.windows(judged, 128, 1, 3, 0)
    theirs, ours = pictures.split(judged)
    assert not set(theirs) & set(ours)


def test_systems_that_take_more_than_a_picture_are_refused(naked):
    mask = Input("mask", "mask", "a region", required=True)
    with pytest.raises(Refusal, match="mask"):
        Victim("x", Cipher(dataclasses.replace(naked.system, inputs=(mask,))))


def test_the_table_says_it_all(logistic, photos):
    rows = looks.chosen_difference(logistic, photos, 0)
    lines = table("Title", rows).splitlines()
    assert len(lines) == 4 + len(rows)
    assert all(line.count("|") == 7 for line in lines[2:])
    assert set(rows[0].facts()) == {"attack", "granted", "found", "p", "gain", "verdict"}


def test_linkage_rows_fall_for_what_keeps_norms_and_not_for_ciphers(logistic, mixing, photos):
    for victim in (logistic, mixing):
        rows = linked.rows(victim, photos, 0)
        assert {row.attack for row in rows} >= {"linkage: norm", "linkage: magnitudes"}
        assert [row.verdict for row in rows] == [CHANCE] * len(rows), victim.name
        assert all("of 24" in row.found for row in rows)
