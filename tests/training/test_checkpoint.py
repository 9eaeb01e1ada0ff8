"""Checkpoints: written whole, restored exactly, on any number of devices; the damaged one is passed over."""

import collections
import functools
import json
import logging
import math
import shutil

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxcrypt import zoo
from jaxcrypt.errors import Refusal
from jaxcrypt.training import checkpoint, hosts, sharding, state
from jaxcrypt.training.checkpoint import Checkpoints
from jaxcrypt.training.optimizer import optimizers
from tests.training import toys


@functools.cache
def make_state(fsdp=1, count=None, build=toys.gan, rule="adam"):
    """A fresh state at step 0 on the first ``count`` devices, and the shapes to restore one into."""
    config = toys.config()
    config.optimizer.name = rule
    system, mesh = build(config), sharding.make_mesh(-1, fsdp, jax.devices()[:count])
    stage = system.stages[0]

    def create():
        params, extra = state.init_arrays(system.init, system.batch(config), 0)
        return state.create(params, extra, stage, optimizers(config, stage), system.ema)

    return sharding.create_sharded(mesh, create), sharding.with_shardings(mesh, jax.eval_shape(create))


def at(step, **where):
    return make_state(**where)[0].replace(step=jnp.int32(step))


def meta(**more):
    config = json.loads(toys.config().to_json())
    return {"config": config, "stage": 0, "pipeline": [{"index": 3}], "hardware": "test", **more}


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Folders of runs by what is in them: a run that several tests want is written once."""
    return collections.defaultdict(lambda: tmp_path_factory.mktemp("run"))


@pytest.fixture
def saved(runs):
    """Makes ``workdir`` a run with checkpoints at the steps of ``scores``, whose values are the validation
    PSNR."""

    def save(workdir, scores, **options):
        run = runs[str(scores), str(options), checkpoint.FORMAT]
        if not any(run.iterdir()):
            checkpoints = Checkpoints(run, best="validation/psnr", **options)
            for step, psnr in scores.items():
                checkpoints.save(at(step), meta(), {"validation/psnr": psnr} if psnr else None)
            checkpoints.close()
        shutil.copytree(run, workdir, dirs_exist_ok=True)

    return save


def same(one, other):
    jax.tree.map(np.testing.assert_array_equal, jax.device_get(one), jax.device_get(other))


@pytest.mark.parametrize(("count", "rule"), [(1, "adam"), (2, "adam"), (4, "adam"), (2, "muon")])
def test_restored_exactly_onto_another_number_of_devices(tmp_path, count, rule):
    written = at(8, fsdp=4, rule=rule)
    checkpoints = Checkpoints(tmp_path)
    checkpoints.save(written, meta(), {})
    checkpoints.close()
    checkpoints = Checkpoints(tmp_path)
    step, restored = checkpoints.newest()
    assert (step, restored["pipeline"], restored["format"]) == (8, [{"index": 3}], checkpoint.FORMAT)
    _, template = make_state(fsdp=min(count, 2), count=count, rule=rule)
    back = checkpoints.restore(8, template)
    same(back, written)
    assert all(len(leaf.sharding.device_set) == count for leaf in jax.tree.leaves(back))
    same(checkpoints.restore_arrays(8)["params"], written.params)
    checkpoints.close()


def test_the_last_and_the_best_are_kept(saved, tmp_path):
    scores = {1: 20.0, 2: 31.0, 3: math.nan, 4: 25.0, 5: 24.0, 6: None}
    saved(tmp_path, scores, keep_last=2, keep_best=1)
    checkpoints = Checkpoints(tmp_path, read_only=True)
    assert checkpoints.steps() == [2, 5, 6]
    assert checkpoints.best_sound()[0] == 2
    assert {path.stem for path in (tmp_path / "checkpoints.sha256").iterdir()} == {"2", "5", "6"}


def test_orbax_tells_nothing_of_its_inside(saved, tmp_path, caplog):
    saved(tmp_path, {1: 20.0})
    checkpoints = Checkpoints(tmp_path, read_only=True)
    checkpoints.restore_arrays(1)
    assert [record.getMessage() for record in caplog.records if record.name == "absl"] == []


def test_a_best_that_nothing_measures_is_told(tmp_path, caplog):
    checkpoints = Checkpoints(tmp_path, best="validation/pnsr")
    checkpoints.save(at(1), meta(), {"validation/psnr": 20.0})
    checkpoints.close()
    assert "validation/pnsr: is not measured (there is validation/psnr)" in caplog.text


def largest_file(folder):
    return max((p for p in folder.rglob("*") if p.is_file()), key=lambda p: p.stat().st_size)


def flip(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.mark.parametrize("harm", [flip, cut, lambda path: path.unlink()], ids=["flipped", "cut", "missing"])
def test_a_damaged_newest_checkpoint_falls_back_to_the_one_before(saved, tmp_path, caplog, harm):
    saved(tmp_path, {4: 20.0, 8: 21.0})
    harm(largest_file(tmp_path / "checkpoints" / "8"))
    with caplog.at_level(logging.WARNING, "jaxcrypt"):
        checkpoints = Checkpoints(tmp_path)
        assert checkpoints.newest()[0] == 4
    assert "checkpoints/8: damaged" in caplog.text
    assert "falling back" in caplog.text
    assert (tmp_path / "checkpoints.damaged" / "8").is_dir()
    checkpoints.save(at(8), meta(), None)  # that step can be written again
    checkpoints.close()
    checkpoints = Checkpoints(tmp_path)
    assert checkpoints.newest()[0] == 8
    checkpoints.close()


def test_damage_is_seen_without_a_digest_too(saved, tmp_path):
    saved(tmp_path, {4: 20.0, 8: 21.0})
    (tmp_path / "checkpoints.sha256" / "8.json").unlink()
    cut(largest_file(tmp_path / "checkpoints" / "8" / "state"))
    checkpoints = Checkpoints(tmp_path)
    assert checkpoints.newest()[0] == 4
    checkpoints.close()


@pytest.mark.parametrize("text", ["", "{", "[]", "{}"])
def test_digests_that_cannot_be_read_are_as_none(saved, tmp_path, text):
    saved(tmp_path, {4: 20.0, 8: 21.0})
    (tmp_path / "checkpoints.sha256" / "8.json").write_text(text)
    checkpoints = Checkpoints(tmp_path)
    assert checkpoints.newest()[0] == 8  # which Orbax itself can read
    checkpoints.close()
    assert "state/" in (tmp_path / "checkpoints.sha256" / "8.json").read_text()  # and are made anew


def test_an_empty_step_is_damaged(saved, tmp_path, caplog):
    saved(tmp_path, {4: 20.0})
    (tmp_path / "checkpoints" / "8").mkdir()
    checkpoints = Checkpoints(tmp_path)
    assert checkpoints.newest()[0] == 4
    checkpoints.close()


def test_when_every_checkpoint_is_damaged_the_run_says_so(saved, tmp_path):
    saved(tmp_path, {4: 20.0})
    flip(largest_file(tmp_path / "checkpoints" / "4"))
    for _ in range(2):  # and goes on saying so
        with pytest.raises(Refusal, match="none of its checkpoints is sound; --restart begins the run anew"):
            Checkpoints(tmp_path).newest()
    assert (tmp_path / "checkpoints" / "4").is_dir()


def test_a_newer_format_is_refused_in_one_line(saved, tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoint, "FORMAT", 99)
    saved(tmp_path, {4: 20.0})
    monkeypatch.undo()
    with pytest.raises(Refusal, match=r"checkpoints/4: checkpoint format 99, this version reads up to 1"):
        Checkpoints(tmp_path, read_only=True).newest()


def test_another_architecture_is_refused_in_one_line(saved, tmp_path):
    saved(tmp_path, {4: 20.0})
    _, template = make_state(build=toys.denoiser)
    with pytest.raises(Refusal, match="does not fit this System and config") as caught:
        Checkpoints(tmp_path, read_only=True).restore(4, template)
    assert "\n" not in str(caught.value)


def test_the_data_goes_on_over_another_number_of_hosts_where_it_can(caplog):
    assert hosts.own_pipeline_state([{"index": 3}]) == {"index": 3}
    assert hosts.own_pipeline_state([{"index": 3}, {"index": 3}]) == {"index": 3}
    assert hosts.own_pipeline_state([{"shard": 0}, {"shard": 1}]) is None
    assert "written by 2 hosts, now there are 1" in caplog.text


def test_other_folders_are_refused(tmp_path):
    with pytest.raises(Refusal, match="not the --workdir of a training run"):
        zoo.load(tmp_path)
