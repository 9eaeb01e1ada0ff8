"""Whole runs in this process: stages, a loss that explodes, evaluation, an old checkpoint."""

import dataclasses
import json
import logging
import shutil
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from clu.metrics import Average

import jaxcrypt.data
from jaxcrypt import zoo
from jaxcrypt.declared import Entry
from jaxcrypt.errors import Refusal
from jaxcrypt.evaluation import validation, watching
from jaxcrypt.evaluation.suites import checkpoints as checkpoint_evaluation
from jaxcrypt.record import Phase, Stage
from jaxcrypt.systems import catalog
from jaxcrypt.training import loop, run
from jaxcrypt.training.checkpoint import Checkpoints
from jaxcrypt.training.defaults import complete
from jaxcrypt.training.writer import LABEL
from tests.training import toys

FIXTURE = Path(__file__).parent / "checkpoint_v1"


@pytest.fixture(autouse=True)
def toy(monkeypatch):
    monkeypatch.setitem(catalog._ENTRIES, "toy", Entry("toy", "tests.training.toys", "a toy"))
    monkeypatch.setattr(jaxcrypt.data, "pipeline", toys.pipeline, raising=False)


def around(**more):
    return run.Surroundings(pipeline=lambda: toys.Data(16), **more)


def two_nets(config, first=4, second=4, init_from="one"):
    """Scalars w and v: stage `one` moves w towards 1, stage `two` moves v towards w, wherever w then is."""

    def init(rng, batch):
        return {"w": {"x": jnp.zeros(())}, "v": {"x": jnp.zeros(())}}, {"w": {}, "v": {}}

    def w_loss(params, extra, batch, rng):
        return (params["w"]["x"] - 1.0) ** 2, (extra, {})

    def v_loss(params, extra, batch, rng):
        return (params["v"]["x"] - params["w"]["x"]) ** 2, (extra, {"target": params["w"]["x"]})

    stages = (
        Stage({"w": Phase(("w",), w_loss)}, first, name="one"),
        Stage({"v": Phase(("v",), v_loss)}, second, init_from, name="two"),
    )
    return toys.system(init, stages, lambda *_: {})


def values(workdir, name):
    lines = [json.loads(line) for line in (workdir / "log.jsonl").read_text().splitlines()]
    return {line["step"]: line[name] for line in lines if name in line}


def test_watching_says_what_it_waits_for(tmp_path, caplog, monkeypatch):
    def no_patience(watcher):
        raise TimeoutError

    monkeypatch.setattr(watching.Watcher, "steps", no_patience)
    with pytest.raises(TimeoutError):
        next(checkpoint_evaluation.evaluate_run(tmp_path / "typo", watch=True))
    assert "typo: no checkpoints yet; waiting for the first" in caplog.text


def test_a_run_that_goes_on_with_another_config_says_so(tmp_path, caplog):
    config = complete(toys.config(steps=4))
    run.train(toys.denoiser(config), config, tmp_path, around())
    changed = complete(toys.config(steps=8))
    changed.optimizer.lr = 5e-4
    with caplog.at_level(logging.WARNING, "jaxcrypt"):
        run.train(toys.denoiser(changed), changed, tmp_path, around())
    told = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert told == ["config.optimizer.lr was 0.001, is 0.0005", "config.train.steps was 4, is 8"]


def test_a_stage_starts_from_the_parameters_of_an_earlier_one(tmp_path):
    config = complete(toys.config())
    config.optimizer.lr = 0.1
    variables = run.train(two_nets(config), config, tmp_path, around())
    w, v = (float(variables["params"][net]["x"]) for net in "wv")
    assert 0.3 < w < 0.5
    assert 0 < v < w + 0.1
    assert set(values(tmp_path, "w/loss")) == {1, 2, 3, 4}
    assert values(tmp_path, "v/target") == pytest.approx(dict.fromkeys((5, 6, 7, 8), w))


def test_a_run_that_ended_between_stages_goes_on_with_the_next(tmp_path, caplog):
    config = complete(toys.config())
    run.train(
        dataclasses.replace(two_nets(config), stages=two_nets(config).stages[:1]), config, tmp_path, around()
    )
    with caplog.at_level(logging.INFO, "jaxcrypt"):
        run.train(two_nets(config), config, tmp_path, around())
    assert "resuming from the checkpoint at step 4" in caplog.text
    assert set(values(tmp_path, "v/loss")) == {5, 6, 7, 8}


def test_a_stage_may_start_from_the_zoo_or_from_nothing(tmp_path):
    config = complete(toys.config())
    given = {"params": {"w": {"x": np.float32(7.0)}, "other": {}}, "extra": {}}
    system = two_nets(config, init_from="zoo-entry")
    variables = run.train(
        system, config, tmp_path / "zoo", around(weights=lambda name: {"zoo-entry": given}[name])
    )
    assert float(variables["params"]["w"]["x"]) == 7.0
    variables = run.train(two_nets(config, init_from=None), config, tmp_path / "none", around())
    assert float(variables["params"]["w"]["x"]) == 0.0
    with pytest.raises(Refusal, match="neither an earlier stage nor a zoo entry"):
        run.train(system, config, tmp_path / "unknown", around())


def test_any_run_may_be_told_to_start_from_the_zoo(tmp_path):
    config = complete(toys.config())
    config.train.init_from = "zoo-entry"
    given = {"params": {"w": {"x": np.float32(7.0)}, "v": {"x": np.float32(3.0)}}, "extra": {}}
    zoo = around(weights=lambda name: {"zoo-entry": given}[name])
    variables = run.train(two_nets(config), config, tmp_path, zoo)
    w, v = (float(variables["params"][net]["x"]) for net in "wv")
    assert (w, v) == pytest.approx((7.0, 3.0), abs=0.1)


