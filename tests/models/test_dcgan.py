"""The DCGAN's nets: the source's tables row by row, and the variants that its text describes."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from configs.dcgan_light import get_config as light
from jaxcrypt.models.dcgan import Discriminator, Extractor, Generator, Halve, Upsample, of_settings

FACES, LATENTS = jnp.zeros((2, 64, 64, 3)), jnp.zeros((2, 100))
GENERATOR = {  # layer: output shape, parameters
    "dense": ((8192,), 827_392),
    "up0": ((16, 16, 128), 262_272),
    "up1": ((32, 32, 256), 524_544),
    "up2": ((64, 64, 512), 2_097_664),
    "image": ((64, 64, 3), 38_403),
}
DISCRIMINATOR = {
    "down0": ((32, 32, 64), 3_136),
    "down1": ((16, 16, 128), 131_200),
    "down2": ((8, 8, 128), 262_272),
    "dense": ((1,), 8_193),
}


def rows(net, example):
    """Output shape and parameters of every layer of ``net``, by name."""
    stored = jax.eval_shape(net.init, jax.random.key(0), example)
    seen = jax.eval_shape(lambda v: net.apply(v, example, capture_intermediates=True)[1], stored)
    return {
        name: (seen["intermediates"][name]["__call__"][0].shape[1:], count(tree))
        for name, tree in stored["params"].items()
    }


def start(net, example):
    """Its parameters; compiled, since op by op that takes seconds."""
    return jax.jit(net.init)(jax.random.key(0), example)


def count(tree):
    return sum(leaf.size for leaf in jax.tree.leaves(tree))


def test_every_row_of_the_generators_table():
    assert rows(Generator(), LATENTS) == GENERATOR
    assert sum(parameters for _, parameters in GENERATOR.values()) == 3_750_275


def test_every_row_of_the_discriminators_table():
    assert rows(Discriminator(), FACES) == DISCRIMINATOR
    assert sum(parameters for _, parameters in DISCRIMINATOR.values()) == 404_801


def test_the_light_generator_is_light():
    model = light().model
    net = of_settings(Generator, model.generator)
    stored = jax.eval_shape(net.init, jax.random.key(0), LATENTS)
    cost = jax.jit(net.apply).lower(stored, LATENTS).cost_analysis()["flops"] / 2 / len(LATENTS)
    assert cost <= 0.1e9  # multiply-adds a face; the source's: 2.46e9
    assert jax.eval_shape(net.apply, stored, LATENTS).shape == FACES.shape


def test_upsampling_is_the_transposed_convolution(rng):
    x = rng.standard_normal((2, 3, 5, 4)).astype(np.float32)
    net = Upsample(6)
    stored = start(net, x)
    kernel, bias = stored["params"]["kernel"], stored["params"]["bias"] + 0.5
    wanted = jax.lax.conv_transpose(
        x, kernel, (2, 2), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"), precision="highest"
    )
    upsampled = net.apply({"params": {"kernel": kernel, "bias": bias}}, x)
    np.testing.assert_allclose(upsampled, wanted + 0.5, atol=1e-5)


def test_layers_keep_the_power_of_what_comes_in():
    z = jax.random.normal(jax.random.key(1), (64, 100))
    net = Generator(start=64, widths=(48, 32, 24, 16), kernel=3)
    faces = jax.jit(net.apply)(start(net, z), z)
    assert 0.3 < float(faces.std()) < 0.8
    assert float(jnp.abs(faces).max()) <= 1


@pytest.mark.parametrize(
    ("net", "example"),
    [
        (Generator(start=16, widths=(16, 8, 8), batch_norm=True), LATENTS),
        (Discriminator((8, 8, 8), batch_norm=True), FACES),
        (Discriminator((8, 8, 8), spectral_norm=True), FACES),
    ],
)
def test_variants_keep_statistics_that_only_training_moves(net, example, rng):
    example = jnp.asarray(rng.standard_normal(example.shape), jnp.float32)
    stored = start(net, example)
    rngs = {"dropout": jax.random.key(2)}
    train = jax.jit(functools.partial(net.apply, train=True, mutable=["batch_stats"]))
    _, moved = train(stored, example, rngs=rngs)
    changed = jax.tree.map(lambda a, b: bool((a != b).any()), stored["batch_stats"], moved["batch_stats"])
    assert all(jax.tree.leaves(changed)), changed
    test = jax.jit(net.apply)
    np.testing.assert_array_equal(test(stored, example), test(stored, example))


def test_spectral_norm_bounds_every_kernel(rng):
    net = Discriminator((8, 16), dropout=0.0, spectral_norm=True)
    x = jnp.asarray(rng.standard_normal((2, 64, 64, 3)), jnp.float32)
    stored = start(net, x)
    louder = {**stored, "params": jax.tree.map(lambda p: 10 * p, stored["params"])}
    train = jax.jit(functools.partial(net.apply, train=True, mutable=["batch_stats"]))
    for _ in range(20):
        _, moved = train(louder, x)
        louder = {**louder, **moved}
    kernel = np.asarray(louder["params"]["down1"]["conv"]["kernel"]).reshape(-1, 16)
    [sigma] = [
        v for k, v in louder["batch_stats"]["down1"]["spectral"].items() if "sigma" in k and "kernel" in k
    ]
    assert sigma == pytest.approx(np.linalg.norm(kernel, 2), rel=1e-2)


def test_dropout_acts_in_training_only(rng):
    net = Discriminator((8, 8, 8), dropout=0.5)
    x = jnp.asarray(rng.standard_normal((2, 64, 64, 3)), jnp.float32)
    stored = start(net, x)
    train = jax.jit(functools.partial(net.apply, train=True))
    one, two = (train(stored, x, rngs={"dropout": jax.random.key(i)}) for i in range(2))
    assert (one != two).all()
    assert jax.eval_shape(net.apply, stored, x).shape == (2,)


def test_the_extractor_reads_as_many_latents_as_there_are():
    net = Extractor()
    stored = jax.eval_shape(net.init, jax.random.key(0), FACES)
    assert jax.eval_shape(net.apply, stored, FACES).shape == LATENTS.shape


@pytest.mark.parametrize("net", [Halve, Upsample])
def test_both_ways_of_a_stride_are_one_function(net):
    x = np.random.default_rng(0).normal(size=(2, 6, 4, 5)).astype(np.float32)
    params = start(net(7), x)

    def slope(direct):  # of a function of the gradient, as the gradient penalty is
        def value(params, x):
            return jnp.sum(jnp.sin(net(7, direct=direct).apply(params, x)))

        return jax.jit(jax.grad(lambda p: jnp.sum(jax.grad(value, 1)(p, x) ** 2)))(params)

    np.testing.assert_allclose(net(7).apply(params, x), net(7, direct=True).apply(params, x), atol=1e-5)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=2e-4), slope(False), slope(True))
