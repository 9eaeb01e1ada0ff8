"""Every training config: what of it runs in bfloat16, and two steps of a small likeness of it."""

from functools import partial

import jax
import numpy as np
import pytest

from jaxcrypt.systems import catalog
from jaxcrypt.training import state
from jaxcrypt.training.optimizer import optimizers
from jaxcrypt.training.products import LEAST_SHARE, product_flops, share_in
from jaxcrypt.training.step import StepOptions, make_step
from tests.likeness import NAMES, ROOT, config_of, shrunk

TRACED = {"cyclegan_decryptor", "dcgan_light"}  # as others are, and they take long
VARIATIONS = {n for n in NAMES if "config_beside(" in (ROOT / "configs" / f"{n}.py").read_text()}


def stages(config):
    """Of each stage its step, the state to start from (as a function), what a batch looks like, itself."""
    system = catalog.build(config.system, config)
    spec = system.batch(config)
    options = StepOptions(precision=config.train.precision)
    for stage in system.stages:
        rules = optimizers(config, stage)

        def fresh(stage=stage, rules=rules):
            params, extra = state.init_arrays(system.init, spec, 0)
            return state.create(params, extra, stage, rules, system.ema)

        yield make_step(stage, rules, options), fresh, spec, stage


def _filled(fresh, rng):
    """A state like ``fresh()`` that XLA need not compile: drawn parameters, of which none is zero as kernels
    are that hide the gradients of others, and ones or zeros for the rest."""
    shapes = jax.eval_shape(fresh)
    zeros = partial(jax.tree.map, lambda leaf: np.zeros(leaf.shape, leaf.dtype))
    params = jax.tree.map(partial(_drawn, rng), shapes.params)
    extra = jax.tree.map(lambda leaf: np.ones(leaf.shape, leaf.dtype), shapes.extra)
    ema = {net: params[net] for net in shapes.ema}
    return state.TrainState(zeros(shapes.step), params, extra, zeros(shapes.opt), ema)


def _drawn(rng, leaf):
    spread = 0.3 / np.sqrt(1 + np.prod(leaf.shape[:-1]))
    return rng.normal(0.01, spread, leaf.shape).astype(leaf.dtype)


@pytest.mark.parametrize("name", NAMES)
def test_bfloat16_is_what_most_of_the_work_is_done_in(name):
    config = config_of(name)
    config.train.precision = "bfloat16"
    for step, fresh, spec, _ in stages(config):
        flops = product_flops(step, jax.eval_shape(fresh), spec)
        assert flops.total() > 1e8
        assert share_in(flops, "bfloat16") >= LEAST_SHARE
    if name in TRACED:
        return
    config.train.precision = "float32"
    config.model = shrunk(config.model)
    for step, fresh, spec, _ in stages(config):
        flops = product_flops(step, jax.eval_shape(fresh), spec)
        assert flops.total() > 1e4
        assert share_in(flops, "bfloat16") == 0


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(set(NAMES) - VARIATIONS))
def test_a_small_likeness_trains_two_steps(name):
    """Every net that a stage trains moves, and flat pictures in the batch are survived."""
    config = config_of(name)
    config.model = shrunk(config.model)
    config.train.update({"batch_size": 8, "precision": "bfloat16", "steps": 8})
    config.optimizer.warmup_steps = 1
    rng = np.random.default_rng(0)
    for step, fresh, spec, stage in stages(config):
        batch = {key: rng.integers(0, 256, leaf.shape, np.uint8) for key, leaf in spec.items()}
        for pictures in batch.values():
            pictures[0], pictures[1] = 0, 93
        with jax.default_prng_impl("unsafe_rbg"):  # whose programs compile many times faster
            now, run = _filled(fresh, rng), jax.jit(step)
            before = now
            for _ in range(2):
                now, metrics = run(now, batch)
        losses = [float(mean.total) for key, mean in metrics.items() if key.endswith(("/loss", "/grad_norm"))]
        assert len(losses) >= 2
        assert np.isfinite(losses).all()
        before, now = jax.device_get((before, now))
        for net in {net for phase in stage.phases.values() for net in phase.nets}:
            moved = jax.tree.map(lambda a, b: (a != b).any(), before.params[net], now.params[net])
            assert any(jax.tree.leaves(moved)), net
        kept = jax.tree.leaves((now.params, now.opt, now.ema))
        assert {str(leaf.dtype) for leaf in kept} <= {"float32", "int32"}
