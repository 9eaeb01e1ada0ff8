"""Faces without a header: ordinary latents, found with the key alone, in any order, with some missing."""

import numpy as np
import pytest
from scipy import stats

from jaxcrypt.errors import Refusal
from jaxcrypt.systems.dcgan import code, covert

PLAN = code.Plan(100, 8, 0.12)
SECRET, DATA = bytes(range(32)), b"a photo's file, " * 120


def key_of(nonce, secret=b"k"):
    return code.hmac.digest(secret, nonce, "sha256")


def strangers_key(nonce):
    return key_of(nonce, b"another")


def faces(secret=SECRET, data=DATA, spare=0):
    return covert.encode(PLAN, secret, key_of, data, PLAN.faces(len(data)) + covert.LIDS + spare)


def read(z, rng, error=1e-3):
    """What a receiver reads of them."""
    noisy = z + error * rng.standard_normal(z.shape).astype(np.float32)
    return noisy.astype(np.float32), np.full(z.shape, error, np.float32)


def test_data_comes_back_in_any_order_and_without_some_faces(rng):
    z = faces(spare=2)
    assert covert.decode(PLAN, key_of, *read(z, rng)).data == DATA
    shuffled = rng.permutation(len(z))
    assert covert.decode(PLAN, key_of, *read(z[shuffled], rng)).data == DATA
    for lost in (0, 5, len(z) - 2, len(z) - 1):  # a lid, data, the last data, the other lid
        left = np.delete(z, lost, axis=0)[rng.permutation(len(z) - 1)]
        assert covert.decode(PLAN, key_of, *read(left, rng)).data == DATA


def test_faces_of_others_among_them_do_no_harm(rng):
    z = np.concatenate([faces(spare=2), rng.standard_normal((3, 100)).astype(np.float32)])
    assert covert.decode(PLAN, key_of, *read(z[rng.permutation(len(z))], rng)).data == DATA


def test_what_cannot_be_is_refused(rng):
    z = faces()
    with pytest.raises(Refusal, match="no key fits"):
        covert.decode(PLAN, strangers_key, *read(z, rng))
    with pytest.raises(Refusal, match="no key fits"):
        covert.decode(PLAN, key_of, *read(z[1:-1], rng))  # without both lids
    with pytest.raises(Refusal, match="beyond what the code can mend"):
        covert.decode(PLAN, key_of, *read(np.delete(z, range(1, 11), axis=0), rng))


def test_a_nonce_next_to_the_edge_of_a_bin_is_found(rng):
    """A lid whose latents are read with so large an error that some symbols of its nonce are wrong."""
    wrong = 0
    for number in range(40):
        lid = covert.lid(number.to_bytes(32, "big"), key_of, bytes(24), 100)
        noisy, sigma = read(lid[None], rng, 4e-3)
        symbols = list(covert.seeds(noisy[0], sigma[0], key_of))
        assert bytes(24) in symbols
        wrong += symbols[0] != bytes(24)
    assert wrong > 0


def test_lids_are_the_generators_prior_and_unrelated():
    """2,000 lids of one seed under one key: values, bins and dimensions are those of a normal prior."""
    z = np.stack([covert.lid(n.to_bytes(32, "big"), key_of, bytes(24), 100) for n in range(2000)])
    assert stats.kstest(z.ravel(), "norm").pvalue > 1e-3
    assert stats.kstest((z**2).sum(1), "chi2", args=(100,)).pvalue > 1e-3
    assert np.abs(np.corrcoef(z.T)[np.triu_indices(100, 1)]).max() < 5 / np.sqrt(2000)
    seeds = stats.norm.cdf(z[:, 64:96]) * 64 % 1
    assert stats.kstest(seeds.ravel(), "uniform").pvalue > 1e-3


def test_everything_is_new_with_another_secret():
    one, two = faces(), faces(SECRET[::-1])
    assert abs(np.corrcoef(one.ravel(), two.ravel())[0, 1]) < 0.1
