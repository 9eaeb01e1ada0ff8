"""Bytes in latents: they come back, healed where the code can, or are refused by name."""

import numpy as np
import pytest
from scipy import stats

from jaxcrypt.errors import Refusal
from jaxcrypt.systems.dcgan import code

KEY, OTHER = bytes(range(32)), bytes(range(1, 33))
PNG = code.Plan(100, 8, 0.1)
ROUGH = code.Plan(100, 2, 0.3)


def sent(plan, data, spare=0, key=KEY):
    faces = plan.faces(len(data)) + spare
    return code.encode(plan, key, data, faces)


def received(plan, z, key=KEY, sigma=1e-4):
    sigma = np.broadcast_to(np.float32(sigma), z.shape)
    return code.decode(plan, key, z, sigma, code.material(plan, key, len(z)))


@pytest.mark.parametrize("plan", [PNG, ROUGH, code.Plan(100, 7, 0.0)])
@pytest.mark.parametrize("length", [0, 1, 75, 1000, 5000])
def test_data_comes_back(rng, plan, length):
    data = rng.bytes(length)
    z = sent(plan, data)
    assert z.shape == (plan.faces(length), 100)
    assert z.dtype == np.float32
    decoded = received(plan, z)
    assert decoded.data == data
    assert decoded.mended == 0
    assert plan.capacity(len(z)) >= length
    assert len(z) == 1 or plan.capacity(len(z) - 1) < length


def test_latents_are_the_generators_prior_whatever_the_data():
    """Zeros, 3,000 faces of them: values, their pairs and repetitions of them are those of a normal prior."""
    z = code.encode(PNG, KEY, b"", 3000)
    assert stats.kstest(z.ravel(), "norm").pvalue > 1e-3
    assert stats.kstest((z**2).sum(1), "chi2", args=(100,)).pvalue > 1e-3
    between = np.corrcoef(z.T)[np.triu_indices(100, 1)]
    assert np.abs(between).max() < 5 / np.sqrt(3000)
    inside = stats.norm.cdf(z[:, :96]) * 256 % 1
    assert stats.kstest(inside.ravel(), "uniform").pvalue > 1e-3


def test_another_key_or_nonce_gives_unrelated_latents():
    one, two = (code.encode(PNG, key, b"x" * 500, 20) for key in (KEY, OTHER))
    assert abs(np.corrcoef(one.ravel(), two.ravel())[0, 1]) < 0.1


def test_another_key_is_refused(rng):
    z = sent(PNG, rng.bytes(300))
    with pytest.raises(Refusal, match="nothing under this key"):
        received(PNG, z, OTHER)
    plain = code.Plan(100, 8, 0.0)
    with pytest.raises(Refusal, match="nothing under this key"):
        received(plain, sent(plain, rng.bytes(300)), OTHER)


def test_noise_is_mended_and_counted(rng):
    data = rng.bytes(3000)
    z = sent(ROUGH, data)
    noisy = z + 0.12 * rng.standard_normal(z.shape).astype(np.float32)
    decoded = received(ROUGH, noisy, sigma=0.12)
    assert decoded.data == data
    assert 0 < decoded.mended < decoded.total
    assert 0 < decoded.worst <= 1


def test_a_lost_face_is_healed_and_too_many_are_refused(rng):
    data = rng.bytes(3000)
    z = sent(PNG, data)
    sigma = np.full(z.shape, 1e-4, np.float32)
    drawn = code.material(PNG, KEY, len(z))
    for lost in ([3], [0, 11, 20]):
        spread = sigma.copy()
        spread[lost] = np.inf
        hole = np.where(np.isinf(spread), 0, z)
        assert code.decode(PNG, KEY, hole, spread, drawn).data == data
    spread[:10] = np.inf
    with pytest.raises(Refusal, match="beyond what the code can mend"):
        code.decode(PNG, KEY, np.where(np.isinf(spread), 0, z), spread, drawn)


def test_an_altered_face_is_mended(rng):
    data = rng.bytes(3000)
    z = sent(PNG, data)
    z[5] = rng.standard_normal(100)
    assert received(PNG, z).data == data


def test_faces_in_another_order_are_put_back(rng):
    z = sent(PNG, rng.bytes(2000))
    pilots = code.material(PNG, KEY, len(z)).pilots
    noisy = z + 1e-3 * rng.standard_normal(z.shape).astype(np.float32)
    sigma = np.full(z.shape, 1e-3, np.float32)
    shuffled = rng.permutation(len(z))
    carriers = code.order(noisy[shuffled], sigma, pilots)
    np.testing.assert_array_equal(shuffled[carriers], np.arange(len(z)))
    without = np.delete(np.arange(len(z)), 4)
    carriers = code.order(noisy[without], sigma[without], pilots)
    assert carriers[4] == -1
    np.testing.assert_array_equal(without[np.delete(carriers, 4)], without)
    assert (code.order(rng.standard_normal(z.shape), sigma, pilots) == -1).all()


def test_what_does_not_fit_is_refused():
    with pytest.raises(Refusal, match="500 bytes do not fit into 2 faces, which carry"):
        code.encode(PNG, KEY, bytes(500), 2)
