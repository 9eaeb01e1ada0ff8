"""The one step: which nets move, what is written back, when it runs, and how precisely."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxcrypt.errors import Refusal
from jaxcrypt.models import layers
from jaxcrypt.record import Phase, Stage
from jaxcrypt.training import loop, state
from jaxcrypt.training.optimizer import optimizers
from jaxcrypt.training.step import StepOptions, check_stage, make_step, scan_steps
from tests.training import toys


def start(system, config, **options):
    stage = system.stages[0]
    rules = optimizers(config, stage)
    step = make_step(stage, rules, StepOptions(seed=3, ema_decay=config.ema, **options))

    def fresh():
        params, extra = state.init_arrays(system.init, system.batch(config), 0)
        return state.create(params, extra, stage, rules, system.ema)

    return jax.jit(fresh)(), step


def batch(index=0):
    return toys.pictures(16, 0, index)


def moved(before, after):
    return {net: not _same(before[net], after[net]) for net in before}


def _same(one, other):
    return jax.tree.all(jax.tree.map(lambda a, b: (a == b).all(), *jax.device_get((one, other))))


def every_leaf_moved(one, other):
    return jax.tree.all(jax.tree.map(lambda a, b: (a != b).any(), *jax.device_get((one, other))))


def close(one, other, **tolerance):
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, **tolerance), one, other)


def only(system, *names):
    stage = system.stages[0]
    phases = {name: stage.phases[name] for name in names}
    return dataclasses.replace(system, stages=(dataclasses.replace(stage, phases=phases),))


@pytest.mark.parametrize(("phase", "frozen"), [("gen", "disc"), ("disc", "gen")])
def test_a_phase_moves_its_own_nets_and_their_statistics_only(phase, frozen):
    config = toys.config()
    first, step = start(only(toys.gan(config), phase), config)
    then, _ = jax.jit(step)(first, batch())
    assert moved(first.params, then.params) == {phase: True, frozen: False}
    assert moved(first.extra, then.extra) == {phase: True, frozen: False}


def test_all_parameters_of_both_nets_move():
    config = toys.config()
    first, step = start(toys.gan(config), config)
    then, metrics = jax.jit(step)(first, batch())
    weights = [
        every_leaf_moved(first.params[net][layer]["kernel"], then.params[net][layer]["kernel"])
        for net, layers in first.params.items()
        for layer in layers
        if "kernel" in layers[layer]
    ]
    assert len(weights) == 4
    assert all(weights)
    assert set(metrics) == {
        "disc/loss", "disc/grad_norm", "disc/accuracy", "gen/loss", "gen/grad_norm", "gen/fooled"
    }  # fmt: skip


def test_every_skips_steps_and_their_metrics():
    config = toys.config()
    now, step = start(toys.gan(config, every=3), config)
    step = jax.jit(step)
    ran = []
    for index in range(6):
        before = now
        now, metrics = step(now, batch(index))
        ran.append(moved(before.params, now.params)["gen"])
        assert float(metrics["gen/loss"].count) == float(ran[-1])
        assert moved(before.extra, now.extra)["gen"] == ran[-1]
    assert ran == [True, False, False] * 2


def test_a_step_depends_on_seed_step_and_phase_only():
    config = toys.config()
    first, step = start(toys.denoiser(config), config)
    one, metrics = jax.jit(step)(first, batch())
    again, same = jax.jit(step)(first, batch())
    assert _same(one.params, again.params)
    later = jax.jit(step)(first.replace(step=first.step + 1), batch())[1]
    assert float(metrics["net/loss"].total) == float(same["net/loss"].total)
    assert float(metrics["net/loss"].total) != float(later["net/loss"].total)


def test_scan_does_what_a_loop_does():
    config = toys.config()
    first, step = start(toys.denoiser(config), config)
    looped, total = first, 0.0
    for index in range(4):
        looped, metrics = jax.jit(step)(looped, batch(index))
        total += float(metrics["net/loss"].total)
    stacked = jax.tree.map(lambda *leaves: np.stack(leaves), *[batch(i) for i in range(4)])
    scanned, metrics = jax.jit(scan_steps(step, 4))(first, stacked)
    assert int(scanned.step) == 4
    assert float(metrics["net/loss"].count) == 4
    np.testing.assert_allclose(float(metrics["net/loss"].total), total, rtol=1e-4)
    close(scanned.params, looped.params, atol=5e-4)


def test_averages_follow_the_formula():
    config = toys.config()
    config.ema = 0.25
    now, step = start(toys.denoiser(config), config)
    expected = jax.device_get(now.ema)
    for index in range(5):
        now, _ = jax.jit(step)(now, batch(index))
        d, params = min(0.25, (1 + index + 1) / (10 + index + 1)), jax.device_get(dict(now.params))
        expected = jax.tree.map(lambda e, p: d * e + (1 - d) * p, expected, params)  # noqa: B023
    close(now.ema, expected, rtol=1e-5, atol=1e-7)
    assert state.variables(now)["params"]["net"] is now.ema["net"]
    assert state.variables(now, averaged=False)["params"]["net"] is now.params["net"]


def test_bfloat16_computes_in_bfloat16_and_agrees_with_float32():
    config = toys.config()
    first, exact = start(toys.denoiser(config), config)
    _, coarse = start(toys.denoiser(config), config, precision="bfloat16")
    jaxpr = str(jax.make_jaxpr(coarse)(first, batch()))
    assert "bf16" in next(line for line in jaxpr.splitlines() if "conv_general_dilated[" in line)
    a, b = first, first
    for index in range(8):
        a, one = jax.jit(exact)(a, batch(index))
        b, two = jax.jit(coarse)(b, batch(index))
        assert two["net/loss"].total.dtype == jnp.float32
        np.testing.assert_allclose(one["net/loss"].total, two["net/loss"].total, rtol=0.03)
    kept = [leaf for leaf in jax.tree.leaves((b.params, b.opt, b.ema)) if leaf.ndim]
    assert {leaf.dtype for leaf in kept} == {jnp.dtype("float32")}


def test_remat_changes_memory_not_results():
    config = toys.config()
    first, plain = start(toys.gan(config), config)
    _, remat = start(toys.gan(config), config, remat=True)
    assert "remat" in str(jax.make_jaxpr(remat)(first, batch()))
    assert layers.KEPT == "between blocks"  # the name by which the step's policy knows what to keep
    a, b = jax.jit(plain)(first, batch())[0], jax.jit(remat)(first, batch())[0]
    close(a.params, b.params, atol=1e-5)


def test_a_loss_that_is_not_finite_stops_the_run_and_names_the_phase():
    def loss(params, extra, batch, rng):
        return jnp.log(-jnp.sum(params["net"]["w"] ** 2)), (extra, {})

    stage = Stage({"fine": Phase(("other",), _square("other")), "bad": Phase(("net",), loss)}, 5)
    config = toys.config()
    rules = optimizers(config, stage)
    params = {"net": {"w": jnp.ones(3)}, "other": {"w": jnp.ones(3)}}
    first = state.create(params, {}, stage, rules, ())
    _, metrics = jax.jit(make_step(stage, rules, StepOptions()))(first, batch())
    with pytest.raises(Refusal, match=r"phase bad: loss is nan at step 7") as caught:
        loop.check_finite(7, metrics, {})
    assert caught.value.code == 1
    loop.check_finite(7, {name: value for name, value in metrics.items() if name.startswith("fine")}, {})


def _square(net):
    return lambda params, extra, batch, rng: (jnp.sum(params[net]["w"] ** 2), (extra, {}))


def test_unknown_nets_and_precisions_are_refused():
    stage = Stage({"gen": Phase(("gne",), _square("gen"))}, 5)
    with pytest.raises(Refusal, match="phase gen: no net called gne; the System has gen"):
        check_stage(stage, {"gen": {}})
    with pytest.raises(Refusal, match=r"did you mean bfloat16\?"):
        make_step(stage, {}, StepOptions(precision="bfloat6"))
