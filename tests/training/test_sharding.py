"""The same numbers on 1, 2, 4 and 8 devices, parameters split or not."""

import jax
import numpy as np
import pytest
from jax.sharding import PartitionSpec

from jaxcrypt.errors import Refusal
from jaxcrypt.training import sharding, state
from jaxcrypt.training.optimizer import optimizers
from jaxcrypt.training.step import StepOptions, make_step
from tests.training import toys

STEPS = 4


def losses_on(count, fsdp, build=toys.gan, rule="adam"):
    config = toys.config()
    config.optimizer.name = rule
    system = build(config)
    mesh = sharding.make_mesh(-1, fsdp, jax.devices()[:count])
    stage, rules = system.stages[0], optimizers(config, system.stages[0])

    def create():
        params, extra = state.init_arrays(system.init, system.batch(config), 0)
        return state.create(params, extra, stage, rules, system.ema)

    now = sharding.create_sharded(mesh, create)
    step = jax.jit(make_step(stage, rules, StepOptions()), donate_argnums=0)
    seen = []
    for index in range(STEPS):
        batch = sharding.global_batch(sharding.batch_sharding(mesh), toys.pictures(16, 0, index))
        now, metrics = step(now, batch)
        seen.append([float(metrics[f"{phase}/loss"].total) for phase in stage.phases])
    return np.array(seen), now


@pytest.fixture(scope="module")
def on_one_device():
    return losses_on(1, 1)


@pytest.mark.parametrize(("count", "fsdp"), [(2, 1), (4, 2), (8, 4)])
def test_results_do_not_depend_on_the_devices(on_one_device, count, fsdp):
    losses, now = losses_on(count, fsdp)
    np.testing.assert_allclose(losses, on_one_device[0], rtol=1e-4)
    split = [leaf for leaf in jax.tree.leaves(now.params) if not leaf.sharding.is_fully_replicated]
    assert bool(split) == (fsdp > 1)
    # Adam divides by the gradient's size: where that is nearly 0, the rounding of a sum decides the sign.
    for one, other in zip(jax.tree.leaves(now.params), jax.tree.leaves(on_one_device[1].params), strict=True):
        assert np.abs(np.asarray(one) - np.asarray(other)).max() < 2e-3


def test_muon_sees_whole_matrices_where_they_are_split(on_one_device):
    alone, _ = losses_on(1, 1, rule="muon")
    np.testing.assert_allclose(losses_on(4, 2, rule="muon")[0], alone, rtol=1e-4)
    assert np.abs(on_one_device[0][-1] - alone[-1]).max() > 1e-3  # and is not adam


def test_arrays_are_split_along_the_largest_axis_that_divides():
    mesh = sharding.make_mesh(2, 4)

    def spec(*shape):
        return sharding.array_sharding(mesh, jax.ShapeDtypeStruct(shape, np.float32)).spec

    assert spec(3, 3, 8, 64) == PartitionSpec(None, None, None, "fsdp")
    assert spec(3, 3, 64, 6) == PartitionSpec(None, None, "fsdp")
    assert spec(7) == spec() == spec(2, 3) == PartitionSpec()


@pytest.mark.parametrize("axes", [(3, 1), (-1, 3), (0, 1), (-2, 1), (-1, 0)])
def test_meshes_that_do_not_fit_are_refused(axes):
    with pytest.raises(Refusal, match=r"config\.mesh"):
        sharding.make_mesh(*axes)


def test_a_batch_that_the_devices_do_not_divide_is_refused():
    with pytest.raises(Refusal, match="multiple of the 8 devices"):
        sharding.check_batch_size(12, sharding.make_mesh())
