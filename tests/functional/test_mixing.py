"""Hadamard transform, companding and the keyed orthogonal map."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg
import scipy.stats

from jaxcrypt.functional import companding, hadamard, mixing

SUBKEY = jnp.arange(8, dtype=jnp.uint32)
SIZE = 1024
mix, unmix = jax.jit(mixing.mix), jax.jit(mixing.unmix)
material, transform = jax.jit(mixing.material, static_argnums=(2, 5)), jax.jit(hadamard.transform)


@pytest.fixture(scope="module", params=[mixing.ROUNDS, mixing.OLD_ROUNDS])
def keyed(request):
    return material(SUBKEY, 0, SIZE, 500, SIZE, request.param)


@pytest.mark.parametrize("order", [1, 2, 8, 64, 512])
def test_transform_equals_scipy(rng, order):
    rows = rng.normal(size=(3, order)).astype(np.float32)
    expected = rows @ scipy.linalg.hadamard(order).T / np.sqrt(order)
    np.testing.assert_allclose(transform(rows), expected, atol=2e-5)


def test_transform_is_its_own_inverse_at_the_largest_block(rng):
    rows = rng.normal(size=(1, mixing.MAX_BLOCK)).astype(np.float32)
    twice = transform(transform(rows))
    np.testing.assert_allclose(twice, rows, atol=2e-5)


def test_orders_must_be_powers_of_two():
    with pytest.raises(ValueError, match="power of two"):
        hadamard.matrix(12)


def test_centroids_are_conditional_means():
    assert companding.CENTROIDS.shape == (256,)
    edges = scipy.stats.norm.ppf([0.25, 0.25 + 1 / 256])
    mean = scipy.stats.truncnorm(*edges).mean()
    assert companding.CENTROIDS[64] == pytest.approx(mean, abs=1e-5)
    assert companding.CENTROIDS[255] == pytest.approx(
        scipy.stats.truncnorm(scipy.stats.norm.ppf(255 / 256), np.inf).mean(), abs=1e-4
    )


def test_companding_fills_all_bytes_evenly_and_comes_back(rng):
    z, g = (rng.normal(size=100_000).astype(np.float32) for _ in range(2))
    data = jax.jit(companding.compand)(z, g)
    counts = np.bincount(np.asarray(data), minlength=256)
    assert scipy.stats.chisquare(counts).pvalue > 1e-4
    error = np.asarray(jax.jit(companding.expand)(data, g)) - z
    assert np.sqrt((error**2).mean()) < 0.06


@pytest.mark.parametrize("length", [256, 257, 511, 512, 700, 769, 1023, 1024])
def test_the_map_is_orthogonal_for_every_length(rng, keyed, length):
    z = np.zeros(SIZE, np.float32)
    z[:length] = rng.normal(size=length)
    y = np.asarray(mix(z, length, keyed))
    np.testing.assert_allclose(np.linalg.norm(y), np.linalg.norm(z), rtol=1e-5)
    assert not y[length:].any()
    np.testing.assert_allclose(unmix(y, length, keyed), z, atol=2e-5)


def test_a_lone_sample_reaches_everywhere(keyed):
    for place in (0, 500, 999):
        y = np.asarray(mix((np.arange(SIZE) == place).astype(np.float32), 1000, keyed))[:1000]
        assert (np.abs(y) > 1e-6).mean() > 0.5
        assert np.abs(y).max() < 0.35


def test_lost_samples_are_weighted_out(rng, keyed):
    z = rng.normal(size=SIZE).astype(np.float32)
    weights = (rng.random(SIZE) > 0.2).astype(np.float32)
    damaged = np.where(weights > 0, mix(z, SIZE, keyed), np.float32(50.0))
    unmix_weighted = jax.jit(mixing.unmix_weighted)
    estimate = np.asarray(unmix_weighted(damaged, weights, SIZE, keyed))
    slope = (estimate * z).sum() / (z**2).sum()
    assert slope == pytest.approx(1.0, abs=0.06)
    share = float(weights.mean())
    assert np.var(estimate - z) == pytest.approx((1 - share) / share, rel=0.25)
    nothing = unmix_weighted(damaged, np.zeros(SIZE, np.float32), SIZE, keyed)
    assert not np.asarray(nothing).any()


def test_pilots_tell_the_noise(rng, keyed):
    z = np.asarray(keyed.pilots) + rng.normal(scale=0.3, size=SIZE).astype(np.float32)
    pilots, noise_level = np.arange(SIZE) >= 500, jax.jit(mixing.noise_level)
    assert float(noise_level(z, keyed.pilots, pilots)) == pytest.approx(0.3, rel=0.15)
    assert float(noise_level(z, keyed.pilots, np.zeros(SIZE, bool))) == 0


@pytest.mark.parametrize(
    ("rounds", "low", "high"), [(mixing.OLD_ROUNDS, 4.0, 20.0), (mixing.ROUNDS, 0.6, 1.5)]
)
def test_block_energies_tell_a_lone_dot_after_two_rounds_and_not_after_three(rng, rounds, low, high):
    """Of Gaussian samples dealt among 16 blocks of b, energies vary by 2 / b · 15 / 16."""
    size = 1 << 18
    dot = np.where(np.arange(size) == size // 3, size**0.5, -(size**-0.5)).astype(np.float32)

    @jax.jit
    def energies(subkey):
        keyed = mixing.material(subkey, 0, size, size, size, rounds)
        return jnp.mean(jnp.square(mixing.mix(dot, size, keyed)).reshape(16, -1), axis=1)

    blocks = np.array([energies(key) for key in rng.integers(0, 1 << 32, (16, 8), dtype=np.uint32)])
    ratio = np.mean(np.square(blocks - 1)) / (2 / mixing.MAX_BLOCK * 15 / 16)
    assert low < ratio < high


def test_a_fill_has_unit_power_and_pilots_follow_it(keyed):
    fill, pilots = np.asarray(keyed.fill)[:500], np.asarray(keyed.pilots)[500:]
    assert np.mean(fill**2) == pytest.approx(1, abs=1e-5)
    assert abs(fill.mean()) < 5 / 500**0.5
    assert pilots.all()
    assert scipy.stats.kstest(pilots, "norm").pvalue > 1e-4
