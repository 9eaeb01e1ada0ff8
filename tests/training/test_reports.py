"""What a run tells: sheets, logs, the table of several runs, and what it would be before it is one."""

import json
import sys
import types

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxcrypt.errors import Refusal
from jaxcrypt.record import Phase, Stage
from jaxcrypt.training import stage
from jaxcrypt.training.defaults import complete, get_defaults
from jaxcrypt.training.dryrun import dry_run
from jaxcrypt.training.table import table
from jaxcrypt.training.writer import LABEL, Writer, columns, sheet
from tests.training import toys


def test_a_sheet_names_its_columns():
    grey = np.full((3, 40, 40, 1), 0.5, np.float32)
    drawn = sheet({"image": grey, "decrypted": grey}, rows=2)
    assert drawn.shape == (LABEL + 2 * 41, 2 * 41, 3)
    labels = drawn[:LABEL]
    assert (labels[:, :41] < 0.5).any()
    assert (labels[:, 41:] < 0.5).any()
    assert not np.array_equal(labels[:, :41], labels[:, 41:])
    assert np.all(drawn[LABEL : LABEL + 40, :40] == 0.5)


def test_a_batch_becomes_columns():
    batch = {
        "cover": np.zeros((2, 8, 8, 3), np.uint8),
        "secrets": np.zeros((2, 3, 8, 8, 3), np.uint8),
        "mask": np.ones((2, 8, 8), bool),
        "labels": np.zeros((2, 40), np.uint8),
    }
    assert list(columns(batch)) == ["cover", "secrets 1", "secrets 2", "secrets 3", "mask"]
    assert sheet(columns(batch)).shape == (LABEL + 2 * 9, 5 * 9, 3)


def test_tensorboard_reads_what_is_written(tmp_path):
    tensorboard = pytest.importorskip("tensorboardX.proto.event_pb2")
    writer = Writer(tmp_path)
    writer.scalars(3, {"loss": 0.5, "bad": float("nan")})
    writer.text(3, "config", "path: caf\udce9")
    writer.picture(3, "sheet", np.zeros((8, 8, 3)))
    writer.close()
    data = next((tmp_path / "tensorboard").iterdir()).read_bytes()
    tags, place = [], 0
    while place < len(data):  # length, its checksum, the event, its checksum
        size = int.from_bytes(data[place : place + 8], "little")
        event = tensorboard.Event.FromString(data[place + 12 : place + 12 + size])
        tags += [(event.step, value.tag) for value in event.summary.value]
        place += 16 + size
    assert tags == [(3, "loss"), (3, "bad"), (3, "config/text_summary"), (3, "sheet")]
    assert json.loads((tmp_path / "log.jsonl").read_text())["bad"] is None


def test_weights_and_biases_gets_the_log_too(tmp_path, monkeypatch):
    told = []
    run = types.SimpleNamespace(
        log=lambda values, step: told.append((step, values)), finish=lambda: told.append("end")
    )
    fake = types.SimpleNamespace(
        init=lambda **given: told.append(given) or run, Image=lambda pixels: "picture"
    )
    monkeypatch.setitem(sys.modules, "wandb", fake)
    writer = Writer(tmp_path / "mine", wandb="project", config={"a": 1})
    writer.scalars(3, {"loss": 0.5, "bad": float("nan")})
    writer.picture(3, "sheet", np.zeros((8, 8, 3)))
    writer.close()
    assert (told[0]["project"], told[0]["name"], told[0]["config"]) == ("project", "mine", {"a": 1})
    assert told[1:] == [(3, {"loss": 0.5}), (3, {"sheet": "picture"}), "end"]
    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(Refusal, match=r"pip install 'jaxcrypt\[wandb\]'"):
        Writer(tmp_path, wandb="project")


def test_several_runs_stand_in_a_table_the_best_first(tmp_path):
    for name, lr, psnrs in (("a", 1e-3, (20.0, 19.0)), ("b", 3e-4, (18.0, 25.5))):
        config = get_defaults()
        config.optimizer.lr = lr
        folder = tmp_path / name
        folder.mkdir()
        (folder / "config.json").write_text(config.to_json())
        lines = [{"step": 10 * i, "validation/psnr": psnr} for i, psnr in enumerate(psnrs, 1)]
        (folder / "log.jsonl").write_text("\n".join(map(json.dumps, lines)) + "\n")
    assert table(tmp_path).splitlines() == [
        "| run | optimizer.lr | validation/psnr | step |",
        "|---|---|---|---|",
        "| b | 0.0003 | 25.5 | 20 |",
        "| a | 0.001 | 20 | 10 |",
    ]
    with pytest.raises(Refusal, match="holds no run"):
        table(tmp_path / "a" / "nothing")


def test_a_dry_run_says_what_a_run_would_be_and_writes_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = complete(toys.config(substeps=2))
    report = "\n".join(dry_run(toys.denoiser(config), config))
    for said in ("batch: image uint8 [16, 8, 8, 1]", "Total: 305", "GFLOP", "MiB held", "net/loss 0."):
        assert said in report
    assert not list(tmp_path.iterdir())


def test_remat_is_left_out_where_it_would_cost_and_that_is_said(caplog):
    config = complete(toys.config(remat=True))
    plain = complete(toys.config())
    with_it, without = ("\n".join(dry_run(toys.denoiser(one), one)) for one in (config, plain))
    memory = "MiB while it computes"
    assert [line for line in with_it.splitlines() if memory in line] == [
        line for line in without.splitlines() if memory in line
    ]
    assert [m for m in caplog.messages if "remat: left out; XLA's CPU backend merges again" in m]


def test_a_precision_that_does_next_to_nothing_is_refused():
    net = nn.Conv(1, (3, 3))  # Flax's own: takes the wider of picture and kernel

    def init(rng, batch):
        return {"net": net.init(rng, jnp.zeros((1, 8, 8, 1)))["params"]}, {"net": {}}

    def loss(params, extra, batch, rng):
        out = net.apply({"params": params["net"]}, batch["image"].astype(jnp.float32))
        return jnp.mean(jnp.square(out)), (extra, {})

    config = complete(toys.config(precision="bfloat16"))
    system = toys.system(init, (Stage({"net": Phase(("net",), loss)}, 4),), lambda *_: {})
    with pytest.raises(Refusal, match="precision=bfloat16: 0% of the convolutions and products"):
        list(dry_run(system, config))


@pytest.mark.parametrize("counted", [None, {}, {"flops": 0.0}])
def test_products_are_counted_where_xla_counts_nothing(monkeypatch, counted):
    monkeypatch.setattr(jax.stages.Lowered, "cost_analysis", lambda self: counted)
    left, right = (jax.ShapeDtypeStruct(shape, np.float32) for shape in ((4, 5), (5, 6)))
    assert stage._flops(lambda x, y: x @ y, left, right) == 2 * 4 * 5 * 6