@pytest.mark.parametrize(
    ("nets", "why"),
    [
        ({"other": {"x": np.float32(7.0)}}, "has none of the nets v, w"),
        ({"w": {"x": np.zeros(3, np.float32)}}, "its net w is of another make"),
        ({"w": {"y": np.float32(7.0)}}, "its net w is of another make"),
    ],
)
def test_weights_that_do_not_fit_start_nothing(nets, why, tmp_path):
    config = complete(toys.config())
    config.train.init_from = "zoo-entry"
    given = around(weights=lambda name: {"params": nets, "extra": {}})
    with pytest.raises(Refusal, match=f"init_from=zoo-entry: {why}"):
        run.train(two_nets(config), config, tmp_path, given)


def test_an_explosion_names_its_phase_and_is_never_saved(tmp_path):
    def loss(params, extra, batch, rng):
        x = params["net"]["x"]
        return jnp.sqrt(x - 0.65), (extra, {})  # falls until it is no longer real

    def init(rng, batch):
        return {"net": {"x": jnp.ones(())}}, {}

    config = complete(toys.config(checkpoint_every=1))
    config.optimizer.lr = 0.1
    system = toys.system(init, (Stage({"doomed": Phase(("net",), loss)}, 12),), lambda *_: {})
    with pytest.raises(Refusal, match=r"phase doomed: (loss|grad_norm) is (nan|inf) at step 5"):
        run.train(system, config, tmp_path, around())
    checkpoints = Checkpoints(tmp_path, read_only=True)
    newest = max(checkpoints.steps())
    assert newest == 4
    assert np.isfinite(checkpoints.restore_arrays(newest)["params"]["net"]["x"])


def test_a_failing_evaluation_costs_no_steps(tmp_path):
    def evaluator(variables):
        raise Refusal("the validation pictures are gone")

    config = complete(toys.config(eval_every=6, checkpoint_every=100))
    with pytest.raises(Refusal, match="pictures are gone"):
        run.train(toys.denoiser(config), config, tmp_path, around(evaluators={"validation": evaluator}))
    assert Checkpoints(tmp_path, read_only=True).steps() == [6]


def test_an_explosion_names_a_setting_that_can_be_given():
    metrics = {"net/loss": Average(total=jnp.float32(jnp.nan), count=jnp.float32(1))}
    with pytest.raises(
        Refusal, match=r"try a lower --config\.optimizer\.lr or a --config\.optimizer\.clip_norm"
    ):
        loop.check_finite(3, metrics, {})
    with pytest.raises(Refusal, match=r"try a lower --config\.phases\.net\.optimizer\.lr"):
        loop.check_finite(3, metrics, {"net": "config.phases.net.optimizer.lr"})


def test_a_profile_fits_into_a_short_stage(tmp_path):
    config = complete(toys.config(steps=3))
    run.train(toys.denoiser(config), config, tmp_path, around(profile_steps=2))
    assert list((tmp_path / "profile").rglob("*.xplane.pb"))


def test_what_ends_early_or_is_not_trained_is_refused(tmp_path):
    config = complete(toys.config())
    with pytest.raises(Refusal, match="nothing to train"):
        run.train(toys.system(None, (), None), config, tmp_path, around())
    config.train.substeps = 5
    with pytest.raises(Refusal, match="substeps=5"):
        run.train(toys.denoiser(config), config, tmp_path, around())
    assert not any(tmp_path.iterdir())  # before its checkpoints are opened


def test_padding_of_the_last_validation_batch_does_not_count():
    config = complete(toys.config())
    system = toys.gan(config)
    blind = dataclasses.replace(system, outputs=lambda variables, batch, rng: {
        "image": batch["image"] / 255.0, "decrypted": jnp.full(batch["image"].shape, 0.5),
    })  # fmt: skip
    values = dict(validation.validation_evaluator(blind, config)({}))
    data = toys.Data(16, seed=1, count=24)
    real = np.concatenate([batch["image"][batch["valid"]] for batch in data]) / 255
    assert len(real) == 24
    assert values["mse"] == pytest.approx(np.mean((real - round(0.5 * 255) / 255) ** 2), rel=1e-3)
    assert values["sheet"].shape == (LABEL + 8 * 9, 2 * 9, 3)


@pytest.fixture
def old(tmp_path):
    shutil.copytree(FIXTURE, tmp_path / "old")
    return tmp_path / "old"


def test_a_checkpoint_of_the_first_format_is_restored(old):
    _, variables, entry = zoo.load(old)
    assert entry["steps"] == 4
    expected = json.loads((FIXTURE / "expected.json").read_text())
    numbers = {
        jax.tree_util.keystr(path): float(np.sum(leaf)) for path, leaf in jax.tree.leaves_with_path(variables)
    }
    assert numbers == pytest.approx(expected, rel=1e-6)
    config = complete({**entry["config"], "train": {**entry["config"]["train"], "steps": 6}})
    run.train(toys.denoiser(config), config, old, around())
    assert set(values(old, "net/loss")) == {5, 6}


def test_a_run_is_evaluated_once_or_while_it_grows(old):
    (once,) = checkpoint_evaluation.evaluate_run(old)
    assert once["step"] == 4
    assert {"validation/psnr", "validation_raw/psnr"} < set(once)
    assert once["validation/psnr"] != once["validation_raw/psnr"]
    (watched,) = checkpoint_evaluation.evaluate_run(old, watch=True)  # ends with the run's last step
    assert watched == once
    assert len((old / "evaluation" / "log.jsonl").read_text().splitlines()) == 2
    with pytest.raises(Refusal, match="not the --workdir"):
        next(checkpoint_evaluation.evaluate_run(FIXTURE.parent))
