"""Every training config: what of it runs in bfloat16, and two steps of a small likeness of it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxcrypt.systems import catalog
from jaxcrypt.training import state
from jaxcrypt.training.optimizer import optimizers
from jaxcrypt.training.products import LEAST_SHARE, product_flops, share_in
from jaxcrypt.training.step import StepOptions, make_step
from tests.likeness import NAMES, ROOT, config_of, shrunk

VARIATIONS = {n for n in NAMES if "config_beside(" in (ROOT / "configs" / f"{n}.py").read_text()}


def stages(config):
    """Of each stage its step, the state to start from (as a function), and what a batch looks like."""
    system = catalog.build(config.system, config)
    spec = system.batch(config)
    options = StepOptions(precision=config.train.precision)
    for stage in system.stages:
        rules = optimizers(config, stage)

        def fresh(stage=stage, rules=rules):
            params, extra = state.init_arrays(system.init, spec, 0)
            return state.create(params, extra, stage, rules, system.ema)

        yield make_step(stage, rules, options), fresh, spec


@pytest.mark.parametrize("name", NAMES)
def test_bfloat16_is_what_most_of_the_work_is_done_in(name):
    config = config_of(name)
    config.train.precision = "bfloat16"
    states = []
    for step, fresh, spec in stages(config):
        states.append(jax.eval_shape(fresh))
        flops = product_flops(step, states[-1], spec)
        assert flops.total() > 1e8
        assert share_in(flops, "bfloat16") >= LEAST_SHARE
    config.train.precision = "float32"
    for (step, _, spec), start in zip(stages(config), states, strict=True):
        assert share_in(product_flops(step, start, spec), "bfloat16") == 0


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(set(NAMES) - VARIATIONS))
def test_a_small_likeness_trains_two_steps(name):
    config = config_of(name)
    config.model = shrunk(config.model)
    config.train.update({"batch_size": 8, "precision": "bfloat16", "steps": 8})
    config.optimizer.warmup_steps = 1
    rng = np.random.default_rng(0)
    for step, fresh, spec in stages(config):
        batch = {key: rng.integers(0, 256, leaf.shape, np.uint8) for key, leaf in spec.items()}
        with jax.default_prng_impl("unsafe_rbg"):  # whose programs compile many times faster
            now, run = jax.jit(fresh)(), jax.jit(step)
            before = now
            for _ in range(2):
                now, metrics = run(now, batch)
        losses = [float(mean.total) for key, mean in metrics.items() if key.endswith(("/loss", "/grad_norm"))]
        assert len(losses) >= 2
        assert np.isfinite(losses).all()
        moved = jax.tree.map(lambda a, b: bool(jnp.any(a != b)), before.params, now.params)
        assert any(jax.tree.leaves(moved))
        kept = jax.tree.leaves((now.params, now.opt, now.ema))
        assert {str(leaf.dtype) for leaf in kept} <= {"float32", "int32"}
